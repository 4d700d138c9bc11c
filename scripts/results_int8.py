#!/usr/bin/env python3
"""Makes `docs/results-int8.md`: for each data set of `docs/results.md`, what int8 costs a student of each size.

    make build && python3 scripts/demo_data.py
    python3 scripts/results_int8.py [--sets movies,trec6,…] [--data DIR] [--output DIR] [--jobs 2]

A teacher and two students a set are trained as `scripts/results.py` trains them from the teacher's logits, with one
seed. `distill quantize` then turns each student into int8 with its defaults, and judges it before and after on the test
data, which nothing was chosen by.
"""

import argparse
import json
import shlex
import subprocess
from pathlib import Path

from results import ROOT, STUDENTS, TEACHERS, TITLES, ENCODER, Runs, metric, objectives, options, percent, prepare


def plan(name, paths, teacher, output, runs):
    """The commands of each student: its training, and its quantisation."""
    for student, shape in STUDENTS.items():
        folder = output / name / ("int8-" + student.replace(" × ", "x"))
        train = runs.command("run", folder / "float32", "--teacher", teacher, *options(name, paths), "--test",
                             paths["test"], *shape, *objectives(name))
        quantize = [".build/release/distill", "quantize", "--model", str(folder / "float32"), "--data",
                    str(paths["test"]), "--output", str(folder / "int8")]
        yield student, train, quantize


def evaluated(command):
    """Quantises, and returns what `quantization.json` says."""
    print(shlex.join(command), flush=True)
    subprocess.run([*command, "--overwrite", "--quiet"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return json.loads((ROOT / command[-1] / "quantization.json").read_text())


def run_all(sets, source, output, jobs):
    runs = Runs(output, jobs)
    paths = {name: prepare(name, source, output / "data") for name in sets}
    teachers = {
        name: runs.command("finetune", output / name / "teacher", "--model", ENCODER, *options(name, paths[name]),
                           *TEACHERS[name])
        for name in sets
    }
    runs.all(teachers.values())
    plans = [(name, *each) for name in sets for each in plan(name, paths[name], teachers[name][-1], output, runs)]
    runs.all([train for _, _, train, _ in plans])
    return teachers, [(name, student, train, quantize, evaluated(quantize)) for name, student, train, quantize in plans]


def markdown(teachers, rows):
    lines = [
        "# What int8 costs", "",
        "Made by `scripts/results_int8.py`. Each student learns from its teacher's logits and the labels, with one seed, as in",
        "[results.md](results.md); `distill quantize` then makes it int8 with its defaults (weights a scale for each output",
        "channel, tables one for each row, activations one for each token), with no calibration and nothing chosen by data. Both",
        "are evaluated on the same test data.", "",
        "| data | student | test metric | float32, % | int8, % | change, points | weights, MB | of float32's bytes |",
        "|---|---|---|---|---|---|---|---|",
    ]
    changes = []
    for name, student, _, _, report in rows:
        before, after = report["before"], report["after"]
        own, small = (side["metrics"][metric(name)] for side in (before, after))
        changes.append((small - own) * 100)
        lines.append(
            f"| {TITLES[name]} | {student} | {metric(name)} | {percent(own)} | {percent(small)} | {changes[-1]:+.2f} "
            f"| {after['bytes_on_disk'] / 1e6:.1f} of {before['bytes_on_disk'] / 1e6:.1f} "
            f"| {after['bytes_on_disk'] / before['bytes_on_disk']:.3f} |")
    lines += ["", f"The largest loss is {max(0, -min(changes)):.2f} points, the mean change {sum(changes) / len(changes):+.2f}.", "",
              "<details><summary>Commands</summary>", "", "```"]
    lines += [shlex.join(command) for command in teachers.values()]
    lines += [shlex.join(command) for _, _, *commands, _ in rows for command in commands]
    return "\n".join([*lines, "```", "", "</details>"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", default="movies,banking77,trec6,sst2,stsb")
    parser.add_argument("--data", type=Path, default=Path("data"), help="where the other sets' files are")
    parser.add_argument("--output", type=Path, default=Path("results"), help="models, reports and prepared data")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time; each has one thread where there are several")
    parser.add_argument("--document", type=Path, default=Path("docs/results-int8.md"))
    arguments = parser.parse_args()
    text = markdown(*run_all(arguments.sets.split(","), arguments.data, arguments.output, arguments.jobs))
    (ROOT / arguments.document).write_text(text, encoding="utf-8")
    print(f"Written: {arguments.document}")


if __name__ == "__main__":
    main()
