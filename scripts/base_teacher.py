#!/usr/bin/env python3
"""Makes a RoBERTa of base size (12 layers of 768, 109 million parameters) out of a small fine-tuned BERT, and a DistilBERT
student out of another: what a teacher and a student of two families are tried with where nothing can be downloaded.

    .python/bin/python scripts/base_teacher.py --teacher demo-output/teacher --encoder .demo/all-MiniLM-L6-v2 --output DIR

Writes DIR/roberta-base and DIR/distilbert. The teacher grows without changing what it computes, but for noise: widths double by
giving each feature a twin (Net2Net: Chen et al., arXiv 1511.05641), and after each layer stands a new one whose outputs begin at
zero, and which takes over the old one's last norm. The student has every second layer of the encoder, as DistilBERT had of BERT.
"""

import argparse
import json
import math
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import (
    AutoModelForSequenceClassification, AutoTokenizer, DistilBertConfig, DistilBertForSequenceClassification, RobertaConfig,
    RobertaForSequenceClassification)

NOISE = 0.02


def twins(count, head=None):
    """For each of 2 · count features the one it is a twin of; within each head where that is given."""
    if head is None:
        return torch.arange(2 * count) % count
    places = torch.arange(2 * count)
    return places // (2 * head) * head + places % (2 * head) % head


def widened(weight, rows, columns):
    """A linear layer's weight between twins: what goes in comes twice, so each counts half."""
    grown = weight[rows][:, columns] / (columns.numel() / weight.shape[1])
    return grown + NOISE * grown.std() * torch.randn(grown.shape)


def grow(teacher):
    config, own = teacher.config, teacher.state_dict()
    hidden, inner, heads = config.hidden_size, config.intermediate_size, config.num_attention_heads
    torch.manual_seed(5)
    base = RobertaForSequenceClassification(RobertaConfig(
        vocab_size=config.vocab_size, hidden_size=2 * hidden, num_hidden_layers=2 * config.num_hidden_layers,
        num_attention_heads=heads, intermediate_size=2 * inner, max_position_embeddings=config.max_position_embeddings + 1,
        type_vocab_size=1, layer_norm_eps=config.layer_norm_eps, pad_token_id=config.pad_token_id, id2label=config.id2label,
        label2id=config.label2id)).eval()
    grown = base.state_dict()
    wide, high, split = twins(hidden), twins(inner), twins(hidden, hidden // heads)

    def put(name, tensor):
        assert grown[name].shape == tensor.shape, name
        grown[name] = tensor

    def linear(name, source, rows, columns, scale=1.0):
        put(name + ".weight", widened(own[source + ".weight"], rows, columns) * scale)
        put(name + ".bias", own[source + ".bias"][rows] * scale)

    def norm(name, source):
        for part in (".weight", ".bias"):
            put(name + part, own[source + part][wide])

    words = own["bert.embeddings.word_embeddings.weight"]
    put("roberta.embeddings.word_embeddings.weight", words[:, wide])
    positions = own["bert.embeddings.position_embeddings.weight"][:, wide]
    put("roberta.embeddings.position_embeddings.weight", torch.cat([torch.zeros(1, 2 * hidden), positions]))
    put("roberta.embeddings.token_type_embeddings.weight", own["bert.embeddings.token_type_embeddings.weight"][:1][:, wide])
    norm("roberta.embeddings.LayerNorm", "bert.embeddings.LayerNorm")
    for index in range(config.num_hidden_layers):
        old, new, added = f"bert.encoder.layer.{index}.", *(f"roberta.encoder.layer.{2 * index + k}." for k in (0, 1))
        # Twice the features of a head give twice the product, and its root is what scores are divided by.
        for name, scale in (("query", 1 / math.sqrt(2)), ("key", 1), ("value", 1)):
            linear(f"{new}attention.self.{name}", f"{old}attention.self.{name}", split, wide, scale)
        linear(new + "attention.output.dense", old + "attention.output.dense", wide, split)
        norm(new + "attention.output.LayerNorm", old + "attention.output.LayerNorm")
        linear(new + "intermediate.dense", old + "intermediate.dense", high, wide)
        linear(new + "output.dense", old + "output.dense", wide, high)
        # What is normalised already passes the added layer's first norm as it is; its last norm is the old layer's.
        norm(added + "output.LayerNorm", old + "output.LayerNorm")
        for part in ("attention.output", "output"):
            for name in (".dense.weight", ".dense.bias"):
                put(added + part + name, torch.zeros_like(grown[added + part + name]))
    linear("classifier.dense", "bert.pooler.dense", wide, wide)
    put("classifier.out_proj.weight", widened(own["classifier.weight"], torch.arange(config.num_labels), wide))
    put("classifier.out_proj.bias", own["classifier.bias"])
    base.load_state_dict(grown)
    return base


def distilbert(encoder):
    config = json.loads((encoder / "config.json").read_text())
    own = {name.removeprefix("bert."): tensor for name, tensor in load_file(encoder / "model.safetensors").items()}
    layers = list(range(1, config["num_hidden_layers"], 2))
    torch.manual_seed(5)
    student = DistilBertForSequenceClassification(DistilBertConfig(
        vocab_size=config["vocab_size"], dim=config["hidden_size"], hidden_dim=config["intermediate_size"],
        n_heads=config["num_attention_heads"], n_layers=len(layers), pad_token_id=config["pad_token_id"],
        max_position_embeddings=config["max_position_embeddings"]))
    made = student.state_dict()
    made["distilbert.embeddings.word_embeddings.weight"] = (
        own["embeddings.word_embeddings.weight"] + own["embeddings.token_type_embeddings.weight"][0])
    made["distilbert.embeddings.position_embeddings.weight"] = own["embeddings.position_embeddings.weight"]
    names = {
        "attention.q_lin": "attention.self.query", "attention.k_lin": "attention.self.key", "attention.v_lin": "attention.self.value",
        "attention.out_lin": "attention.output.dense", "sa_layer_norm": "attention.output.LayerNorm",
        "ffn.lin1": "intermediate.dense", "ffn.lin2": "output.dense", "output_layer_norm": "output.LayerNorm"}
    for part in ("weight", "bias"):
        made[f"distilbert.embeddings.LayerNorm.{part}"] = own[f"embeddings.LayerNorm.{part}"]
        for place, layer in enumerate(layers):
            for new, old in names.items():
                made[f"distilbert.transformer.layer.{place}.{new}.{part}"] = own[f"encoder.layer.{layer}.{old}.{part}"]
    student.load_state_dict(made)
    return student


def save(model, tokenizer_of, directory):
    shutil.rmtree(directory, ignore_errors=True)
    model.save_pretrained(directory)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
        if (tokenizer_of / name).exists():
            shutil.copy(tokenizer_of / name, directory / name)
    print(f"{directory}: {sum(each.numel() for each in model.parameters()) / 1e6:.1f} million parameters")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--teacher", type=Path, required=True, help="a fine-tuned BERT")
    parser.add_argument("--encoder", type=Path, required=True, help="the encoder that the student is made of")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    teacher = AutoModelForSequenceClassification.from_pretrained(arguments.teacher).eval()
    tokenizer = AutoTokenizer.from_pretrained(arguments.teacher)
    texts = ["a fine film , with a bad end", "the plot is dull", "moving , funny and well played", "i have seen better ."] * 4
    base = grow(teacher)
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        own = teacher(**batch).logits
        batch.pop("token_type_ids", None)
        difference = (base(**batch).logits - own).abs().max() / own.abs().max()
    print(f"the grown teacher's logits differ by {difference:.1%}")
    save(base, arguments.teacher, arguments.output / "roberta-base")
    save(distilbert(arguments.encoder), arguments.encoder, arguments.output / "distilbert")


if __name__ == "__main__":
    main()
