"""Runs the GPU check's processes: each in a process group of its own, with a time limit, and none outlives the check."""

import importlib.util
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

STARTED = []


class CheckError(Exception):
    """A part of the check that failed, in one line."""


def tail(file, lines=12):
    """The last lines that a process wrote, cut to what fits a report."""
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - 8000))
    text = file.read().decode("utf-8", "replace")
    return "\n".join([line for line in text.split("\n") if line.strip()][-lines:])[-3000:]


def kill(process):
    """A process and all that it started."""
    for number in (signal.SIGCONT, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):
            pass
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        pass


def kill_all():
    for process in STARTED:
        if process.returncode is None:
            kill(process)


def start(command, env, stdin, stdout, stderr):
    process = subprocess.Popen(
        [str(part) for part in command], env=env, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True)
    STARTED.append(process)
    return process


class Finished:
    """A process that ran to its end, or was stopped at its limit."""

    def __init__(self, command, code, seconds, output, error_tail, error, timed_out):
        self.command, self.code, self.seconds = [str(part) for part in command], code, seconds
        self.output, self.error_tail, self.error, self.timed_out = output, error_tail, error, timed_out

    @property
    def ok(self):
        return self.code == 0 and not self.timed_out

    def json(self):
        try:
            return json.loads(self.output)
        except ValueError:
            return None

    def record(self):
        """The values that the report keeps."""
        result = {"command": " ".join(self.command), "exit_code": self.code, "seconds": self.seconds}
        if self.timed_out:
            result["timed_out"] = True
        if not self.ok:
            result["stdout"], result["stderr"] = self.output[-3000:], self.error_tail
        return result


def run(command, env, limit, cwd=None, stdin=None):
    """Runs a command to its end, at most `limit` seconds."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        begin, timed_out = time.perf_counter(), False
        try:
            process = subprocess.Popen(
                [str(part) for part in command], env=env, cwd=cwd, stdin=stdin or subprocess.DEVNULL, stdout=output,
                stderr=errors, start_new_session=True)
        except OSError as error:
            return Finished(command, 127, 0.0, "", str(error), str(error), False)
        STARTED.append(process)
        try:
            process.wait(timeout=max(1, limit))
        except subprocess.TimeoutExpired:
            timed_out = True
            kill(process)
        seconds = time.perf_counter() - begin
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
        errors.seek(0)
        whole = errors.read(1_000_000).decode("utf-8", "replace")
        return Finished(command, process.returncode, seconds, text, tail(errors), whole, timed_out)


class Side:
    """A process that prepares a workload in the background and then runs it once a round."""

    def __init__(self, name, command, request, env):
        self.name, self.request, self.command = name, request, command
        self.errors = tempfile.TemporaryFile()
        self.answers = queue.Queue()
        self.ready = None  # The answer to the request, once it is there.
        self.failure = None
        self.begin = time.monotonic()
        try:
            self.process = start(command, env, subprocess.PIPE, subprocess.PIPE, self.errors)
        except OSError as error:
            self.process, self.failure = None, str(error)
            return
        threading.Thread(target=self._read, daemon=True).start()
        self._send(json.dumps(request))

    def _read(self):
        for line in self.process.stdout:
            try:
                value = json.loads(line)
            except ValueError:
                continue  # Not the protocol's.
            if isinstance(value, dict):
                self.answers.put(value)
        self.answers.put(None)

    def _send(self, line):
        try:
            self.process.stdin.write((line + "\n").encode())
            self.process.stdin.flush()
        except (BrokenPipeError, OSError):
            pass  # _receive() says why.

    def _receive(self, limit):
        try:
            answer = self.answers.get(timeout=max(0.01, limit))
        except queue.Empty:
            raise CheckError(f"{self.name}: no answer within {limit:.0f} s") from None
        if answer is None:
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                pass
            raise CheckError(f"{self.name}: ended with {self.process.returncode}: {tail(self.errors)}")
        if "error" in answer and "checks" not in answer:
            raise CheckError(f"{self.name}: {answer['error']}")
        return answer

    def is_ready(self):
        """Without waiting: True, False while it prepares; raises what it failed with."""
        if self.failure:
            raise CheckError(self.failure)
        if self.ready is None and not self.answers.empty():
            self.wait_ready(1)
        return self.ready is not None

    def wait_ready(self, limit):
        if self.failure:
            raise CheckError(self.failure)
        if self.ready is None:
            try:
                self.ready = self._receive(limit)
                self.ready["after"] = time.monotonic() - self.begin
            except CheckError as error:
                if "no answer within" not in str(error):
                    self.failure = str(error)
                raise
        return self.ready

    def round(self, limit, settings=None):
        if self.failure:
            raise CheckError(self.failure)
        self._send("round" + (" " + json.dumps(settings) if settings else ""))
        try:
            return self._receive(limit)
        except CheckError as error:
            # A late answer would be taken for the next round's.
            if "no answer within" in str(error) or "ended with" in str(error):
                self.failure = str(error)
            raise

    def pause(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGSTOP)

    def resume(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGCONT)

    def close(self, politely=False):
        """Ends the process: immediately, or at the end of its input."""
        if self.process is None:
            return
        try:
            self.process.stdin.close()
            if politely:
                self.process.wait(timeout=5)
        except (OSError, subprocess.TimeoutExpired):
            pass
        kill(self.process)
        self.errors.close()


def library_folders(bundle):
    """The directories that go first in LD_LIBRARY_PATH: the bundle's own, then torch's, then those of CUDA's Python packages."""
    folders = [bundle / "lib"] if bundle else []
    spec = importlib.util.find_spec("torch")
    if spec and spec.submodule_search_locations:
        torch = Path(list(spec.submodule_search_locations)[0])
        folders.append(torch / "lib")
        folders += sorted((torch.parent / "nvidia").glob("*/lib"))
    return [folder.resolve() for folder in folders if folder.is_dir()]


def python_has(name):
    return importlib.util.find_spec(name) is not None


def python():
    return sys.executable
