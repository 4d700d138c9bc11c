"""The peer of whole training runs: one request as JSON on the command line, one report as JSON on standard output.

    python Benchmarks/peer_run.py '{"recipe": "best", …}'

- `best`: what a careful PyTorch user writes. The teacher runs once, before training, in inference mode over batches sorted
  by length; training batches hold sentences of similar length, padded to their longest; autocast in bfloat16 where asked
  for; fused AdamW, warm-up, clipping; optionally torch.compile.
- `published`: the recipe as published. Batches in random order, padded to the full length; the teacher runs in every step,
  without gradients, within a wrapper in training mode; plain AdamW; float32; a student with random weights.

Models are loaded before the clock starts. The phases are those of `distill run`.
"""

import contextlib
import csv
import json
import random
import sys
import time

import numpy
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification


class Phases:
    def __init__(self):
        self.seconds = {}

    @contextlib.contextmanager
    def __call__(self, name):
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0) + time.perf_counter() - start


class Data:
    """Token ids without padding, and labels."""

    def __init__(self, path, tokenizer, label2id):
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))[1:]
        self.ids = [each.ids for each in tokenizer.encode_batch_fast([text for text, _ in rows])]
        self.labels = torch.tensor([label2id[label] for _, label in rows])

    def batch(self, indices, length=None):
        """Ids and mask, padded to the longest or to a given length."""
        length = length or max(len(self.ids[index]) for index in indices)
        ids = numpy.zeros((len(indices), length), dtype=numpy.int64)
        mask = numpy.zeros_like(ids)
        for row, index in enumerate(indices):
            ids[row, : len(self.ids[index])] = self.ids[index]
            mask[row, : len(self.ids[index])] = 1
        return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}


def tokenizer(request):
    result = Tokenizer.from_file(f"{request['teacher']}/tokenizer.json")
    result.no_padding()
    result.enable_truncation(request["max_length"])
    return result


def precision(request):
    if request["precision"] == "bfloat16":
        return torch.autocast("cpu", dtype=torch.bfloat16)
    return contextlib.nullcontext()


def all_logits(model, data, size, context=contextlib.nullcontext):
    """Of every example, in batches sorted by length. One context around all, so that weights are converted once."""
    order = sorted(range(len(data.ids)), key=lambda index: -len(data.ids[index]))
    result = torch.empty(len(order), model.config.num_labels)
    with torch.inference_mode(), context():
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            result[rows] = model(**data.batch(rows)).logits.float()
    return result.clone()


def accuracy(logits, data):
    return (logits.argmax(-1) == data.labels).float().mean().item()


def make_student(teacher, request):
    config = type(teacher.config).from_dict({**teacher.config.to_dict(), "num_hidden_layers": request["layers"]})
    student = type(teacher)(config)
    if request.get("teacher_layers"):
        weights = teacher.state_dict()
        for own, other in enumerate(request["teacher_layers"]):
            for name in list(weights):
                prefix = f"bert.encoder.layer.{other}."
                if name.startswith(prefix):
                    weights[f"copy.{own}.{name[len(prefix):]}"] = weights[name]
        kept = {name: value for name, value in weights.items() if not name.startswith(("bert.encoder.layer.", "copy."))}
        kept |= {f"bert.encoder.layer.{name[5:]}": value for name, value in weights.items() if name.startswith("copy.")}
        student.load_state_dict(kept)
    return student


def loss_of(logits, target, labels, request):
    temperature, alpha = request["temperature"], request["alpha"]
    soft = F.kl_div(
        (logits / temperature).log_softmax(-1), (target / temperature).log_softmax(-1), reduction="batchmean",
        log_target=True) * temperature**2
    return alpha * soft + (1 - alpha) * F.cross_entropy(logits, labels)


def grouped(lengths, size, shuffle):
    """Shuffled runs of 50 batches, each sorted by length and cut; the batches shuffled: as transformers and we do."""
    order = list(range(len(lengths)))
    shuffle(order)
    batches = []
    for start in range(0, len(order), size * 50):
        run = sorted(order[start : start + size * 50], key=lambda index: -lengths[index])
        batches += [run[first : first + size] for first in range(0, len(run), size)]
    shuffle(batches)
    return batches


def best(request, phases):
    teacher = AutoModelForSequenceClassification.from_pretrained(request["teacher"]).eval()
    student = make_student(teacher, request).train()
    with phases("Reading and tokenizing data"):
        words = tokenizer(request)
        train, validation = (Data(request[name], words, teacher.config.label2id) for name in ("train", "validation"))
    learner = torch.compile(student, dynamic=True) if request["compile"] else student
    with phases("Teacher's outputs"):
        all_logits(teacher, validation, request["eval_batch"])
        # Left unfrozen, because autocast keeps converted weights only of what could be trained; inference mode freezes it.
        targets = all_logits(teacher, train, request["eval_batch"], lambda: precision(request))
    shuffle = random.Random(request["seed"]).shuffle
    lengths = [len(ids) for ids in train.ids]
    with phases("Training"):
        plain = [value for value in student.parameters() if value.ndim < 2]
        groups = [
            {"params": [value for value in student.parameters() if value.ndim >= 2], "weight_decay": 0.01},
            {"params": plain, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=request["learning_rate"], fused=True)
        per_epoch = -(-len(lengths) // request["batch"])
        total = request.get("max_steps") or per_epoch * request["epochs"]
        warmup = -(-total // 10)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: (step + 1) / warmup if step < warmup else max(0.0, (total - step) / max(1, total - warmup)))
        step, scores = 0, []
        while step < total:
            for rows in grouped(lengths, request["batch"], shuffle)[: total - step]:
                optimizer.zero_grad()
                with precision(request):
                    logits = learner(**train.batch(rows)).logits
                loss_of(logits.float(), targets[rows], train.labels[rows], request).backward()
                torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                step += 1
            student.eval()
            scores.append(accuracy(all_logits(student, validation, request["eval_batch"]), validation))
            if scores[-1] == max(scores):
                student.save_pretrained(request["output"])
            student.train()
    return {"accuracy": max(scores), "steps": step}


class Wrapper(torch.nn.Module):
    """The published one: a forward call returns both models' outputs."""

    def __init__(self, teacher, student):
        super().__init__()
        self.teacher, self.student = teacher, student
        for parameter in self.teacher.parameters():
            parameter.requires_grad = False

    def forward(self, input_ids, attention_mask):
        with torch.no_grad():
            target = self.teacher(input_ids=input_ids, attention_mask=attention_mask).logits
        return self.student(input_ids=input_ids, attention_mask=attention_mask).logits, target


def published(request, phases):
    teacher = AutoModelForSequenceClassification.from_pretrained(request["teacher"])
    student = make_student(teacher, {**request, "teacher_layers": None})
    wrapper = Wrapper(teacher, student)
    with phases("Reading and tokenizing data"):
        words = tokenizer(request)
        train, validation = (Data(request[name], words, teacher.config.label2id) for name in ("train", "validation"))
        batch = train.batch(range(len(train.ids)), request["max_length"])
    data = torch.utils.data.TensorDataset(batch["input_ids"], batch["attention_mask"], train.labels)
    loader = torch.utils.data.DataLoader(data, batch_size=request["batch"], shuffle=True)
    optimizer = torch.optim.AdamW(student.parameters(), lr=request["learning_rate"])
    total = request.get("max_steps") or len(loader) * request["epochs"]
    wrapper.train()
    step, scores = 0, []
    while step < total:
        with phases("Training"):
            for ids, mask, labels in loader:
                optimizer.zero_grad()
                logits, target = wrapper(ids, mask)
                loss_of(logits, target, labels, request).backward()
                optimizer.step()
                step += 1
                if step == total:
                    break
        # After every epoch, outside the time: the best of them counts, as on our side.
        student.eval()
        scores.append(accuracy(all_logits(student, validation, request["eval_batch"]), validation))
        print(f"step {step} of {total}: accuracy {scores[-1]:.4f}", file=sys.stderr, flush=True)
        wrapper.train()
    return {"accuracy": max(scores), "steps": step, "steps_of_all": len(loader) * request["epochs"]}


def main():
    request = json.loads(sys.argv[1])
    torch.set_num_threads(request["threads"])
    torch.manual_seed(request["seed"])
    phases = Phases()
    report = {"best": best, "published": published}[request["recipe"]](request, phases)
    print(json.dumps({**report, "phases": phases.seconds}))


if __name__ == "__main__":
    main()
