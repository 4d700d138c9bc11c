"""Kills runs at random moments, and lets them go on."""

import os
import random
import signal
import time

from scene import SETTINGS, Failure


class Kills:
    """Runs that are killed once to four times, by SIGKILL or SIGTERM, against runs that are left alone."""

    def __init__(self, scene, seed):
        self.scene, self.draw = scene, random.Random(seed)
        self.expected = {}

    def undisturbed(self, kind):
        """The result and the duration of a run that is left alone."""
        if kind not in self.expected:
            output = self.scene.path("alone")
            self.scene.clear(output)
            begin = time.monotonic()
            status, text = self.scene.run(self.scene.distillation(output, kind))
            if status != 0:
                raise Failure(f"a run that is left alone ends with {status}:\n{text[-2000:]}")
            self.expected[kind] = (self.scene.result(output), time.monotonic() - begin)
        return self.expected[kind]

    def signal(self, process, number, kind):
        """Sends a signal to a run; SIGKILL, where several processes make it, to all of them, to one, or to their launcher."""
        whom = self.draw.choice(["all", "one", "launcher"]) if kind == "processes" and number == signal.SIGKILL else "it"
        try:
            with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
                children = [int(word) for word in file.read().split()]
        except OSError:
            children = []
        if whom == "all":
            os.killpg(process.pid, number)
        elif whom == "one" and children:
            os.kill(self.draw.choice(children), number)
        else:
            process.send_signal(number)

    def kill(self, arguments, duration, number, kind):
        """Starts a run and kills it at a random moment.

        Returns False where it was done before.
        """
        process = self.scene.start(arguments, apart=kind == "processes")
        # Most of a short run is its start; half of the kills are kept for what comes after.
        early = 0 if self.draw.random() < 0.3 else 0.4
        time.sleep(duration * self.draw.uniform(early, 1.1))
        self.signal(process, number, kind)
        # The output ends with the last process that has it.
        status, text = self.scene.finish(process)
        if status == 0:
            return False
        if number == signal.SIGTERM and status not in (75, -signal.SIGTERM):
            raise Failure(f"SIGTERM ends it with {status}, not 75:\n{text[-2000:]}")
        return True

    def trial(self):
        """Kills a run of a random kind, lets it go on to its end, and compares what it left.

        Returns the number of kills that met a living process, and what was done.
        """
        kind = self.draw.choice(list(SETTINGS))
        expected, duration = self.undisturbed(kind)
        output = self.scene.path("killed")
        self.scene.clear(output)
        arguments = self.scene.distillation(output, kind, ["--resume", "auto"])
        kills = []
        for _ in range(self.draw.randint(1, 4)):
            number = self.draw.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
            if not self.kill(arguments, duration, number, kind):
                break
            kills.append((number.name, (self.scene.checkpoints(output) or ["start"])[-1]))
            self.scene.require_whole(output)
        what = f"{kind}: " + ", ".join(f"{name} at {place}" for name, place in kills)
        status, text = self.scene.run(arguments)
        if status != 0:
            raise Failure(f"{what}: the resume ends with {status}:\n{text[-2000:]}")
        left = self.scene.result(output)
        for name, value in expected.items():
            if left[name] != value:
                raise Failure(f"{what}: {name} is not that of a run that is left alone")
        if os.path.exists(output + ".checkpoints"):
            raise Failure(f"{what}: checkpoints are left over")
        return len(kills), what
