"""Runs an exported model in ONNX Runtime and OpenVINO on a fixture's batch, and holds it to the logits of transformers.

    python onnx_families.py FIXTURE_DIR EXPORT_DIR INPUT…

INPUT… are the names of the inputs that the model must have.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import openvino
from safetensors.numpy import load_file


def compare(runtime, logits, golden):
    wanted = golden["logits"]
    if wanted.ndim == 3:
        # Of a token classifier: what stands at padding is nobody's business.
        tokens = golden["attention_mask"] != 0
        logits, wanted = logits[tokens], wanted[tokens]
    error = float(np.abs(logits - wanted).max() / np.abs(wanted).max())
    if not error <= 1e-4:
        sys.exit(f"{runtime} disagrees: logits differ by {error}")
    print(f"{runtime}: largest difference {error:.3g}")


def main():
    fixture, export, names = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    path = export / "model.onnx"
    onnx.checker.check_model(onnx.load(path), full_check=True)
    golden = load_file(fixture / "golden.safetensors")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs = [value.name for value in session.get_inputs()]
    if inputs != names:
        sys.exit(f"onnxruntime disagrees: the inputs are {inputs}, not {names}")
    feed = {name: golden[name] for name in names}
    compare("onnxruntime", session.run(["logits"], feed)[0], golden)
    # Single texts of their own length, without padding: both sizes are free. Padding before a text moves it.
    tokens = golden["attention_mask"] != 0
    for row in np.flatnonzero(tokens[:, 0]):
        one = {name: value[row][None, tokens[row]] for name, value in feed.items()}
        wanted = golden["logits"][row]
        own = {"logits": wanted[tokens[row]][None] if wanted.ndim == 2 else wanted[None]}
        if wanted.ndim == 2:
            own["attention_mask"] = one["attention_mask"]
        compare(f"onnxruntime, text {row}", session.run(["logits"], one)[0], own)
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    compare("openvino", compiled(feed)["logits"], golden)


if __name__ == "__main__":
    main()
