"""Compares a trimmed model directory with the original, and with what distill says, by transformers.

    python trimming.py ORIGINAL TRIMMED CLAIM.json

CLAIM.json: {"inside": [texts whose tokens all stayed], "others": […], "ids": [[…]…] of all of them in the trimmed
vocabulary}
Exits with 1 and says what differs.
"""

import json
import sys

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer


def check(holds, what):
    if not holds:
        sys.exit(f"transformers disagrees: {what}")


def main():
    original, trimmed, claim_path = sys.argv[1:]
    with open(claim_path, encoding="utf-8") as file:
        claim = json.load(file)
    before, after = (AutoTokenizer.from_pretrained(path) for path in (original, trimmed))
    models = []
    for path in (original, trimmed):
        model, info = AutoModelForSequenceClassification.from_pretrained(path, output_loading_info=True)
        for key in ["missing_keys", "unexpected_keys", "mismatched_keys"]:
            check(not info.get(key), f"{path}: {key}: {info.get(key)}")
        models.append(model.eval())
    check(len(after) < len(before), f"{len(after)} tokens after, {len(before)} before")
    check(models[1].config.vocab_size == len(after), f"vocab_size {models[1].config.vocab_size}, not {len(after)}")
    check(models[1].config.pad_token_id == after.pad_token_id, f"pad_token_id {models[1].config.pad_token_id}")
    check(len(claim["inside"]) > 2 and len(claim["others"]) > 2, "there is nothing to compare")
    for text, ids in zip(claim["inside"] + claim["others"], claim["ids"], strict=True):
        theirs = after(text)["input_ids"]
        check(theirs == ids, f"input_ids of {text!r}: {theirs}, not {ids}")
    for text in claim["inside"]:
        old, new = before.tokenize(text), after.tokenize(text)
        check(old == new, f"tokens of {text!r}: {new}, not {old}")
        with torch.no_grad():
            logits = [model(**tokenizer(text, return_tensors="pt")).logits for model, tokenizer in zip(models, (before, after))]
        # Not to the bit: how PyTorch multiplies depends on where in memory the weights lie.
        check(torch.allclose(*logits, rtol=1e-6, atol=1e-6), f"logits of {text!r}: {logits}")
    print(f"{len(claim['ids'])} texts agree")


if __name__ == "__main__":
    main()
