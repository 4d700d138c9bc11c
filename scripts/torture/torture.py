"""Kills and hinders runs at random, and counts what is lost: nothing must be.

    python3 scripts/torture/torture.py --program .build/release/distill --model .demo/all-MiniLM-L6-v2

A run that is killed goes on from its checkpoint; its weights, history and best checkpoint must be those of a run that is left
alone, bit for bit. A run that meets a damaged file, a full disk or another run must end with the right result or with an error that
says what is wrong, and never crash, hang or lose what it had.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time

from faults import Faults
from kills import Kills
from scene import Failure, Scene
from soak import soak


def clock(directory):
    """A library that makes the clock jump; None where there is no compiler."""
    library = os.path.join(directory, "clock.so")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clock.c")
    for compiler in ("cc", "gcc", "clang"):
        try:
            subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
            return library
        except (OSError, subprocess.CalledProcessError):
            continue
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--program", required=True, help="the built distill")
    parser.add_argument("--model", required=True, help="a pretrained encoder, from which the teacher is made")
    parser.add_argument("--kills", type=int, default=50, help="kills that meet a living process (default: 50)")
    parser.add_argument("--faults", type=int, default=200, help="(default: 200)")
    parser.add_argument("--soak", type=int, default=100_000, help="steps of the long run; 0 for none (default: 100000)")
    parser.add_argument("--minutes", type=float, default=60, help="the time for all of it (default: 60)")
    parser.add_argument("--seed", type=int, help="decides everything but the system's timing (default: a new one each time)")
    parser.add_argument("--only", default="", help="only faults whose name holds this")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(1_000_000)
    end = time.monotonic() + 60 * options.minutes
    failures = []
    with tempfile.TemporaryDirectory(prefix="distill-torture-") as directory:
        scene = Scene(os.path.abspath(options.program), os.path.abspath(options.model), directory)
        kills = Kills(scene, seed)
        faults = Faults(scene, kills, seed + 1, clock(directory))
        faults.kinds = [kind for kind in faults.kinds if options.only in kind.__name__.replace("_", " ")]
        print(f"seed {seed}", flush=True)
        tally = {"kills": [0, 0, options.kills], "faults": [0, 0, options.faults],
                 "long runs": [0, 0, 1 if options.soak else 0]}

        def attempt(name, body):
            tried, lost = 1, 0
            try:
                result = body()
                tried, text = result if isinstance(result, tuple) else (1, result)
            except Failure as failure:
                lost, text = 1, f"LOST: {failure}"
                failures.append(f"{name}: {failure}")
            tally[name][0] += tried
            tally[name][1] += lost
            print(f"{name} {tally[name][0]}: {text}", flush=True)

        while tally["kills"][0] < options.kills and time.monotonic() < end:
            attempt("kills", kills.trial)
        while tally["faults"][0] < options.faults and time.monotonic() < end:
            attempt("faults", faults.trial)
        if options.soak and time.monotonic() < end:
            attempt("long runs", lambda: soak(scene, options.soak))
    print()
    for name, (tried, lost, wanted) in tally.items():
        print(f"{name}: {tried} of {wanted} tried, {tried - lost} survived, {lost} lost")
    for failure in failures:
        print(failure, file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
