"""The state of the device while the check runs, by nvidia-smi."""

import shutil
import statistics
import subprocess
import threading
import time

from processes import STARTED


def query(fields, what="gpu"):
    """Rows of values; empty where there is no nvidia-smi."""
    if not shutil.which("nvidia-smi"):
        return []
    try:
        done = subprocess.run(
            ["nvidia-smi", f"--query-{what}={fields}", "--format=csv,noheader,nounits"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [[cell.strip() for cell in line.split(",")] for line in done.stdout.split("\n") if line.strip()] if done.returncode == 0 else []


def memory_used():
    """MiB in use on the first device, or None."""
    rows = query("memory.used")
    try:
        return int(rows[0][0])
    except (IndexError, ValueError):
        return None


class Meter:
    """Samples the device's utilization ten times a second; `mean` takes those of a span of time."""

    def __init__(self):
        self.samples = []  # (monotonic time, % of time with a kernel running, MiB in use)
        self.process, self.ended, self.source = None, threading.Event(), None
        try:
            import pynvml

            pynvml.nvmlInit()
            handle = pynvml.nvmlDeviceGetHandleByIndex(0)
            pynvml.nvmlDeviceGetUtilizationRates(handle)
        except Exception:
            self._start_program()
            return
        self.source = "NVML"
        threading.Thread(target=self._ask, args=(pynvml, handle), daemon=True).start()

    def _ask(self, pynvml, handle):
        while not self.ended.wait(0.1):
            try:
                busy, memory = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu, pynvml.nvmlDeviceGetMemoryInfo(handle).used
            except Exception:
                continue
            self.samples.append((time.monotonic(), float(busy), memory / 2**20))

    def _start_program(self):
        if not shutil.which("nvidia-smi"):
            return
        # Its lines must come one by one: they get their time when they are read.
        unbuffered = ["stdbuf", "-oL"] if shutil.which("stdbuf") else []
        try:
            self.process = subprocess.Popen(
                [*unbuffered, "nvidia-smi", "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits", "-i", "0",
                 "-lms", "100"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)
        except OSError:
            return
        self.source = "nvidia-smi"
        STARTED.append(self.process)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            cells = line.split(",")
            try:
                self.samples.append((time.monotonic(), float(cells[0]), float(cells[1])))
            except (ValueError, IndexError):
                pass

    def peak_memory(self, begin, end):
        """The most MiB in use between two moments, or None."""
        return max((used for moment, _, used in self.samples if begin <= moment <= end), default=None)

    def mean(self, begin, end, lead=0.4):
        """The mean utilization between two moments, or None; the first `lead` seconds are left out, as nvidia-smi lags."""
        chosen = [value for moment, value, _ in self.samples if begin + lead <= moment <= end]
        return statistics.mean(chosen) if chosen else None

    def close(self):
        self.ended.set()
        if self.process:
            self.process.kill()
            self.process.wait()
