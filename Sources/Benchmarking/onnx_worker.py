"""Measures an ONNX model in ONNX Runtime: reads requests and writes answers, a line of JSON each, as BenchmarkWorker does.

    python -I -B -c THIS-FILE MOST-BLOCKS PASSES-OF-A-BLOCK SECONDS-OF-A-BLOCK TOLERANCE
"""

import json
import os
import resource
import sys
import time

blocks, block_passes = int(sys.argv[1]), int(sys.argv[2])
block_seconds, tolerance = float(sys.argv[3]), float(sys.argv[4])

# Whatever libraries print must not come between the answers.
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)


class Refusal(Exception):
    pass


try:
    import numpy
    import onnxruntime
except ImportError as error:
    numpy = onnxruntime = None
    problem = f"{sys.executable} cannot import {error.name}; install it there (pip install onnxruntime), " \
        "or set DISTILL_PYTHON to a Python that has it"

session, names, output, inputs, turn, batches = None, [], None, [], 0, []
# The sentences of each batch, and where each sentence begins among all tokens.
members, offsets = [], None


def processor_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_memory():
    try:
        with open("/proc/self/status", encoding="utf-8") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def feed(ids, mask=None, types=None):
    arrays = {
        "input_ids": ids, "attention_mask": numpy.ones_like(ids) if mask is None else mask,
        "token_type_ids": numpy.zeros_like(ids) if types is None else types}
    return {name: arrays[name].astype(dtype) for name, dtype in names}


def logits(arrays):
    return session.run([output], arrays)[0]


def timed(body):
    start = time.perf_counter()
    body()
    return time.perf_counter() - start


def one():
    global turn
    arrays = inputs[turn % len(inputs)]
    turn += 1
    return timed(lambda: logits(arrays))


def load(request):
    global session, names, output
    result = []

    def body():
        global session, names, output
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = request["threads"]
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(request["model"], options, providers=["CPUExecutionProvider"])
        names = [(each.name, "int32" if "int32" in each.type else "int64") for each in session.get_inputs()]
        for name, _ in names:
            if name not in ("input_ids", "attention_mask", "token_type_ids"):
                raise Refusal(f"{request['model']}: needs an input '{name}'; only input_ids, attention_mask and "
                              "token_type_ids can be given")
        found = [each.name for each in session.get_outputs()]
        output = "logits" if "logits" in found else found[0]
        result.append(logits(feed(numpy.zeros((1, 8), dtype=numpy.int64))))

    seconds = timed(body)
    # Of a token classifier it is (sentences, tokens, classes).
    if result[0].ndim not in (2, 3):
        raise Refusal(f"{request['model']}: its output '{output}' has the shape {list(result[0].shape)}; "
                      "a classifier's is (sentences, classes)")
    return {"runtime": f"ONNX Runtime {onnxruntime.__version__}", "classes": int(result[0].shape[-1]),
            "load_seconds": seconds}


def warm(request):
    global inputs
    shape = (request["batch"], request["length"])
    inputs = [feed(numpy.array(ids, dtype=numpy.int64).reshape(shape)) for ids in request["inputs"]]
    passes, before = 0, None
    for _ in range(blocks):
        times, total = [], 0.0
        while len(times) < block_passes or total < block_seconds:
            times.append(one())
            total += max(times[-1], 1e-7)
        passes += len(times)
        median = float(numpy.median(times))
        stable = before is not None and abs(median - before) <= tolerance * before
        if stable:
            break
        before = median
    return {"seconds": [median], "passes": passes, "is_stable": stable}


def run(request):
    one()
    return {"seconds": [one() for _ in range(request["passes"])]}


def texts(request):
    global members, offsets, batches
    numbers = numpy.fromfile(request["file"], dtype="<i4")
    sentences = int(numbers[0])
    offsets = numbers[1 : sentences + 2].astype(numpy.int64)
    total = int(offsets[-1])
    ids, types = numbers[sentences + 2 : sentences + 2 + total], numbers[sentences + 2 + total :]
    lengths = offsets[1:] - offsets[:-1]
    order = sorted(range(sentences), key=lambda index: (-lengths[index], index))
    members = [order[start : start + request["batch"]] for start in range(0, sentences, request["batch"])]
    batches = []
    for indices in members:
        padded = numpy.zeros((3, len(indices), int(lengths[indices[0]])), dtype=numpy.int64)
        for row, index in enumerate(indices):
            begin, end = offsets[index], offsets[index + 1]
            padded[0, row, : end - begin] = ids[begin:end]
            padded[1, row, : end - begin] = 1
            padded[2, row, : end - begin] = types[begin:end]
        batches.append(feed(*padded))
    return {}


def bulk(request):
    return {"seconds": [timed(lambda: [logits(arrays) for arrays in batches])]}


def write_logits(request):
    answers = [logits(arrays) for arrays in batches]
    # A token classifier gives each token a row, other models each sentence.
    has_token_rows = answers[0].ndim == 3
    rows = numpy.zeros((offsets[-1] if has_token_rows else len(offsets) - 1, answers[0].shape[-1]), dtype="<f4")
    for indices, answer in zip(members, answers):
        if not has_token_rows:
            rows[indices] = answer
            continue
        for index, tokens in zip(indices, answer):
            begin, end = offsets[index], offsets[index + 1]
            rows[begin:end] = tokens[: end - begin]
    rows.tofile(request["file"])
    return {"classes": int(rows.shape[1])}


commands = {"load": load, "warm": warm, "run": run, "texts": texts, "bulk": bulk, "logits": write_logits}
for line in sys.stdin:
    before = processor_seconds()
    try:
        if onnxruntime is None:
            raise Refusal(problem)
        request = json.loads(line)
        answer = commands[request["command"]](request)
    except Refusal as error:
        answer = {"error": str(error)}
    except Exception as error:
        answer = {"error": "ONNX Runtime: " + " ".join(str(error).split())[:500]}
    answer |= {"cpu_before": before, "cpu_after": processor_seconds(), "peak_memory": peak_memory()}
    print(json.dumps(answer), file=answers, flush=True)
    if "error" in answer:
        break
