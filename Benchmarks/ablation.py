"""What each technique buys: the same work with one of them left out, in turn with all of them.

    python Benchmarks/ablation.py [--rounds 5]

Writes its table between the markers of docs/performance.md. `scripts/benchmark.sh` must have run before: it builds the
runner and prepares the models.
"""

import argparse
import os
import statistics

from common import MOVIES, ROOT, RUNNER, WORK, machine
from sides import Side, in_turn, parts

BEGIN, END = "<!-- techniques:begin -->", "<!-- techniques:end -->"


def side(request, level):
    """Our side, with the kernels of a lesser instruction set where `level` names one."""

    def make():
        before = os.environ.get("DISTILL_CPU_CAPABILITY")
        try:
            if level:
                os.environ["DISTILL_CPU_CAPABILITY"] = level
            return Side([str(RUNNER)], request)
        finally:
            os.environ.pop("DISTILL_CPU_CAPABILITY", None)
            if before is not None:
                os.environ["DISTILL_CPU_CAPABILITY"] = before

    return make


def texts():
    import csv

    file = WORK / "train-sentences.txt"
    with open(MOVIES / "train.csv", encoding="utf-8", newline="") as source:
        file.write_text("\n".join(text for text, _ in list(csv.reader(source))[1:]) + "\n", encoding="utf-8")
    return file


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    common = {"model": str(WORK / "minilm"), "texts": str(texts()), "batches": 12, "threads": os.cpu_count()}
    step = {**common, "workload": "demo_step", "precision": "bfloat16"}
    answer = {**common, "workload": "demo_inference", "precision": "bfloat16"}
    layer = {
        "workload": "last_layer", "precision": "bfloat16", "hidden": 384, "intermediate": 1536, "heads": 12, "batch": 32,
        "length": 64, "threads": os.cpu_count(), "first_only": True}
    cases = [
        ("training step", "no padding in batches", step, {"padded": True}, None),
        ("training step", "no padding, and sentences of similar length together", step, {"padded": True, "random_order": True}, None),
        ("training step", "AdamW on the token embeddings row by row", step, {"dense_update": True}, None),
        ("training step", "bfloat16 rather than float32", step, {"precision": "float32"}, None),
        ("training step", "bfloat16 products of the processor rather than emulated", step, {}, "avx512"),
        ("training step", "AVX-512 rather than AVX2, float32", {**step, "precision": "float32"}, {}, "avx2"),
        ("training step", "our kernels rather than libtorch's, bfloat16", step, {}, "libtorch"),
        ("training step", "our kernels rather than libtorch's, float32", {**step, "precision": "float32"}, {}, "libtorch"),
        ("training step", "both cores", step, {"threads": 1}, None),
        ("last layer's step, 32 × 64 tokens", "only each sentence's first token", layer, {"first_only": False}, None),
        ("inference", "weights packed once", answer, {"repacked": True}, None),
        ("inference", "no padding in batches", answer, {"padded": True}, None),
        ("inference", "bfloat16 rather than float32", answer, {"precision": "float32"}, None),
        ("inference", "our kernels rather than libtorch's, bfloat16", answer, {}, "libtorch"),
        ("inference", "our kernels rather than libtorch's, float32", {**answer, "precision": "float32"}, {}, "libtorch"),
    ]
    lines = [
        f"Measured on: {machine()}, by `Benchmarks/ablation.py`, medians of {rounds} rounds in turn. MiniLM-L6 on 12 batches of 32 of",
        "the demo's sentences, milliseconds a batch.", "",
        "| work | technique | with it | without it | bought |", "|---|---|---|---|---|"]
    for work, technique, request, change, level in cases:
        answers = in_turn(rounds, side(request, None), side({**request, **change}, level))
        scale = 1e3 / request.get("batches", 1)
        with_it, without = (statistics.median(parts(each)) * scale for each in answers)
        lines.append(f"| {work} | {technique} | {with_it:.1f} | {without:.1f} | {without / with_it:.2f}× |")
        print(lines[-1], flush=True)
    document = ROOT / "docs/performance.md"
    text = document.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if found:
        document.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
