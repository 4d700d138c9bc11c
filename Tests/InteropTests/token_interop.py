"""Opens a token classifier with transformers and holds its entities to ours.

    python token_interop.py CLAIMS.json

CLAIMS.json: {"directory": a model directory, "onnx": its export or null, "texts": [text…],
"entities": {strategy: [[entity…] for each text]}}, with entities as `distill predict` prints them.
Exits with 1 and says what differs.
"""

import json
import sys
from pathlib import Path

from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline


def check(holds, what):
    if not holds:
        sys.exit(f"transformers disagrees: {what}")


def main():
    claims = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    directory = claims["directory"]
    model, report = AutoModelForTokenClassification.from_pretrained(directory, output_loading_info=True)
    check(not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), report)
    check(type(model).__name__.endswith("ForTokenClassification"), type(model))
    tokenizer = AutoTokenizer.from_pretrained(directory)
    compared = 0
    for strategy, ours in claims["entities"].items():
        theirs = pipeline("token-classification", model=model, tokenizer=tokenizer, aggregation_strategy=strategy)(claims["texts"])
        for text, own, other in zip(claims["texts"], ours, theirs, strict=True):
            check(len(own) == len(other), f"{strategy}, {text!r}: {own} and {other}")
            for a, b in zip(own, other):
                check(abs(a.pop("score") - float(b.pop("score"))) < 1e-4, f"{strategy}, {text!r}: the score of {a}")
                b = {key: value for key, value in b.items() if value is not None}
                check(a == b, f"{strategy}, {text!r}: {a} and {b}")
                compared += 1
    check(compared > 0, "there are no entities to compare")
    print(f"{compared} entities are equal")


if __name__ == "__main__":
    main()
