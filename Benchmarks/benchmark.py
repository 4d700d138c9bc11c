"""Measures distill against its peers on the same weights, data and mathematics, in turn, in one run.

    python Benchmarks/benchmark.py [--rows a,d,e] [--rounds 5] [--quick] [--threads N]

Called by `make benchmark`, which builds the runner and installs the peers. Writes Benchmarks/results.json, its table
Benchmarks/results.md, and the tables and plots of docs/performance.md, one for each kind of machine. Rows that are not
measured again are kept.
"""

import argparse
import os
import subprocess
import sys
import time

import ceilings
from common import ROOT, WORK, BenchmarkError, Settings, environment, note
from report import Report
from rows import ROWS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=",".join(ROWS), help=f"which of {','.join(ROWS)} (h comes with a, b and c)")
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds, after one to warm up; long rows take fewer")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--quick", action="store_true", help="one small round of each row, to check the harness")
    parser.add_argument(
        "--recipe-fraction", type=float, metavar="F",
        help="row c: run the published loop on this part of one epoch and extrapolate its time; the row then says so")
    parser.add_argument(
        "--recipe-learning-rate", type=float, default=2e-5, help="row c: of the published loop (default: 2e-5, as published)")
    arguments = parser.parse_args()
    names = [name for name in arguments.rows.split(",") if name]
    for name in names:
        if name not in ROWS:
            parser.error(f"there is no row '{name}'; choose from {', '.join(ROWS)}")
    if arguments.recipe_fraction is not None and not 0 < arguments.recipe_fraction <= 1:
        parser.error("--recipe-fraction must be above 0 and at most 1")
    settings = Settings(arguments)
    WORK.mkdir(parents=True, exist_ok=True)
    # In a process of its own: see sides.py.
    if subprocess.run([sys.executable, str(ROOT / "Benchmarks/prepare.py")], env=environment(settings.threads)).returncode != 0:
        sys.exit("benchmark: the models and texts could not be prepared")
    report = Report(settings, ceilings.measure(settings.threads))
    failed = []
    for name in names:
        start = time.monotonic()
        try:
            ROWS[name](report, settings)
            report.finish(name)
            note(f"row {name} took {time.monotonic() - start:.0f} s")
        except BenchmarkError as error:
            report.drop()
            failed.append(name)
            print(f"benchmark: row {name} could not be measured: {error}", file=sys.stderr, flush=True)
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    main()
