"""Row k: tokenization by byte-level BPE and by Unigram, with vocabularies trained on the demo's sentences."""

import subprocess
import sys

from common import ROOT, TARGETS, WORK, BenchmarkError, environment
from sides import in_turn, ours, parts, peer


def row_k(report, settings):
    # In a process of its own: see sides.py.
    command = [sys.executable, str(ROOT / "Benchmarks/train_tokenizers.py")]
    if subprocess.run(command, env=environment(settings.threads)).returncode != 0:
        raise BenchmarkError("the tokenizers could not be trained")
    texts = WORK / "texts.txt"
    size = texts.stat().st_size / 1e6
    for name, label in {"bpe": "byte-level BPE", "unigram": "Unigram"}.items():
        for count in sorted({1, settings.threads}):
            request = {
                "workload": "tokenize", "model": str(WORK / f"tokenizer-{name}"), "texts": str(texts), "threads": count}
            files = [WORK / f"ids-{name}-{side}.bin" for side in ("ours", "peer")]
            own, theirs = in_turn(
                settings.rounds, lambda: ours({**request, "ids": str(files[0])}), lambda: peer({**request, "ids": str(files[1])}))
            if files[0].read_bytes() != files[1].read_bytes():
                raise BenchmarkError(f"{label}: ids differ from those of tokenizers; see {files[0]} and {files[1]}")
            for file in files:
                file.unlink()
            report.add(
                "k", f"{label}, {count} thread{'s' * (count > 1)}", [size / seconds for seconds in parts(own)],
                [size / seconds for seconds in parts(theirs)], "tokenizers", "MB/s", TARGETS["k"], kind="rate")
