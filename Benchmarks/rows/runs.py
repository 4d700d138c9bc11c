"""Row b: one epoch of distillation against PyTorch at its best. Row c: the whole recipe against it as published.

Both add peak memory to row h.
"""

import json
import math
import shutil

from common import DISTILL, MOVIES, PEER_RUN, ROOT, TARGETS, WORK, BenchmarkError, fast_precision, note, output_of
from sides import run

TEACHER = WORK / "teacher-movies"
LAYERS = [1, 3, 5]
# The phases that count as the time of a run, on both sides; loading models and the last report's latency probe do not.
PHASES = ["Reading and tokenizing data", "Teacher's outputs", "Training"]
DATA = ["--train", str(MOVIES / "train.csv"), "--validation", str(MOVIES / "validation.csv")]


def prepare_teacher(settings):
    """The demo's teacher, fine-tuned once."""
    if (TEACHER / "model.safetensors").exists():
        return
    note("fine-tuning the teacher, once …")
    # Each best checkpoint is saved immediately: only a finished run gets the name.
    partial = WORK / "teacher-movies-unfinished"
    run([
        str(DISTILL), "finetune", "--model", str(ROOT / ".demo/all-MiniLM-L6-v2"), *DATA, "--output", str(partial),
        "--overwrite", "--epochs", "2", "--learning-rate", "5e-5", "--quiet"], settings.threads)
    partial.rename(TEACHER)


def has_flag(command, flag):
    return flag in output_of(str(DISTILL), command, "--help")


def cache_flags():
    """The options that make our side tokenize and compute the teacher's outputs in every run, as the peer does."""
    return [flag for flag in ("--no-teacher-cache", "--no-data-cache") if has_flag("run", flag)]


def our_run(settings, *options):
    output = WORK / "run-ours"
    shutil.rmtree(output, ignore_errors=True)
    return run([
        str(DISTILL), "run", "--teacher", str(TEACHER), *DATA, "--output", str(output), "--layers", "3", "--init",
        "teacher-layers", "--batch-size", "32", "--max-length", "128", "--threads", str(settings.threads), "--json",
        "--quiet", *options], settings.threads)


def our_seconds(finished):
    return sum(phase["seconds"] for phase in finished.json["phases"] if phase["name"] in PHASES)


def peer_run(settings, recipe, **more):
    request = {
        "recipe": recipe, "teacher": str(TEACHER), "train": str(MOVIES / "train.csv"), "seed": 42, "batch": 32,
        "validation": str(MOVIES / "validation.csv"), "output": str(WORK / "run-peer"), "eval_batch": 64, "max_length": 128,
        "layers": 3, "temperature": 4.0, "alpha": 0.7, "threads": settings.threads, "compile": False, **more}
    return run([*PEER_RUN, json.dumps(request)], settings.threads)


def peer_seconds(finished):
    return sum(finished.json["phases"][name] for name in PHASES if name in finished.json["phases"])


def phase_line(phases):
    return ", ".join(f"{name.lower()} {seconds:.1f} s" for name, seconds in phases.items() if name in PHASES)


def choose_peer(settings, more):
    """Runs the peer eagerly and compiled, and returns the faster, its name, and the other's time."""
    eager = peer_run(settings, "best", **more)
    try:
        compiled = peer_run(settings, "best", **{**more, "compile": True})
    except BenchmarkError as error:
        note(f"torch.compile failed: {error}")
        return eager, False, "torch.compile fails on this machine, so the peer runs eagerly"
    times = peer_seconds(eager), peer_seconds(compiled)
    better = times[1] < times[0]
    text = (
        f"PyTorch eagerly {times[0]:.1f} s, with torch.compile {times[1]:.1f} s, compilation included: "
        f"the peer is {'compiled' if better else 'eager'}")
    return (compiled if better else eager), better, text


def row_b(report, settings):
    prepare_teacher(settings)
    precision = fast_precision()
    steps = 8 if settings.quick else None
    options = [*(["--max-steps", str(steps)] if steps else ["--epochs", "1"]), "--learning-rate", "1e-4"]
    more = {
        "precision": precision, "epochs": 1, "max_steps": steps, "learning_rate": 1e-4, "teacher_layers": LAYERS}
    first, compiled, remark = choose_peer(settings, more)
    more["compile"] = compiled
    own, theirs = [], [] if not settings.quick else [first]
    for _ in range(settings.few_rounds):
        own.append(our_run(settings, *options, *cache_flags()))
        if not settings.quick:
            theirs.append(peer_run(settings, "best", **more))
    name = f"PyTorch {precision}, {'compiled' if compiled else 'eager'}"
    ours_phases = {phase["name"]: phase["seconds"] for phase in own[-1].json["phases"]}
    remark += (
        f". Both sides compute the teacher's outputs once, before training. Ours: {phase_line(ours_phases)}; "
        f"peer: {phase_line(theirs[-1].json['phases'])}")
    length = f"{steps} steps" if steps else "one epoch"
    report.add(
        "b", f"{length} of distillation, {precision}", [our_seconds(each) for each in own],
        [peer_seconds(each) for each in theirs], name, "s", TARGETS["b"], note=remark)
    report.add(
        "b", "validation accuracy after it", [each.json["student"]["accuracy"] * 100 for each in own],
        [each.json["accuracy"] * 100 for each in theirs], name, "%", kind="rate")
    report.add(
        "h", f"peak memory of b, {precision}", [each.peak_memory for each in own], [each.peak_memory for each in theirs], name,
        "MB", TARGETS["h"], kind="share")
    if cache_flags():
        our_run(settings, *options)  # Fills the cache.
        cached = [our_run(settings, *options) for _ in range(settings.few_rounds)]
        report.add(
            "b2", f"second run ({length}), our teacher's outputs cached", [our_seconds(each) for each in cached],
            [peer_seconds(each) for each in theirs], name, "s", TARGETS["b2"],
            note="the peer computes its teacher's outputs again")


def row_c(report, settings):
    prepare_teacher(settings)
    precision = fast_precision()
    rate, fraction = settings.recipe_learning_rate, settings.recipe_fraction
    epoch = math.ceil((sum(1 for _ in open(MOVIES / "train.csv", encoding="utf-8")) - 1) / 32)
    if settings.quick:
        steps, epochs = 4, ["--max-steps", "8"]
    else:
        steps, epochs = math.ceil(fraction * epoch) if fraction else None, ["--epochs", "3"]
    own = our_run(settings, *epochs, "--learning-rate", "1e-4", *cache_flags())
    theirs = peer_run(settings, "published", precision="float32", epochs=3, max_steps=steps, learning_rate=rate)
    answer, seconds, name = theirs.json, peer_seconds(theirs), "published loop"
    accuracies = own.json["student"]["accuracy"] * 100, answer["accuracy"] * 100
    remark = (
        f"ours: {precision}, three of the teacher's layers, learning rate 1e-4. The published loop: PyTorch float32, three random "
        f"layers, learning rate {rate:g}, padded to 128, the teacher in every step")
    if steps:
        training = answer["phases"]["Training"]
        seconds += training * (answer["steps_of_all"] / answer["steps"] - 1)
        workload = "whole recipe; PEER EXTRAPOLATED"
        remark += f". Its time is extrapolated from {answer['steps']} of {answer['steps_of_all']} steps; its accuracy is unknown"
        report.add("c", workload, [our_seconds(own)], [seconds], name, "s", note=remark)
    else:
        better = accuracies[0] >= accuracies[1]
        remark += f". Validation accuracy {accuracies[0]:.2f} % against {accuracies[1]:.2f} %"
        report.add(
            "c", "whole recipe, 3 epochs", [our_seconds(own)], [seconds], name, "s", TARGETS["c"], met=better, note=remark)
        report.add(
            "c", "validation accuracy after it", accuracies[:1], accuracies[1:], name, "%", TARGETS["c accuracy"], kind="rate")
    report.add("h", "peak memory of c", [own.peak_memory], [theirs.peak_memory], name, "MB", TARGETS["h"], kind="share")
