#!/usr/bin/env python3
"""Measures the peak memory of training a Llama of random weights, whole and by each way to take less (docs/memory.md).

    .python/bin/python scripts/memory.py --tokenizer DIR [--size 1B] [--ways adapters …] [--tokens 512] [--distill PROGRAM]

DIR holds a tokenizer.json of at most 49,152 tokens, such as a student's of `make demo-lm`. The model (bfloat16) and what is trained are
written to a temporary folder. Each way is `distill finetune` for two steps of one text; the figure is the largest resident size that the
system counted, in GB of 10^9 bytes.
"""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

# Hidden size, layers, intermediate size, heads, heads of keys and values.
SIZES = {"135M": (576, 30, 1536, 9, 3), "300M": (1024, 22, 3072, 16, 8), "1B": (2048, 16, 8192, 32, 8)}
VOCABULARY = 49_152
ADAPTERS = ["--lora-rank", "16"]
WAYS = {
    "whole": [],
    "whole-recomputed": ["--gradient-checkpointing"],
    "whole-8bit": ["--gradient-checkpointing", "--optim", "adamw_8bit"],
    "adapters-kept": ADAPTERS,
    "adapters": ADAPTERS + ["--gradient-checkpointing"],
}


def write_model(folder, size):
    hidden, layers, inner, heads, keys = SIZES[size]
    width = hidden // heads
    torch.manual_seed(1)

    def weight(*shape):
        return (torch.randn(shape, dtype=torch.float32) * 0.02).bfloat16()

    tensors = {"model.embed_tokens.weight": weight(VOCABULARY, hidden), "model.norm.weight": torch.ones(hidden).bfloat16()}
    for i in range(layers):
        layer = f"model.layers.{i}."
        shapes = {"self_attn.q_proj": (heads * width, hidden), "self_attn.k_proj": (keys * width, hidden),
                  "self_attn.v_proj": (keys * width, hidden), "self_attn.o_proj": (hidden, heads * width),
                  "mlp.gate_proj": (inner, hidden), "mlp.up_proj": (inner, hidden), "mlp.down_proj": (hidden, inner)}
        tensors |= {f"{layer}{name}.weight": weight(*shape) for name, shape in shapes.items()}
        tensors |= {f"{layer}{name}.weight": torch.ones(hidden).bfloat16()
                    for name in ("input_layernorm", "post_attention_layernorm")}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(dict(
        architectures=["LlamaForCausalLM"], model_type="llama", vocab_size=VOCABULARY, hidden_size=hidden, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=keys, head_dim=width, intermediate_size=inner, hidden_act="silu",
        max_position_embeddings=8192, rms_norm_eps=1e-5, rope_theta=100000.0, tie_word_embeddings=True, bos_token_id=1, eos_token_id=2,
        dtype="bfloat16")))
    return sum(tensor.numel() for tensor in tensors.values())


def write_texts(file, count):
    words = "the of and to in is was that for it with as his on be at by had not are but from or have an they which one".split()
    choose = random.Random(3)
    with file.open("w") as lines:
        for _ in range(count):
            print(json.dumps({"text": " ".join(choose.choice(words) for _ in range(4096))}), file=lines)


def measured(command):
    """The peak resident size of a program, and its seconds."""
    start, child = time.time(), os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        os.execv(command[0], command)
    _, status, usage = os.wait4(child, 0)
    if status != 0:
        sys.exit(f"memory.py: {' '.join(command)} failed")
    return usage.ru_maxrss * 1024, time.time() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--size", choices=SIZES, default="1B")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--distill", default=".build/release/distill")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = folder / "model"
        model.mkdir()
        for file in options.tokenizer.glob("*token*.json"):
            shutil.copy(file, model)
        count = write_model(model, options.size)
        write_texts(folder / "train.jsonl", 8)
        write_texts(folder / "validation.jsonl", 1)
        print(f"{count / 1e6:.0f} million parameters, texts of {options.tokens} tokens", flush=True)
        for way in options.ways:
            peak, seconds = measured([
                options.distill, "finetune", "--model", str(model), "--train", str(folder / "train.jsonl"), "--validation",
                str(folder / "validation.jsonl"), "--max-length", str(options.tokens), "--batch-size", "1", "--max-steps", "2",
                "--per-device-eval-batch-size", "1", "--report-examples", "0", "--save-steps", "1000000",
                "--output", str(folder / "output"), "--overwrite", *WAYS[way]])
            print(f"{way:18} {peak / 1e9:6.2f} GB  {seconds:5.0f} s", flush=True)


if __name__ == "__main__":
    main()
