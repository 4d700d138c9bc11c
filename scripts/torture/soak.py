"""Trains a tiny model for many steps and watches the process: memory, descriptors and the time of a step must stay flat."""

import json
import os
import time

from scene import Failure


def watch(process, metrics, seconds=1.0):
    """Samples a process until it ends.

    Returns a list of (step, resident bytes, descriptors).
    """
    samples = []
    while process.poll() is None:
        time.sleep(seconds)
        try:
            with open(f"/proc/{process.pid}/status") as status:
                resident = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))
            descriptors = len(os.listdir(f"/proc/{process.pid}/fd"))
        except (OSError, StopIteration):
            break
        step = 0
        if os.path.exists(metrics):
            with open(metrics, "rb") as file:
                file.seek(max(0, os.path.getsize(metrics) - 4096))
                lines = [line for line in file.read().split(b"\n") if line.startswith(b'{"kind":"step"') and line.endswith(b"}")]
                step = json.loads(lines[-1])["step"] if lines else 0
        samples.append((step, resident, descriptors))
    return samples


def soak(scene, steps):
    """Runs so many steps. Returns what was measured; throws Failure where something grows."""
    output, logs = scene.path("soaked"), scene.path("soak-logs")
    scene.clear(output)
    metrics = os.path.join(logs, "metrics.jsonl")
    arguments = scene.distillation(
        output, "averages", ["--max-steps", str(steps), "--early-stopping-patience", str(steps), "--eval-steps", str(steps // 20),
                             "--batch-size", "8", "--logging-dir", logs, "--logging-steps", "50", "--save-steps", str(steps // 50)])
    log = open(scene.path("soak.log"), "w")
    process = scene.start(arguments, output=log)
    samples = [sample for sample in watch(process, metrics) if sample[0] > steps // 10]
    if process.wait() != 0:
        with open(log.name) as text:
            raise Failure(f"the long run ends with {process.returncode}:\n{text.read()[-2000:]}")
    if len(samples) < 8:
        raise Failure("the long run was too short to be measured; give more steps")
    speeds = []
    with open(metrics) as file:
        for line in file:
            entry = json.loads(line)
            if entry["kind"] == "step" and entry["step"] > steps // 10:
                speeds.append(entry["examples_per_second"])

    def middle(values):
        return sorted(values)[len(values) // 2]

    third = len(samples) // 3
    first, last = samples[:third], samples[-third:]
    memory = middle([s[1] for s in last]) / middle([s[1] for s in first])
    opened = max(s[2] for s in last) - max(s[2] for s in first)
    pace = middle(speeds[: len(speeds) // 3]) / middle(speeds[-(len(speeds) // 3):])
    text = (f"{steps} steps: memory {middle([s[1] for s in last]) / 1e6:.0f} MB, {100 * (memory - 1):+.1f} % from the first third to "
            f"the last; descriptors {opened:+d}; time of a step {100 * (pace - 1):+.1f} %")
    if memory > 1.05 or opened > 2 or pace > 1.15:
        raise Failure(text)
    return text
