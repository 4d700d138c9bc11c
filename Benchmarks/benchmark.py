"""Measures distill against its peers on the same weights, data and mathematics, in turn, in one run.

    python Benchmarks/benchmark.py [--rounds 5] [--rows a,d,e,f,g]

Called by `make benchmark`, which builds the runner and installs the peers. Writes Benchmarks/results.json and
Benchmarks/results.md.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / ".demo/benchmark"
RUNNER = ROOT / ".build/release/benchmark-runner"
DISTILL = ROOT / ".build/release/distill"
PEER = [sys.executable, str(ROOT / "Benchmarks/peer.py")]


class Side:
    """A process that prepared a workload and runs it once a round."""

    def __init__(self, command, request):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.send(json.dumps(request))
        self.receive()

    def send(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def receive(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"benchmark: a side ended without an answer: {self.process.args}")
        return json.loads(line)

    def round(self):
        self.send("round")
        return self.receive()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def in_turn(request, peer_request, rounds):
    """Warms both sides up, then runs them alternately. Returns the answers of each."""
    ours, peer = Side([str(RUNNER)], request), Side(PEER, peer_request)
    answers = ([], [])
    for index in range(rounds + 1):
        for place, side in enumerate((ours, peer) if index % 2 else (peer, ours)):
            answer = side.round()
            if index > 0:
                answers[place if index % 2 else 1 - place].append(answer)
    ours.close()
    peer.close()
    return answers


def parts(answers, select=slice(None)):
    """The seconds of each round: the sum of the selected parts."""
    return [sum(answer["seconds"][select]) for answer in answers]


class Report:
    def __init__(self):
        self.rows = []

    def add(self, row, workload, ours, peer, peer_name, unit, target, higher_is_better=False):
        """The ratio is how many times faster (or smaller) we are, or for latency and memory our share of the peer's."""
        a, b = statistics.median(ours), statistics.median(peer)
        ratio = a / b if higher_is_better or target.startswith("≤") else b / a
        limit = float(target[1:].strip("× "))
        met = ratio <= limit if target.startswith("≤") else ratio >= limit
        spread = lambda values: f"{min(values):.4g}–{max(values):.4g}"
        self.rows.append({
            "row": row, "workload": workload, "ours": a, "peer": b, "peer_name": peer_name, "unit": unit,
            "ours_spread": spread(ours), "peer_spread": spread(peer), "ratio": ratio, "target": target, "met": met})
        print(f"{row}  {workload:44} ours {a:10.4g} {unit:12} {peer_name:22} {b:10.4g}   {ratio:6.2f}× (target {target}) {'met' if met else 'MISSED'}", flush=True)

    def save(self):
        folder = ROOT / "Benchmarks"
        (folder / "results.json").write_text(json.dumps(self.rows, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        lines = ["| row | workload | ours (spread) | peer (spread) | unit | ratio | target | met |", "|---|---|---|---|---|---|---|---|"]
        for row in self.rows:
            lines.append(
                f"| {row['row']} | {row['workload']} | {row['ours']:.4g} ({row['ours_spread']}) | {row['peer_name']} {row['peer']:.4g} "
                f"({row['peer_spread']}) | {row['unit']} | {row['ratio']:.2f}× | {row['target']} | {'yes' if row['met'] else 'no'} |")
        (folder / "results.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


# MARK: - Models and texts

def prepare():
    """Both sides' weights, made once: the recipe's teacher and student, MiniLM with a head, and it as ONNX."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertConfig, BertForSequenceClassification

    torch.manual_seed(1)
    for name, sizes in {"teacher": {}, "student": {"num_hidden_layers": 6, "hidden_size": 384}}.items():
        if not (WORK / name / "config.json").exists():
            BertForSequenceClassification(BertConfig(num_labels=2, **sizes)).save_pretrained(WORK / name)
    minilm = WORK / "minilm"
    if not (minilm / "model.onnx").exists():
        source = ROOT / ".demo/all-MiniLM-L6-v2"
        model = AutoModelForSequenceClassification.from_pretrained(source, num_labels=2).eval()
        model.save_pretrained(minilm)
        AutoTokenizer.from_pretrained(source).save_pretrained(minilm)
        example = torch.ones((2, 8), dtype=torch.int64)
        names = ["input_ids", "attention_mask", "token_type_ids"]
        shape = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length")}
        torch.onnx.export(
            model, kwargs={name: example for name in names}, f=str(minilm / "model.onnx"), input_names=names,
            output_names=["logits"], dynamic_shapes={name: shape for name in names}, dynamo=True)
    texts = WORK / "texts.txt"
    if not texts.exists():
        sentences = []
        for file in sorted((ROOT / ".demo/vader").glob("*_GroundTruth.txt")):
            for line in file.read_text(encoding="utf-8").split("\n"):
                if line.strip():
                    sentences.append(line.rstrip("\r").split("\t", 2)[2])
        texts.write_text("\n".join(sentences) + "\n", encoding="utf-8")
        (WORK / "texts-2000.txt").write_text("\n".join(sentences[::10][:2000]) + "\n", encoding="utf-8")


# MARK: - Rows

def ceilings(threads):
    import torch

    torch.set_num_threads(threads)
    for dtype in (torch.float32, torch.bfloat16):
        a = torch.randn(2048, 2048).to(dtype)
        best = 1e9
        for _ in range(8):
            start = time.perf_counter()
            a @ a
            best = min(best, time.perf_counter() - start)
        print(f"ceiling: {str(dtype)[6:]} multiplication {2 * 2048**3 / best / 1e9:.0f} GFLOP/s", flush=True)
    a = torch.zeros(1 << 26)
    best = min(timed(lambda: a.add_(1)) for _ in range(8))
    print(f"ceiling: memory {2 * 4 * a.numel() / best / 1e9:.0f} GB/s", flush=True)


def timed(body):
    start = time.perf_counter()
    body()
    return time.perf_counter() - start


def row_a(report, threads, rounds):
    for precision, target, alone in (("float32", "≥1.25×", "≥1.4×"), ("bfloat16", "≥1.55×", "≥1.8×")):
        request = {
            "workload": "train_step", "teacher": str(WORK / "teacher"), "student": str(WORK / "student"), "batch": 32,
            "length": 128, "precision": precision, "threads": threads}
        ours, peer = in_turn(request, request, max(2, rounds // 2))
        name = f"PyTorch {precision}"
        report.add("a", f"training step, length 128, {precision}", parts(ours), parts(peer), name, "s", target)
        report.add("a", f"its student's part, {precision}", parts(ours, slice(1, 2)), parts(peer, slice(1, 2)), name, "s", alone)
        memory = lambda answers: [answer["peak_memory"] / 1e6 for answer in answers]
        report.add("h", f"peak memory of it, {precision}", memory(ours), memory(peer), name, "MB", "≤0.6×")


def row_d(report, threads, rounds):
    for precision, target in (("float32", "≥1.05×"), ("bfloat16", "≥2.1×")):
        request = {
            "workload": "bulk", "model": str(WORK / "minilm"), "texts": str(WORK / "texts-2000.txt"), "precision": precision,
            "threads": threads}
        peer = {**request, "peer": "onnxruntime", "onnx": str(WORK / "minilm/model.onnx")}
        ours, theirs = in_turn(request, peer, max(2, rounds // 2))
        rate = lambda answers: [2000 / seconds for seconds in parts(answers)]
        report.add("d", f"bulk inference, {precision}", rate(ours), rate(theirs), "ONNX Runtime float32", "sentences/s", target, True)


def row_e(report, threads, rounds):
    for length in (16, 64, 256):
        for precision, target in (("float32", "≤0.9×"), ("bfloat16", "≤0.55×")):
            request = {
                "workload": "latency", "model": str(WORK / "minilm"), "length": length, "count": 20, "precision": precision,
                "threads": threads}
            peer = {**request, "peer": "onnxruntime", "onnx": str(WORK / "minilm/model.onnx")}
            ours, theirs = in_turn(request, peer, rounds)
            every = lambda answers: sorted(seconds * 1e3 for answer in answers for seconds in answer["seconds"])
            ours, theirs = every(ours), every(theirs)
            report.add("e", f"latency p50, length {length}, {precision}", ours, theirs, "ONNX Runtime float32", "ms", target)
            tail = lambda values: [values[int(0.99 * (len(values) - 1))]]
            report.add("e", f"latency p99, length {length}, {precision}", tail(ours), tail(theirs), "ONNX Runtime float32", "ms", target)


def row_f(report, threads, rounds):
    size = (WORK / "texts.txt").stat().st_size / 1e6
    for count in sorted({1, threads}):
        request = {"workload": "tokenize", "model": str(WORK / "minilm"), "texts": str(WORK / "texts.txt"), "threads": count}
        ours, theirs = in_turn(request, request, rounds)
        rate = lambda answers: [size / seconds for seconds in parts(answers)]
        report.add("f", f"tokenization, {count} thread{'s' * (count > 1)}", rate(ours), rate(theirs), "tokenizers", "MB/s", "≥25×", True)


def row_g(report, threads, rounds):
    script = (
        "import sys; from transformers import pipeline; "
        "print(pipeline('text-classification', model=sys.argv[1])('A film to remember.'))")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    def once(command, text):
        return timed(lambda: subprocess.run(command, input=text, text=True, check=True, capture_output=True, env=environment))
    ours, peer = [], []
    for _ in range(rounds):
        ours.append(once([str(DISTILL), "predict", "--model", str(WORK / "minilm")], "A film to remember.\n"))
        peer.append(once([sys.executable, "-c", script, str(WORK / "minilm")], ""))
    report.add("g", "process start to first prediction", ours, peer, "Python, transformers", "s", "≤0.05×")


ROWS = {"a": row_a, "d": row_d, "e": row_e, "f": row_f, "g": row_g}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    prepare()
    ceilings(arguments.threads)
    report = Report()
    for name in arguments.rows.split(","):
        ROWS[name](report, arguments.threads, arguments.rounds)
        report.save()


if __name__ == "__main__":
    main()
