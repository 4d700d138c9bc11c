"""Opens cross-encoders that were saved here with sentence-transformers, and holds its scores to ours.

    python cross_encoder_interop.py CLAIMS.json

CLAIMS.json: [{"directory": a model directory, "pairs": [[query, document]…], "scores": [number…], "activation": class name}…].
Exits with 1 and says what differs.
"""

import json
import sys
from pathlib import Path

import numpy as np
from sentence_transformers import CrossEncoder


def check(holds, what):
    if not holds:
        sys.exit(f"sentence-transformers disagrees: {what}")


def main():
    claims = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    check(claims, "there is nothing to compare")
    for claim in claims:
        model = CrossEncoder(claim["directory"], local_files_only=True)
        name = type(model.activation_fn).__name__
        check(name == claim["activation"], f"{claim['directory']}: {name} and {claim['activation']}")
        check(model.num_labels == 1, "num_labels")
        theirs = model.predict([tuple(pair) for pair in claim["pairs"]])
        ours = np.array(claim["scores"], dtype=np.float32)
        check(theirs.shape == ours.shape, f"{claim['directory']}: {theirs.shape} and {ours.shape}")
        error = float(np.abs(theirs - ours).max() / max(1, np.abs(theirs).max()))
        check(error <= 1e-5, f"{claim['directory']}: the scores differ by {error}")
        print(f"{claim['directory']}: {len(ours)} scores, at most {error:.1e} apart")


if __name__ == "__main__":
    main()
