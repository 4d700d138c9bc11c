"""Row j: int8, against our float32 and against ONNX Runtime's dynamic int8 of the same model."""

from common import DISTILL, TARGETS, WORK
from sides import in_turn, ours, parts, peer, run

MODEL = WORK / "minilm"
INT8 = WORK / "minilm-int8"
ONNX_INT8 = MODEL / "model-int8.onnx"
ONNX = "ONNX Runtime dynamic int8"


def sides(request):
    """Our int8, our float32, ONNX Runtime's int8."""
    onnx = {**request, "peer": "onnxruntime", "onnx": str(ONNX_INT8)}
    return lambda: ours({**request, "model": str(INT8)}), lambda: ours(request), lambda: peer(onnx)


def weight_bytes(files):
    return sum(file.stat().st_size for file in files)


def row_j(report, settings):
    # Anew each time: what is measured is what this program makes.
    run([str(DISTILL), "quantize", "--model", str(MODEL), "--output", str(INT8), "--overwrite", "--quiet"], settings.threads)
    own, whole = (weight_bytes(folder.glob("*.safetensors")) / 1e6 for folder in (INT8, MODEL))
    theirs = weight_bytes([ONNX_INT8]) / 1e6
    report.add("j", "weights on disk, int8", [own], [whole], "our float32", "MB", TARGETS["j bytes"], kind="share")
    report.add("j", "weights on disk, int8", [own], [theirs], ONNX, "MB", kind="share")
    latency(report, settings)
    bulk(report, settings)


def latency(report, settings):
    for length in (16, 64, 128):
        request = {
            "workload": "latency", "model": str(MODEL), "length": length, "count": 10 if settings.quick else 40,
            "precision": "float32", "threads": settings.threads}
        int8, whole, onnx = (
            [seconds * 1e3 for answer in each for seconds in answer["seconds"]]
            for each in in_turn(settings.rounds, *sides(request)))
        name = f"latency p50, length {length}, int8"
        target = TARGETS["j latency"] if length == 64 else ""
        report.add("j", name, int8, whole, "our float32", "ms", target, kind="share")
        report.add("j", name, int8, onnx, ONNX, "ms", TARGETS["j onnx latency"], kind="share")


def bulk(report, settings):
    request = {
        "workload": "bulk", "model": str(MODEL), "texts": str(WORK / "texts-2000.txt"), "precision": "float32",
        "threads": settings.threads}
    int8, whole, onnx = (
        [2000 / seconds for seconds in parts(answers)] for answers in in_turn(settings.few_rounds, *sides(request)))
    report.add("j", "bulk inference, int8", int8, whole, "our float32", "sentences/s", kind="rate")
    report.add("j", "bulk inference, int8", int8, onnx, ONNX, "sentences/s", TARGETS["j onnx bulk"], kind="rate")
