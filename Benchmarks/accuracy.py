"""The accuracy that speed costs: the same distillation with all that makes it fast, and with libtorch's float32 operations
on padded batches, for three seeds.

    python Benchmarks/accuracy.py [--seeds 3]

Writes its table between the markers of docs/performance.md. `make benchmark ROWS=b` must have run before: it fine-tunes the
teacher.
"""

import argparse
import os
import shutil
import statistics

from common import DISTILL, MOVIES, ROOT, WORK, fast_precision, machine
from rows.runs import TEACHER
from sides import run

BEGIN, END = "<!-- accuracy:begin -->", "<!-- accuracy:end -->"


def distil(seed, level, precision):
    output = WORK / "run-accuracy"
    shutil.rmtree(output, ignore_errors=True)
    if level:
        os.environ["DISTILL_CPU_CAPABILITY"] = level
    try:
        finished = run([
            str(DISTILL), "run", "--teacher", str(TEACHER), "--train", str(MOVIES / "train.csv"), "--validation",
            str(MOVIES / "validation.csv"), "--output", str(output), "--layers", "3", "--init", "teacher-layers", "--epochs", "2",
            "--learning-rate", "1e-4", "--seed", str(seed), "--precision", precision, "--cache-dir",
            str(WORK / f"cache-{level or 'kernels'}"), "--json", "--quiet"], os.cpu_count())
    finally:
        os.environ.pop("DISTILL_CPU_CAPABILITY", None)
    phases = {phase["name"]: phase["seconds"] for phase in finished.json["phases"]}
    student, agreement = finished.json["student"], finished.json["comparison"]["agreement"]
    return student["accuracy"] * 100, agreement * 100, phases["Training"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = range(1, parser.parse_args().seeds + 1)
    lines = [
        f"Measured on: {machine()}, by `Benchmarks/accuracy.py`: three of MiniLM's layers, 2 epochs of the demo's sentences,",
        "validation accuracy (agreement with the teacher in brackets) in percent; 1,000 sentences, so one run's standard error",
        "is about 1.1 points.", "",
        "| | " + " | ".join(f"seed {seed}" for seed in seeds) + " | mean | training |", "|---|" + "---|" * (len(seeds) + 2)]
    for name, level, precision in (
        (f"our kernels, packed, {fast_precision()}", None, fast_precision()),
        ("libtorch's operations, padded, float32", "libtorch", "float32"),
    ):
        results = [distil(seed, level, precision) for seed in seeds]
        cells = " | ".join(f"{accuracy:.1f} ({agreement:.1f})" for accuracy, agreement, _ in results)
        mean = statistics.mean(accuracy for accuracy, _, _ in results)
        seconds = statistics.median(seconds for _, _, seconds in results)
        lines.append(f"| {name} | {cells} | {mean:.2f} | {seconds:.0f} s |")
        print(lines[-1], flush=True)
    document = ROOT / "docs/performance.md"
    before, _, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, found, after = rest.partition(END)
    if found:
        document.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
