"""Row f: tokenization. Row g: from the process's start to the first prediction."""

import subprocess
import sys

from common import DISTILL, TARGETS, WORK, BenchmarkError, environment, timed
from sides import in_turn, ours, parts, peer

SENTENCE = "A film to remember."


def row_f(report, settings):
    size = (WORK / "texts.txt").stat().st_size / 1e6

    def rate(answers):
        return [size / seconds for seconds in parts(answers)]

    for count in sorted({1, settings.threads}):
        request = {"workload": "tokenize", "model": str(WORK / "minilm"), "texts": str(WORK / "texts.txt"), "threads": count}
        own, theirs = in_turn(settings.rounds, lambda: ours(request), lambda: peer(request))
        name = f"tokenization, {count} thread{'s' * (count > 1)}"
        report.add("f", name, rate(own), rate(theirs), "tokenizers", "MB/s", TARGETS["f"], kind="rate")


def row_g(report, settings):
    script = (
        "import sys; from transformers import pipeline; "
        f"print(pipeline('text-classification', model=sys.argv[1])('{SENTENCE}'))")

    def once(command, text):
        try:
            return timed(lambda: subprocess.run(
                command, input=text, text=True, check=True, capture_output=True, env=environment(settings.threads)))
        except subprocess.CalledProcessError as error:
            raise BenchmarkError(f"{command[0]} failed: {error.stderr.strip()[-300:]}") from error

    own, theirs = [], []
    for _ in range(settings.rounds + 1):  # The first reads the files into the system's cache.
        own.append(once([str(DISTILL), "predict", "--model", str(WORK / "minilm")], SENTENCE + "\n"))
        theirs.append(once([sys.executable, "-c", script, str(WORK / "minilm")], ""))
    report.add(
        "g", "process start to first prediction", own[1:], theirs[1:], "Python, transformers", "s", TARGETS["g"], kind="share")
