#!/usr/bin/env python3
"""Runs the same commands many times, each in a fresh process, and says whether every run gave the same bits.

    python3 scripts/same_bits.py [--runs 200] [--threads 2,3,4] [--precisions float32,bfloat16] [--levels auto|all|NAME,…]

Training (the weights), labelling (the kept outputs) and evaluation (every metric) of a small model, half of the runs alone and
half beside a busy process on each core. With the kernels of this package the bits must also be the same on any number of
threads; with libtorch's operations (level `libtorch`) only from run to run.
"""

import argparse
import collections
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / ".demo"
LEVELS = ["amx_bf16", "avx512_bf16", "avx512", "avx2", "default", "libtorch"]


def run(distill, arguments, environment):
    done = subprocess.run([str(distill), *map(str, arguments)], capture_output=True, env=environment)
    if done.returncode != 0:
        sys.exit(f"same_bits: distill {arguments[0]} failed: {done.stderr.decode(errors='replace')[-500:]}")
    return done.stdout


def digest(*contents):
    return hashlib.sha256(b"\0".join(contents)).hexdigest()[:12]


class Case:
    """A command that is repeated, and the bytes of it that must not vary."""

    def __init__(self, distill, work, texts):
        self.distill, self.work, self.texts = distill, work, texts

    def common(self, threads, precision):
        return ["--threads", threads, "--precision", precision]

    def training(self, model, common, environment):
        output = self.work / "trained"
        run(self.distill, ["finetune", "--model", model, "--train", self.texts, "--validation", self.texts, "--output", output,
                           "--max-steps", 4, "--quiet", "--overwrite", *common], environment)
        return digest((output / "model.safetensors").read_bytes())

    def labelling(self, model, common, environment):
        cache = self.work / "label-cache"
        shutil.rmtree(cache, ignore_errors=True)
        run(self.distill, ["label", "--teacher", model, "--data", self.texts, "--cache-dir", cache, "--quiet", *common], environment)
        kept = sorted((cache / "teachers").rglob("*.logits"))
        if not kept:
            sys.exit("same_bits: labelling kept no outputs")
        return digest(*(file.read_bytes() for file in kept))

    def evaluation(self, model, common, environment):
        report = json.loads(run(self.distill, ["evaluate", "--model", model, "--data", self.texts, "--latency-samples", 0, "--json",
                                               "--quiet", *common], environment))

        def numbers(value):
            if isinstance(value, dict):
                return {key: numbers(item) for key, item in value.items()
                        if key not in ("phases", "seconds", "versions", "threads", "latency")}
            return [numbers(item) for item in value] if isinstance(value, list) else value

        return digest(json.dumps(numbers(report), sort_keys=True).encode())


def prepare(distill, work):
    """A narrow student of two layers, and 64 texts."""
    movies, texts = DEMO / "movies/train.csv", work / "texts.csv"
    with open(movies, encoding="utf-8") as source, open(texts, "w", encoding="utf-8") as to:
        for _, line in zip(range(65), source):
            to.write(line)
    environment = {**os.environ, "DISTILL_CACHE": str(work / "cache")}
    teacher, student = work / "teacher", work / "student"
    run(distill, ["finetune", "--model", DEMO / "all-MiniLM-L6-v2", "--train", texts, "--validation", texts, "--output", teacher,
                  "--max-steps", 1, "--quiet"], environment)
    run(distill, ["run", "--teacher", teacher, "--train", texts, "--validation", texts, "--output", student, "--layers", 2,
                  "--hidden-size", 128, "--attention-heads", 4, "--intermediate-size", 512, "--init", "narrowed-teacher",
                  "--max-steps", 1, "--quiet"], environment)
    return student, texts


def supported(level):
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    needed = {"amx_bf16": "amx_bf16", "avx512_bf16": "avx512_bf16", "avx512": "avx512bw", "avx2": "avx2"}.get(level)
    return needed is None or needed in flags


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--distill", default=ROOT / ".build/release/distill", type=Path)
    parser.add_argument("--runs", type=int, default=200, help="of each command at each precision, spread over the threads")
    parser.add_argument("--threads", default="2,3,4")
    parser.add_argument("--precisions", default="float32,bfloat16")
    parser.add_argument("--levels", default="auto", help="auto: what the program chooses; all: each that this processor has")
    parser.add_argument("--cases", default="training,labelling,evaluation")
    arguments = parser.parse_args()
    threads = [int(count) for count in arguments.threads.split(",")]
    levels = [level for level in LEVELS if supported(level)] if arguments.levels == "all" else arguments.levels.split(",")
    failed = False
    with tempfile.TemporaryDirectory(prefix="distill-same-bits-") as name:
        work = Path(name)
        model, texts = prepare(arguments.distill, work)
        case = Case(arguments.distill, work, texts)
        for level in levels:
            environment = {**os.environ, "DISTILL_CACHE": str(work / f"cache-{level}")}
            environment.pop("DISTILL_CPU_CAPABILITY", None)
            if level != "auto":
                environment["DISTILL_CPU_CAPABILITY"] = level
            for precision in arguments.precisions.split(","):
                for what in arguments.cases.split(","):
                    failed |= repeat(case, what, model, level, precision, threads, arguments.runs, environment)
    sys.exit(1 if failed else 0)


def repeat(case, what, model, level, precision, threads, runs, environment):
    start, counts = time.monotonic(), {count: collections.Counter() for count in threads}
    for index in range(runs):
        count = threads[index % len(threads)]
        if index == runs // 2:
            load = [subprocess.Popen([sys.executable, "-I", "-S", "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
        elif index == 0:
            load = []
        counts[count][getattr(case, what)(model, case.common(count, precision), environment)] += 1
    for process in load:
        process.kill()
        process.wait()
    kinds = {digest for counter in counts.values() for digest in counter}
    # libtorch cuts some of its sums by the number of threads.
    same = all(len(counter) == 1 for counter in counts.values()) and (len(kinds) == 1 or level == "libtorch")
    told = "; ".join(f"{count} threads: " + ", ".join(f"{number} × {digest}" for digest, number in counter.most_common())
                     for count, counter in counts.items())
    print(f"{'same' if same else 'DIFFERENT'}  {what}, {precision}, {level}: {runs} runs, {told} ({time.monotonic() - start:.0f} s)",
          flush=True)
    return not same


if __name__ == "__main__":
    main()
