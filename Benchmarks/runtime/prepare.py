"""Writes one student in the forms that the runtimes of `make benchmark-runtime` read, once, into `.demo/benchmark/runtime/`.

    python Benchmarks/runtime/prepare.py

float32 for all; int8 as each runtime's documentation advises: ours by `distill quantize`, ONNX Runtime's by its dynamic
quantization and by our export, OpenVINO's by NNCF's quantization after training (calibrated on texts) and by our export,
CTranslate2's when it loads.
"""

import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import DISTILL, ROOT, WORK

MODEL = WORK / "minilm"
TARGET = WORK / "runtime"


def distill(*arguments):
    subprocess.run([str(DISTILL), *map(str, arguments)], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def sentences():
    every = (WORK / "texts-2000.txt").read_text(encoding="utf-8").split("\n")
    return [line for line in every if line]


def ours():
    """Quantized without labelled texts, so that all layers are int8."""
    if not (WORK / "minilm-int8/config.json").exists():
        distill("quantize", "--model", MODEL, "--output", WORK / "minilm-int8", "--overwrite", "--quiet")
    export = TARGET / "export"
    if not (export / "model.onnx").exists():
        distill("export", "--model", WORK / "minilm-int8", "--format", "onnx", "--output", export, "--overwrite")


def onnx_runtime():
    import onnx

    # In one file, under the names by which peers.py finds them.
    onnx.save_model(onnx.load(str(MODEL / "model.onnx")), str(TARGET / "onnx-float32.onnx"))
    shutil.copyfile(MODEL / "model-int8.onnx", TARGET / "onnx-int8-dynamic.onnx")
    shutil.copyfile(TARGET / "export/model.onnx", TARGET / "onnx-int8-export.onnx")


def openvino():
    import nncf
    import numpy
    import openvino
    from tokenizers import Tokenizer

    model = openvino.convert_model(str(TARGET / "onnx-float32.onnx"))
    openvino.save_model(model, str(TARGET / "openvino-float32.xml"), compress_to_fp16=False)
    openvino.save_model(
        openvino.convert_model(str(TARGET / "onnx-int8-export.onnx")), str(TARGET / "openvino-int8-export.xml"),
        compress_to_fp16=False)
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(128)

    def feed(text):
        ids = numpy.array([tokenizer.encode(text).ids], numpy.int64)
        return {"input_ids": ids, "attention_mask": numpy.ones_like(ids), "token_type_ids": numpy.zeros_like(ids)}

    calibration = nncf.Dataset(sentences()[::7], feed)
    quantized = nncf.quantize(model, calibration, model_type=nncf.ModelType.TRANSFORMER, subset_size=280)
    openvino.save_model(quantized, str(TARGET / "openvino-int8-nncf.xml"), compress_to_fp16=False)


def ctranslate2():
    import numpy
    from ctranslate2.converters import TransformersConverter
    from transformers import AutoModelForSequenceClassification, BertModel

    model = AutoModelForSequenceClassification.from_pretrained(MODEL)
    numpy.savez(
        TARGET / "head.npz", weight=model.classifier.weight.detach().numpy(), bias=model.classifier.bias.detach().numpy())
    encoder = TARGET / "encoder"
    BertModel.from_pretrained(MODEL).save_pretrained(encoder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(MODEL / name, encoder / name)
    TransformersConverter(str(encoder)).convert(str(TARGET / "ctranslate2"), force=True)


def main():
    if (TARGET / "ready").exists():
        return
    TARGET.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(MODEL / "tokenizer.json", TARGET / "tokenizer.json")
    for step in (ours, onnx_runtime, openvino, ctranslate2):
        print(f"   preparing: {step.__name__}", flush=True)
        step()
    (TARGET / "ready").touch()


if __name__ == "__main__":
    main()
