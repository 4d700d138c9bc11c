"""Damages files, fills disks, and lets runs get into each other's way."""

import os
import random
import resource
import shutil
import signal
import subprocess
import time

from scene import Failure


class Faults:
    """Each fault is tried on a run of its own. Afterwards the run has the right result, or an error said what is wrong."""

    def __init__(self, scene, kills, seed, clock):
        self.scene, self.kills, self.draw, self.clock = scene, kills, random.Random(seed), clock
        self.kinds = [
            self.damaged_checkpoint, self.damaged_cache, self.damaged_model, self.damaged_data, self.changing_data,
            self.full_disk, self.small_files, self.two_outputs, self.two_caches, self.read_only, self.few_descriptors,
        ] + ([self.jumping_clock] if clock else [])
        self.count = 0

    def trial(self):
        """Tries the next fault. Returns what was done."""
        kind = self.kinds[self.count % len(self.kinds)]
        self.count += 1
        output = self.scene.path("faulty")
        self.scene.clear(output)
        return f"{kind.__name__.replace('_', ' ')}: {kind(output)}"

    # Helpers

    def expect_same(self, output, kind="plain"):
        left, (expected, _) = self.scene.result(output), self.kills.undisturbed(kind)
        for name, value in expected.items():
            if left[name] != value:
                raise Failure(f"{name} is not that of a run that is left alone")

    def resume(self, output, kind="plain", more=()):
        status, text = self.scene.run(self.scene.distillation(output, kind, ["--resume", "auto", *more]))
        if status != 0:
            raise Failure(f"the run does not end well ({status}):\n{text[-2000:]}")
        self.expect_same(output, kind)
        return text

    def expect_error(self, status, text, naming):
        """A refusal is one line that names what is wrong."""
        line = next((line for line in text.splitlines() if line.startswith("Error:")), None)
        if status not in (1, 64) or line is None or not any(name in text for name in naming):
            raise Failure(f"it ends with {status} and no error that names {' or '.join(naming)}:\n{text[-2000:]}")

    def damage(self, path):
        """Changes a file at random bytes, cuts it, or adds to it."""
        size = os.path.getsize(path)
        how = self.draw.choice(["bytes", "bytes", "cut", "longer", "empty"])
        with open(path, "r+b") as file:
            if how == "bytes" and size:
                for _ in range(self.draw.randint(1, 8)):
                    place = self.draw.randrange(size)
                    file.seek(place)
                    old = file.read(1)[0]
                    file.seek(place)
                    file.write(bytes([old ^ self.draw.randint(1, 255)]))
            elif how == "cut":
                file.truncate(self.draw.randrange(size) if size else 0)
            elif how == "longer":
                file.seek(0, os.SEEK_END)
                file.write(self.draw.randbytes(self.draw.randint(1, 400)))
            else:
                file.truncate(0)
        return f"{os.path.basename(path)} ({how})"

    def files(self, directory):
        found = [os.path.join(folder, name) for folder, _, names in os.walk(directory) for name in names]
        return sorted(path for path in found if not os.path.islink(path))

    # Damage

    def damaged_checkpoint(self, output):
        kind = self.draw.choice(["plain", "averages", "seeds"])
        _, duration = self.kills.undisturbed(kind)
        arguments = self.scene.distillation(output, kind, ["--resume", "auto"])
        for _ in range(20):
            if len(self.scene.checkpoints(output)) == 2 or not self.kills.kill(arguments, duration, signal.SIGKILL, kind):
                break
        there = self.scene.checkpoints(output)
        if len(there) < 2:
            return "the run was done too soon"
        last = os.path.join(output + ".checkpoints", there[-1])
        what = self.damage(self.draw.choice(self.files(last)))
        text = self.resume(output, kind)
        if "is not used" not in text:
            raise Failure(f"{what}: the damage is not told:\n{text[-2000:]}")
        return what

    def damaged_cache(self, output):
        arguments = self.scene.distillation(output, "plain")
        self.scene.run(arguments)
        self.scene.clear(output)
        what = self.damage(self.draw.choice(self.files(self.scene.path("cache"))))
        self.resume(output)
        return what

    def damaged_model(self, output):
        teacher = self.scene.path("damaged-teacher")
        shutil.rmtree(teacher, ignore_errors=True)
        shutil.copytree(self.scene.path("teacher"), teacher)
        names = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"]
        names = [name for name in names if os.path.exists(os.path.join(teacher, name))]
        what = self.damage(os.path.join(teacher, self.draw.choice(names)))
        status, text = self.scene.run(self.scene.distillation(output, "plain", teacher=teacher))
        # A changed weight or word is a model too.
        if status != 0:
            self.expect_error(status, text, ["damaged-teacher"])
        return f"{what}: {'an error' if status else 'another model'}"

    def damaged_data(self, output):
        data = self.scene.path("damaged.csv")
        shutil.copy(self.scene.path("train.csv"), data)
        what = self.damage(data)
        status, text = self.scene.run(self.scene.distillation(output, "plain", train=data))
        if status != 0:
            self.expect_error(status, text, ["damaged.csv", "label"])
        return f"{what}: {'an error' if status else 'other data'}"

    def changing_data(self, output):
        """The data file grows, shrinks or is replaced while the run goes on; then the run is killed and goes on."""
        data = self.scene.path("changing.csv")
        shutil.copy(self.scene.path("train.csv"), data)
        _, duration = self.kills.undisturbed("plain")
        arguments = self.scene.distillation(output, "plain", ["--resume", "auto"], train=data)
        process = self.scene.start(arguments)
        time.sleep(duration * self.draw.uniform(0, 1))
        how = self.draw.choice(["grows", "shrinks", "replaced"])
        if how == "replaced":
            os.remove(data)
            self.scene.write_data(data, 200, seed=self.draw.random())
        else:
            with open(data, "r+") as file:
                if how == "shrinks":
                    file.truncate(os.path.getsize(data) // 2)
                else:
                    file.seek(0, os.SEEK_END)
                    file.write("a good film,positive\n" * 50)
        status, text = self.scene.finish(process)
        if status == 0:
            return f"{how}: the run is done"
        self.expect_error(status, text, ["changing.csv"])
        return f"{how}: an error"

    # Disks

    def full_disk(self, output):
        """A small disk fills at a random place; with room the run goes on."""
        disk = self.scene.path("disk")
        os.makedirs(disk, exist_ok=True)
        size = self.draw.randint(64, 9000)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "none", disk], capture_output=True).returncode:
            return "left out: no file system can be mounted here"
        try:
            inside = os.path.join(disk, "student")
            status, text = self.scene.run(self.scene.distillation(inside, "plain", ["--resume", "auto"]))
            if status != 0:
                self.expect_error(status, text, ["disk", "room", "space"])
            self.scene.require_whole(inside)
            subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
            self.resume(inside)
        finally:
            subprocess.run(["umount", "-l", disk], check=True)
        return f"{size} kB: {'an error' if status else 'done'}, then done with room"

    def small_files(self, output):
        """No file may grow beyond a size, as a quota would have it; without the limit the run goes on."""
        size = self.draw.randint(1, 900) * 1024

        def limits():
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

        status, text = self.scene.run(self.scene.distillation(output, "plain", ["--resume", "auto"]), limits=limits)
        if status != 0:
            self.expect_error(status, text, ["cannot be written", "saved in", "room"])
        self.scene.require_whole(output)
        self.resume(output, more=["--overwrite"])
        return f"{size // 1024} kB: {'an error' if status else 'done'}, then done"

    def read_only(self, output):
        """The folder of the output is mounted read-only."""
        disk = self.scene.path("disk")
        os.makedirs(disk, exist_ok=True)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", disk], capture_output=True).returncode:
            return "left out: no file system can be mounted here"
        try:
            status, text = self.scene.run(self.scene.distillation(os.path.join(disk, "student"), "plain"))
            self.expect_error(status, text, ["disk"])
        finally:
            subprocess.run(["umount", "-l", disk], check=True)
        return "refused"

    # Others

    def two_outputs(self, output):
        """A second run with the same output is refused at the start, and the first has its result."""
        first = self.scene.start(self.scene.distillation(output, "plain", ["--overwrite"]))
        time.sleep(self.draw.uniform(0, 1.0))
        status, text = self.scene.run(self.scene.distillation(output, "plain", ["--overwrite"]))
        own, mine = self.scene.finish(first)
        if own == 0 and status != 0:
            self.expect_error(status, text, ["another run is writing it"])
        elif own != 0 and status == 0:
            self.expect_error(own, mine, ["another run is writing it"])
        elif own != 0:
            raise Failure(f"both end with errors:\n{mine[-1000:]}\n{text[-1000:]}")
        self.expect_same(output)
        return "one is refused" if own or status else "one after the other"

    def two_caches(self, output):
        """Two runs fill one cache at the same time."""
        shutil.rmtree(self.scene.path("cache"), ignore_errors=True)
        other = output + "-too"
        self.scene.clear(other)
        first = self.scene.start(self.scene.distillation(output, "plain"))
        second = self.scene.start(self.scene.distillation(other, "plain"))
        for process in (first, second):
            status, text = self.scene.finish(process)
            if status != 0:
                raise Failure(f"one ends with {status}:\n{text[-2000:]}")
        self.expect_same(output)
        self.expect_same(other)
        return "both are done"

    def few_descriptors(self, output):
        most = self.draw.randint(8, 80)

        def limits():
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

        status, text = self.scene.run(self.scene.distillation(output, "plain", ["--resume", "auto"]), limits=limits)
        if status != 0 and "rror" not in text:
            raise Failure(f"{most}: it ends with {status} and no error:\n{text[-2000:]}")
        self.resume(output)
        return f"{most}: {'an error' if status else 'done'}"

    def jumping_clock(self, output):
        environment = dict(self.scene.environment, LD_PRELOAD=self.clock)
        status, text = self.scene.run(
            self.scene.distillation(output, "plain", ["--resume", "auto"]), environment=environment)
        if status != 0:
            raise Failure(f"it ends with {status}:\n{text[-2000:]}")
        self.expect_same(output)
        return "done"
