"""Measures the runtime against ONNX Runtime, OpenVINO and CTranslate2: the same student, the same texts, from text to logits, in turn.

    python Benchmarks/runtime/benchmark.py RUNNER PROGRAM [--rounds 9] [--texts 1000] [--quick]

Called by `make benchmark-runtime`, which builds RUNNER (runner.c) and PROGRAM (distill-run). Prints a table in Markdown and writes it to
`.demo/benchmark/runtime/results.md`. A ratio is the median over rounds of ours by the peer's in the same round, with the 95 %
interval of a bootstrap over rounds; "best" is each round's best peer.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import ROOT, WORK, BenchmarkError, environment, machine
from sides import Side, run

FOLDER = WORK / "runtime"
PEERS = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "ctranslate2": "CTranslate2"}
PEER = [sys.executable, str(ROOT / "Benchmarks/runtime/peers.py")]
MODELS = {"float32": WORK / "minilm", "int8": WORK / "minilm-int8"}
# Of the best peer: latency at most this fraction, texts a second at least this multiple.
TARGETS = {("latency", "float32"): 0.8, ("latency", "int8"): 0.6, ("bulk", "float32"): 1.3, ("bulk", "int8"): 2.5}
# The largest difference of logits from ours in float32, of the largest of them.
ALLOWED = {"float32": 1e-3, "int8": 0.25}
TEXT = "A film to remember."


class Process(Side):
    """A side that takes a request a line."""

    def __init__(self, command, threads):
        import tempfile

        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
            env=environment(threads))
        self.receive()

    def ask(self, request):
        self.send(request)
        return self.receive()


def start(precision, threads, texts, runner):
    sides = {"ours": Process([runner, MODELS[precision], texts, threads], threads)}
    for peer in PEERS:
        sides[peer] = Process([*PEER, peer, FOLDER, precision, texts, threads], threads)
    return sides


def in_turn(sides, request, rounds):
    """Each side's median seconds in each round, all in turn."""
    results = {name: [] for name in sides}
    names = list(sides)
    for index in range(rounds + 1):
        for turn in range(len(names)):
            name = names[(turn + index) % len(names)]
            time.sleep(0.05)  # Until the others' waiting threads sleep.
            seconds = statistics.median(sides[name].ask(request)["seconds"])
            if index > 0:
                results[name].append(seconds)
    return results


def interval(ratios):
    """The median of the rounds' ratios, with a bootstrap's 95 %."""
    generator = random.Random(1)
    medians = sorted(statistics.median(generator.choices(ratios, k=len(ratios))) for _ in range(2000))
    return statistics.median(ratios), medians[50], medians[1949]


def formatted(ratios):
    middle, low, high = interval(ratios)
    return f"{middle:.2f}× ({low:.2f}–{high:.2f})"


def compare(results, is_rate):
    """Ours by each peer's, and by the best one's of each round."""
    ratio = (lambda own, other: other / own) if is_rate else (lambda own, other: own / other)
    columns = {peer: [ratio(*pair) for pair in zip(results["ours"], results[peer])] for peer in PEERS}
    best = [min(results[peer][index] for peer in PEERS) for index in range(len(results["ours"]))]
    return columns, [ratio(*pair) for pair in zip(results["ours"], best)]


def row(name, results, show, is_rate, target=None):
    columns, best = compare(results, is_rate)
    middle = statistics.median(best)
    met = "–" if target is None else "yes" if (middle >= target if is_rate else middle <= target) else "**no**"
    wanted = "–" if target is None else f"{'≥' if is_rate else '≤'} {target}×"
    cells = [show(statistics.median(results["ours"]))]
    cells += [f"{show(statistics.median(results[peer]))}, {formatted(columns[peer])}" for peer in PEERS]
    line = f"| {name} | " + " | ".join(cells) + f" | {formatted(best)} | {wanted} | {met} |"
    print(line, flush=True)
    return line


def check(sides, precision, reference):
    """Compares the logits of all texts with ours in float32.

    Returns: Ours in float32, and each side's largest difference.
    """
    differences, found = {}, {}
    for name, side in sides.items():
        file = FOLDER / "logits.bin"
        side.ask(f"logits {file}")
        found[name] = numpy.fromfile(file, numpy.float32)
        file.unlink()
    reference = found["ours"] if reference is None else reference
    for name, logits in found.items():
        assert logits.shape == reference.shape, f"{name} gives {logits.shape} logits, not {reference.shape}"
        difference = float(numpy.abs(logits - reference).max() / numpy.abs(reference).max())
        assert difference <= ALLOWED[precision], f"{name}'s logits in {precision} are off by {difference:.2g} of the largest"
        differences[name] = difference
    print(f"   logits, {precision}: off by " + ", ".join(f"{name} {value:.1e}" for name, value in differences.items()), flush=True)
    return reference, differences


def measured(arguments, texts):
    lines, notes, reference = [], [], None
    for precision in ("float32", "int8"):
        for threads in (1, 2):
            sides = start(precision, threads, texts, arguments.runner)
            try:
                if threads == 1:
                    reference, differences = check(sides, precision, reference)
                    notes.append((precision, differences))
                for workload in ("latency", "bulk"):
                    for peer in PEERS:
                        sides[peer].ask(f"tune {workload}")
                    is_rate = workload == "bulk"
                    results = in_turn(sides, workload if is_rate else "latency 50", arguments.bulk_rounds if is_rate else arguments.rounds)
                    show = (lambda seconds: f"{arguments.texts / seconds:.0f}/s") if is_rate else (lambda seconds: f"{seconds * 1e3:.2f} ms")
                    name = f"{'texts a second' if is_rate else 'one text'}, {precision}, {threads} thread{'s' * (threads > 1)}"
                    lines.append(row(name, results, show, is_rate, TARGETS[workload, precision]))
            finally:
                for side in sides.values():
                    side.close()
    return lines, notes


def starts(arguments):
    """Whole processes, from their beginning to the end of one prediction."""
    lines = []
    text = FOLDER / "text.txt"
    text.write_text(TEXT + "\n", encoding="utf-8")
    for precision in ("float32", "int8"):
        commands = {"ours": [arguments.program, MODELS[precision], text, "--threads", "1"]}
        commands |= {peer: [*PEER, peer, FOLDER, precision, "--once", TEXT] for peer in PEERS}
        seconds, memory = {name: [] for name in commands}, {name: [] for name in commands}
        for index in range(arguments.start_rounds + 1):
            for name, command in commands.items():
                finished = run([str(part) for part in command], 1)
                if index > 0:
                    seconds[name].append(finished.seconds)
                    memory[name].append(finished.peak_memory)
        lines.append(row(f"start to first prediction, {precision}", seconds, lambda value: f"{value * 1e3:.0f} ms", False))
        lines.append(row(f"its peak memory, {precision}", memory, "{:.0f} MB".format, False))
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runner")
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=9, help="of latency; bulk and starts take about half as many")
    parser.add_argument("--texts", type=int, default=1000, help="of a bulk round")
    parser.add_argument("--quick", action="store_true", help="few and small rounds, to check the harness")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.texts = 2, 100
    arguments.bulk_rounds = arguments.start_rounds = max(2, (arguments.rounds + 1) // 2)
    for script in ("Benchmarks/prepare.py", "Benchmarks/runtime/prepare.py"):
        if subprocess.run([sys.executable, str(ROOT / script)], env=environment(os.cpu_count())).returncode != 0:
            sys.exit(f"benchmark: {script} failed")
    every = [line for line in (WORK / "texts-2000.txt").read_text(encoding="utf-8").split("\n") if line]
    texts = FOLDER / "texts.txt"
    texts.write_text("\n".join(every[: arguments.texts]) + "\n", encoding="utf-8")
    header = "| | ours | " + " | ".join(PEERS.values()) + " | ours by the best peer | target | met |\n" + "|---" * 8 + "|"
    print(header, flush=True)
    try:
        lines, notes = measured(arguments, texts)
        lines += starts(arguments)
    except BenchmarkError as error:
        sys.exit(f"benchmark: {error}")
    says = [f"{machine()}. {arguments.rounds} rounds in turn."]
    for precision, differences in notes:
        says.append(
            f"Largest difference of logits from ours in float32, of the largest logit, {precision}: "
            + ", ".join(f"{PEERS.get(name, name)} {value:.1e}" for name, value in differences.items()) + ".")
    table = "\n".join([header, *lines, "", *says]) + "\n"
    (FOLDER / "results.md").write_text(table, encoding="utf-8")
    print("\n".join(["", *says]))


if __name__ == "__main__":
    main()
