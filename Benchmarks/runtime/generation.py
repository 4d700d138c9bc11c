"""Texts of a language model: distill-run and llama.cpp on the same GGUF files, in turn.

    python Benchmarks/runtime/generation.py --gguf FILE [--gguf FILE …] [--model DIRECTORY [--weights bfloat16 …]]
        [--peer-python PYTHON] [--program runtime/bin/distill-run] [--tokens 64] [--streams 1 8 32] [--prompt-tokens 400] [--rounds 5] [--threads 2]

llama.cpp is xllamacpp's, whose wheel is built for AVX2; or with --peer-python that of the llama-cpp-python which this Python has, built
for the processor it runs on: CMAKE_ARGS=-DGGML_NATIVE=ON pip install --no-binary llama-cpp-python llama-cpp-python.

Each file is opened by both; a directory in Hugging Face format by distill-run alone. Each side is a process that has opened its model; a round
gives one side the prompts, then the next side. First prompts are continued, so many at a time; then a long prompt is read, of which
one token is asked for. Printed for each side: tokens a second of the best and the median round by the clock, tokens for each second of
processor time, which says more where other programs want the processor, and of a file's two sides the ratios of the medians and of the
processor times.
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
    if request["native"]:
        return serve_native(request)
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = request["file"]
    parameters.n_ctx = 512 * request["batch"]
    parameters.n_parallel = request["batch"]
    parameters.warmup = True
    parameters.cpuparams.n_threads = request["threads"]
    parameters.cpuparams_batch.n_threads = request["threads"]
    server = xllamacpp.Server(parameters)

    def complete(prompt):
        body = dict(prompt=prompt, n_predict=request["tokens"], temperature=0, cache_prompt=False, n_probs=0)
        call = urllib.request.Request(
            server.listening_address + "/completion", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(call, timeout=600) as answer:
            made = json.load(answer)
            return made["tokens_predicted"], made["tokens_evaluated"], made["content"]

    print(json.dumps({"ready": True}), flush=True)
    with ThreadPoolExecutor(request["batch"]) as pool:
        for line in sys.stdin:
            made = list(pool.map(complete, json.loads(line)))
            print(json.dumps({"tokens": sum(tokens for tokens, _, _ in made), "prompt": made[0][1], "text": made[0][2]}), flush=True)


class Native:
    """llama.cpp by its C interface: greedy texts of several sequences in one batch."""

    def __init__(self, request):
        import llama_cpp
        import numpy

        self.c, self.numpy, self.tokens = llama_cpp, numpy, request["tokens"]
        llama_cpp.llama_backend_init()
        print(llama_cpp.llama_print_system_info().decode(), file=sys.stderr)
        self.model = llama_cpp.llama_model_load_from_file(request["file"].encode(), llama_cpp.llama_model_default_params())
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = 1024 * request["batch"]
        parameters.n_batch = parameters.n_ubatch = 2048
        parameters.n_seq_max = request["batch"]
        parameters.n_threads = parameters.n_threads_batch = request["threads"]
        self.context = llama_cpp.llama_init_from_model(self.model, parameters)
        self.vocabulary = llama_cpp.llama_model_get_vocab(self.model)
        self.size = llama_cpp.llama_vocab_n_tokens(self.vocabulary)
        self.batch = llama_cpp.llama_batch_init(4096, 0, 1)

    def encode(self, text):
        data = text.encode()
        ids = (self.c.llama_token * (len(data) + 8))()
        return list(ids[:self.c.llama_tokenize(self.vocabulary, data, len(data), ids, len(ids), True, True)])

    def decode(self, rows):
        """Computes rows of (sequence, token, place, whether its logits are wanted); returns the most probable token of each wanted one."""
        for i, (sequence, token, place, wanted) in enumerate(rows):
            self.batch.token[i], self.batch.pos[i] = token, place
            self.batch.n_seq_id[i], self.batch.seq_id[i][0] = 1, sequence
            self.batch.logits[i] = wanted
        self.batch.n_tokens = len(rows)
        if self.c.llama_decode(self.context, self.batch) != 0:
            sys.exit("llama_decode failed")
        best = []
        for i, row in enumerate(rows):
            if row[3]:
                logits = self.c.llama_get_logits_ith(self.context, i)
                best.append(int(self.numpy.ctypeslib.as_array(logits, shape=(self.size,)).argmax()))
        return best

    def __call__(self, prompts):
        self.c.llama_memory_clear(self.c.llama_get_memory(self.context), True)
        prompts = [self.encode(prompt) for prompt in prompts]
        rows = [(s, token, i, i == len(ids) - 1) for s, ids in enumerate(prompts) for i, token in enumerate(ids)]
        texts, running = [[] for _ in prompts], list(range(len(prompts)))
        while running:
            for s, token in zip(running, self.decode(rows)):
                texts[s].append(token)
            running = [s for s in running
                       if len(texts[s]) < self.tokens and not self.c.llama_vocab_is_eog(self.vocabulary, texts[s][-1])]
            rows = [(s, texts[s][-1], len(prompts[s]) + len(texts[s]) - 1, True) for s in running]
        return dict(tokens=sum(map(len, texts)), prompt=len(prompts[0]), text="")


def serve_native(request):
    model = Native(request)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(model(json.loads(line))), flush=True)


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
    def __init__(self, model, weights, options, batch, tokens):
        command = [options.program, model, "--no-chat", "--max-new-tokens", str(tokens), "--temperature", "0",
                   "--batch-size", str(batch), "--threads", str(options.threads)]
        super().__init__(f"distill-run {pathlib.Path(model).name} {weights}".rstrip(), command + [f"--{weights}"] * bool(weights))

    def generate(self, prompts):
        # One write, so that the prompts are there together.
        self.process.stdin.write("".join(prompt + "\n" for prompt in prompts))
        self.process.stdin.flush()
        return sum(self.answer()["tokens"] for _ in prompts)


class Peer(Side):
    def __init__(self, file, options, batch, tokens):
        request = dict(file=file, tokens=tokens, batch=batch, threads=options.threads, native=bool(options.peer_python))
        python = options.peer_python or sys.executable
        super().__init__(f"llama.cpp {pathlib.Path(file).name}", [python, __file__, "--serve", json.dumps(request)])
        self.answer()

    def generate(self, prompts):
        self.process.stdin.write(json.dumps(prompts) + "\n")
        self.process.stdin.flush()
        answer = self.answer()
        self.prompt_tokens = answer["prompt"]
        return answer["tokens"]


def measure(options, batch, tokens, prompts, unit):
    """Prints what the sides do with prompts; of a long one the tokens that are read count."""
    sides, pairs = [], []
    for file in options.gguf:
        pairs.append((Ours(file, "", options, batch, tokens), Peer(file, options, batch, tokens)))
        sides += pairs[-1]
    if options.model:
        sides += [Ours(options.model, weights, options, batch, tokens) for weights in [""] + options.weights]
    for side in sides:
        side.run(prompts)
        side.rounds.clear()
    for _ in range(options.rounds):
        for side in sides:
            side.run(prompts)
    if tokens == 1:
        # Both count the prompt's tokens alike; the peer says how many they are.
        length = next((side.prompt_tokens for side in sides if isinstance(side, Peer)), options.prompt_tokens)
        for side in sides:
            side.rounds = [(length * len(prompts), seconds, cpu) for _, seconds, cpu in side.rounds]
    for side in sides:
        result = side.summary()
        print(f"{unit}  {side.name:44} best {result['best']:8.1f}  median {result['median']:8.1f} tokens/s  "
              f"{result['cpu']:8.1f} tokens per second of processor time", flush=True)
        side.process.stdin.close()
        side.process.wait()
    for ours, peer in pairs:
        left, right = ours.summary(), peer.summary()
        print(f"{unit}  {ours.name.split()[-1]:44} distill-run / llama.cpp: {left['median'] / right['median']:.2f} by the clock, "
              f"{left['cpu'] / right['cpu']:.2f} by processor time", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--model")
    parser.add_argument("--weights", nargs="*", default=[], choices=["bfloat16", "int8", "int4"])
    parser.add_argument("--gguf", action="append", default=[])
    parser.add_argument("--peer-python", help="a Python with llama-cpp-python")
    parser.add_argument("--program", default=str(ROOT / "runtime/bin/distill-run"))
    parser.add_argument("--streams", type=int, nargs="*", default=[1, 8, 32])
    for name, value in [("tokens", 64), ("prompt-tokens", 400), ("rounds", 5), ("threads", 2)]:
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    if options.serve:
        return serve(json.loads(options.serve))
    if not options.model and not options.gguf:
        parser.error("give --gguf or --model")
    for batch in options.streams:
        measure(options, batch, options.tokens, (PROMPTS * batch)[:batch], f"{batch:3} at once")
    if options.prompt_tokens:
        words = " ".join(PROMPTS * (1 + options.prompt_tokens // 60)).split()
        # About a token a word.
        measure(options, 1, 1, [" ".join(words[:options.prompt_tokens])], "     prompt")


if __name__ == "__main__":
    main()
