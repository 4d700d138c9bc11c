#!/usr/bin/env python3
"""Makes the tables of `docs/results.md`: for each data set a teacher, and students of two sizes, each trained from the
labels alone, from the teacher's logits, and from several of its layers, over three seeds.

    make build && python3 scripts/demo_data.py
    python3 scripts/results.py [--sets movies,trec6,…] [--data DIR] [--output DIR] [--seeds 3] [--jobs 2]

The movie snippets come with the demo (`scripts/demo_data.py`). The others are read from DIR, where they are there:
`banking77/{train,test}.csv`, `sst2_sentence/stsa.binary.{train,dev,test}`, `trec6/TREC.{train,test}.all`,
`stsb/stsb-en-{train,dev,test}.csv`. What is finished already in the output directory is not done again.
"""

import argparse
import csv
import json
import os
import shlex
import shutil
import statistics
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENCODER = ".demo/all-MiniLM-L6-v2"
# Texts without labels: the product reviews, tweets and editorials that come beside the demo's movie snippets.
UNLABELLED = ".demo/unlabelled.csv"


# MARK: Data


def write(path, header, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def numbered(path):
    """Lines of a class number and a text."""
    for line in open(path, encoding="latin-1" if "TREC" in path.name else "utf-8"):
        label, _, text = line.rstrip("\n").partition(" ")
        yield text, label


def write_unlabelled():
    rows = []
    for name in ("amazonReviewSnippets", "tweets", "nytEditorialSnippets"):
        lines = (ROOT / f".demo/vader/{name}_GroundTruth.txt").read_text(encoding="utf-8").split("\n")
        rows += [[line.rstrip("\r").split("\t", 2)[2].strip()] for line in lines if line.strip()]
    write(ROOT / UNLABELLED, ["text"], [row for row in rows if row[0]])


def prepare(name, source, target):
    """Writes train, test and, where the set has one, validation as CSV. Returns their paths."""
    if name == "movies":
        return {part: Path(".demo/movies") / f"{part}.csv" for part in ("train", "validation", "test")}
    parts = {
        "banking77": {"train": "banking77/train.csv", "test": "banking77/test.csv"},
        "trec6": {"train": "trec6/TREC.train.all", "test": "trec6/TREC.test.all"},
        "sst2": {part: f"sst2_sentence/stsa.binary.{file}" for part, file in
                 (("train", "train"), ("validation", "dev"), ("test", "test"))},
        "stsb": {part: f"stsb/stsb-en-{file}.csv" for part, file in
                 (("train", "train"), ("validation", "dev"), ("test", "test"))},
    }[name]
    paths = {}
    for part, file in parts.items():
        paths[part] = target / name / f"{part}.csv"
        if (ROOT / paths[part]).exists():
            continue
        if name == "banking77":
            rows = list(csv.reader(open(source / file, encoding="utf-8")))
            write(ROOT / paths[part], ["text", "label"], rows[1:])
        elif name == "stsb":
            rows = csv.reader(open(source / file, encoding="utf-8"))
            write(ROOT / paths[part], ["sentence1", "sentence2", "label"], rows)
        else:
            write(ROOT / paths[part], ["text", "label"], numbered(source / file))
    return paths


# MARK: What is compared

# The teachers' training, chosen on validation data.
TEACHERS = {
    "movies": ["--epochs", 2, "--learning-rate", "5e-5"],
    "banking77": ["--epochs", 6, "--learning-rate", "1e-4"],
    "trec6": ["--epochs", 4, "--learning-rate", "1e-4"],
    "sst2": ["--epochs", 3, "--learning-rate", "5e-5"],
    "stsb": ["--epochs", 4, "--learning-rate", "5e-5", "--problem-type", "regression"],
}

# Two students: three of the teacher's six layers (17.4 M parameters), and one of at most 5 M parameters.
STUDENTS = {
    "3 × 384": ["--layers", 3, "--init", "teacher-layers", "--learning-rate", "1e-4", "--epochs", 5],
    "3 × 128": ["--layers", 3, "--hidden-size", 128, "--attention-heads", 4, "--intermediate-size", 512,
                "--init", "narrowed-teacher", "--learning-rate", "5e-4", "--epochs", 10],
}

SEEDS = {"movies": 3, "trec6": 2, "stsb": 2, "others": 1}

# What each is taught by, besides the labels: the teacher's logits, or these and its layers.
LAYERS = {"3 × 384": "hidden_mse(weight=1)", "3 × 128": "minilm_v2(weight=0.5)"}


def objectives(name, *more):
    soft, hard = ("logits_mse", "mse") if name == "stsb" else ("kl(temperature=4, {})", "cross_entropy")
    weigh = lambda text, weight: text.format(f"weight={weight}") if "{}" in text else f"{text}(weight={weight})"
    listed = [weigh(soft, 0.7), weigh(hard, 0.3), *more]
    return [part for text in listed for part in ("--objective", text)]


def methods(name, student):
    """What is run for a student on a data set: a title, and the options. A baseline starts alike and trains in as many steps
    by the labels alone."""
    layers = objectives(name, LAYERS[student])
    yield "logits", [*objectives(name), "--baseline"]
    yield "logits and layers", layers
    if name == "movies" and student == "3 × 128":
        # As many steps as the others: there are two and a half times as many texts.
        yield "logits, layers, unlabelled texts", [*layers, "--unlabelled", UNLABELLED, "--epochs", 4, "--baseline"]
        yield "logits, from random weights", [*objectives(name), "--init", "random", "--baseline"]


# MARK: Runs


class Runs:
    """Runs `distill`, several at a time, and leaves out what is done already."""

    def __init__(self, output, jobs):
        self.output, self.jobs = output, jobs

    def command(self, kind, folder, *options):
        return [".build/release/distill", kind, *map(str, options), "--output", str(folder)]

    def report(self, command):
        """The report of a command; runs it where it has not been run to its end."""
        path = ROOT / command[-1] / ("training.json" if command[1] == "finetune" else "distillation.json")
        record = path.with_name("command.txt")
        text = shlex.join(command)
        if not (record.exists() and record.read_text() == text):
            print(text, flush=True)
            environment = dict(os.environ)
            if self.jobs > 1:
                environment["OMP_NUM_THREADS"] = "1"
            subprocess.run([*command, "--overwrite", "--quiet"], cwd=ROOT, check=True, env=environment,
                           stdout=subprocess.DEVNULL)
            record.write_text(text)
        return json.loads(path.read_text())

    def all(self, commands):
        with ThreadPoolExecutor(self.jobs) as pool:
            return list(pool.map(self.report, commands))


def options(name, paths):
    validation = ["--validation", paths["validation"]] if "validation" in paths else []
    return ["--train", paths["train"], *validation]


def run_all(sets, source, output, seeds, jobs):
    """Trains everything. Returns, for each set: the teacher's command, and a list of (student, method, command, report)."""
    runs = Runs(output, jobs)
    paths = {name: prepare(name, source, output / "data") for name in sets}
    teachers = {
        name: runs.command("finetune", output / name / "teacher", "--model", ENCODER, *options(name, paths[name]),
                           *TEACHERS[name])
        for name in sets
    }
    runs.all(teachers.values())
    plan = []
    for name in sets:
        for student, shape in STUDENTS.items():
            for method, more in methods(name, student):
                folder = output / name / f"{student} {method}".replace(" × ", "x").replace(",", "").replace(" ", "-")
                count = seeds.get(name, seeds["others"])
                plan.append((name, student, method, runs.command(
                    "run", folder, "--teacher", teachers[name][-1], *options(name, paths[name]),
                    "--test", paths[name]["test"], *shape, *more, "--seeds", count)))
    reports = runs.all([command for *_, command in plan])
    results = {name: (teachers[name], []) for name in sets}
    for (name, student, method, command), report in zip(plan, reports):
        results[name][1].append((student, method, command, report))
    return results


# MARK: Tuning

TUNING = """\
teacher: {teacher}
train: .demo/movies/train.csv
layers: 3
init: teacher-layers
learning_rate: 1e-4
num_train_epochs: 1
search:
  temperature: [1, 2, 4, 8]
  alpha: [0.3, 0.6, 0.9]
"""


def tune(output, heat_map):
    """Cross-validates temperature and alpha on the movie snippets. Returns the command, its file, and its report."""
    folder, file = output / "movies/tuning", output / "movies/tune.yaml"
    text = TUNING.format(teacher=output / "movies/teacher")
    (ROOT / file).write_text(text)
    command = [".build/release/distill", "tune", "--config", str(file), "--folds", "3", "--no-refit", "--output", str(folder)]
    print(shlex.join(command), flush=True)
    subprocess.run([*command, "--quiet", "--json"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    shutil.copy(ROOT / folder / "heat-map.svg", ROOT / heat_map)
    return command, text, json.loads((ROOT / folder / "tuning.json").read_text())


def tuning_lines(command, text, report, heat_map):
    lines = [
        "## Tuning", "",
        f"`distill tune` on the movie snippets: {len(report['trials'])} settings, three folds, "
        f"{report['seconds'] / 60:.1f} minutes of training; the teacher's outputs are computed once for all.", "",
        "```", shlex.join(command), "```", "", "```yaml", text.rstrip(), "```", "", f"![accuracy by temperature and alpha]({heat_map})",
        "", "| rank | temperature | alpha | accuracy, mean of three folds, % |", "|---|---|---|---|",
    ]
    for trial in sorted(report["trials"], key=lambda trial: trial["rank"]):
        own = trial["settings"]
        lines.append(f"| {trial['rank']} | {own['temperature']} | {own['alpha']} | {percent(trial['mean'])} "
                     f"± {percent(trial['standard_deviation'])} |")
    return lines + [""]


# MARK: Tables

TITLES = {
    "movies": "Movie snippets (the demo's; 2 classes)", "banking77": "banking77 (77 classes)", "trec6": "TREC-6 (6 classes)",
    "sst2": "SST-2 (2 classes, whole sentences)", "stsb": "STS-B (regression)",
}


def metric(name):
    return "pearson" if name == "stsb" else "accuracy"


def values(report, name, side):
    """The test metric of each seed."""
    if "seeds" in report:
        return [run[side][metric(name)] for run in report["seeds"]["runs"] if run.get(side)]
    side = report["test"].get(side)
    return [side["metrics"][metric(name)]] if side else []


def percent(value):
    return f"{value * 100:.2f}"


def spread(numbers):
    deviation = f" ± {statistics.stdev(numbers) * 100:.2f}" if len(numbers) > 1 else ""
    return percent(statistics.mean(numbers)) + deviation


def table(name, teacher, rows):
    lines = [
        f"| | parameters | test {metric(name)}, % | of the teacher's | improvement over the baseline, points | agreement, % |",
        "|---|---|---|---|---|---|",
    ]
    whole = rows[0][3]["test"]["teacher"]
    best = whole["metrics"][metric(name)]
    lines.append(f"| teacher | {whole['parameters'] / 1e6:.1f} M | {percent(best)} | | | |")
    summary = {}
    for student in STUDENTS:
        own = [row for row in rows if row[0] == student]
        baseline = values(own[0][3], name, "baseline")
        size = f"{own[0][3]['student']['parameters'] / 1e6:.1f} M"
        share = lambda numbers: f"{statistics.mean(numbers) / best * 100:.1f} %"
        lines.append(f"| {student}, labels alone (baseline) | {size} | {spread(baseline)} | {share(baseline)} | | |")
        for _, method, _, report in own:
            scores = values(report, name, "student")
            compared = values(report, name, "baseline") or baseline
            gain = [a - b for a, b in zip(scores, compared)]
            agreement = report["test"]["comparison"]["agreement"]
            lines.append(f"| {student}, {method} | {size} | {spread(scores)} | {share(scores)} | {spread(gain)} "
                         f"| {percent(agreement)} |")
            summary[student, method] = statistics.mean(scores), statistics.mean(gain), statistics.mean(scores) / best
    return lines, summary


def markdown(results):
    lines = [
        "# Results", "",
        "Made by `scripts/results.py`. For each data set there are a teacher (all-MiniLM-L6-v2, fine-tuned) and two students of",
        "three layers: one of the teacher's width that starts from its layers, and one of at most five million parameters that",
        "starts from its weights, narrowed. Each learns from the labels alone (the baseline: same start, seed and steps), from",
        "labels and the teacher's logits, and from labels, logits and layers: `hidden_mse` for the wide student, `minilm_v2` for",
        "the narrow one. The settings were chosen on validation data of the movie snippets.",
        "",
        "Figures are on test data that nothing was chosen by: means and sample standard deviations over seeds, each with the",
        "checkpoint that was best on its validation data. The improvement is taken seed by seed over the baseline of the same start.",
        "Agreement with the teacher is that of the seed that was saved. The movie snippets come with the demo; the other sets are",
        "no part of the project, `--data` says where their files are.",
        "",
    ]
    wins = []
    for name, (teacher, rows) in results.items():
        block, summary = table(name, teacher, rows)
        lines += [f"## {TITLES[name]}", "", *block, ""]
        for student in STUDENTS:
            difference = summary[student, "logits and layers"][0] - summary[student, "logits"][0]
            wins.append((name, student, difference))
        lines += ["<details><summary>Commands</summary>", "", "```", shlex.join(teacher)]
        lines += [shlex.join(command) for *_, command, _ in rows]
        lines += ["```", "", "</details>", ""]
    lines += ["## Layers against logits alone", "", "| | " + " | ".join(results) + " |", "|---|" + "---|" * len(results)]
    for student in STUDENTS:
        cells = [f"{difference * 100:+.2f}" for name, own, difference in wins if own == student]
        lines.append(f"| {student}, points | " + " | ".join(cells) + " |")
    better = {name for name, _, difference in wins if difference > 0.001}
    lines += ["", "Layers beat logits alone by more than 0.1 points in at least one size on "
              f"{len(better)} of {len(results)} sets. Where there is one seed, a figure's standard error on these test sets is 0.5",
              "to 1 point."]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", default="movies,banking77,trec6,sst2,stsb")
    parser.add_argument("--data", type=Path, default=Path("data"), help="where the other sets' files are")
    parser.add_argument("--output", type=Path, default=Path("results"), help="models, reports and prepared data")
    parser.add_argument("--seeds", type=int, help="default: 3 for the movie snippets, 2 for TREC-6 and STS-B, 1 for the others")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time; each has one thread where there are several")
    parser.add_argument("--document", type=Path, default=Path("docs/results.md"))
    arguments = parser.parse_args()
    sets = arguments.sets.split(",")
    write_unlabelled()
    results = run_all(sets, arguments.data, arguments.output, SEEDS if arguments.seeds is None else {"others": arguments.seeds},
                      arguments.jobs)
    text = markdown(results)
    if "movies" in sets:
        heat_map = arguments.document.with_name("heat-map.svg")
        text += "\n" + "\n".join(tuning_lines(*tune(arguments.output, heat_map), heat_map.name))
    (ROOT / arguments.document).write_text(text, encoding="utf-8")
    print(f"Written: {arguments.document}")


if __name__ == "__main__":
    main()
