"""Opens a model directory with transformers and holds it to what distill says of it.

    python interop.py MODEL_DIR CLAIM.json

CLAIM.json: {"texts": […], "logits": [[…]…], "input_ids": [[…]…], "labels": […], "max_length": n,
"problem_type": "regression" or another}
Exits with 1 and says what differs.
"""

import json
import sys

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

TOLERANCE = 1e-5


def check(holds, what):
    if not holds:
        sys.exit(f"transformers disagrees: {what}")


def main():
    directory, claim_path = sys.argv[1:]
    with open(claim_path, encoding="utf-8") as file:
        claim = json.load(file)
    tokenizer = AutoTokenizer.from_pretrained(directory)
    model, info = AutoModelForSequenceClassification.from_pretrained(directory, output_loading_info=True)
    model.eval()
    for key in ["missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"]:
        check(not info.get(key), f"{key}: {info.get(key)}")
    labels = [model.config.id2label[index] for index in range(model.config.num_labels)]
    check(labels == claim["labels"], f"labels {labels}, not {claim['labels']}")
    # A model that others wrote need not say it; one label then means regression.
    problem_type = model.config.problem_type or ("regression" if model.config.num_labels == 1 else "single_label_classification")
    check(problem_type == claim["problem_type"], f"problem_type {problem_type}, not {claim['problem_type']}")
    check(model.config.label2id == {name: index for index, name in enumerate(labels)}, f"label2id {model.config.label2id}")

    check(len(claim["texts"]) > 0, "there is nothing to compare")
    for text, ids, logits in zip(claim["texts"], claim["input_ids"], claim["logits"], strict=True):
        batch = tokenizer(text, truncation=True, max_length=claim["max_length"], return_tensors="pt")
        check(batch["input_ids"][0].tolist() == ids, f"input_ids of {text!r}: {batch['input_ids'][0].tolist()}, not {ids}")
        with torch.no_grad():
            theirs = model(**batch).logits[0]
        ours = torch.tensor(logits)
        error = (theirs - ours).abs().max().item()
        check(error <= TOLERANCE * max(1.0, theirs.abs().max().item()), f"logits of {text!r} differ by {error}: {theirs.tolist()}, not {logits}")
    print(f"{len(claim['texts'])} texts agree")


if __name__ == "__main__":
    main()
