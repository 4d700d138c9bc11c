"""Opens directories that were saved here with sentence-transformers, and holds its vectors or scores to ours.

    python embedding_interop.py CLAIMS.json

CLAIMS.json: [{"directory": a sentence-transformers directory, "texts": [text…], "vectors": [[number…]…], "max_length": tokens or null}…],
or of cross-encoders {"directory": …, "pairs": [[query, document]…], "scores": [number…], "activation": class name}.
Exits with 1 and says what differs.
"""

import json
import sys
from pathlib import Path

import numpy as np
from sentence_transformers import CrossEncoder, SentenceTransformer


def check(holds, what):
    if not holds:
        sys.exit(f"sentence-transformers disagrees: {what}")


def compare(directory, theirs, ours):
    """Our numbers against theirs, in float32."""
    ours = np.array(ours, dtype=np.float32)
    check(theirs.shape == ours.shape, f"{directory}: {theirs.shape} and {ours.shape}")
    error = float(np.abs(theirs - ours).max() / max(1, np.abs(theirs).max()))
    check(error <= 1e-5, f"{directory}: the numbers differ by {error}")
    print(f"{directory}: {ours.shape}, at most {error:.1e} apart")


def compare_vectors(claim):
    model = SentenceTransformer(claim["directory"], local_files_only=True)
    compare(claim["directory"], model.encode(claim["texts"]), claim["vectors"])
    check(model.get_embedding_dimension() == len(claim["vectors"][0]), "the dimension")
    # A static table reads all of a text.
    length = claim["max_length"] or float("inf")
    check(model.max_seq_length == length, f"max_seq_length: {model.max_seq_length} and {length}")


def compare_scores(claim):
    model = CrossEncoder(claim["directory"], local_files_only=True)
    name = type(model.activation_fn).__name__
    check(name == claim["activation"], f"{claim['directory']}: {name} and {claim['activation']}")
    check(model.num_labels == 1, "num_labels")
    compare(claim["directory"], model.predict([tuple(pair) for pair in claim["pairs"]]), claim["scores"])


def main():
    claims = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    check(claims, "there is nothing to compare")
    for claim in claims:
        if "pairs" in claim:
            compare_scores(claim)
        else:
            compare_vectors(claim)


if __name__ == "__main__":
    main()
