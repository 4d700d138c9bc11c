"""Row a: one training step of the recipe, and its peak memory (row h)."""

import statistics

import flops
from ceilings import share
from common import TARGETS, WORK
from sides import in_turn, memory, ours, parts, peer

TEACHER, STUDENT = slice(0, 1), slice(1, 2)


def step(settings, precision, batch, length, threads=None):
    """A request for a training step on `batch` sentences of `length` tokens."""
    return {
        "workload": "train_step", "teacher": str(WORK / "teacher"), "student": str(WORK / "student"), "batch": batch,
        "length": length, "precision": precision, "threads": threads or settings.threads}


def both(rounds, request):
    return in_turn(rounds, lambda: ours(request), lambda: peer(request))


def row_a(report, settings):
    """The recipe's shapes: BERT-base teaches 6 layers of width 384, on 32 sentences of 128 tokens."""
    batch, length = (4, 64) if settings.quick else (32, 128)
    lengths = [length] * batch
    work = {
        "teacher": (TEACHER, flops.forward(WORK / "teacher", lengths)),
        "student": (STUDENT, flops.training(WORK / "student", lengths))}
    for precision in ("float32", "bfloat16"):
        own, theirs = both(settings.few_rounds, step(settings, precision, batch, length))
        name = f"PyTorch {precision}"

        def shares(part):
            select, count = work[part]
            return {
                key: share(report.ceilings, count, statistics.median(parts(answers, select)), precision)
                for key, answers in (("share", own), ("peer_share", theirs))}

        report.add("a", f"training step, length {length}, {precision}", parts(own), parts(theirs), name, "s", TARGETS[f"a {precision}"])
        report.add(
            "a", f"its teacher's part, {precision}", parts(own, TEACHER), parts(theirs, TEACHER), name, "s", **shares("teacher"))
        report.add(
            "a", f"its student's part, {precision}", parts(own, STUDENT), parts(theirs, STUDENT), name, "s",
            TARGETS[f"a student {precision}"], **shares("student"))
        report.add(
            "h", f"peak memory of a, {precision}", memory(own)[-1:], memory(theirs)[-1:], name, "MB", TARGETS["h"], kind="share")
