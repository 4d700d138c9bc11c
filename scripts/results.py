#!/usr/bin/env python3
"""Makes the tables of `docs/results.md`: for each data set a teacher, and students of two sizes, each trained from the
labels alone, from the teacher's logits, and from several of its layers, over three seeds.

    scripts/results.py [--sets movies,trec6,…] [--data DIR] [--output DIR] [--seeds 3] [--dry-run]

The movie snippets come with the demo (`scripts/demo_data.py`). The others are read from DIR, where they are there:
`banking77/{train,test}.csv`, `sst2_sentence/stsa.binary.{train,dev,test}`, `trec6/TREC.{train,test}.all`,
`stsb/stsb-en-{train,dev,test}.csv`. What is finished already in the output directory is not done again.
"""

import argparse
import csv
import json
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DISTILL = ROOT / ".build/release/distill"
ENCODER = ".demo/all-MiniLM-L6-v2"


# MARK: Data


def write(path, header, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def numbered(path):
    """Lines of a class number and a text."""
    for line in open(path, encoding="latin-1" if "TREC" in path.name else "utf-8"):
        label, _, text = line.rstrip("\n").partition(" ")
        yield text, label


def prepare(name, source, target):
    """Writes train, test and, where the set has one, validation as CSV. Returns their paths."""
    if name == "movies":
        return {part: Path(".demo/movies") / f"{part}.csv" for part in ("train", "validation", "test")}
    parts = {
        "banking77": {"train": "banking77/train.csv", "test": "banking77/test.csv"},
        "trec6": {"train": "trec6/TREC.train.all", "test": "trec6/TREC.test.all"},
        "sst2": {part: f"sst2_sentence/stsa.binary.{file}" for part, file in
                 (("train", "train"), ("validation", "dev"), ("test", "test"))},
        "stsb": {part: f"stsb/stsb-en-{file}.csv" for part, file in
                 (("train", "train"), ("validation", "dev"), ("test", "test"))},
    }[name]
    paths = {}
    for part, file in parts.items():
        paths[part] = target / name / f"{part}.csv"
        if paths[part].exists():
            continue
        if name == "banking77":
            rows = list(csv.reader(open(source / file, encoding="utf-8")))
            write(paths[part], ["text", "label"], rows[1:])
        elif name == "stsb":
            rows = csv.reader(open(source / file, encoding="utf-8"))
            write(paths[part], ["sentence1", "sentence2", "label"], rows)
        else:
            write(paths[part], ["text", "label"], numbered(source / file))
    return paths


# MARK: Runs


class Runs:
    def __init__(self, output, dry):
        self.output, self.dry, self.commands = output, dry, []

    def distill(self, folder, *arguments):
        """Runs `distill` unless its report is there already; returns the report."""
        command = [".build/release/distill", *map(str, arguments), "--output", str(folder)]
        self.commands.append(command)
        report = ROOT / folder / ("training.json" if arguments[0] == "finetune" else "distillation.json")
        if not report.exists() or json.loads(report.read_text())["interrupted"]:
            print(shlex.join(command), flush=True)
            if self.dry:
                return None
            subprocess.run([*command, "--overwrite", "--quiet", "--json"], cwd=ROOT, check=True,
                           stdout=subprocess.DEVNULL)
        return json.loads(report.read_text())


# MARK: What is compared

# The teacher's training, chosen on validation data.
TEACHERS = {
    "movies": ["--epochs", 2, "--learning-rate", "5e-5"],
    "banking77": ["--epochs", 6, "--learning-rate", "1e-4"],
    "trec6": ["--epochs", 4, "--learning-rate", "1e-4"],
    "sst2": ["--epochs", 3, "--learning-rate", "5e-5"],
    "stsb": ["--epochs", 4, "--learning-rate", "5e-5", "--problem-type", "regression"],
}

# Two students: three of the teacher's six layers; and one of at most five million parameters.
STUDENTS = {
    "3 × 384": ["--layers", 3, "--init", "teacher-layers"],
    "3 × 128": ["--layers", 3, "--hidden-size", 128, "--attention-heads", 4, "--intermediate-size", 512,
                "--init", "narrowed-teacher"],
}
EPOCHS = {"3 × 384": {"default": 4}, "3 × 128": {"default": 10}}
RATES = {"3 × 384": "1e-4", "3 × 128": "5e-4"}

METHODS = {}


def soft(name):
    return "logits_mse" if name == "stsb" else "kl"
