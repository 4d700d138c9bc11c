"""Texts of a language model: distill-run and llama.cpp (xllamacpp), in turn, one prompt at a time and several at once.

    python Benchmarks/runtime/generation.py --model DIRECTORY --gguf FILE [--gguf FILE …] [--program runtime/bin/distill-run]
        [--bfloat16] [--tokens 64] [--batch 8] [--rounds 5] [--threads 2]

The directory is in Hugging Face format, the files are of the same model in the types to compare with (distill export --format gguf
--outtype bf16, q8_0). Each side is a process that has opened its model; a round gives one side the prompts, then the next side. Printed
for each side: tokens a second of the best and the median round by the clock, and tokens for each second of processor time, which
says more where other programs want the processor.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROMPTS = [
    "Once upon a time there was a wren that", "The capital of France is a city in which", "To make bread one needs flour, and",
    "In the year 1969 people travelled to", "A harbor is a place where ships", "The most important thing about trees is",
    "My grandmother always said that music", "Water boils when it is heated, because",
]


def serve(request):
    """llama.cpp's side: answers each line of prompts with the number of tokens that it generated."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = request["file"]
    parameters.n_ctx = 512 * request["batch"]
    parameters.n_parallel = request["batch"]
    parameters.warmup = True
    parameters.cpuparams.n_threads = request["threads"]
    server = xllamacpp.Server(parameters)

    def complete(prompt):
        body = dict(prompt=prompt, n_predict=request["tokens"], temperature=0, cache_prompt=False)
        call = urllib.request.Request(
            server.listening_address + "/completion", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(call, timeout=600) as answer:
            return json.load(answer)["tokens_predicted"]

    print(json.dumps({"ready": True}), flush=True)
    with ThreadPoolExecutor(request["batch"]) as pool:
        for line in sys.stdin:
            print(json.dumps({"tokens": sum(pool.map(complete, json.loads(line)))}), flush=True)


class Side:
    """A process that generates, and what its rounds took."""

    def __init__(self, name, command):
        self.name, self.rounds = name, []
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def run(self, prompts):
        cpu, start = self.cpu_seconds(), time.perf_counter()
        tokens = self.generate(prompts)
        self.rounds.append((tokens, time.perf_counter() - start, self.cpu_seconds() - cpu))

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name}: the process ended")
        return json.loads(line)

    def summary(self):
        clock = [tokens / seconds for tokens, seconds, _ in self.rounds]
        cpu = sum(tokens for tokens, _, _ in self.rounds) / max(1e-9, sum(seconds for _, _, seconds in self.rounds))
        return dict(best=max(clock), median=statistics.median(clock), cpu=cpu)


class Ours(Side):
    def __init__(self, options, batch):
        command = [options.program, options.model, "--no-chat", "--max-new-tokens", str(options.tokens), "--temperature", "0",
                   "--batch-size", str(batch), "--threads", str(options.threads)]
        super().__init__("distill-run " + ("bfloat16" if options.bfloat16 else "float32"), command + ["--bfloat16"] * options.bfloat16)

    def generate(self, prompts):
        # One write, so that the prompts are there together.
        self.process.stdin.write("".join(prompt + "\n" for prompt in prompts))
        self.process.stdin.flush()
        return sum(self.answer()["tokens"] for _ in prompts)


class Peer(Side):
    def __init__(self, file, options, batch):
        request = dict(file=file, tokens=options.tokens, batch=batch, threads=options.threads)
        super().__init__(f"llama.cpp {pathlib.Path(file).name}", [sys.executable, __file__, "--serve", json.dumps(request)])
        self.answer()

    def generate(self, prompts):
        self.process.stdin.write(json.dumps(prompts) + "\n")
        self.process.stdin.flush()
        return self.answer()["tokens"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--model")
    parser.add_argument("--gguf", action="append", default=[])
    parser.add_argument("--program", default=str(ROOT / "runtime/bin/distill-run"))
    parser.add_argument("--bfloat16", action="store_true")
    for name, value in [("tokens", 64), ("batch", 8), ("rounds", 5), ("threads", 2)]:
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    if options.serve:
        return serve(json.loads(options.serve))
    if not options.model:
        parser.error("give --model")
    for batch in [1, options.batch]:
        sides = [Ours(options, batch)] + [Peer(file, options, batch) for file in options.gguf]
        prompts = (PROMPTS * batch)[:batch] if batch > 1 else PROMPTS[:1]
        for side in sides:
            side.run(prompts)
            side.rounds.clear()
        for _ in range(options.rounds):
            for side in sides:
                side.run(prompts)
        for side in sides:
            result = side.summary()
            print(f"{batch:3} at once  {side.name:50} best {result['best']:7.1f}  median {result['median']:7.1f} tokens/s  "
                  f"{result['cpu']:7.1f} tokens per second of processor time")
            side.process.stdin.close()
            side.process.wait()


if __name__ == "__main__":
    main()
