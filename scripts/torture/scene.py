"""The data, the models and the commands that the torture works with."""

import csv
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys

WORDS = {
    "positive": "good great fine lovely superb brilliant moving fresh".split(),
    "negative": "bad awful poor dull terrible boring flat stale".split(),
}
THINGS = "movie plot actor scene film story music ending dialogue cast camera pace".split()

# Each is a run of its own kind: what a checkpoint has to hold differs between them.
SETTINGS = {
    "plain": [],
    "averages": ["--ema-decay", "0.9", "--eval-steps", "5", "--early-stopping-patience", "9"],
    "bfloat16": ["--precision", "bfloat16"],
    "layers": ["--objective", "kl(weight=0.7)", "--objective", "hidden_mse(weight=1)", "--objective", "cross_entropy"],
    "accumulation": ["--batch-size", "8", "--gradient-accumulation-steps", "2", "--word-dropout", "0.1"],
    "seeds": ["--seeds", "2", "--baseline", "--epochs", "1"],
    "no caches": ["--no-teacher-cache", "--no-data-cache"],
    "quantization-aware": ["--quantize-aware"],
    "processes": ["--processes", "2"],
}


class Failure(Exception):
    """Something that must not happen."""


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Scene:
    """A directory with data and a teacher, and the program."""

    def __init__(self, program, model, directory):
        self.program, self.directory = program, directory
        self.environment = dict(os.environ, DISTILL_CACHE=self.path("cache"), TMPDIR=self.path("tmp"))
        os.makedirs(self.path("tmp"), exist_ok=True)
        self.write_data(self.path("train.csv"), 320, seed=1)
        status, text = self.run(
            ["finetune", "--model", model, "--train", self.path("train.csv"), "--epochs", "1", "--learning-rate", "1e-4",
             "--output", self.path("teacher")])
        if status != 0:
            sys.exit(f"torture: no teacher could be made:\n{text}")

    def path(self, name):
        return os.path.join(self.directory, name)

    @staticmethod
    def write_data(path, count, seed):
        draw = random.Random(seed)
        with open(path, "w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["text", "label"])
            for index in range(count):
                label = ["negative", "positive"][index % 2]
                words = [draw.choice(THINGS) for _ in range(draw.randint(2, 14))]
                words.insert(draw.randrange(len(words)), draw.choice(WORDS[label]))
                rows.writerow([" ".join(words), label])

    # Commands

    def distillation(self, output, kind, more=(), train=None, teacher=None):
        """The arguments of a small run."""
        return ["run", "--teacher", teacher or self.path("teacher"), "--train", train or self.path("train.csv"),
                "--layers", "2", "--hidden-size", "32", "--attention-heads", "4", "--intermediate-size", "64",
                "--epochs", "2", "--learning-rate", "1e-3", "--logging-steps", "3", "--save-steps", "2",
                # Not auto: what it takes is measured, and kept in the cache, which is damaged and removed here.
                *(["--precision", "float32"] if kind != "bfloat16" else []),
                *(["--threads", "2"] if kind != "processes" else []), "--output", output, *SETTINGS[kind], *more]

    def start(self, arguments, environment=None, limits=None, output=subprocess.PIPE, apart=False):
        """Starts the program; apart, as the first of a process group of its own."""
        return subprocess.Popen(
            [self.program, *arguments], env=environment or self.environment, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, text=True, errors="replace", preexec_fn=limits,
            start_new_session=apart)

    def finish(self, process, limit=120):
        """Waits for a process.

        Returns its exit code (below 0 for a signal) and its output. Throws Failure where it hangs or crashes.
        """
        try:
            text, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            process.kill()
            text, _ = process.communicate()
            raise Failure(f"hangs for {limit} s:\n{text[-2000:]}")
        if process.returncode < 0 and process.returncode not in (-signal.SIGKILL, -signal.SIGTERM):
            raise Failure(f"ends by signal {-process.returncode}:\n{text[-3000:]}")
        if re.search(r"Fatal error|Program crashed|AddressSanitizer|terminate called", text):
            raise Failure(f"crashes:\n{text[-3000:]}")
        return process.returncode, text

    def run(self, arguments, environment=None, limits=None, limit=120):
        return self.finish(self.start(arguments, environment, limits), limit)

    # Results

    @staticmethod
    def result(output):
        """What a run has learned and recorded, but for times."""
        with open(os.path.join(output, "history.jsonl")) as file:
            history = [
                {key: value for key, value in json.loads(line).items() if key != "examples_per_second"} for line in file]
        with open(os.path.join(output, "distillation.json")) as file:
            report = json.load(file)
        for evaluation in report["epochs"]:
            del evaluation["seconds"]
            evaluation.pop("examples_per_second", None)
        return {"weights": digest(os.path.join(output, "model.safetensors")), "history": history,
                "epochs": report["epochs"], "best": report["best_epoch"], "steps": report["steps"],
                "interrupted": report["interrupted"]}

    def require_whole(self, output):
        """A killed run leaves a complete model or none, and checkpoints whose digests are right."""
        if os.path.isdir(output):
            for name in ("config.json", "model.safetensors", "tokenizer.json", "distillation.json"):
                if not os.path.exists(os.path.join(output, name)):
                    raise Failure(f"{output} lacks {name}")
            with open(os.path.join(output, "model.safetensors"), "rb") as file:
                size = int.from_bytes(file.read(8), "little")
                header = json.loads(file.read(size))
                end = max(entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__")
                if os.path.getsize(file.name) != 8 + size + end:
                    raise Failure(f"{file.name} is cut short")
        folder = output + ".checkpoints"
        for checkpoint in self.checkpoints(output):
            with open(os.path.join(folder, checkpoint, "SHA256SUMS")) as sums:
                for line in sums:
                    expected, name = line.rstrip("\n").split("  ", 1)
                    if digest(os.path.join(folder, checkpoint, name)) != expected:
                        raise Failure(f"{checkpoint}/{name} is not what SHA256SUMS says")

    @staticmethod
    def checkpoints(output):
        folder = output + ".checkpoints"
        names = os.listdir(folder) if os.path.isdir(folder) else []
        return sorted((name for name in names if name.startswith("checkpoint-")), key=lambda name: int(name[11:]))

    @staticmethod
    def clear(output):
        for path in (output, output + ".checkpoints"):
            shutil.rmtree(path, ignore_errors=True)
