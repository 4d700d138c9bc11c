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
    parts_of_step = {"teacher": (TEACHER, flops.forward), "student": (STUDENT, flops.training)}
    for precision in ("float32", "bfloat16"):
        own, theirs = both(settings.few_rounds, step(settings, precision, batch, length))
        name = f"PyTorch {precision}"

        def shares(part):
            select, work = parts_of_step[part]
            return {
                key: share(report.ceilings, work(WORK / part, lengths, whole), statistics.median(parts(answers, select)), precision)
                for key, answers, whole in (("share", own, False), ("peer_share", theirs, True))}

        report.add("a", f"training step, length {length}, {precision}", parts(own), parts(theirs), name, "s", TARGETS[f"a {precision}"])
        report.add(
            "a", f"its teacher's part, {precision}", parts(own, TEACHER), parts(theirs, TEACHER), name, "s", **shares("teacher"))
        report.add(
            "a", f"its student's part, {precision}", parts(own, STUDENT), parts(theirs, STUDENT), name, "s",
            TARGETS[f"a student {precision}"], **shares("student"))
        for part, what in (("teacher", "teacher's forward pass"), ("student", "student's step")):
            select, work = parts_of_step[part]
            if precision not in report.ceilings["libtorch"]:
                continue
            rates = [work(WORK / part, lengths) / seconds / 1e9 for seconds in parts(own, select)]
            report.add(
                "a", f"{what}, {precision}, beside the ceiling", rates, [report.ceilings["libtorch"][precision]],
                "libtorch's multiplication", "GFLOP/s", TARGETS[f"share {part}"], kind="rate")
        report.add(
            "h", f"peak memory of a, {precision}", memory(own)[-1:], memory(theirs)[-1:], name, "MB", TARGETS["h"], kind="share")
