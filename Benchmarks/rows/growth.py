"""Row i: the growth of time and memory with length, data and threads."""

import shutil

from common import DISTILL, MOVIES, TARGETS, WORK, BenchmarkError, fast_precision, note
from prepare import growing_data
from rows.inference import bulk, rate
from rows.steps import STUDENT, both, step
from sides import in_turn, memory, ours, parts, peer, run

TINY, CACHE = WORK / "tiny", WORK / "growth-cache"


def row_i(report, settings):
    lengths(report, settings)
    threads(report, settings)
    data(report, settings)


def lengths(report, settings):
    """A training step on ever longer sentences, always as many tokens."""
    precision = fast_precision()
    tokens = 512 if settings.quick else 4096
    for length in (32, 64, 128, 256, 512):
        own, theirs = both(settings.few_rounds, step(settings, precision, tokens // length, length))
        name, peer_name = f"{tokens // length} × {length} tokens, {precision}", f"PyTorch {precision}"
        report.add("i", f"training step, {name}", parts(own), parts(theirs), peer_name, "s")
        report.add("i", f"its peak memory, {name}", memory(own)[-1:], memory(theirs)[-1:], peer_name, "MB", kind="share")


def threads(report, settings):
    """1, 2, 4, … threads, up to all."""
    precision = fast_precision()
    batch, length = (4, 64) if settings.quick else (32, 128)
    count = 1
    while count <= settings.threads:
        label = f"{count} thread{'s' * (count > 1)}, {precision}"
        own, theirs = both(settings.few_rounds, step(settings, precision, batch, length, threads=count))
        report.add(
            "i", f"student's part of a step, {label}", parts(own, STUDENT), parts(theirs, STUDENT), f"PyTorch {precision}", "s")
        request = bulk(precision, count)
        own, theirs = in_turn(
            settings.few_rounds, lambda: ours(request), lambda: peer({**request, "peer": "pytorch"}))
        report.add("i", f"bulk inference, {label}", rate(own), rate(theirs), f"PyTorch {precision}", "sentences/s", kind="rate")
        count *= 2


def data(report, settings):
    """Ever more data through our commands, with tiny models; each size beside the smallest."""
    counts = (1_000, 10_000) if settings.quick else (1_000, 10_000, 100_000, 1_000_000)
    for name, command in commands():
        smallest = None
        for count in counts:
            output = WORK / "growth-output"
            shutil.rmtree(output, ignore_errors=True)
            shutil.rmtree(CACHE, ignore_errors=True)
            try:
                done = run(command(growing_data(count), output), settings.threads)
            except BenchmarkError as error:
                note(f"{name} is not measured: {error}")
                break
            smallest = smallest or done
            label = f"{name}, {count:,} sentences"
            report.add("i", label, [done.seconds], [smallest.seconds], f"itself, {counts[0]:,}", "s", kind="share")
            report.add(
                "i", f"peak memory: {label}", [done.peak_memory], [smallest.peak_memory], f"itself, {counts[0]:,}", "MB",
                TARGETS["i flat"] if count == counts[-1] else "", kind="share")


def commands():
    """The commands to run, by name: each a function of the paths of data and output. Caches start empty."""
    yield "distill run, 50 steps", lambda file, output: [
        str(DISTILL), "run", "--teacher", str(TINY), "--train", str(file), "--validation", str(MOVIES / "validation.csv"),
        "--output", str(output), "--cache-dir", str(CACHE), "--layers", "1", "--hidden-size", "32", "--attention-heads", "2",
        "--intermediate-size", "64", "--max-steps", "50", "--quiet"]
    yield "distill label", lambda file, output: [
        str(DISTILL), "label", "--teacher", str(TINY), "--data", str(file), "--cache-dir", str(CACHE), "--quiet"]
