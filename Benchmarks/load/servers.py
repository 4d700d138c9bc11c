"""Servers as processes, and wrk."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / ".demo/benchmark"
MODEL = WORK / "minilm"
PROGRAM = ROOT / ".build/release/distill-serve"
HERE = Path(__file__).resolve().parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as response:
        return response.read().decode()


@contextlib.contextmanager
def process(command, port, path, **environment):
    """A server that answers on `path` when it is ready; it is ended afterwards."""
    with open(WORK / "load-server.log", "ab") as log:
        child = subprocess.Popen(
            [str(part) for part in command], env={**os.environ, **environment}, stdout=log, stderr=log, cwd=HERE)
    try:
        for _ in range(1200):
            if child.poll() is not None:
                raise SystemExit(f"load: {command[0]} ended with {child.returncode}; see {WORK}/load-server.log")
            try:
                get(port, path)
                break
            except OSError:
                time.sleep(0.05)
        yield child
    finally:
        child.terminate()
        try:
            child.wait(90)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def ours(port, *options):
    return process([PROGRAM, "--model", MODEL, "--port", port, *options], port, "/ready")


def peer(port, workers):
    threads = max(1, (os.cpu_count() or 1) // workers)
    command = [
        sys.executable, "-m", "uvicorn", "peer:app", "--port", port, "--workers", workers, "--log-level", "warning",
        "--no-access-log"]
    return process(command, port, "/docs", MODEL=str(MODEL), THREADS=str(threads))


def bodies():
    """The bodies of requests: sentences of up to 16 words, a line each."""
    file = WORK / "load-bodies.jsonl"
    lines = [line.strip() for line in open(WORK / "texts-2000.txt", encoding="utf-8")]
    short = [line for line in lines if 0 < len(line.split()) <= 16][:500]
    if not short:
        short = [" ".join(line.split()[:12]) for line in lines if line][:500]
    file.write_text("".join(json.dumps({"inputs": text}) + "\n" for text in short))
    return file


def wrk(port, connections, seconds, delay=0):
    """Requests, errors and latencies of a run of wrk."""
    threads = min(2, os.cpu_count() or 1)
    output = subprocess.run(
        ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", "post.lua",
         f"http://127.0.0.1:{port}"],
        cwd=HERE, env={**os.environ, "TEXTS": str(bodies()), "DELAY": str(delay)}, capture_output=True, text=True,
        check=True).stdout
    values = [float(value) for value in re.search(r"RESULT (.*)", output).group(1).split()]
    requests, micros, refused, broken, median, p99, most = values
    return {
        "rate": (requests - refused) / micros * 1e6, "offered": requests / micros * 1e6, "refused": refused,
        "broken": broken, "p50": median / 1000, "p99": p99 / 1000, "max": most / 1000}


def resident(pid):
    """Resident memory in MB."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024


def metric(port, name):
    return sum(
        float(line.rsplit(" ", 1)[1]) for line in get(port, "/metrics").splitlines()
        if line.startswith(name) and not line.startswith("#"))
