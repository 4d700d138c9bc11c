"""Makes, once, the inputs of both sides: models into `.demo/benchmark/`, and texts with their lengths in tokens.

    python Benchmarks/prepare.py
"""

import csv
import json

from common import MOVIES, ROOT, WORK

TINY = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128)


def models():
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertConfig, BertForSequenceClassification

    source = ROOT / ".demo/all-MiniLM-L6-v2"
    torch.manual_seed(1)
    # The recipe's teacher and student, with random weights: a step takes as long with any.
    for name, sizes in {"teacher": {}, "student": {"num_hidden_layers": 6, "hidden_size": 384}}.items():
        if not (WORK / name / "config.json").exists():
            BertForSequenceClassification(BertConfig(num_labels=2, **sizes)).save_pretrained(WORK / name)
    tiny = WORK / "tiny"
    if not (tiny / "tokenizer.json").exists():
        labels = {0: "negative", 1: "positive"}
        config = BertConfig(id2label=labels, label2id={name: index for index, name in labels.items()}, **TINY)
        BertForSequenceClassification(config).save_pretrained(tiny)
        AutoTokenizer.from_pretrained(source).save_pretrained(tiny)
    minilm = WORK / "minilm"
    if not (minilm / "tokenizer.json").exists():
        AutoModelForSequenceClassification.from_pretrained(source, num_labels=2).save_pretrained(minilm)
        AutoTokenizer.from_pretrained(source).save_pretrained(minilm)
    model = AutoModelForSequenceClassification.from_pretrained(minilm).eval()
    exported = minilm / "model.onnx"
    if not (exported.exists() and agrees(model, exported)):
        export(model, exported)
        if not agrees(model, exported):
            raise SystemExit(f"benchmark: {exported} does not compute what PyTorch computes")
    small = minilm / "model-int8.onnx"
    if not small.exists() or small.stat().st_mtime < exported.stat().st_mtime:
        quantize(exported, small)


def export(model, file):
    import torch

    # A tensor for each: of inputs that are one tensor the exporter makes one input, and the others count for nothing.
    inputs = {name: torch.ones((2, 8), dtype=torch.int64) for name in ("input_ids", "attention_mask", "token_type_ids")}
    shape = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length")}
    torch.onnx.export(
        model, kwargs=inputs, f=str(file), input_names=list(inputs), output_names=["logits"],
        dynamic_shapes={name: shape for name in inputs}, dynamo=True)


def agrees(model, file):
    """True if ONNX Runtime gives PyTorch's logits, for a batch of two lengths."""
    import numpy
    import onnxruntime
    import torch

    ids = torch.arange(2 * 24).view(2, 24) * 7919 % 20000 + 1000
    mask = torch.ones_like(ids)
    mask[1, 9:] = 0
    feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
    with torch.inference_mode():
        expected = model(**feed).logits.numpy()
    try:
        session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        logits = session.run(["logits"], {name: value.numpy() for name, value in feed.items()})[0]
    except Exception:  # Another version's, or cut short.
        return False
    return numpy.allclose(logits, expected, rtol=1e-3, atol=1e-4)


def quantize(source, target):
    """ONNX Runtime's own dynamic int8, as its documentation advises: after its preparation, with its defaults."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared, partial = target.with_name("prepared.onnx"), target.with_name("partial.onnx")
    # In one file, as the preparation takes it.
    onnx.save_model(onnx.load(str(source)), str(prepared))
    # The exporter has inferred all shapes already.
    quant_pre_process(str(prepared), str(partial), skip_symbolic_shape=True)
    quantize_dynamic(str(partial), str(prepared), weight_type=QuantType.QInt8)
    partial.unlink()
    prepared.rename(target)


def texts():
    from tokenizers import Tokenizer

    every = WORK / "texts.txt"
    if not every.exists():
        sentences = []
        for file in sorted((ROOT / ".demo/vader").glob("*_GroundTruth.txt")):
            for line in file.read_text(encoding="utf-8").split("\n"):
                if line.strip():
                    sentences.append(line.rstrip("\r").split("\t", 2)[2])
        (WORK / "texts-2000.txt").write_text("\n".join(sentences[::10][:2000]) + "\n", encoding="utf-8")
        every.write_text("\n".join(sentences) + "\n", encoding="utf-8")
    lengths = WORK / "texts-2000-lengths.json"
    if not lengths.exists():
        tokenizer = Tokenizer.from_file(str(WORK / "minilm/tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(128)
        lines = [line for line in (WORK / "texts-2000.txt").read_text(encoding="utf-8").split("\n") if line]
        lengths.write_text(json.dumps([len(each.ids) for each in tokenizer.encode_batch(lines)]), encoding="utf-8")


def growing_data(count):
    """A CSV file of `count` different labeled sentences: the demo's, then halves of two of them joined."""
    target = WORK / f"growth-{count}.csv"
    if target.exists():
        return target
    with open(MOVIES / "train.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    words = [text.split() for text, _ in rows]
    partial = target.with_suffix(".partial")
    with open(partial, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["text", "label"])
        for index in range(count):
            turn, first = divmod(index, len(rows))
            second = (first + turn) % len(rows)
            head, rest = words[first], words[second]
            sentence = " ".join(head[: (len(head) + 1) // 2] + rest[(len(rest) + 1) // 2 :])
            writer.writerow([sentence, rows[first][1]])
    partial.rename(target)
    return target


if __name__ == "__main__":
    WORK.mkdir(parents=True, exist_ok=True)
    models()
    texts()
