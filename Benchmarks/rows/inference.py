"""Row d: many sentences from text to label. Row e: one example at a time."""

import json
import statistics

import flops
from ceilings import share
from common import TARGETS, WORK
from sides import in_turn, ours, parts, peer

MODEL = WORK / "minilm"


def sides(request):
    """Ours, ONNX Runtime with all its optimizations, and PyTorch in the same precision as ours."""
    onnx = {**request, "peer": "onnxruntime", "onnx": str(MODEL / "model.onnx")}
    return lambda: ours(request), lambda: peer(onnx), lambda: peer({**request, "peer": "pytorch"})


def bulk(precision, threads):
    return {
        "workload": "bulk", "model": str(MODEL), "texts": str(WORK / "texts-2000.txt"), "precision": precision,
        "threads": threads}


def rate(answers):
    return [2000 / seconds for seconds in parts(answers)]


def row_d(report, settings):
    lengths = json.loads((WORK / "texts-2000-lengths.json").read_text(encoding="utf-8"))
    work, whole = flops.forward(MODEL, lengths), flops.forward(MODEL, lengths, whole=True)
    for precision in ("float32", "bfloat16"):
        own, onnx, torch = in_turn(settings.few_rounds, *sides(bulk(precision, settings.threads)))
        reached = share(report.ceilings, work, statistics.median(parts(own)), precision)
        name = f"bulk inference, {precision}"
        report.add(
            "d", name, rate(own), rate(onnx), "ONNX Runtime float32", "sentences/s", TARGETS[f"d {precision}"], kind="rate",
            share=reached, peer_share=share(report.ceilings, whole, statistics.median(parts(onnx)), "float32"))
        report.add("d", name, rate(own), rate(torch), f"PyTorch {precision}", "sentences/s", kind="rate")


def row_e(report, settings):
    for length in (16, 64, 256):
        work = flops.forward(MODEL, [length])
        for precision in ("float32", "bfloat16"):
            request = {
                "workload": "latency", "model": str(MODEL), "length": length, "count": 10 if settings.quick else 20,
                "precision": precision, "threads": settings.threads}
            answers = in_turn(settings.rounds, *sides(request))
            own, onnx, torch = (
                sorted(seconds * 1e3 for answer in each for seconds in answer["seconds"]) for each in answers)

            def tail(values):
                return [values[int(0.99 * (len(values) - 1))]]

            name, peer_name = f"length {length}, {precision}", "ONNX Runtime float32"
            target, other = TARGETS[f"e {precision}"], f"PyTorch {precision}"
            reached = share(
                report.ceilings, work, statistics.median(own) / 1e3, precision, read=flops.weight_bytes(MODEL, precision))
            report.add("e", f"latency p50, {name}", own, onnx, peer_name, "ms", target, kind="share", share=reached)
            report.add("e", f"latency p99, {name}", tail(own), tail(onnx), peer_name, "ms", target, kind="share")
            report.add("e", f"latency p50, {name}", own, torch, other, "ms", kind="share")
            report.add("e", f"latency p99, {name}", tail(own), tail(torch), other, "ms", kind="share")
