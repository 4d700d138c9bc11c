"""Turns the result of gpu_check.py into the Markdown tables of docs/gpu.md.

    python Benchmarks/gpu/gpu_report.py gpu.json
    python Benchmarks/gpu/gpu_report.py --self-test
"""

import json
import statistics
import sys

# The targets: the speedup over PyTorch, the fraction of time the device works, and the fraction of PyTorch's memory.
EAGER, COMPILED, EPOCH, BUSY, MEMORY = 1.2, 1.0, 2.0, 80.0, 0.8
COMPILED_MODES = ("compile", "compile-graphs")
NAMES = {"eager": "eager", "compile": "compiled", "compile-graphs": "compiled, CUDA graphs"}
# Of a language model's step: another's fused layers and loss besides, and the sizes by the names of the teachers' folders.
DECODER_NAMES = {**NAMES, "liger": "with Liger Kernel"}
DECODERS = {"lm-teacher": "135M", "lm-teacher-large": "1.7B, half its layers"}
# How much the losses before any training may differ, in parts of one.
SAME_LOSS = 0.01


def table(head, rows):
    line = lambda cells: "| " + " | ".join(str(cell) for cell in cells) + " |"
    return "\n".join([line(head), "|" + "---|" * len(head), *map(line, rows)])


def milliseconds(side):
    return f"{side['median'] * 1e3:.2f} ms" if side else "–"


def verdict(value, aim, at_most=False):
    """A ratio with whether it reaches its aim."""
    if value is None:
        return "–"
    met = value <= aim if at_most else value >= aim
    return f"{value:.2f}× ({'≤' if at_most else '≥'} {aim:g}× {'met' if met else 'MISSED'})"


def state(stage):
    if not stage:
        return "not asked for"
    return stage.get("result", "cut short")


def configurations(result):
    """Every shape once: the late measurement replaces the first."""
    shapes = {}
    for name in ("steps", "late"):
        for entry in result["stages"].get(name, {}).get("configurations", []):
            if entry.get("workload", "gpu_step") != "gpu_step":
                continue
            shapes[entry["precision"], entry["batch"], entry["cached_teacher"]] = entry
    return list(shapes.values())


def machine(result):
    data = result["stages"].get("machine", {})
    card = data.get("gpu") or "no GPU"
    return (
        f"{card}, driver {data.get('driver')}, CUDA {data.get('cuda')}, PyTorch {data.get('torch')}, transformers "
        f"{data.get('transformers')}; {data.get('cpu')}, {data.get('cores')} cores. Measured {result.get('date', '')[:10]}"
        f"{'; a quick check, whose figures mean nothing' if result.get('quick') else ''}.")


def stages(result):
    rows = []
    for name, stage in result["stages"].items():
        if name == "late" and not stage.get("configurations"):
            continue
        seconds = f"{stage['seconds']:.1f} s" if "seconds" in stage else ""
        words = " ".join((stage.get("error") or stage.get("summary") or "").replace("|", "/").split())
        rows.append([name, state(stage), seconds, words[:300]])
    return table(["stage", "result", "time", ""], rows)


def parity(result):
    rows = []
    stage = lambda name: result["stages"].get(name, {})
    for name, data in (
            ("cpu, float32", stage("start").get("cpu")), ("the kernels alone", stage("kernels").get("answer")),
            *((f"{result.get('device')}, {precision}", stage("parity").get(precision)) for precision in ("float32", "bfloat16"))):
        if not isinstance(data, dict) or not ("checks" in data or "error" in data):
            continue
        checks = data.get("checks")
        if checks is None:
            rows.append([name, "–", "–", " ".join(data.get("error", "").split())[:200]])
            continue
        held = [check for check in checks if check.get("ok")]
        bad = [f"{check['name']} ({check.get('error') or 'off by {:.2g} of {:.2g}'.format(check.get('worst') or 0, check.get('tolerance') or 0)})"
               for check in checks if not check.get("ok")]
        share = lambda check: check["worst"] / check["tolerance"] if check.get("tolerance") and check.get("worst") is not None else 0
        worst = max(checks, key=share, default=None)
        shown = f"{worst['name']}: {worst.get('worst') or 0:.2g}, {share(worst):.0%} of what is allowed" if worst else "–"
        rows.append([name, f"{len(held)} of {len(checks)}", shown, ", ".join(bad)[:400]])
    return table(["device and precision", "checks that hold", "the nearest to its limit", "what fails"], rows) if rows else ""


def steps(result):
    rows = []
    for entry in configurations(result):
        sides, ratios = entry["sides"], entry.get("ratios", {})
        own = sides.get("ours")
        aimed = entry["batch"] in (32, 128) and entry["precision"] == "bfloat16"
        best = max((mode for mode in COMPILED_MODES if mode in ratios), key=lambda mode: -ratios[mode], default=None)
        shown = lambda value, aim: verdict(value, aim) if aimed else ("–" if value is None else f"{value:.2f}×")
        rows.append([
            entry["precision"], entry["batch"], "kept" if entry["cached_teacher"] else "in every step", milliseconds(own),
            *(milliseconds(sides.get(mode)) for mode in NAMES), shown(ratios.get("eager"), EAGER),
            shown(ratios.get(best), COMPILED) if best else "–"])
    if not rows:
        return ""
    return table(
        ["precision", "batch", "teacher", "ours", *(f"PyTorch {name}" for name in NAMES.values()), "faster than eager",
         "faster than the best compiled"], rows)


def usage(result):
    rows = []
    for entry in configurations(result):
        sides = entry["sides"]
        own = sides.get("ours")
        if not own:
            continue
        busy = lambda side: f"{side['utilisation']:.0f} %" if side and side.get("utilisation") is not None else "–"
        size = lambda side: f"{side['peak_memory'] / 1e9:.2f} GB" if side and side.get("peak_memory") else "–"
        own_busy = busy(own)
        if entry["batch"] == 512 and own.get("utilisation") is not None:
            own_busy += f" (≥ {BUSY:g} % {'met' if own['utilisation'] >= BUSY else 'MISSED'})"
        rows.append([
            entry["precision"], entry["batch"], "kept" if entry["cached_teacher"] else "in every step", own_busy, busy(sides.get("eager")),
            size(own), size(sides.get("eager")), size(sides.get("compile")),
            verdict(entry.get("memory_ratios", {}).get("eager"), MEMORY, at_most=True)])
    if not rows:
        return ""
    return table(
        ["precision", "batch", "teacher", "device busy, ours", "PyTorch eager", "peak memory, ours", "PyTorch eager", "PyTorch compiled",
         "share of eager's"], rows)


def decoder_shape(entry):
    name = DECODERS.get(entry["teacher"], entry["teacher"])
    return [name, f"{entry['batch']} × {entry['length']}", "kept" if entry["cached_teacher"] else "in every step"]


def or_reason(entry, mode, shown):
    """What a side measured, or the first words of why it did not."""
    side = entry["sides"].get(mode)
    if side:
        return shown(side)
    reason = " ".join(entry["errors"].get(mode, "").replace("|", "/").split())
    words = reason.split(": ", 1)[-1].split()
    return " ".join(words[:7]) + (" …" if len(words) > 7 else "") if words else "–"


def best_peer(ratios, choose):
    """The peer but eager with the least or greatest ratio: the fastest has the least speedup, the smallest the greatest share."""
    return choose((mode for mode in ratios if mode != "eager"), key=lambda mode: ratios[mode], default=None)


def decoder_steps(result):
    rows, notes = [], []
    for entry in result["stages"].get("decoders", {}).get("configurations", []):
        sides, ratios = entry["sides"], entry.get("ratios", {})
        best = best_peer(ratios, min)
        tokens = lambda side: f"{side['tokens_per_second'] / 1e3:,.0f}k"
        rows.append([
            *decoder_shape(entry), or_reason(entry, "ours", milliseconds), tokens(sides["ours"]) if "ours" in sides else "–",
            *(or_reason(entry, mode, milliseconds) for mode in DECODER_NAMES), verdict(ratios.get("eager"), EAGER),
            f"{verdict(ratios[best], COMPILED)} {DECODER_NAMES[best]}" if best else "–"])
        losses = {mode: side["first_loss"] for mode, side in sides.items() if side.get("first_loss") is not None}
        if losses and not max(losses.values()) - min(losses.values()) <= SAME_LOSS * abs(min(losses.values())):
            notes.append("The first losses DIFFER (" + ", ".join(decoder_shape(entry)) + "): "
                         + ", ".join(f"{mode} {loss:.4f}" for mode, loss in losses.items()) + ".")
    if not rows:
        return ""
    head = ["model", "batch", "teacher", "ours", "tokens/s", *(f"PyTorch {name}" for name in DECODER_NAMES.values()), "faster than eager",
            "faster than the best other"]
    return "\n\n".join([table(head, rows), *notes, decoder_usage(result)])


def decoder_usage(result):
    rows = []
    size = lambda side: f"{side['peak_memory'] / 1e9:.2f} GB" if side and side.get("peak_memory") else "–"
    busy = lambda side: f"{side['utilisation']:.0f} %" if side and side.get("utilisation") is not None else "–"
    for entry in result["stages"].get("decoders", {}).get("configurations", []):
        sides, shares = entry["sides"], entry.get("memory_ratios", {})
        best = best_peer(shares, max)
        rows.append([
            *decoder_shape(entry), busy(sides.get("ours")), *(size(sides.get(mode)) for mode in ("ours", *DECODER_NAMES)),
            verdict(shares.get("eager"), MEMORY, at_most=True),
            f"{verdict(shares[best], MEMORY, at_most=True)} {DECODER_NAMES[best]}" if best else "–"])
    return table(
        ["model", "batch", "teacher", "device busy, ours", "peak memory, ours", *(f"PyTorch {name}" for name in DECODER_NAMES.values()),
         "share of eager's", "share of the best other's"], rows)


def decoder_demo(result):
    data = result["stages"].get("lm-demo")
    if not data or not data.get("commands"):
        return ""
    rows = []
    for name, entry in data["commands"].items():
        report = entry["report"] if isinstance(entry["report"], dict) else {}
        figures = [f"{key} {value:.5g}" for key, value in data.get("figures", {}).get(name, {}).items()]
        if report.get("tokens") and report.get("seconds"):
            figures.append(f"{report['tokens']} tokens in {report['seconds']:.2f} s")
        rows.append([
            name, f"{entry['seconds']:.2f} s", "ok" if entry["exit_code"] == 0 else entry.get("skipped") or f"exit code {entry['exit_code']}",
            ", ".join(figures)])
    parts = [table(["command", "time", "result", ""], rows)]
    if data.get("same_bytes") is not None:
        parts.append(f"Two runs with the same seed gave {'the same bytes' if data['same_bytes'] else 'DIFFERENT bytes'}.")
    return "\n\n".join(parts)


def later(values):
    """The first epoch warms up."""
    values = values[1:] or values
    return statistics.median(values) if values else None


def demo(result):
    data = result["stages"].get("demo")
    if not data or not data.get("commands"):
        return ""
    expected = data.get("cpu_accuracy") or {}
    rows = []
    for name, entry in data["commands"].items():
        value, other = data.get("accuracy", {}).get(name), expected.get(name)
        rows.append([
            name, f"{entry['seconds']:.2f} s", "ok" if entry["exit_code"] == 0 else entry.get("skipped") or f"exit code {entry['exit_code']}",
            f"{value * 100:.2f} %" if value is not None else "", f"{other * 100:.2f} %" if other is not None else ""])
    parts = [table(["command", "time", "result", "accuracy", "accuracy on the CPU"], rows)]
    if data.get("same_bytes") is not None:
        parts.append(f"Two runs with the same seed gave {'the same bytes' if data['same_bytes'] else 'DIFFERENT bytes'}.")
    peers = data.get("peers", {})
    report = data["commands"].get("run 1", {}).get("report") or {}
    own = later([each["seconds"] for each in report.get("epochs", [])])
    rows = []
    for mode, name in NAMES.items():
        peer = peers.get(f"epoch {mode}")
        if not peer:
            continue
        if "error" in peer:
            rows.append([f"an epoch, PyTorch {name}", "–", "–", " ".join(peer["error"].split())[:160], ""])
            continue
        theirs = later([sum(both) for both in zip(peer["epoch_seconds"], peer["evaluation_seconds"])])
        rows.append([
            f"an epoch, PyTorch {name}", f"{own:.2f} s" if own else "–", f"{theirs:.2f} s", verdict(theirs / own, EPOCH) if own else "–",
            f"accuracy {peer['accuracy'] * 100:.2f} %; its teacher's outputs took {peer['phases']['teacher']:.2f} s"])
    bulk = peers.get("bulk ours", {})
    for mode, name in NAMES.items():
        peer = peers.get(f"bulk {mode}")
        if not peer:
            continue
        if "median" not in peer or "median" not in bulk:
            reason = peer.get("error") or bulk.get("error") or ""
            rows.append([f"text to labels, PyTorch {name}", "–", "–", " ".join(reason.split())[:160], ""])
            continue
        rows.append([
            f"text to labels, PyTorch {name}", f"{bulk['median']:.3f} s", f"{peer['median']:.3f} s",
            f"{peer['median'] / bulk['median']:.2f}×", f"{peer['texts']} texts"])
    if rows:
        parts.append(table(["what", "ours", "PyTorch", "faster", ""], rows))
    return "\n\n".join(parts)


def errors(result):
    data = result["stages"].get("errors")
    if not data:
        return ""
    lines = [f"- {name}: `{data[name]['line']}` (exit code {data[name]['exit_code']})"
             for name in ("missing device", "out of memory") if name in data]
    if "runner out of memory" in data:
        lines.append(f"- a step that does not fit: `{data['runner out of memory'].get('error', 'NO ERROR')}`")
    used = data.get("memory_mib", {})
    if used.get("after") is not None:
        lines.append(f"- memory in use before and after: {used['before']} and {used['after']} MiB")
    return "\n".join(lines)


def document(result):
    parts = [machine(result)]
    for title, text in (
            ("A training step", steps(result)), ("How busy the device is, and its memory", usage(result)),
            ("A language model's step", decoder_steps(result)), ("Training and inference on the demo's data", demo(result)),
            ("Language models end to end", decoder_demo(result)), ("Parity", parity(result)),
            ("Errors", errors(result)), ("Stages of the check", stages(result))):
        if text:
            parts.append(f"## {title}\n\n{text}")
    return "\n\n".join(parts) + "\n"


def self_test():
    def side(median, **more):
        return {"rounds": [median], "median": median, "utilisation": None, "peak_memory": None, **more}

    entry = {
        "precision": "bfloat16", "batch": 32, "length": 128, "cached_teacher": False, "errors": {},
        "sides": {"ours": side(0.004, peak_memory=8e8, utilisation=70.0), "eager": side(0.006, peak_memory=1.6e9),
                  "compile": side(0.0036), "compile-graphs": side(0.0044)},
        "ratios": {"eager": 1.5, "compile": 0.9, "compile-graphs": 1.1}, "memory_ratios": {"eager": 0.5}}
    large = {**entry, "batch": 512, "sides": {**entry["sides"], "ours": side(0.04, peak_memory=8e9, utilisation=91.0)}}
    result = {
        "version": 1, "quick": False, "device": "cuda", "date": "2030-01-02T03:04:05+00:00", "stages": {
            "machine": {"result": "ok", "seconds": 3.0, "gpu": "Card X", "driver": "1.2", "torch": "2.0", "cuda": "13.0", "cores": 16},
            "start": {"result": "ok", "seconds": 1.0, "cpu": {"checks": [{"name": "linear", "worst": 1e-6, "tolerance": 1e-5, "ok": True}]}},
            "parity": {"result": "failed", "seconds": 1.0, "error": "x", "float32": {"checks": [
                {"name": "linear", "worst": 1e-6, "tolerance": 1e-5, "ok": True},
                {"name": "softmax", "worst": 2e-5, "tolerance": 1e-5, "ok": False}]}, "bfloat16": {"error": "it ended\nearly"}},
            "steps": {"result": "ok", "seconds": 9.0, "configurations": [entry, large]},
            "late": {"result": "ok", "seconds": 9.0, "configurations": [{**entry, "ratios": {"eager": 1.1, "compile": 0.9}}]},
            "demo": {"result": "ok", "seconds": 9.0, "same_bytes": True, "accuracy": {"run 1": 0.75}, "cpu_accuracy": {"run 1": 0.74},
                     "commands": {"run 1": {"seconds": 4.0, "exit_code": 0, "report": {"epochs": [{"seconds": 2.0}, {"seconds": 0.5}, {"seconds": 0.5}]}}},
                     "peers": {"epoch eager": {"epoch_seconds": [3.0, 1.0, 1.2], "evaluation_seconds": [1.0, 0.1, 0.1], "accuracy": 0.7,
                                               "phases": {"teacher": 0.3}},
                               "epoch compile": {"error": "it was still compiling"}, "bulk ours": {"median": 0.5},
                               "bulk eager": {"median": 1.0, "texts": 100}}},
            "decoders": {"result": "failed", "seconds": 9.0, "configurations": [
                {"workload": "gpu_lm_step", "teacher": "lm-teacher", "precision": "bfloat16", "batch": 8, "length": 512, "cached_teacher": True,
                 "errors": {"eager": "PyTorch eager: OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB. GPU 0 has"},
                 "sides": {"ours": side(0.02, peak_memory=5e9, tokens_per_second=204800.0, first_loss=11.0),
                           "compile": side(0.03, peak_memory=10e9, tokens_per_second=136533.0, first_loss=11.01),
                           "liger": side(0.018, peak_memory=6e9, tokens_per_second=227555.0, first_loss=9.0)},
                 "ratios": {"compile": 1.5, "liger": 0.9}, "memory_ratios": {"compile": 0.5, "liger": 0.83}}]},
            "lm-demo": {"result": "ok", "seconds": 9.0, "same_bytes": True, "figures": {"evaluate": {"loss": 2.5, "kl": 0.125}},
                        "commands": {"evaluate": {"seconds": 1.0, "exit_code": 0, "report": {}}}},
            "errors": {"result": "skipped: no time", "seconds": 0}}}
    text = document(result)
    for expected in (
            "Card X", "1 of 2", "softmax (off by 2e-05 of 1e-05)", "it ended early", "1.10× (≥ 1.2× MISSED)",
            "0.90× (≥ 1× MISSED)", "91 % (≥ 80 % met)", "0.50× (≤ 0.8× met)", "2.40× (≥ 2× met)", "it was still compiling",
            "the same bytes", "2.00×", "75.00 % | 74.00 %", "skipped: no time",
            "| 135M | 8 × 512 | kept | 20.00 ms | 205k |", "OutOfMemoryError: CUDA out of memory. Tried to …", "0.90× (≥ 1× MISSED) with Liger Kernel",
            "losses DIFFER", "loss 2.5, kl 0.125"):
        assert expected in text, f"{expected!r} is missing in:\n{text}"
    # A result that was cut short after its first stage.
    assert "Card X" in document({**result, "stages": {"machine": result["stages"]["machine"], "demo": {"commands": {}}}})
    print("gpu_report: its test holds")


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    elif len(sys.argv) == 2:
        with open(sys.argv[1], encoding="utf-8") as file:
            sys.stdout.write(document(json.load(file)))
    else:
        sys.exit("usage: gpu_report.py FILE.json | --self-test")
