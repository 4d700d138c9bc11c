"""Runs both sides' processes.

The process that starts them must stay small: on Linux a child's peak memory begins with that of the process that it was
made from. So nothing here imports torch or NumPy; `prepare.py` and `ceilings.py` run as processes of their own.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

from common import PEER, RUNNER, BenchmarkError, environment, timed


class Side:
    """A process that prepared a workload and runs it once a round."""

    def __init__(self, command, request):
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
            env=environment(request["threads"]))
        self.send(json.dumps(request))
        self.receive()

    def send(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # receive() says why.

    def receive(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise BenchmarkError(f"{os.path.basename(str(self.process.args[-1]))} ended: {tail(self.errors)}")
        answer = json.loads(line)
        if "error" in answer:
            self.close()
            raise BenchmarkError(answer["error"])
        return answer

    def round(self):
        self.send("round")
        return self.receive()

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.errors.close()


def ours(request):
    return Side([str(RUNNER)], request)


def peer(request):
    return Side(PEER, request)


def in_turn(rounds, *makers):
    """Warms all sides up, then runs them alternately, each as often first as the others.

    Each maker is a function that starts a side. Returns each side's answers.
    """
    sides = []
    try:
        for make in makers:
            sides.append(make())
        answers = [[] for _ in sides]
        for index in range(rounds + 1):
            for turn in range(len(sides)):
                position = (turn + index) % len(sides)
                time.sleep(0.05)  # Until the other side's waiting threads sleep.
                answer = sides[position].round()
                if index > 0:
                    answers[position].append(answer)
    finally:
        for side in sides:
            side.close()
    return answers


def parts(answers, select=slice(None)):
    """The seconds of each round: the sum of the selected parts."""
    return [sum(answer["seconds"][select]) for answer in answers]


def memory(answers):
    """The peak resident size after each round, in MB."""
    return [answer["peak_memory"] / 1e6 for answer in answers]


class Finished:
    """A process that ran to its end."""

    def __init__(self, output, seconds, peak_memory):
        self.output, self.seconds = output, seconds
        self.peak_memory = peak_memory  # MB

    @property
    def json(self):
        return json.loads(self.output)


def run(command, threads):
    """Runs a whole process and takes its time and its own peak memory."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        usage = None

        def body():
            nonlocal usage
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=environment(threads))
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                raise BenchmarkError(f"{' '.join(map(str, command[:3]))} … failed: {tail(errors)}")

        seconds = timed(body)
        output.seek(0)
        return Finished(output.read(), seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6)


def tail(file):
    file.seek(0)
    lines = [line for line in file.read().split("\n") if line.strip()]
    return " | ".join(lines[-3:]) or "it said nothing"
