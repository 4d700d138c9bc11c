"""PyTorch's side of the GPU check, by the protocol of Benchmarks/peer.py: one request, then a `round` a line.

    python Benchmarks/gpu/peer.py                       reads requests from standard input
    python Benchmarks/gpu/peer.py --make-models DIR     saves the recipe's teacher and student, with random weights
                                                        (--quick: tiny ones)

The first line is a request as JSON. It is answered with {"ready": true, …} or {"error": "…"}. Each further line is `round`, or
`round {…}` with settings that replace the request's for that round, and is answered with one line of JSON.

Modes: `eager`; `compile` (torch.compile); `compile-graphs` (torch.compile with CUDA graphs). Language models: lm_peer.py.
"""

import contextlib
import csv
import json
import os
import random
import sys
import time
import traceback

TEMPERATURE, ALPHA = 4.0, 0.7


# MARK: Common to the workloads


def pseudo_random_ids(count):
    return [1000 + (index * 7919) % 20000 for index in range(count)]


def is_cuda(request):
    return request["device"].startswith("cuda")


def is_compiled(request):
    return request["mode"].startswith("compile")


def synchronize(request):
    import torch

    if is_cuda(request):
        torch.cuda.synchronize()


def reset_peak(request):
    import torch

    if is_cuda(request):
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()


def release(request):
    """Gives back what the caching allocator holds without need."""
    import torch

    if is_cuda(request):
        torch.cuda.synchronize()
        torch.cuda.empty_cache()


def memory(request):
    """The most that the caching allocator handed out, and the most that it took from the device, in bytes."""
    import torch

    if is_cuda(request):
        return {"peak_memory": torch.cuda.max_memory_allocated(), "reserved_memory": torch.cuda.max_memory_reserved()}
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"peak_memory": peak, "reserved_memory": None}


def student_precision(request):
    """float32 weights, multiplied in bfloat16 where that is asked for."""
    import torch

    if request["precision"] == "bfloat16":
        return torch.autocast("cuda" if is_cuda(request) else "cpu", dtype=torch.bfloat16)
    return contextlib.nullcontext()


def frozen_dtype(request):
    import torch

    return torch.bfloat16 if request["precision"] == "bfloat16" else torch.float32


def compiled(function, request, dynamic, graphs=True):
    import torch

    if not is_compiled(request):
        return function
    recorded = graphs and request["mode"] == "compile-graphs" and is_cuda(request)
    return torch.compile(function, dynamic=dynamic, mode="reduce-overhead" if recorded else None)


def begin_step(request):
    """Tells CUDA graphs that the last step's outputs may be overwritten."""
    import torch

    if request["mode"] == "compile-graphs" and is_cuda(request):
        torch.compiler.cudagraph_mark_step_begin()


def without_gradients(request):
    """Inference mode costs the processor least; compiled code, whose outputs meet autograd later, has no_grad."""
    import torch

    return torch.no_grad() if is_compiled(request) else torch.inference_mode()


def loss_of(logits, target, labels):
    """The recipe's: 0.7 · T² · KL + 0.3 · cross-entropy."""
    import torch.nn.functional as F

    logits = logits.float()
    soft = F.kl_div(
        (logits / TEMPERATURE).log_softmax(-1), (target.float() / TEMPERATURE).log_softmax(-1), reduction="batchmean",
        log_target=True) * TEMPERATURE**2
    return ALPHA * soft + (1 - ALPHA) * F.cross_entropy(logits, labels)


def optimizer_of(student, request, groups=None):
    import torch

    return torch.optim.AdamW(groups or student.parameters(), lr=2e-5, weight_decay=0.01, fused=True)


def left_out():
    """Where torch.compile had to leave the compiled code or to do without a CUDA graph, by reason; empty is best."""
    try:
        from torch._dynamo.utils import counters

        skipped = counters["inductor"].get("cudagraph_skips", 0)
        return {**counters["graph_break"], **({"CUDA graphs skipped": skipped} if skipped else {})}
    except Exception:
        return {}


def compiled_graphs():
    """The number of graphs that torch.compile made so far; more after a round than before it means that one was compiled in it."""
    try:
        from torch._dynamo.utils import counters

        return counters["stats"]["unique_graphs"]
    except Exception:
        return None


def wait_for(file, seconds=120):
    """Another process makes it at the same time."""
    end = time.monotonic() + seconds
    while not os.path.exists(file):
        if time.monotonic() > end:
            raise FileNotFoundError(f"{file} did not appear within {seconds} s")
        time.sleep(0.1)


def classifier(directory, **more):
    from transformers import AutoModelForSequenceClassification

    wait_for(f"{directory}/config.json")
    return AutoModelForSequenceClassification.from_pretrained(directory, attn_implementation="sdpa", **more)


# MARK: A training step


def step_rounds(step, request, kinds=(True, False)):
    """What runs a round of steps. `step(cached)` is one; `kinds` of it, with and without the teacher's outputs kept, are prepared."""
    import torch

    def steps(count, cached):
        for _ in range(count):
            loss = step(cached)
        synchronize(request)
        return float(loss.detach())

    # Each kind of round is warmed up: with CUDA graphs it takes a few steps until it is recorded.
    taken = {}  # What steps take from the device, without what loading, compiling and tuning have left in the allocator.
    for cached in kinds:
        steps(max(3 if is_cuda(request) else 1, request["warmup"]), cached)
        if is_cuda(request):
            release(request)
            reset_peak(request)
            steps(2, cached)
            taken[cached] = torch.cuda.max_memory_reserved()
    reset_peak(request)

    def run(settings):
        cached, count = settings.get("cached_teacher", False), settings["steps"]
        # Until the device is at its full clock; the other kind of round and its memory are left behind.
        lead = time.perf_counter() + settings.get("lead_seconds", 0)
        if is_cuda(request):
            steps(2, cached)
        while time.perf_counter() < lead:
            steps(2, cached)
        reset_peak(request)
        start = time.perf_counter()
        loss = steps(count, cached)
        seconds = (time.perf_counter() - start) / count
        return {"seconds": [seconds], "loss": loss, "utilisation": None, **memory(request), "reserved_memory": taken.get(cached)}

    return run


def gpu_step(request):
    """The recipe's step on random ids of one length: nothing is padded, so no mask is given, which allows flash attention."""
    import torch

    device, batch, length = request["device"], request["batch"], request["length"]
    teacher = classifier(request["teacher"], dtype=frozen_dtype(request)).to(device).eval().requires_grad_(False)
    student = classifier(request["student"], dtype=torch.float32).to(device).train()
    parameters = list(student.parameters())
    optimizer = optimizer_of(student, request)
    ids = torch.tensor(pseudo_random_ids(batch * length)).view(batch, length).to(device)
    labels = (torch.arange(batch) % 2).to(device)

    def teach(ids):
        return teacher(input_ids=ids).logits.float()

    def learn(ids, target, labels):
        with student_precision(request):
            logits = student(input_ids=ids).logits
        return loss_of(logits, target, labels)

    teach, learn = compiled(teach, request, dynamic=False), compiled(learn, request, dynamic=False)

    def target_of():
        with without_gradients(request):
            target = teach(ids)
        # Autograd may not save what inference mode made: a copy of a few numbers.
        return target if is_compiled(request) else target.clone()

    begin_step(request)
    kept = target_of().clone()

    def step(cached):
        begin_step(request)
        target = kept if cached else target_of()
        loss = learn(ids, target, labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0, foreach=True)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss

    return step_rounds(step, request)


# MARK: Real texts


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row.get("label") for row in rows]


def read_texts(path):
    if path.endswith(".csv"):
        return read_csv(path)[0]
    with open(path, encoding="utf-8") as file:
        return [line for line in file.read().split("\n") if line]


def tokenizer_of(directory, max_length):
    from tokenizers import Tokenizer

    result = Tokenizer.from_file(f"{directory}/tokenizer.json")
    result.no_padding()
    result.enable_truncation(max_length)
    return result


class Texts:
    """All token ids as one padded matrix on the device, so that a batch is a gather there and nothing is copied in a step."""

    def __init__(self, texts, tokenizer, device):
        import numpy
        import torch

        encodings = [each.ids for each in tokenizer.encode_batch_fast(texts)]
        self.lengths = [len(ids) for ids in encodings]
        counts = numpy.array(self.lengths)
        width = rounded(max(self.lengths))
        matrix = numpy.zeros((len(texts), width), dtype=numpy.int64)
        matrix[numpy.arange(width)[None, :] < counts[:, None]] = numpy.concatenate(
            [numpy.array(ids, dtype=numpy.int64) for ids in encodings])
        self.ids, self.counts = moved(torch.from_numpy(matrix), device), moved(torch.from_numpy(counts), device)
        self.places = torch.arange(width, device=device)

    def order(self, rows):
        """Rows on the device, by one copy from pinned memory."""
        import torch

        return moved(torch.tensor(rows), self.ids.device)

    def batch(self, rows, longest):
        """Ids and mask of some rows (on the device), padded to `longest`.

        The mask has the shape that the attention takes, because transformers would look at a flat one's values on the host.
        """
        ids = self.ids[rows, :longest]
        return ids, (self.places[:longest] < self.counts[rows, None])[:, None, None, :]


def moved(tensor, device):
    if str(device).startswith("cuda"):
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def rounded(length):
    """Up to a multiple of 8, which the fast kernels for masked attention want."""
    return -(-length // 8) * 8


def sorted_batches(lengths, size):
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    return [order[start : start + size] for start in range(0, len(order), size)]


def grouped(lengths, size, shuffle):
    """Shuffled runs of 50 batches, each sorted by length and cut; the batches shuffled: as transformers does and we do."""
    order = list(range(len(lengths)))
    shuffle(order)
    batches = []
    for start in range(0, len(order), size * 50):
        run = sorted(order[start : start + size * 50], key=lambda index: -lengths[index])
        batches += [run[first : first + size] for first in range(0, len(run), size)]
    shuffle(batches)
    return batches


def predict(forward, texts, batches, request, labels_only=False):
    """The logits (or labels) of every text, on the device."""
    import torch

    order = texts.order([row for rows in batches for row in rows])
    result, position = None, 0
    with without_gradients(request):
        for rows in batches:
            part = order[position : position + len(rows)]
            position += len(rows)
            ids, mask = texts.batch(part, rounded(texts.lengths[rows[0]]))
            begin_step(request)
            logits = forward(*dynamic(ids, mask, request))
            values = logits.argmax(-1) if labels_only else logits
            if result is None:
                result = values.new_empty((len(order), *values.shape[1:]))
            result[part] = values
    return result.clone()


def dynamic(ids, mask, request):
    """Marks what changes from batch to batch, so that nothing is compiled twice.

    The compiled code takes batches and lengths of any size; with CUDA graphs each size gets a recording of its own.
    """
    import torch

    if is_compiled(request):
        torch._dynamo.maybe_mark_dynamic(ids, 0)
        torch._dynamo.maybe_mark_dynamic(ids, 1)
        torch._dynamo.maybe_mark_dynamic(mask, 0)
        torch._dynamo.maybe_mark_dynamic(mask, 3)
    return ids, mask


def synthetic(count, lengths, request):
    """Stands in for a data set until the real one is there: some batches of each length."""
    import torch

    texts = object.__new__(Texts)
    texts.lengths = [length for length in lengths for _ in range(count)]
    width = rounded(max(lengths))
    texts.ids = (torch.arange(len(texts.lengths) * width).view(-1, width) * 7919 % 20000 + 1000).to(request["device"])
    texts.ids %= request["vocabulary"]
    texts.counts = torch.tensor([max(3, length - 2) for length in texts.lengths], device=request["device"])
    texts.places = torch.arange(width, device=request["device"])
    return texts


def load_weights(model, directory):
    """Into the parameters where they are, so that what was compiled stays valid."""
    from safetensors.torch import load_file

    weights = load_file(f"{directory}/model.safetensors")
    missing = model.load_state_dict(weights, strict=False).missing_keys
    missing = [name for name in missing if not name.endswith("position_ids")]
    if missing:
        raise ValueError(f"{directory} lacks {', '.join(missing[:3])}")
    return weights


def fresh_classifier(directory, layers, dtype, request):
    """The directory's architecture with random weights; they come later."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    wait_for(f"{directory}/config.json")
    more = {"num_hidden_layers": layers} if layers else {}
    config = AutoConfig.from_pretrained(directory, num_labels=2, **more)
    request["vocabulary"] = config.vocab_size
    model = AutoModelForSequenceClassification.from_config(config, attn_implementation="sdpa")
    return model.to(dtype=dtype, device=request["device"])


def copy_layers(student, source, chosen):
    """The initialization of `--init teacher-layers`, from a teacher's weights by name."""
    import torch

    with torch.no_grad():
        for name, value in student.named_parameters():
            head, mark, rest = name.partition("encoder.layer.")
            if mark:
                own, _, rest = rest.partition(".")
                name = f"{head}{mark}{chosen[int(own)]}.{rest}"
            value.copy_(source[name])


def warm_lengths(request):
    """Lengths to compile for: any three for code that takes all, every one for CUDA graphs."""
    longest = rounded(request["max_length"])
    return list(range(8, longest + 1, 8)) if request["mode"] == "compile-graphs" else [24, longest, 40]


def gpu_epoch(request):
    """Whole training: reading, the teacher's outputs once, epochs, and accuracy after each.

    `model` gives the tokenizer and the architecture, and everything is compiled by it; the round then reads the weights of
    `teacher`, so that compiling need not wait for the teacher.
    """
    import torch

    device, size = request["device"], request["batch"]
    teacher = fresh_classifier(request["model"], None, frozen_dtype(request), request).eval().requires_grad_(False)
    student = fresh_classifier(request["model"], request["layers"], torch.float32, request).train()
    parameters = list(student.parameters())

    def teach(ids, mask):
        return teacher(input_ids=ids, attention_mask=mask).logits.float()

    def evaluate(ids, mask):
        with student_precision(request):
            return student(input_ids=ids, attention_mask=mask).logits.float()

    def learn(ids, mask, target, labels):
        with student_precision(request):
            logits = student(input_ids=ids, attention_mask=mask).logits
        return loss_of(logits, target, labels)

    # Recordings pay for what is repeated: training. Others see few batches of one size.
    teach, evaluate = (compiled(each, request, dynamic=True, graphs=False) for each in (teach, evaluate))
    learn = compiled(learn, request, dynamic=True)

    def new_optimizer():
        groups = [
            {"params": [value for value in parameters if value.ndim >= 2], "weight_decay": 0.01},
            {"params": [value for value in parameters if value.ndim < 2], "weight_decay": 0.0}]
        return optimizer_of(student, request, groups)

    def step(optimizer, texts, rows, longest, targets, labels, rate):
        for group in optimizer.param_groups:
            group["lr"] = rate
        ids, mask = dynamic(*texts.batch(rows, longest), request)
        begin_step(request)
        loss = learn(ids, mask, targets[rows], labels[rows])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0, foreach=True)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    def warm():
        lengths = warm_lengths(request)
        texts = synthetic(max(size, 64), lengths, request)
        labels = torch.zeros(len(texts.lengths), dtype=torch.int64, device=device)
        targets = torch.zeros(len(texts.lengths), 2, device=device)
        optimizer = new_optimizer()
        for _ in range(3 if is_compiled(request) else 1):
            student.train()
            for index, length in enumerate(lengths):
                rows = texts.order(list(range(index * max(size, 64), index * max(size, 64) + size)))
                step(optimizer, texts, rows, length, targets, labels, 0.0)
            student.eval()
            batches = sorted_batches(texts.lengths, 64)
            predict(teach, texts, batches, request)
            predict(evaluate, texts, batches, request)
        synchronize(request)

    if is_compiled(request) or is_cuda(request):
        warm()

    def run(settings):
        begin = time.perf_counter()
        seconds = {}

        @contextlib.contextmanager
        def phase(name):
            start = time.perf_counter()
            yield
            synchronize(request)
            seconds[name] = time.perf_counter() - start

        reset_peak(request)
        with phase("weights"):
            copy_layers(student, load_weights(teacher, settings["teacher"]), settings["teacher_layers"])
            with open(f"{settings['teacher']}/config.json", encoding="utf-8") as file:
                label2id = json.load(file).get("label2id") or {}
        with phase("tokenizing"):
            words = tokenizer_of(settings["model"], settings["max_length"])
            data = {}
            for name in ("train", "validation"):
                texts, labels = read_csv(settings[name])
                names = label2id if set(labels) <= set(label2id) else {each: index for index, each in enumerate(sorted(set(labels)))}
                data[name] = Texts(texts, words, device), moved(torch.tensor([names[each] for each in labels]), device)
        train, labels = data["train"]
        validation, expected = data["validation"]
        with phase("teacher"):
            targets = predict(teach, train, sorted_batches(train.lengths, settings["eval_batch"]), request)
        check = sorted_batches(validation.lengths, settings["eval_batch"])
        teacher_accuracy = (predict(teach, validation, check, request).argmax(-1) == expected).float().mean().item()
        shuffle = random.Random(settings["seed"]).shuffle
        torch.manual_seed(settings["seed"])
        optimizer = new_optimizer()
        epochs, per_epoch = settings["epochs"], -(-len(train.lengths) // size)
        total = settings.get("max_steps") or per_epoch * epochs
        warmup = -(-total // 10)
        number, epoch_seconds, evaluation_seconds, accuracies, losses = 0, [], [], [], []
        while number < total:
            synchronize(request)
            start = time.perf_counter()
            student.train()
            batches = grouped(train.lengths, size, shuffle)[: total - number]
            order, position = train.order([row for rows in batches for row in rows]), 0
            summed = torch.zeros((), device=device)
            for rows in batches:
                rate = (number + 1) / warmup if number < warmup else max(0.0, (total - number) / max(1, total - warmup))
                part = order[position : position + len(rows)]
                position += len(rows)
                summed += step(
                    optimizer, train, part, rounded(train.lengths[rows[0]]), targets, labels,
                    settings["learning_rate"] * rate)
                number += 1
                if number % 50 == 0:
                    losses.append(summed.item() / 50)
                    summed.zero_()
            synchronize(request)
            epoch_seconds.append(time.perf_counter() - start)
            start = time.perf_counter()
            student.eval()
            accuracies.append((predict(evaluate, validation, check, request).argmax(-1) == expected).float().mean().item())
            evaluation_seconds.append(time.perf_counter() - start)
        return {
            "seconds": [time.perf_counter() - begin], "phases": seconds, "epoch_seconds": epoch_seconds,
            "evaluation_seconds": evaluation_seconds, "accuracy": max(accuracies), "accuracies": accuracies,
            "teacher_accuracy": teacher_accuracy, "losses": losses, "steps": number, "utilisation": None, **memory(request)}

    return run


def gpu_bulk(request):
    """From text to labels: sentences sorted by length, in batches padded to their longest."""
    import torch

    model = fresh_classifier(request["model"], request.get("layers"), frozen_dtype(request), request).eval().requires_grad_(False)

    def forward(ids, mask):
        return model(input_ids=ids, attention_mask=mask).logits

    forward = compiled(forward, request, dynamic=True, graphs=False)
    texts = synthetic(request["batch"], [24, rounded(request["max_length"]), 40], request)
    for _ in range(3):
        predict(forward, texts, sorted_batches(texts.lengths, request["batch"]), request, labels_only=True)
    loaded = None

    def run(settings):
        nonlocal loaded
        directory = settings.get("weights") or settings["model"]
        if loaded != directory:
            load_weights(model, directory)
            words = tokenizer_of(directory, settings["max_length"])
            strings = read_texts(settings["texts"])
            loaded = directory
            run.words, run.strings = words, strings

            # Once untimed, as our side.
            predict_all(settings)
        reset_peak(request)
        start = time.perf_counter()
        answers, tokenizing = predict_all(settings)
        return {
            "seconds": [time.perf_counter() - start], "tokenizing_seconds": tokenizing, "texts": len(answers),
            "sum": int(answers.sum()), "utilisation": None, **memory(request)}

    def predict_all(settings):
        start = time.perf_counter()
        texts = Texts(run.strings, run.words, request["device"])
        tokenizing = time.perf_counter() - start
        batches = sorted_batches(texts.lengths, settings["batch"])
        return predict(forward, texts, batches, request, labels_only=True).cpu(), tokenizing

    return run


# MARK: Models, and the protocol


def make_models(target, quick):
    """The recipe's teacher and student, with random weights: a step takes as long with any. Each appears whole."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(1)
    tiny = dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128) if quick else {}
    student = {**tiny, "num_hidden_layers": 1} if quick else {"num_hidden_layers": 6, "hidden_size": 384}
    for name, sizes in {"teacher": tiny, "student": student}.items():
        partial = f"{target}/{name}.partial"
        BertForSequenceClassification(BertConfig(num_labels=2, **sizes)).save_pretrained(partial)
        os.rename(partial, f"{target}/{name}")


def answer(output, values):
    output.write(json.dumps(values) + "\n")
    output.flush()


class Refused(Exception):
    """Something that a machine lacks, in one line."""


def in_one_line(error):
    return (str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}").split("\n")[0]


def main(workloads):
    # What libraries print goes to the other stream: this one is the protocol's.
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    request = json.loads(sys.stdin.readline())
    start = time.perf_counter()
    try:
        import torch
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        if request.get("threads"):
            torch.set_num_threads(request["threads"])
        if request["precision"] == "bfloat16":
            torch.set_float32_matmul_precision("high")
        if is_compiled(request):
            import torch._dynamo

            torch._dynamo.config.cache_size_limit = 64
        if not request["workload"].endswith("_step") and is_cuda(request):
            # It plans anew for every size of a masked batch, which takes longer than the batch.
            torch.backends.cuda.enable_cudnn_sdp(False)
        torch.manual_seed(1)
        run = workloads[request["workload"]](request)
        answer(output, {"ready": True, "seconds": time.perf_counter() - start, "graph_breaks": left_out(),
                        "compiled_graphs": compiled_graphs()})
    except Exception as error:
        traceback.print_exc()
        answer(output, {"error": in_one_line(error)})
        return
    for line in sys.stdin:
        word, _, settings = line.strip().partition(" ")
        if word != "round":
            break
        try:
            values = run({**request, **(json.loads(settings) if settings else {})})
            answer(output, {**values, "compiled_graphs": compiled_graphs()})
        except Exception as error:
            traceback.print_exc()
            answer(output, {"error": in_one_line(error)})


if __name__ == "__main__":
    if "--make-models" in sys.argv:
        make_models(sys.argv[sys.argv.index("--make-models") + 1], "--quick" in sys.argv)
    else:
        main({"gpu_step": gpu_step, "gpu_epoch": gpu_epoch, "gpu_bulk": gpu_bulk})
