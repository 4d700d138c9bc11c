"""Opens directories that were saved here with sentence-transformers, and holds its vectors to ours.

    python embedding_interop.py CLAIMS.json

CLAIMS.json: [{"directory": a sentence-transformers directory, "texts": [text…], "vectors": [[number…]…], "max_length": tokens or null}…].
Exits with 1 and says what differs.
"""

import json
import sys
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer


def check(holds, what):
    if not holds:
        sys.exit(f"sentence-transformers disagrees: {what}")


def main():
    claims = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    check(claims, "there is nothing to compare")
    for claim in claims:
        model = SentenceTransformer(claim["directory"], local_files_only=True)
        theirs, ours = model.encode(claim["texts"]), np.array(claim["vectors"], dtype=np.float32)
        check(theirs.shape == ours.shape, f"{claim['directory']}: {theirs.shape} and {ours.shape}")
        error = float(np.abs(theirs - ours).max() / max(1, np.abs(theirs).max()))
        check(error <= 1e-5, f"{claim['directory']}: the vectors differ by {error}")
        check(model.get_embedding_dimension() == ours.shape[1], "the dimension")
        # A static table reads all of a text.
        length = claim["max_length"] or float("inf")
        check(model.max_seq_length == length, f"max_seq_length: {model.max_seq_length} and {length}")
        print(f"{claim['directory']}: {len(ours)} vectors of {ours.shape[1]}, at most {error:.1e} apart")


if __name__ == "__main__":
    main()
