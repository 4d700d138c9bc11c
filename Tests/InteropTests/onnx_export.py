"""Exports a model directory to ONNX, with and without its configuration beside it.

    python onnx_export.py MODEL_DIR OUTPUT_DIR
"""

import shutil
import sys
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification


def main():
    source, target = map(Path, sys.argv[1:])
    target.mkdir(parents=True)
    model = AutoModelForSequenceClassification.from_pretrained(source).eval()
    # Three tensors: where inputs are one tensor, the export takes them for one input.
    inputs = {name: torch.ones((2, 8), dtype=torch.int64) for name in ["input_ids", "attention_mask", "token_type_ids"]}
    shape = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length")}
    torch.onnx.export(
        model, kwargs=inputs, f=str(target / "model.onnx"), input_names=list(inputs), output_names=["logits"],
        dynamic_shapes={name: shape for name in inputs}, dynamo=True)
    for name in ["config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"]:
        shutil.copy(source / name, target / name)


if __name__ == "__main__":
    main()
