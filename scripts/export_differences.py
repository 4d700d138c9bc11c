"""Exports a tiny model of every family and head in every format, and prints by how much logits differ from transformers'.

    .python/bin/python scripts/export_differences.py PROGRAM

PROGRAM is distill. The models are those of scripts/fixtures/families.py and token_families.py, with their batch and its padding. A
difference is the largest of the logits', as a fraction of the largest logit. Core ML's programs are computed with numpy
(Tests/InteropTests/coreml_interop.py). Prints the table of docs/export.md.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import openvino
from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "Tests/TransformersTests/Fixtures"
sys.path.insert(0, str(ROOT / "Tests/InteropTests"))
import coreml_interop

COLUMNS = [("onnx", "float32"), ("onnx", "float16"), ("coreml", "float32"), ("coreml", "float16")]


def difference(logits, golden):
    wanted = golden["logits"]
    if wanted.ndim == 3:
        tokens = golden["attention_mask"] != 0
        logits, wanted = logits[tokens], wanted[tokens]
    return float(np.abs(logits - wanted).max() / np.abs(wanted).max())


def onnx(path, golden):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feed = {value.name: golden[value.name] for value in session.get_inputs()}
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [difference(session.run(["logits"], feed)[0], golden), difference(compiled(feed)["logits"], golden)]


def main():
    program = Path(sys.argv[1]).resolve()
    # Warnings about what the CPU lacks for float16.
    onnxruntime.set_default_logger_severity(3)
    print("| model | task | ONNX Runtime, float32 | OpenVINO | ONNX Runtime, float16 | OpenVINO | Core ML, float32 | float16 |")
    print("|---|---|---|---|---|---|---|---|")
    for folder, task in [("families", "sequence"), ("token-families", "token")]:
        for fixture in sorted((FIXTURES / folder).iterdir()):
            golden = load_file(fixture / "golden.safetensors")
            figures = []
            for format, dtype in COLUMNS:
                with tempfile.TemporaryDirectory() as place:
                    output = Path(place) / "out"
                    subprocess.run(
                        [program, "export", "--model", fixture, "--format", format, "--dtype", dtype, "--no-check", "--quiet",
                         "--output", output], check=True, stdout=subprocess.DEVNULL)
                    figures += (
                        onnx(output / "model.onnx", golden) if format == "onnx"
                        else [coreml_interop.compare(output, fixture, 1, None)])
            print(f"| {fixture.name} | {task} | " + " | ".join(f"{value:.0e}" for value in figures) + " |", flush=True)


if __name__ == "__main__":
    main()
