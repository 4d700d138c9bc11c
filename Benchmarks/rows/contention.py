"""Row l: beside others. A training step alone, beside one busy process wherever it sits, beside one on each core, two runs
at once, and under a quota of one core: ours and PyTorch's."""

import contextlib
import os
import statistics
import subprocess
import sys
import threading
from pathlib import Path

from common import TARGETS, note
from rows.steps import STUDENT, step
from sides import in_turn, ours, parts, peer

SIDES = {"ours": ours, "peer": peer}


def row_l(report, settings):
    for precision in ("float32",):
        request = step(settings, precision, 8 if settings.quick else 32, 32)
        rounds = 2 if settings.quick else max(10, settings.rounds)
        alone = {name: rates for name, rates in zip(SIDES, in_rates(rounds, request))}
        add(report, f"training steps, alone, {precision}", alone, None, "")
        cores = sorted(os.sched_getaffinity(0))
        for label, places, target in [
            ("beside one busy process", [None], "l busy"),
            *((f"beside one bound to core {core}", [core], "l busy") for core in cores),
            ("beside one busy process on each core", cores, ""),
        ]:
            with busy(places):
                loaded = dict(zip(SIDES, in_rates(rounds, request)))
            add(report, f"{label}, {precision}", loaded, alone, target)
        both = {name: two_at_once(make, rounds, request) for name, make in SIDES.items()}
        add(report, f"each of two runs at once, {precision}", both, alone, "l two")
        with one_core() as limited:
            if limited:
                # The number of threads is left to each side: seeing the quota is what is measured.
                quota = dict(zip(SIDES, in_rates(rounds, {**request, "threads": 0})))
                add(report, f"under a quota of one core, {precision}", quota, alone, "")
            else:
                note("no control group could be made here: the quota is not measured")


def rates(answers):
    return [1 / seconds for seconds in parts(answers, STUDENT)]


def in_rates(rounds, request):
    return map(rates, in_turn(rounds, lambda: ours(request), lambda: peer(request)))


def add(report, label, here, alone, target):
    report.add("l", label, here["ours"], here["peer"], "PyTorch", "steps/s", kind="rate")
    if not alone:
        return
    for name in SIDES:
        side = "ours" if name == "ours" else "PyTorch"
        report.add("l", f"{side}: share of its speed alone, {label}", here[name], [statistics.median(alone[name])], "itself, alone",
                   "steps/s", TARGETS.get(target, "") if name == "ours" else "", kind="rate")


@contextlib.contextmanager
def busy(places):
    """Processes that compute without end, each bound to a core, or to none."""
    processes = []
    try:
        for core in places:
            bind = f"import os; os.sched_setaffinity(0, [{core}])\n" if core is not None else ""
            processes.append(subprocess.Popen([sys.executable, "-I", "-S", "-c", bind + "while True: pass"]))
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def two_at_once(make, rounds, request):
    """The rates of both of two processes that run together."""
    sides, results = [make(request), make(request)], [[], []]

    def run(index):
        for _ in range(rounds + 1):
            results[index].append(sides[index].round())

    threads = [threading.Thread(target=run, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for side in sides:
        side.close()
    # The first is the warm-up; at the end one may already be alone.
    return rates(results[0][1:-1] + results[1][1:-1])


@contextlib.contextmanager
def one_core():
    """Puts this process, and so those that it starts, under a quota of one core; yields whether that was possible."""
    name = f"distill-benchmark-{os.getpid()}"
    for root, write in (
        (Path("/sys/fs/cgroup"), lambda group: (group / "cpu.max").write_text("100000 100000")),
        (Path("/sys/fs/cgroup/cpu"), lambda group: (group / "cpu.cfs_quota_us").write_text(
            (group / "cpu.cfs_period_us").read_text())),
    ):
        group = root / name
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            write(group)
            (group / "cgroup.procs").write_text(str(os.getpid()))
        except OSError:
            with contextlib.suppress(OSError):
                group.rmdir()
            continue
        try:
            yield True
        finally:
            (root / "cgroup.procs").write_text(str(os.getpid()))
            with contextlib.suppress(OSError):
                group.rmdir()
        return
    yield False
