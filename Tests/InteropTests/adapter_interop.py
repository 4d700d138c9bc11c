"""Opens a model with adapters by PEFT and holds its logits to those of the merged model that was saved beside them.

    python adapter_interop.py CLAIMS.json

CLAIMS.json: a list of {"base": a model directory, "adapter": the adapters' directory, "language_model": true or false,
"ids": [id…], "logits": {"shape": […], "values": […]}}. Exits with 1 and says what differs.
"""

import json
import sys
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

TOLERANCE = 2e-5


def main():
    claims = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if not claims:
        sys.exit("there is nothing to compare")
    for claim in claims:
        kind = AutoModelForCausalLM if claim["language_model"] else AutoModelForSequenceClassification
        base = kind.from_pretrained(claim["base"], dtype=torch.float32).eval()
        ids = torch.tensor([claim["ids"]])
        with torch.no_grad():
            plain = base(ids).logits[0].clone()
            theirs = PeftModel.from_pretrained(base, claim["adapter"]).eval()(ids).logits[0]
        ours = torch.tensor(claim["logits"]["values"]).reshape(claim["logits"]["shape"]).reshape(theirs.shape)
        scale = theirs.abs().max()
        error, change = ((theirs - ours).abs().max() / scale).item(), ((theirs - plain).abs().max() / scale).item()
        if error > TOLERANCE:
            sys.exit(f"{claim['adapter']}: PEFT's logits differ by {error}")
        if change < 100 * TOLERANCE:
            sys.exit(f"{claim['adapter']}: the adapters change the base's logits by {change} alone")


if __name__ == "__main__":
    main()
