"""Runs an exported model in ONNX Runtime on a fixture's batch, and holds it to the logits of transformers.

    python onnx_families.py FIXTURE_DIR EXPORT_DIR INPUT…

INPUT… are the names of the inputs that the model must have.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file


def main():
    fixture, export, names = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    path = export / "model.onnx"
    onnx.checker.check_model(onnx.load(path), full_check=True)
    golden = load_file(fixture / "golden.safetensors")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs = [value.name for value in session.get_inputs()]
    if inputs != names:
        sys.exit(f"onnxruntime disagrees: the inputs are {inputs}, not {names}")
    logits = session.run(["logits"], {name: golden[name] for name in names})[0]
    wanted = golden["logits"]
    if wanted.ndim == 3:
        # Of a token classifier: what stands at padding is nobody's business.
        tokens = golden["attention_mask"] != 0
        logits, wanted = logits[tokens], wanted[tokens]
    error = float(np.abs(logits - wanted).max() / np.abs(wanted).max())
    if not error <= 1e-4:
        sys.exit(f"onnxruntime disagrees: logits differ by {error}")
    print(f"largest difference {error:.3g}")


if __name__ == "__main__":
    main()
