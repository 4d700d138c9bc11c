"""Training by several processes on one machine: ours and PyTorch's DistributedDataParallel (Gloo), in turn, on the same step.

    python Benchmarks/processes.py --teacher DIR --train FILE.csv [--batch 32,128] [--rounds 3] [--precision float32]

The step: a student of every second layer of the teacher, its forward and backward pass on a batch whose teacher's logits are known,
0.7 · T² · KL + 0.3 · cross-entropy at T = 4, gradients clipped to 1, AdamW. Batches group texts of similar length on both sides;
PyTorch pads them to the longest. Printed: milliseconds a step, the efficiency of two processes of one thread against one process of
two, and the ratio to PyTorch's two processes; then, for 1, 2 and 4 processes, the difference of the weights after 50 steps from one
process's, relative to their size.
"""

import argparse
import csv
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEMPERATURE, ALPHA = 4.0, 0.7


def ours(options, folder, batch, steps, arguments, name):
    output = folder / name
    command = [
        str(options.distill), "run", "--teacher", options.teacher, "--train", options.train, "--output", str(output),
        "--overwrite", "--quiet", "--layers", str(options.layers), "--init", "teacher-layers", "--batch-size", str(batch),
        "--max-steps", str(steps), "--eval-steps", "1000000", "--logging-steps", "1000000", "--learning-rate", "5e-5",
        "--cache-dir", str(folder / "cache"), "--precision", options.precision, "--save-steps", "0", *arguments,
    ]  # fmt: skip
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    report = json.loads((output / "distillation.json").read_text())
    return sum(phase["seconds"] for phase in report["phases"] if phase["name"] == "Training")


def milliseconds(options, folder, batch, arguments):
    """A step's time: of a longer run less that of a shorter one, so that start and evaluation do not count."""
    short, long = options.steps // 3, options.steps
    times = [ours(options, folder, batch, steps, arguments, "timed") for steps in (short, long)]
    return 1000 * (times[1] - times[0]) / (long - short)


def peer_batches(lengths, batch, steps, generator):
    """Batches of similar length, as transformers' LengthGroupedSampler makes them."""
    import torch

    result = []
    while len(result) < steps:
        order = torch.randperm(len(lengths), generator=generator).tolist()
        pool = batch * 50
        pools = [sorted(order[i : i + pool], key=lambda index: -lengths[index]) for i in range(0, len(order), pool)]
        flat = [index for part in pools for index in part]
        batches = [flat[i : i + batch] for i in range(0, len(flat) - batch + 1, batch)]
        for place in torch.randperm(len(batches), generator=generator).tolist():
            result.append(batches[place])
    return result[:steps]


def peer_process(rank, size, threads, options, batch, steps, port, results):
    import torch
    import torch.distributed as dist
    import torch.nn.functional as F
    from torch.nn.parallel import DistributedDataParallel
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    torch.set_num_threads(threads)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=size)
    tokenizer = AutoTokenizer.from_pretrained(options.teacher)
    with open(options.train, newline="", encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    ids = [tokenizer(text, truncation=True, max_length=options.max_length)["input_ids"] for text in texts]
    student = AutoModelForSequenceClassification.from_pretrained(options.teacher)
    layers = student.base_model.encoder.layer
    kept = [round((place + 1) * len(layers) / options.layers) - 1 for place in range(options.layers)]
    student.base_model.encoder.layer = torch.nn.ModuleList(layers[place] for place in kept)
    student.config.num_hidden_layers = options.layers
    model = DistributedDataParallel(student.train(), gradient_as_bucket_view=True) if size > 1 else student.train()
    classes = student.config.num_labels
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.01, fused=True)
    generator = torch.Generator().manual_seed(42)
    teacher = torch.randn(len(texts), classes, generator=generator)
    batches = peer_batches([len(row) for row in ids], batch, steps, generator)
    warm = steps // 3
    for step, indices in enumerate(batches):
        if step == warm:
            start = time.perf_counter()
        own = indices[rank * batch // size : (rank + 1) * batch // size]
        longest = max(len(ids[index]) for index in own)
        tokens = torch.tensor([ids[index] + [0] * (longest - len(ids[index])) for index in own])
        mask = torch.tensor([[1] * len(ids[index]) + [0] * (longest - len(ids[index])) for index in own])
        target, labels = teacher[own], torch.tensor([index % classes for index in own])
        optimizer.zero_grad()
        context = torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.precision == "bfloat16")
        with context:
            logits = model(input_ids=tokens, attention_mask=mask).logits.float()
        soft = F.kl_div((logits / TEMPERATURE).log_softmax(-1), (target / TEMPERATURE).log_softmax(-1),
                        reduction="batchmean", log_target=True) * TEMPERATURE**2  # fmt: skip
        (ALPHA * soft + (1 - ALPHA) * F.cross_entropy(logits, labels)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    if rank == 0:
        results.put(1000 * (time.perf_counter() - start) / (steps - warm))
    dist.destroy_process_group()


def peer(options, batch, size, threads):
    import torch.multiprocessing as multiprocessing

    context = multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    port = 20000 + os.getpid() % 20000 + size
    processes = [
        context.Process(target=peer_process, args=(rank, size, threads, options, batch, options.steps, port, results))
        for rank in range(size)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        if process.exitcode:
            sys.exit(f"PyTorch's process ended with {process.exitcode}")
    return results.get()


def agreement(options, folder):
    from safetensors.numpy import load_file

    def weights(count):
        ours(options, folder, options.agreement_batch, 50, ["--processes", str(count), "--threads", "1"], f"agree-{count}")
        return load_file(folder / f"agree-{count}" / "model.safetensors")

    alone = weights(1)
    size = sum(float((value.astype("f8") ** 2).sum()) for value in alone.values()) ** 0.5
    for count in (1, 2, 4):
        other = weights(count)
        error = sum(float(((value - other[name]).astype("f8") ** 2).sum()) for name, value in alone.items()) ** 0.5
        print(f"| {count} | {error / size:.1e} |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--distill", default=ROOT / ".build/release/distill")
    parser.add_argument("--teacher", required=True)
    parser.add_argument("--train", required=True)
    parser.add_argument("--batch", default="32,128")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--agreement-batch", type=int, default=30)
    options = parser.parse_args()
    options.teacher = str(pathlib.Path(options.teacher).resolve())
    options.train = str(pathlib.Path(options.train).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        print("| batch | 1 process, 2 threads | 2 processes, 1 thread | PyTorch DDP, 2 × 1 | PyTorch, 1 × 2 | efficiency | against DDP |")
        print("|---|---|---|---|---|---|---|")
        for batch in map(int, options.batch.split(",")):
            rounds = []
            for _ in range(options.rounds):
                rounds.append((
                    milliseconds(options, folder, batch, ["--threads", "2"]),
                    milliseconds(options, folder, batch, ["--processes", "2", "--threads", "1"]),
                    peer(options, batch, 2, 1), peer(options, batch, 1, 2),
                ))  # fmt: skip
            columns = [statistics.median(values) for values in zip(*rounds)]
            efficiency = statistics.median(one / two for one, two, _, _ in rounds)
            ratio = statistics.median(other / two for _, two, other, _ in rounds)
            cells = " | ".join(f"{value:.1f} ms" for value in columns)
            print(f"| {batch} | {cells} | {efficiency:.2f} | {ratio:.2f}× |", flush=True)
        print("\n| processes | difference of the weights after 50 steps |\n|---|---|")
        agreement(options, folder)


if __name__ == "__main__":
    main()
