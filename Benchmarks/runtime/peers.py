"""The peers' side of `make benchmark-runtime`, each from texts to logits as its documentation advises.

    python Benchmarks/runtime/peers.py PEER MODELS PRECISION TEXTS THREADS     the protocol of runner.c
    python Benchmarks/runtime/peers.py PEER MODELS PRECISION --once TEXT       one prediction, for its start

PEER is onnxruntime, openvino or ctranslate2; MODELS the folder that prepare.py fills. Only what a peer needs is imported.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

LONGEST = 128


def padded(rows):
    longest = max(map(len, rows))
    ids = np.zeros((len(rows), longest), np.int64)
    mask = np.zeros_like(ids)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
        mask[place, : len(row)] = 1
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}


def forms(models, pattern, once):
    """A runtime's own form of the model first, then the export of ours; for one prediction its own alone."""
    files = sorted(models.glob(pattern), key=lambda file: "export" in file.name)
    return files[:1] if once else files


class OnnxRuntime:
    def __init__(self, models, precision, threads, once=False):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Of int8 its own dynamic quantization and the export of ours, the faster one of which counts.
        self.sessions = [
            onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
            for file in forms(models, f"onnx-{precision}*.onnx", once)]
        self.session = self.sessions[0]

    def variants(self):
        return self.sessions

    def choose(self, variant):
        self.session = variant

    def logits(self, rows):
        return self.session.run(["logits"], padded(rows))[0]

    def batches(self, batches):
        return [self.logits(rows) for rows in batches]


class OpenVino:
    """One text with the hint for latency, many with the one for throughput and asynchronous requests."""

    def __init__(self, models, precision, threads, once=False):
        import openvino

        self.openvino = openvino
        core = openvino.Core()
        self.models = []
        for file in forms(models, f"openvino-{precision}*.xml", once):
            shared = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
            single = core.compile_model(str(file), "CPU", {**shared, "PERFORMANCE_HINT": "LATENCY"})
            many = single if once else core.compile_model(str(file), "CPU", {**shared, "PERFORMANCE_HINT": "THROUGHPUT"})
            self.models.append((single, many))
        self.choose(self.models[0])

    def variants(self):
        return self.models

    def choose(self, variant):
        self.single, many = variant
        self.queue = self.openvino.AsyncInferQueue(many)

    def logits(self, rows):
        return self.single(padded(rows))["logits"]

    def batches(self, batches):
        results = [None] * len(batches)

        def done(request, place):
            results[place] = request.get_tensor("logits").data.copy()

        self.queue.set_callback(done)
        for place, rows in enumerate(batches):
            self.queue.start_async(padded(rows), place)
        self.queue.wait_all()
        return results


class CTranslate2:
    """The encoder; the classifier behind it is NumPy's, as its users have it. Many texts go to as many workers as threads."""

    def __init__(self, models, precision, threads, once=False):
        import ctranslate2

        self.ctranslate2, self.threads = ctranslate2, threads
        folder = str(models / "ctranslate2")
        kind = {"float32": "float32", "int8": "int8_float32"}[precision]
        self.single = ctranslate2.Encoder(folder, compute_type=kind, intra_threads=threads)
        self.many = self.single
        if threads > 1:
            self.many = ctranslate2.Encoder(folder, compute_type=kind, inter_threads=threads, intra_threads=1)
        self.pool = ThreadPoolExecutor(threads)
        head = np.load(models / "head.npz")
        self.weight, self.bias = head["weight"], head["bias"]

    def variants(self):
        return [None]

    def choose(self, variant):
        pass

    def run(self, encoder, rows):
        pooled = np.array(encoder.forward_batch(rows).pooler_output)
        return pooled @ self.weight.T + self.bias

    def logits(self, rows):
        return self.run(self.single, rows)

    def batches(self, batches):
        return list(self.pool.map(lambda rows: self.run(self.many, rows), batches))


PEERS = {"onnxruntime": OnnxRuntime, "openvino": OpenVino, "ctranslate2": CTranslate2}


class Side:
    def __init__(self, peer, tokenizer):
        self.peer, self.tokenizer = peer, tokenizer
        self.size = 32

    def one(self, text):
        return self.peer.logits([self.tokenizer.encode(text).ids])

    def many(self, texts):
        """Texts of similar length in a batch, the longest first."""
        rows = [encoding.ids for encoding in self.tokenizer.encode_batch_fast(texts)]
        order = sorted(range(len(rows)), key=lambda index: -len(rows[index]))
        places = [order[start : start + self.size] for start in range(0, len(order), self.size)]
        logits = self.peer.batches([[rows[place] for place in batch] for batch in places])
        result = np.zeros((len(rows), logits[0].shape[1]), np.float32)
        for batch, values in zip(places, logits):
            result[batch] = values
        return result

    def tune(self, texts, kind):
        """Chooses the model's form, and of batches the size, by which the texts go fastest."""
        def best(choices, apply, run):
            times = []
            for choice in choices:
                apply(choice)
                run()
                start = time.perf_counter()
                run()
                times.append(time.perf_counter() - start)
            apply(choices[times.index(min(times))])

        if kind == "latency":
            best(self.peer.variants(), self.peer.choose, lambda: [self.one(text) for text in texts[:20]])
        else:
            sample = texts[:: max(1, len(texts) // 150)]
            best(self.peer.variants(), self.peer.choose, lambda: self.many(sample))
            best([8, 16, 32, 64], lambda size: setattr(self, "size", size), lambda: self.many(sample))


def answer(side, texts, request):
    name, _, argument = request.partition(" ")
    if name == "tune":
        side.tune(texts, argument)
        return {"batch": side.size}
    if name == "latency":
        seconds = []
        for index in range(int(argument)):
            start = time.perf_counter()
            side.one(texts[index % len(texts)])
            seconds.append(time.perf_counter() - start)
        return {"seconds": seconds}
    if name == "bulk":
        start = time.perf_counter()
        side.many(texts)
        return {"seconds": [time.perf_counter() - start]}
    side.many(texts).astype(np.float32).tofile(argument)
    return {}


def main():
    name, models, precision = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    tokenizer = Tokenizer.from_file(str(models / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    if sys.argv[4] == "--once":
        print(Side(PEERS[name](models, precision, 1, once=True), tokenizer).one(sys.argv[5]).tolist())
        return
    texts = [line for line in Path(sys.argv[4]).read_text(encoding="utf-8").split("\n") if line]
    side = Side(PEERS[name](models, precision, int(sys.argv[5])), tokenizer)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(side, texts, line.strip())), flush=True)


if __name__ == "__main__":
    main()
