"""Paths, targets, and small helpers. Must stay light: see `sides.py`."""

import functools
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / ".demo/benchmark"
MOVIES = ROOT / ".demo/movies"
RUNNER = ROOT / ".build/release/benchmark-runner"
DISTILL = ROOT / ".build/release/distill"
PEER = [sys.executable, str(ROOT / "Benchmarks/peer.py")]
PEER_RUN = [sys.executable, str(ROOT / "Benchmarks/peer_run.py")]

# The target of each row: "≥" times faster than the peer, "≤" at most this fraction of the peer's; "" has no target.
TARGETS = {
    "a float32": "≥1.25×", "a student float32": "≥1.4×", "a bfloat16": "≥1.55×", "a student bfloat16": "≥1.8×",
    "share teacher": "≥0.85×", "share student": "≥0.75×",
    "b": "≥2×", "b2": "", "c": "≥6×", "c accuracy": "≥1×",
    "d float32": "≥1.05×", "d bfloat16": "≥2.1×",
    "e float32": "≤0.9×", "e bfloat16": "≤0.55×",
    "f": "≥25×", "g": "≤0.05×", "h": "≤0.6×", "i flat": "≤1.25×",
    "j latency": "≤0.6×", "j bytes": "≤0.3×", "j onnx latency": "≤1×", "j onnx bulk": "≥1.2×",
    "k": "≥3×",
    "l busy": "≥0.55×", "l two": "≥0.45×",
}


class BenchmarkError(Exception):
    """A row that could not be measured."""


class Settings:
    """The settings of an invocation."""

    def __init__(self, arguments):
        self.threads = arguments.threads
        self.quick = arguments.quick
        self.rounds = 1 if arguments.quick else arguments.rounds
        self.recipe_fraction = arguments.recipe_fraction
        self.recipe_learning_rate = arguments.recipe_learning_rate

    @property
    def few_rounds(self):
        """For workloads of many seconds."""
        return 1 if self.quick else max(2, self.rounds // 2)


def timed(body):
    start = time.perf_counter()
    body()
    return time.perf_counter() - start


def note(text):
    print(f"   {text}", flush=True)


def output_of(*command):
    """The output of a command, on either stream; "" where it cannot run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    except OSError:
        return ""
    return done.stdout + done.stderr if done.returncode == 0 else ""


@functools.cache
def fast_precision():
    """The precision that `--precision auto` chooses here, as the runner measures it."""
    return output_of(str(RUNNER), "--precision").strip() or "float32"


def cpu_flags():
    """The instruction sets that Linux lists."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n")
    except OSError:
        return set()
    return next((set(line.split(":", 1)[1].split()) for line in lines if line.startswith("flags")), set())


def machine():
    """One line that names the machine."""
    name = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n"):
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    except OSError:
        name = output_of("sysctl", "-n", "machdep.cpu.brand_string").strip() or name
    flags = cpu_flags()
    units = ", ".join(flag for flag in ("avx512_bf16", "avx512_vnni", "amx_bf16", "avx512f", "avx2") if flag in flags) or "no AVX2"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{name}, {os.cpu_count()} cores, {memory:.0f} GiB, with {units}, {platform.system()} {platform.machine()}"


def commit():
    """The last commit that changed what our side is built from; `+` where it is changed since."""
    sources = ["--", "Sources", "Benchmarks/Runner", "Package.swift"]
    changed = output_of("git", "status", "--porcelain", *sources).strip()
    return output_of("git", "log", "-1", "--format=%h", *sources).strip() + ("+" if changed else "")


def environment(threads):
    """For processes of either side; `threads` 0 leaves the number to them."""
    counts = {"OMP_NUM_THREADS": str(threads), "RAYON_NUM_THREADS": str(threads)} if threads else {}
    return {**os.environ, **counts, "HF_HUB_OFFLINE": "1"}
