"""The peers' side of the benchmark: the protocol of Runner.swift, for PyTorch, ONNX Runtime and Hugging Face tokenizers.

    python Benchmarks/peer.py        reads requests from standard input
"""

import array
import contextlib
import json
import os
import resource
import sys
import time


def dtype_context(request):
    import torch

    if request["precision"] == "bfloat16":
        return torch.autocast("cpu", dtype=torch.bfloat16)
    return contextlib.nullcontext()


def pseudo_random_ids(count):
    return [1000 + (index * 7919) % 20000 for index in range(count)]


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [line for line in file.read().split("\n") if line]


def train_step(request):
    import torch
    import torch.nn.functional as F
    from transformers import AutoModelForSequenceClassification

    teacher = AutoModelForSequenceClassification.from_pretrained(request["teacher"]).eval()
    student = AutoModelForSequenceClassification.from_pretrained(request["student"]).train()
    teacher.requires_grad_(False)
    optimizer = torch.optim.AdamW(student.parameters(), lr=2e-5, weight_decay=0.01, fused=True)
    batch, length = request["batch"], request["length"]
    ids = torch.tensor(pseudo_random_ids(batch * length)).view(batch, length)
    mask = torch.ones_like(ids)
    labels = torch.arange(batch) % 2
    temperature, alpha = 4.0, 0.7

    def run(timed):
        target = None

        def teach():
            nonlocal target
            with torch.inference_mode(), dtype_context(request):
                target = teacher(input_ids=ids, attention_mask=mask).logits.float()
            target = target.clone()

        def learn():
            optimizer.zero_grad()
            with dtype_context(request):
                logits = student(input_ids=ids, attention_mask=mask).logits.float()
            soft = F.kl_div((logits / temperature).log_softmax(-1), (target / temperature).log_softmax(-1),
                            reduction="batchmean", log_target=True) * temperature**2
            (alpha * soft + (1 - alpha) * F.cross_entropy(logits, labels)).backward()
            optimizer.step()

        timed(teach)
        timed(learn)

    return run


def onnx_session(request):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = request["threads"]
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(request["onnx"], options, providers=["CPUExecutionProvider"])


def pytorch_logits(request):
    import torch
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(request["model"]).eval()
    # Entered for good, so that autocast converts the weights once, as a server would have them.
    dtype_context(request).__enter__()

    def logits(feed):
        with torch.inference_mode():
            return model(**{key: torch.from_numpy(value) for key, value in feed.items()}).logits.float().numpy()

    return logits


def logits_function(request):
    if request["peer"] == "onnxruntime":
        session = onnx_session(request)
        return lambda feed: session.run(None, feed)[0]
    return pytorch_logits(request)


def latency(request):
    import numpy

    logits = logits_function(request)
    length = request["length"]
    ids = pseudo_random_ids(length)

    def run(timed):
        def once():
            array = numpy.array([ids], dtype=numpy.int64)
            logits({"input_ids": array, "attention_mask": numpy.ones_like(array), "token_type_ids": numpy.zeros_like(array)})

        for _ in range(request["count"]):
            timed(once)

    return run


def bulk(request):
    """From text to labels: sentences sorted by length, in batches of 64 padded to their longest."""
    import numpy
    from tokenizers import Tokenizer

    logits = logits_function(request)
    tokenizer = Tokenizer.from_file(f"{request['model']}/tokenizer.json")
    tokenizer.no_truncation()
    tokenizer.no_padding()
    texts = lines(request["texts"])

    def once():
        encodings = tokenizer.encode_batch_fast(texts)
        order = sorted(range(len(texts)), key=lambda index: -len(encodings[index].ids))
        answers = numpy.zeros(len(texts), dtype=numpy.int64)
        for start in range(0, len(order), 64):
            rows = order[start : start + 64]
            longest = len(encodings[rows[0]].ids)
            ids = numpy.zeros((len(rows), longest), dtype=numpy.int64)
            mask = numpy.zeros_like(ids)
            for position, row in enumerate(rows):
                count = len(encodings[row].ids)
                ids[position, :count] = encodings[row].ids
                mask[position, :count] = 1
            answers[rows] = logits({"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}).argmax(-1)

    return lambda timed: timed(once)


def tokenize(request):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(f"{request['model']}/tokenizer.json")
    tokenizer.no_truncation()
    tokenizer.no_padding()
    texts = lines(request["texts"])
    if "ids" in request:
        with open(request["ids"], "wb") as file:
            for encoding in tokenizer.encode_batch_fast(texts):
                array.array("i", encoding.ids).tofile(file)
    return lambda timed: timed(lambda: tokenizer.encode_batch_fast(texts))


def main():
    request = json.loads(sys.stdin.readline())
    if request["threads"]:
        os.environ["RAYON_NUM_THREADS"] = str(request["threads"])
        os.environ["OMP_NUM_THREADS"] = str(request["threads"])
    if request["workload"] == "train_step" or request.get("peer") == "pytorch":
        import torch

        if request["threads"]:
            torch.set_num_threads(request["threads"])
    run = {"train_step": train_step, "latency": latency, "bulk": bulk, "tokenize": tokenize}[request["workload"]](request)
    print(json.dumps({"ready": True}), flush=True)
    while sys.stdin.readline().strip() == "round":
        seconds = []

        def timed(part):
            start = time.perf_counter()
            part()
            seconds.append(time.perf_counter() - start)

        run(timed)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        print(json.dumps({"seconds": seconds, "peak_memory": peak}), flush=True)


if __name__ == "__main__":
    main()
