"""Checks and measures `distill` on a machine with a GPU, beside PyTorch, within a few minutes.

    python Benchmarks/gpu/gpu_check.py --bundle DIR --output FILE.json [--device cuda|cpu] [--quick] [--only STAGE,…]
                                       [--budget SECONDS] [--cpu-figures FILE.json]

The bundle holds bin/distill, bin/benchmark-runner, lib/, minilm/ and movies/{train,validation,test}.csv; where it has them also
lm/teacher/ and lm/{train,validation}.jsonl for language models, and python/ with packages for PyTorch's side. The result is
written after every stage, so that a run that is cut short loses nothing. `gpu_report.py` makes tables of it.
"""

import argparse
import atexit
import csv
import datetime
import hashlib
import json
import os
import platform
import shutil
import signal
import statistics
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import NamedTuple

import device
from processes import CheckError, Side, kill_all, library_folders, python, python_has, run

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STAGES = ["machine", "library", "start", "kernels", "parity", "steps", "decoders", "demo", "lm-demo", "late", "errors"]
# The longest that a stage may take, in seconds; each process of it has a limit of its own besides.
LIMITS = {"library": 240, "start": 90, "kernels": 150, "parity": 120, "steps": 240, "decoders": 330, "demo": 200, "lm-demo": 90, "late": 90,
          "errors": 90}
# The time that stages leave to those after them, where a check has little time.
RESERVE = {"library": 150, "start": 150, "kernels": 150, "parity": 130, "steps": 90, "decoders": 90, "demo": 35,
           "lm-demo": 25, "late": 20}
# Stages that leave time to the decoders' beyond that, as much as the budget has over this many seconds, and at most so much.
BEFORE_DECODERS, PLAIN_BUDGET, DECODERS_RESERVE = ("library", "start", "kernels", "parity", "steps"), 285, 200
# The time that the measurement of all shapes takes once the peers are ready, and of the language models'.
MEASURING = 60
MEASURING_DECODERS = 75
TEACHER_LAYERS = [1, 3, 5]
MODES = ["eager", "compile", "compile-graphs"]
# A fused implementation of the language model's layers and loss, besides.
DECODER_MODES = ["eager", "liger", "compile", "compile-graphs"]


# How far the device's figures of a language model, in float32, may be from the CPU's: of the value, or absolute below one.
FIGURE_TOLERANCE = {"loss": 1e-4, "kl": 1e-4, "agreement": 5e-3, "accuracy": 5e-3}


class Shape(NamedTuple):
    """One size of a training step: what is measured of it, and with which models."""

    workload: str
    teacher: str
    student: str
    precision: str
    batch: int
    length: int
    steps: int  # In a round.
    modes: tuple
    kept: tuple = (False, True)  # The teacher in every step, and its outputs kept.

    def __str__(self):
        return f"{self.teacher} {self.precision} {self.batch}x{self.length}"


class Check:
    """One invocation: its settings, its files, its peers and its result."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.bundle = Path(arguments.bundle).resolve()
        self.output = Path(arguments.output).resolve()
        self.quick, self.device = arguments.quick, arguments.device
        self.begin = time.monotonic()
        self.end = self.begin + arguments.budget
        self.work = Path(tempfile.mkdtemp(prefix="gpu-check-"))
        self.result = {
            "version": 1, "quick": self.quick, "device": self.device,
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "stages": {}}
        self.env = self.environment()
        self.meter = device.Meter()
        self.memory_before = device.memory_used()
        self.peers = {}  # Those in the background, by key.
        self.waiting = []  # The shapes that the stage `steps` could not measure completely.
        self.stage_end = self.end

    # MARK: Set-up

    def environment(self):
        folders = [str(folder) for folder in [*library_folders(self.bundle), ROOT / ".cuda"]]
        old = os.environ.get("LD_LIBRARY_PATH")
        more = {
            "LD_LIBRARY_PATH": ":".join([*folders, *([old] if old else [])]), "HF_HUB_OFFLINE": "1",
            "TOKENIZERS_PARALLELISM": "true", "PYTHONUNBUFFERED": "1", "DISTILL_CACHE": str(self.work / "cache")}
        if python_has("onnxruntime"):
            more["DISTILL_PYTHON"] = python()
        return {**os.environ, **more}

    @property
    def peer_env(self):
        """PyTorch finds its libraries itself. Many peers compile at the same time, so that each needs no helpers."""
        packages = {}
        if (self.bundle / "python").is_dir():
            packages["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(self.bundle / "python")]))
        return {**os.environ, **packages, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true", "PYTHONUNBUFFERED": "1",
                "TORCHINDUCTOR_COMPILE_THREADS": os.environ.get("TORCHINDUCTOR_COMPILE_THREADS", "1")}

    @property
    def python_env(self):
        """For Python programs that load our kernels: without the bundle's libraries, which are not those of Python."""
        folders = [str(folder) for folder in library_folders(None)] + [str(ROOT / ".cuda")]
        return {**self.peer_env, "LD_LIBRARY_PATH": ":".join([*folders, *filter(None, [os.environ.get("LD_LIBRARY_PATH")])])}

    @property
    def distill(self):
        return self.bundle / "bin/distill"

    def left(self, most=None):
        """Seconds until the stage or the whole must end."""
        seconds = min(self.end, self.stage_end) - time.monotonic()
        return max(1.0, min(seconds, most) if most else seconds)

    def save(self):
        self.result["seconds"] = time.monotonic() - self.begin
        self.output.parent.mkdir(parents=True, exist_ok=True)
        partial = self.output.with_name(self.output.name + ".partial")
        text = json.dumps(self.result, indent=1)
        # A result is for others to read: no paths of this machine.
        for path, name in ((self.work, "WORK"), (self.bundle, "BUNDLE"), (ROOT, "REPOSITORY")):
            text = text.replace(str(path), name)
        partial.write_text(text + "\n", encoding="utf-8")
        os.replace(partial, self.output)

    # MARK: Sides

    def runner(self, request):
        return Side("benchmark-runner", [self.bundle / "bin/benchmark-runner"], {"threads": 0, **request}, self.env)

    def peer(self, request):
        program, env = "peer.py", self.peer_env
        if request["workload"] == "gpu_lm_step":
            # Few of them compile at a time, and their graphs are large.
            program, env = "lm_peer.py", {**env, "TORCHINDUCTOR_COMPILE_THREADS": os.environ.get("TORCHINDUCTOR_COMPILE_THREADS", "4")}
        return Side(f"PyTorch {request['mode']}", [python(), HERE / program], request, env)

    def step_request(self, shape, mode="eager", cached=False):
        request = {
            "workload": shape.workload, "teacher": str(self.work / shape.teacher), "student": str(self.work / shape.student),
            "batch": shape.batch, "length": shape.length, "device": self.device, "precision": shape.precision, "mode": mode,
            "cached_teacher": cached, "warmup": 2 if self.quick else 10, "steps": shape.steps,
            "lead_seconds": 0 if self.quick else 0.3, "threads": 0}
        if shape.workload == "gpu_lm_step":
            request.update({"warmup": 2 if self.quick else 5, "kinds": shape.kept[::-1], "turn": str(self.work / "turn")})
        return request

    def epoch_request(self, mode):
        """Before the teacher is there: MiniLM gives the sizes."""
        train, validation = self.movies()
        return {
            "workload": "gpu_epoch", "model": str(self.bundle / "minilm"), "teacher": str(self.work / "demo-teacher"),
            "teacher_layers": TEACHER_LAYERS, "layers": 3, "train": str(train), "validation": str(validation), "batch": 32,
            "eval_batch": 64 if self.quick else 256, "max_length": 128, "epochs": 3, "learning_rate": 1e-4, "seed": 42,
            "max_steps": 4 if self.quick else None, "device": self.device, "precision": "bfloat16", "mode": mode, "threads": 0}

    def bulk_request(self, mode):
        return {
            "workload": "gpu_bulk", "model": str(self.bundle / "minilm"), "layers": 3, "texts": str(self.work / "texts.txt"),
            "batch": 64 if self.quick else 256, "max_length": 128, "device": self.device, "precision": "bfloat16", "mode": mode,
            "threads": 0}

    def movies(self):
        """The demo's data; in a quick check the first rows of them."""
        if not self.quick:
            return self.bundle / "movies/train.csv", self.bundle / "movies/validation.csv"
        for name, count in (("train", 100), ("validation", 40)):
            target = self.work / f"{name}.csv"
            if not target.exists():
                with open(self.bundle / f"movies/{name}.csv", encoding="utf-8", newline="") as file:
                    rows = list(csv.reader(file))[: count + 1]
                with open(target, "w", encoding="utf-8", newline="") as file:
                    csv.writer(file, lineterminator="\n").writerows(rows)
        return self.work / "train.csv", self.work / "validation.csv"

    def step_shapes(self):
        """The recipe's: an encoder."""
        sizes = [("bfloat16", 4, 2)] if self.quick else [("bfloat16", 32, 50), ("bfloat16", 128, 30), ("bfloat16", 512, 40), ("float32", 32, 50)]
        return [Shape("gpu_step", "teacher", "student", precision, batch, 16 if self.quick else 128, steps, tuple(self.modes()))
                for precision, batch, steps in sizes]

    def decoder_waves(self):
        """Those of language models. The peers of a wave prepare at the same time: the device's memory holds no more."""
        def shape(suffix, batch, length, steps, graphs=False, kept=(False, True)):
            wanted = DECODER_MODES[: (1, 3, 4)[self.arguments.modes - 1]]
            modes = tuple(mode for mode in wanted if graphs or mode != "compile-graphs")
            return Shape("gpu_lm_step", f"lm-teacher{suffix}", f"lm-student{suffix}", "bfloat16", batch, length, steps, modes, kept)

        if self.quick:
            return [[shape("", 2, 32, 2, graphs=True)], [shape("-large", 2, 64, 2, kept=(False,))]]
        return [[shape("", 8, 512, 20, graphs=True), shape("", 32, 512, 10)], [shape("-large", 8, 1024, 5, kept=(False,))]]

    def modes(self):
        return MODES[: self.arguments.modes]

    def start_peers(self, stages):
        """Compiling takes a minute: it begins before all else, and hides behind the other stages."""
        if "steps" in stages:
            self.start_maker("gpu_step", "peer.py", "--make-models", self.work)
            self.start_steps(self.step_shapes())
        if "decoders" in stages:
            self.start_maker("gpu_lm_step", "lm_peer.py", "--make-lm-models", self.work, "--device", self.device)
            if "steps" not in stages:  # Otherwise the encoders' peers have the memory.
                self.start_steps(self.decoder_waves()[0])
        if "demo" in stages:
            for mode in reversed(self.modes()):
                self.peers["epoch", mode] = self.peer(self.epoch_request(mode))
                if mode != "compile-graphs":
                    self.peers["bulk", mode] = self.peer(self.bulk_request(mode))

    def start_maker(self, workload, program, *options):
        command = [python(), HERE / program, *options, *(["--quick"] if self.quick else [])]
        self.peers["models", workload] = Side("model maker", command, {}, self.peer_env)

    def start_steps(self, shapes):
        for mode in reversed(DECODER_MODES):  # What compiles longest first.
            for shape in shapes:
                if mode in shape.modes and ("step", mode, shape) not in self.peers:
                    self.peers["step", mode, shape] = self.peer(self.step_request(shape, mode))

    def take(self, key):
        return self.peers.get(key)

    def drop(self, key):
        side = self.peers.pop(key, None)
        if side:
            side.close()

    def drop_steps(self, shape):
        for mode in shape.modes:
            self.drop(("step", mode, shape))

    def drop_all(self):
        for key in list(self.peers):
            self.drop(key)

    # MARK: Stages

    def stage_machine(self):
        rows = device.query("name,driver_version,memory.total,power.limit,clocks.max.sm")
        probe = run(
            [python(), "-c",
             "import json, torch, transformers; print(json.dumps({'torch': torch.__version__, 'cuda': torch.version.cuda, "
             "'transformers': transformers.__version__, 'cudnn': torch.backends.cudnn.version(), "
             "'devices': torch.cuda.device_count()}))"], self.peer_env, 90)
        name = platform.processor() or platform.machine()
        try:
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n"):
                if line.startswith("model name"):
                    name = line.split(":", 1)[1].strip()
                    break
        except OSError:
            pass
        data = {
            "gpu": rows[0][0] if rows else None, "driver": rows[0][1] if rows else None,
            "gpu_memory_mib": rows[0][2] if rows else None, "power_limit_w": rows[0][3] if rows else None,
            "max_clock_mhz": rows[0][4] if rows else None, "cpu": name, "cores": os.cpu_count(),
            "python": platform.python_version(), "kernel": platform.release(), "meter": self.meter.source,
            "memory_used_before_mib": self.memory_before, **(probe.json() or {})}
        if not probe.ok:
            data["probe"] = probe.record()
        if self.device == "cuda" and not data.get("devices"):
            raise CheckError(f"PyTorch sees no CUDA device: {last_line(probe.error_tail)[:300]}", data)
        return data, f"{data['gpu'] or 'no GPU'}, driver {data['driver']}, torch {data.get('torch')}"

    def stage_library(self):
        """Our CUDA kernels, built here unless the bundle brings them."""
        target = ROOT / ".cuda/libdistill_cuda.so"
        found = [self.bundle / name / "libdistill_cuda.so" for name in (".cuda", "lib", "cuda")]
        for file in found:
            if file.exists():
                if not target.exists():
                    target.parent.mkdir(exist_ok=True)
                    shutil.copy2(file, target)
                return {"library": str(file)}, f"{file.name} came with the bundle"
        script = ROOT / "scripts/cuda.sh"
        if target.exists() or not script.exists() or self.device != "cuda":
            return {"library": str(target) if target.exists() else None}, "it is there" if target.exists() else "there is nothing to build"
        done = run(["bash", script], self.env, self.left(), cwd=ROOT)
        if not done.ok:
            raise CheckError(f"scripts/cuda.sh failed: {last_line(done.error_tail or done.output)}", {"build": done.record()})
        return {"build": done.record()}, f"built in {done.seconds:.0f} s"

    def stage_start(self):
        version = run([self.distill, "--version"], self.env, self.left(30))
        data, words = {"version": version.record(), "output": version.output.strip()}, []
        if not version.ok:
            raise CheckError(f"distill --version failed with {version.code}: {version.error_tail}", data)
        for name in dict.fromkeys(["cpu", self.device]):
            try:
                data[name] = self.device_check(name, "float32", 60)
                words.append(f"{name} {summary_of_checks(data[name])}")
            except CheckError as error:
                data[name] = {"error": str(error)}
                words.append(f"{name} FAILED")
        if any("error" in data[name] for name in ("cpu", self.device)):
            raise CheckError("; ".join(data[name]["error"] for name in dict.fromkeys(["cpu", self.device]) if "error" in data[name]), data)
        return data, f"distill {data['output']}; " + "; ".join(words)

    def device_check(self, name, precision, limit):
        """Our own comparison of each operation; the answer comes with the request or with the first round."""
        side = self.runner({"workload": "device_check", "device": name, "precision": precision})
        begin = time.monotonic()
        try:
            answer = side.wait_ready(self.left(limit))
            if "checks" not in answer:
                answer = side.round(self.left(limit))
            if "checks" not in answer:
                raise CheckError(f"benchmark-runner: the answer has no 'checks': {json.dumps(answer)[:500]}")
            return {**answer, "wall_seconds": time.monotonic() - begin}
        finally:
            side.close()

    def stage_kernels(self):
        script = HERE / "kernel_check.py"
        if not script.exists():
            return {}, "skipped: there is no kernel_check.py"
        answer = self.work / "kernels.json"
        done = run([python(), script, "--output", answer], self.python_env, self.left(), cwd=ROOT)
        data = {"run": {**done.record(), "stdout": done.output[-6000:]}}
        if answer.exists():
            try:
                data["answer"] = json.loads(answer.read_text(encoding="utf-8"))
            except ValueError as error:
                data["answer_error"] = str(error)
        if not done.ok:
            raise CheckError(f"kernel_check.py failed with {done.code}: {last_line(done.error_tail or done.output)}", data)
        return data, f"{last_line(done.output)[:100]}"

    def stage_parity(self):
        data, words, bad = {}, [], False
        for precision in ("float32", "bfloat16"):
            try:
                data[precision] = self.device_check(self.device, precision, 90)
                words.append(f"{precision} {summary_of_checks(data[precision])}")
                bad |= any(not check.get("ok") for check in data[precision]["checks"])
            except CheckError as error:
                data[precision] = {"error": str(error)}
                words.append(f"{precision} FAILED")
                bad = True
        if bad:
            raise CheckError("; ".join(words), data)
        return data, "; ".join(words)

    def settle(self, most, shapes=None):
        """Waits until no peer (of these shapes) prepares any more; pauses all that still do."""
        end = time.monotonic() + self.left(most)
        states = {}
        while True:
            slow = []
            for key, side in self.peers.items():
                if key[0] == "models" or states.get(key):
                    continue
                try:
                    if side.is_ready():
                        states[key] = "ready"
                    else:
                        slow.append(key)
                except CheckError as error:
                    states[key] = str(error)
            awaited = slow if shapes is None else [key for key in slow if key[0] == "step" and key[2] in shapes]
            if not awaited or time.monotonic() >= end:
                break
            time.sleep(0.2)
        for key in slow:
            self.peers[key].pause()
        return slow

    def wake(self, keys):
        for key in keys:
            if key in self.peers:
                self.peers[key].resume()

    def stage_steps(self):
        begin = time.monotonic()
        slow = self.settle(max(5, min(self.arguments.compile_wait, self.left() - MEASURING)))
        data = {"waited_seconds": time.monotonic() - begin, "not_ready": ["/".join(map(str, key)) for key in slow], "configurations": []}
        self.result["stages"]["steps"] = data  # So that a cut keeps what there is.
        try:
            words = []
            for shape in self.step_shapes():
                entries, complete = self.measure_step(shape, data, slow)
                words += [ratio_words(entry) for entry in entries]
                if complete:
                    self.drop_steps(shape)
                else:
                    self.waiting.append(shape)
        finally:
            self.wake(slow)
        fail_without_ours(data)
        return data, "; ".join(words)

    def stage_decoders(self):
        """A language model's training step, wave by wave."""
        data, words = {"waited_seconds": [], "not_ready": [], "configurations": []}, []
        self.result["stages"]["decoders"] = data
        for shapes in self.decoder_waves():
            if self.left() < 15:
                break
            begin = time.monotonic()
            self.start_steps(shapes)
            slow = self.settle(max(5, min(self.arguments.compile_wait, self.left() - MEASURING_DECODERS)), shapes)
            data["waited_seconds"].append(time.monotonic() - begin)
            data["not_ready"] += ["/".join(map(str, key)) for key in slow if key[0] == "step" and key[2] in shapes]
            try:
                for shape in shapes:
                    entries, _ = self.measure_step(shape, data, slow)
                    words += [ratio_words(entry) for entry in entries]
                    self.drop_steps(shape)
                    self.save()
            finally:
                self.wake(slow)
        self.drop(("models", "gpu_lm_step"))
        fail_without_ours(data)
        return data, "; ".join(words)

    def measure_step(self, shape, data, slow=()):
        """One shape, with the teacher in every step and with its outputs kept: all sides in turn."""
        entries, complete = [], True
        for cached in shape.kept:
            if time.monotonic() > min(self.end, self.stage_end) - 3:
                break
            entry = {
                "workload": shape.workload, "teacher": shape.teacher, "precision": shape.precision, "batch": shape.batch,
                "length": shape.length, "cached_teacher": cached, "sides": {}, "errors": {}}
            data["configurations"].append(entry)
            entries.append(entry)
            sides, own = {}, None
            try:
                try:
                    own = self.runner(self.step_request(shape, cached=cached))
                    own.wait_ready(self.left(60))
                    sides["ours"] = own
                except CheckError as error:
                    entry["errors"]["ours"] = str(error)
                for mode in shape.modes:
                    key = ("step", mode, shape)
                    side = self.take(key)
                    try:
                        if side is None:
                            raise CheckError("it was not started")
                        if key in slow or not side.is_ready():
                            complete = False
                            raise CheckError("it was still compiling")
                        sides[mode] = side
                        entry.setdefault("compile_seconds", {})[mode] = side.ready.get("seconds")
                        if side.ready.get("graph_breaks"):
                            entry.setdefault("graph_breaks", {})[mode] = side.ready["graph_breaks"]
                    except CheckError as error:
                        entry["errors"][mode] = str(error)
                self.alternate(sides, entry, cached)
            finally:
                if own:
                    own.close(politely=True)
            finish(entry)
        return entries, complete

    def alternate(self, sides, entry, cached):
        names = list(sides)
        rounds = 1 if self.quick else 3
        for index in range(rounds):
            for turn in range(len(names)):
                name = names[(turn + index) % len(names)]
                if name in entry["errors"] or index and self.left() < 4:
                    continue
                time.sleep(0.05)
                begin = time.monotonic()
                try:
                    answer = sides[name].round(self.left(60), None if name == "ours" else {"cached_teacher": cached})
                except CheckError as error:
                    entry["errors"][name] = str(error)
                    continue
                end = time.monotonic()
                time.sleep(0.12)  # For the meter's last sample.
                kept = entry["sides"].setdefault(name, {"rounds": [], "utilisation": [], "peak_memory": None})
                kept["rounds"].append(statistics.mean(answer["seconds"]))
                # What was taken from the device: captured graphs hold memory that the allocator does not count as handed out.
                kept["peak_memory"] = answer.get("reserved_memory") or answer.get("peak_memory")
                if name == "ours":
                    kept["answer"] = {key: value for key, value in answer.items() if key not in ("seconds", "peak_memory")}
                elif answer.get("compiled_graphs") != (sides[name].ready or {}).get("compiled_graphs"):
                    kept["compiled_in_round"] = True
                if answer.get("first_loss") is not None:
                    kept["first_loss"] = answer["first_loss"]
                if answer.get("reserved_memory"):
                    kept["reserved_memory"] = answer["reserved_memory"]
                busy = answer.get("utilisation")
                # Of the timed part alone, which is a round's end.
                span = sum(answer["seconds"]) if len(answer["seconds"]) > 1 else answer["seconds"][0] * sides[name].request["steps"]
                busy = busy if busy is not None else self.meter.mean(max(begin, end - span), end, lead=min(0.6, span / 2))
                if busy is not None:
                    kept["utilisation"].append(busy)

    def stage_late(self):
        """Shapes whose peers were still compiling when the steps were measured."""
        if not self.waiting:
            return {}, "nothing waits"
        slow = self.settle(60, self.waiting)
        data = {"configurations": []}
        words = []
        try:
            for shape in self.waiting:
                entries, _ = self.measure_step(shape, data, slow)
                words += [ratio_words(entry) for entry in entries]
                self.drop_steps(shape)
        finally:
            self.wake(slow)
        return data, "; ".join(words)

    # MARK: The demo

    def takes(self, command, flag, known={}):
        if command not in known:
            known[command] = run([self.distill, command, "--help"], self.env, 20).output
        return flag in known[command]

    def command(self, data, name, *arguments, subcommand=None, device_flag=True, limit=90, json_output=True):
        """Runs one of our commands; keeps its time, its exit code and its report."""
        subcommand = subcommand or name
        options = ["--device", self.device] if device_flag and self.takes(subcommand, "--device") else []
        options += ["--json"] if json_output and self.takes(subcommand, "--json") else []
        begin = time.monotonic()
        if self.left() < 3:
            data["commands"][name] = {"exit_code": None, "seconds": 0.0, "skipped": "no time", "report": None}
            return None
        done = run([self.distill, subcommand, *arguments, *options], self.env, self.left(limit))
        data["commands"][name] = {
            **done.record(), "peak_device_memory_mib": self.meter.peak_memory(begin, time.monotonic()), "report": done.json()}
        self.save()
        return done

    def stage_demo(self):
        work, (train, validation) = self.work, self.movies()
        test = self.bundle / "movies/test.csv" if not self.quick else validation
        data = {"commands": {}, "accuracy": {}, "peers": {}}
        self.result["stages"]["demo"] = data
        texts = sum((read_column(file) for file in (train, validation)), [])
        copies = 1 if self.quick else -(-30_000 // len(texts))
        (work / "texts.txt").write_text("\n".join(" ".join(text.split()) for text in texts * copies) + "\n", encoding="utf-8")
        brief = ["--max-steps", "4"] if self.quick else []
        files = ["--train", train, "--validation", validation]
        teacher = work / "demo-teacher"
        self.command(
            data, "finetune", "--model", self.bundle / "minilm", *files, "--output", teacher, "--overwrite", "--epochs", "2",
            "--learning-rate", "5e-5", "--quiet", *brief)
        for number in (1, 2):
            # Each with a cache of its own, so that the teacher's outputs are computed twice too.
            self.command(
                data, f"run {number}", "--teacher", teacher, *files, "--output", work / f"student-{number}", "--overwrite", "--layers",
                "3", "--init", "teacher-layers", "--epochs", "3", "--learning-rate", "1e-4", "--quiet", "--cache-dir",
                work / f"cache-{number}", *brief, subcommand="run")
        digests = [digest(work / f"student-{number}/model.safetensors") for number in (1, 2)]
        data["digests"], data["same_bytes"] = digests, digests[0] == digests[1] if all(digests) else None
        student = work / "student-1"
        self.command(data, "label", "--teacher", teacher, "--data", train, "--cache-dir", work / "cache-label", "--quiet")
        self.command(data, "evaluate", "--model", student, "--data", test, "--teacher", teacher, "--cache-dir", work / "cache-1")
        if self.device != "cpu":
            self.command(
                data, "evaluate on the CPU", "--model", student, "--data", test, "--teacher", teacher, "--cache-dir", work / "cache-1",
                subcommand="evaluate", device_flag=False)
        self.command(
            data, "quantize", "--model", student, "--output", work / "student-int8", "--overwrite", "--data", validation, "--quiet")
        self.command(data, "export", "--model", student, "--format", "onnx", "--output", work / "student-onnx", "--overwrite")
        predicted = self.command(data, "predict", "--model", student, work / "texts.txt", json_output=False)
        data["commands"]["predict"].update({"texts": len(texts) * copies, "lines": predicted.output.count("\n") if predicted else 0})
        for name, entry in data["commands"].items():
            report = entry["report"] if isinstance(entry["report"], dict) else {}
            evaluated = [part for part in (report.get(key) for key in ("student", "model", "after")) if isinstance(part, dict)]
            if evaluated and isinstance(evaluated[0].get("accuracy"), (int, float)):
                data["accuracy"][name] = evaluated[0]["accuracy"]
        data["cpu_accuracy"] = self.cpu_figures()
        self.save()
        self.demo_peers(data)
        bad = [f"{name}: {entry.get('skipped') or 'ended with ' + str(entry['exit_code'])}" for name, entry in data["commands"].items() if entry["exit_code"] != 0]
        if data["same_bytes"] is False:
            bad.append("two runs gave different bytes")
        if bad:
            raise CheckError("; ".join(bad), data)
        seconds = ", ".join(f"{name} {entry['seconds']:.1f} s" for name, entry in data["commands"].items())
        return data, f"{seconds}; run 1 accuracy {data['accuracy'].get('run 1')}"

    def cpu_figures(self):
        file = self.arguments.cpu_figures
        if not file:
            return None
        values = json.loads(Path(file).read_text(encoding="utf-8"))
        return values.get("stages", {}).get("demo", {}).get("accuracy", values) if "stages" in values else values

    def demo_peers(self, data):
        """PyTorch's loop on the same data and teacher, and the predictions for many texts on both sides."""
        slow = self.settle(20)
        try:
            for mode in self.modes():
                key = ("epoch", mode)
                self.peer_round(data, f"epoch {mode}", key, slow, {"teacher": str(self.work / "demo-teacher")})
            student = {"weights": str(self.work / "student-1")}
            request = {**self.bulk_request("eager"), "model": student["weights"]}
            own = None
            try:
                if self.left() < 3:
                    raise CheckError("no time")
                own = self.runner(request)
                own.wait_ready(self.left(60))
                data["peers"]["bulk ours"] = repeated(lambda: own.round(self.left(60)), 1 if self.quick else 3)
            except CheckError as error:
                data["peers"]["bulk ours"] = {"error": str(error)}
            finally:
                if own:
                    own.close(politely=True)
            for mode in self.modes()[:2]:
                self.peer_round(data, f"bulk {mode}", ("bulk", mode), slow, student, 1 if self.quick else 3)
        finally:
            self.wake(slow)

    def peer_round(self, data, name, key, slow, settings, rounds=1):
        try:
            side = self.take(key)
            if side is None:
                raise CheckError("it was not started")
            if self.left() < 3:
                raise CheckError("no time")
            if key in slow or not side.is_ready():
                raise CheckError("it was still compiling")
            data["peers"][name] = repeated(lambda: side.round(self.left(90), settings), rounds)
            data["peers"][name]["graph_breaks"] = side.ready.get("graph_breaks")
        except CheckError as error:
            data["peers"][name] = {"error": str(error)}
        self.save()
        self.drop(key)

    # MARK: Language models

    def stage_lm_demo(self):
        """The commands for language models, from a teacher to a student's answer, and their figures beside the CPU's."""
        source, work = self.bundle / "lm", self.work
        if not (source / "teacher/config.json").exists():
            return {}, "skipped: the bundle has no lm/teacher"
        data, teacher, validation = {"commands": {}, "figures": {}}, source / "teacher", source / "validation.jsonl"
        self.result["stages"]["lm-demo"] = data
        for number in (1, 2):
            self.command(
                data, f"run {number}", "--teacher", teacher, "--train", source / "train.jsonl", "--validation", validation, "--layers", "2",
                "--epochs", "1", "--output", work / f"lm-trained-{number}", "--overwrite", "--quiet", "--cache-dir",
                work / f"lm-cache-{number}", *(["--max-steps", "4"] if self.quick else []), subcommand="run")
        digests = [digest(work / f"lm-trained-{number}/model.safetensors") for number in (1, 2)]
        data["digests"], data["same_bytes"] = digests, digests[0] == digests[1] if all(digests) else None
        student = work / "lm-trained-1"
        for name, on_device in (("evaluate", True), ("evaluate on the CPU", False)):
            self.command(
                data, name, "--model", student, "--teacher", teacher, "--data", validation, "--cache-dir", work / f"lm-{name.split()[-1]}",
                subcommand="evaluate", device_flag=on_device)
            report = data["commands"][name]["report"] or {}
            metrics = report.get("model", {}).get("metrics", {})
            data["figures"][name] = {key: metrics[key] for key in ("loss", "kl", "agreement", "accuracy") if key in metrics}
        self.command(data, "generate", "--model", student, "--prompt", "What does the word \"harbor\" mean?", "--max-new-tokens", "16")
        bad = [f"{name}: {entry.get('skipped') or 'ended with ' + str(entry['exit_code'])}" for name, entry in data["commands"].items() if entry["exit_code"] != 0]
        if data["same_bytes"] is False:
            bad.append("two runs gave different bytes")
        own, expected = data["figures"]["evaluate"], data["figures"]["evaluate on the CPU"]
        bad += [f"{key} is {own.get(key)}, on the CPU {value}" for key, value in expected.items()
                if own and not abs(own.get(key, float("nan")) - value) <= FIGURE_TOLERANCE[key] * max(1, abs(value))]
        if bad:
            raise CheckError("; ".join(bad), data)
        return data, ", ".join(f"{name} {entry['seconds']:.1f} s" for name, entry in data["commands"].items())

    # MARK: Errors

    def stage_errors(self):
        self.drop_all()
        data, bad = {}, []
        model = self.work / "student-1" if (self.work / "student-1/config.json").exists() else None
        train, validation = self.movies()
        source = ["--model", self.bundle / "minilm", "--train", train, "--validation", validation, "--output", self.work / "no-model"]
        count = device.query("name")
        other = f"cuda:{max(1, len(count))}"
        done = run(
            [self.distill, "evaluate", "--model", model, "--data", validation, "--device", other] if model
            else [self.distill, "finetune", *source, "--device", other], self.env, self.left(40))
        data["missing device"] = self.one_line(done, other, bad, "missing device", [other])
        if self.device == "cuda":
            # Far more than any device holds: 40,000 texts of 128 tokens in one batch.
            large = self.work / "large.csv"
            with open(large, "w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(["text", "label"])
                for index in range(40_000):
                    writer.writerow([" ".join(f"word{(index * 31 + position) % 1000}" for position in range(60)), ("negative", "positive")[index % 2]])
            done = run(
                [self.distill, "finetune", "--model", self.bundle / "minilm", "--train", large, "--validation", validation, "--output",
                 self.work / "too-large", "--per-device-train-batch-size", "200000", "--max-steps", "1", "--device", self.device,
                 "--quiet"], self.env, self.left(60))
            data["out of memory"] = self.one_line(done, "batch", bad, "out of memory", ["batch", "length"])
            large = Shape("gpu_step", "teacher", "student", "bfloat16", 100_000, 128, 20, ())
            side = self.runner({**self.step_request(large), "teacher": str(self.bundle / "minilm"), "student": str(self.bundle / "minilm")})
            try:
                side.wait_ready(self.left(40))
                answer = side.round(self.left(40))
                bad.append("the runner took a batch of 100000")
                data["runner out of memory"] = {"answer": answer}
            except CheckError as error:
                data["runner out of memory"] = {"error": str(error)}
                if "no answer" in str(error) or "ended with" in str(error):
                    bad.append(f"the runner's batch of 100000: {error}")
            finally:
                side.close()
        kill_all_but_meter(self)
        # The driver takes a moment to free what killed processes held.
        end = time.monotonic() + 6
        while True:
            after = device.memory_used()
            if after is None or self.memory_before is None or after <= self.memory_before + 64 or time.monotonic() > end:
                break
            time.sleep(0.5)
        data["memory_mib"] = {"before": self.memory_before, "after": after}
        data["processes_after"] = device.query("pid,used_memory", "compute-apps")
        if after is not None and self.memory_before is not None and after > self.memory_before + 64:
            bad.append(f"{after} MiB in use afterwards, {self.memory_before} before")
        if bad:
            raise CheckError("; ".join(bad), data)
        return data, f"{data['missing device']['line'][:110]}" + (f"; {data['out of memory']['line'][:110]}" if "out of memory" in data else "")

    def one_line(self, done, word, bad, name, words):
        lines = [line for line in done.error.split("\n") if line.strip()]
        entry = {**done.record(), "line": lines[-1] if lines else "", "lines": len(lines)}
        # 64: an option's value that is wrong, told before anything begins.
        if done.code not in (1, 64):
            bad.append(f"{name}: exit code {done.code}")
        if len(lines) != 1:
            bad.append(f"{name}: {len(lines)} lines instead of one")
        if not any(word in entry["line"] for word in words):
            bad.append(f"{name}: the line does not name {word}")
        return entry

    # MARK: All of them

    def run_all(self):
        only = set(self.arguments.only.split(",")) if self.arguments.only else set(STAGES)
        unknown = only - set(STAGES)
        if unknown:
            raise SystemExit(f"gpu_check: no stage {', '.join(sorted(unknown))}; there are {', '.join(STAGES)}")
        stages = [name for name in STAGES if name in only]
        self.start_peers(stages)
        failed = 0
        for name in stages:
            begin = time.monotonic()
            # Something is measured only with time for it.
            if self.end - begin < 5:
                self.result["stages"][name] = {"result": "skipped: no time", "seconds": 0}
                print(f"{name:9} skipped: no time", flush=True)
                self.save()
                continue
            reserve = 0 if self.arguments.only else RESERVE.get(name, 0)
            if reserve and name in BEFORE_DECODERS and "decoders" in stages:
                reserve += min(DECODERS_RESERVE, max(0, self.arguments.budget - PLAIN_BUDGET))
            self.stage_end = min(begin + LIMITS.get(name, 60), max(begin + 20, self.end - reserve))
            data, words, outcome = {}, "", "ok"
            try:
                data, words = getattr(self, f"stage_{name.replace('-', '_')}")()
                if words.startswith("skipped"):
                    outcome = words
            except CheckError as error:
                data, words, outcome = error.args[1] if len(error.args) > 1 else {}, str(error.args[0]), "failed"
            except Exception as error:
                data = self.result["stages"].get(name, {})
                words, outcome = f"{type(error).__name__}: {error}", "failed"
                data["traceback"] = traceback.format_exc()[-3000:]
            seconds = time.monotonic() - begin
            if outcome == "failed":
                failed += 1
                data = {**data, "error": words[:4000]}
            self.result["stages"][name] = {"result": outcome, "seconds": seconds, **data, "summary": words[:2000]}
            self.save()
            print(f"{name:9} {seconds:6.1f} s  {'FAILED: ' if outcome == 'failed' else ''}{' | '.join(words.splitlines())[:700]}", flush=True)
        return failed

    def close(self):
        self.meter.close()
        kill_all()
        shutil.rmtree(self.work, ignore_errors=True)


def kill_all_but_meter(check):
    from processes import STARTED, kill

    for process in STARTED:
        if process is not check.meter.process and process.returncode is None:
            kill(process)


def repeated(body, rounds):
    """The last answer, and the seconds of all."""
    answers = [body() for _ in range(rounds)]
    return {**answers[-1], "rounds": [sum(answer["seconds"]) for answer in answers],
            "median": statistics.median(sum(answer["seconds"]) for answer in answers)}


def fail_without_ours(data):
    failures = [entry for entry in data["configurations"] if "ours" in entry["errors"]]
    if failures:
        raise CheckError("; ".join(f"batch {entry['batch']}: {entry['errors']['ours']}" for entry in failures), data)


def finish(entry):
    """Medians, tokens a second, and the speedup."""
    for side in entry["sides"].values():
        side["median"] = statistics.median(side["rounds"])
        side["tokens_per_second"] = entry["batch"] * entry["length"] / side["median"]
        side["utilisation"] = statistics.mean(side["utilisation"]) if side["utilisation"] else None
    own = entry["sides"].get("ours")
    entry["ratios"], entry["memory_ratios"] = {}, {}
    for name, side in entry["sides"].items():
        if own and name != "ours":
            entry["ratios"][name] = side["median"] / own["median"]
            if own["peak_memory"] and side["peak_memory"]:
                entry["memory_ratios"][name] = own["peak_memory"] / side["peak_memory"]


def ratio_words(entry):
    sides = entry["sides"]
    own = f"{sides['ours']['median'] * 1e3:.2f} ms" if "ours" in sides else "ours failed"
    ratios = ", ".join(f"{value:.2f}× {name}" for name, value in entry.get("ratios", {}).items()) or "no ratio"
    size = f"{entry['batch']}×{entry['length']}" if entry["workload"] == "gpu_lm_step" else entry["batch"]
    return f"{entry['precision']} {size}{' cached' if entry['cached_teacher'] else ''}: {own}, {ratios}"


def summary_of_checks(answer):
    checks = answer["checks"]
    bad = [check["name"] for check in checks if not check.get("ok")]
    return f"{len(checks) - len(bad)} of {len(checks)} checks hold" + (f" (not {', '.join(bad[:6])})" if bad else "")


def last_line(text):
    lines = [line for line in (text or "").split("\n") if line.strip()]
    return lines[-1] if lines else ""


def read_column(file):
    with open(file, encoding="utf-8", newline="") as handle:
        return [row["text"] for row in csv.DictReader(handle)]


def digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else None


def main():
    parser = argparse.ArgumentParser(description="Checks and measures distill on a GPU, beside PyTorch.")
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to check the check")
    parser.add_argument("--only", help=f"some of {','.join(STAGES)}")
    parser.add_argument("--budget", type=float, default=285, help="seconds; what does not fit is skipped")
    parser.add_argument("--compile-wait", type=float, default=120, help="how long the steps wait for peers that compile")
    parser.add_argument("--modes", type=int, default=3, choices=[1, 2, 3], help="peers: eager, also compiled (language models: and Liger), also with CUDA graphs")
    parser.add_argument("--cpu-figures", help="accuracies of the same commands on the CPU")
    check = Check(parser.parse_args())
    atexit.register(check.close)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
    try:
        failed = check.run_all()
    finally:
        check.save()
    print(f"{failed} stage(s) failed; {time.monotonic() - check.begin:.0f} s; {check.output}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
