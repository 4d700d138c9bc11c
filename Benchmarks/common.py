"""Where things lie, what is aimed at, and small helpers. Must stay light: see `sides.py`."""

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

# What each row aims at: "≥" how many times faster than the peer, "≤" at most this share of the peer's; "" has no aim.
TARGETS = {
    "a float32": "≥1.25×", "a student float32": "≥1.4×", "a bfloat16": "≥1.55×", "a student bfloat16": "≥1.8×",
    "share teacher": "≥0.85×", "share student": "≥0.75×",
    "b": "≥2×", "b2": "", "c": "≥6×", "c accuracy": "≥1×",
    "d float32": "≥1.05×", "d bfloat16": "≥2.1×",
    "e float32": "≤0.9×", "e bfloat16": "≤0.55×",
    "f": "≥25×", "g": "≤0.05×", "h": "≤0.6×", "i flat": "≤1.25×",
    "j latency": "≤0.6×", "j bytes": "≤0.3×", "j onnx latency": "≤1×", "j onnx bulk": "≥1.2×",
    "k": "≥3×",
}


class BenchmarkError(Exception):
    """A row that could not be measured."""


class Settings:
    """What an invocation asked for."""

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
    """What a command prints, on either stream; "" where it cannot run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    except OSError:
        return ""
    return done.stdout + done.stderr if done.returncode == 0 else ""


def fast_precision():
    """What `--precision auto` chooses on this processor: the check of `ct_has_fast_bfloat16`."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return "float32"
    return "bfloat16" if "avx512_bf16" in flags else "float32"


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
    bf16 = "with" if fast_precision() == "bfloat16" else "without"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{name}, {os.cpu_count()} cores, {memory:.0f} GiB, {bf16} avx512_bf16, {platform.system()} {platform.machine()}"


def commit():
    """The last commit that changed what our side is built from; `+` where it is changed since."""
    sources = ["--", "Sources", "Benchmarks/Runner", "Package.swift"]
    changed = output_of("git", "status", "--porcelain", *sources).strip()
    return output_of("git", "log", "-1", "--format=%h", *sources).strip() + ("+" if changed else "")


def environment(threads):
    """For processes of either side."""
    count = str(threads)
    return {**os.environ, "OMP_NUM_THREADS": count, "RAYON_NUM_THREADS": count, "HF_HUB_OFFLINE": "1"}
