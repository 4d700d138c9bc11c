#!/usr/bin/env python3
"""Makes what the embeddings' demo learns from and is evaluated on, in `.demo/sentences/`. Safe to run again at any time.

    python3 scripts/demo_embeddings_data.py

- `texts.csv`: definitions and examples of WordNet 3.0, and the texts that vaderSentiment was rated on: tweets, reviews, editorials.
- `validation.csv`, `test.csv`: pairs of definitions with a score of how near their senses are: 3 for a sense and the one above it, 2 for two
  senses below the same, 1 for two whose next but one is the same, 0 for two at random. No definition of a pair is among the texts.
"""

import csv
import random
import re
import tempfile
from pathlib import Path

from demo_data import DEMO, fetch_ratings, publish
from demo_lm_data import fetch_corpus

PAIRS = 1_200


def senses(corpus):
    """{offset: (definition, examples, offsets of the senses above it)} of the nouns, and the same of other kinds without pairs."""
    found = {}
    for kind in ("noun", "verb", "adj"):
        for line in (corpus / f"data.{kind}").read_text(encoding="utf-8", errors="replace").splitlines():
            head, bar, gloss = line.partition("|")
            if line.startswith("  ") or not bar:
                continue
            fields = head.split(" ")
            count = int(fields[3], 16)
            start = 4 + 2 * count
            pointers = fields[start + 1 : start + 1 + 4 * int(fields[start])]
            above = [pointers[i + 1] for i in range(0, len(pointers), 4) if pointers[i] in ("@", "@i")]
            examples = re.findall(r'"([^"]+)"', gloss)
            definition = re.sub(r';?\s*"[^"]*"', "", gloss).strip(" ;")
            if definition:
                found[kind, fields[0]] = (definition, examples, [(kind, offset) for offset in above])
    return found


def pairs(all_senses, generator):
    """As many pairs of each score, of definitions that are used once."""
    nouns = {key: value for key, value in all_senses.items() if key[0] == "noun"}
    below = {}
    for key, (_, _, above) in nouns.items():
        for parent in above:
            below.setdefault(parent, []).append(key)
    keys = sorted(nouns)
    used, result = set(), []

    def partner(key, score):
        parents = [parent for parent in nouns[key][2] if parent in nouns]
        if score == 3:
            return generator.choice(parents) if parents else None
        if score == 0:
            return generator.choice(keys)
        if score == 1:
            parents = [upper for parent in parents for upper in nouns[parent][2] if upper in nouns]
            parents = [child for upper in parents for child in below.get(upper, [])]
        choices = [child for parent in parents for child in below.get(parent, []) if child != key]
        return generator.choice(choices) if choices else None

    while len(result) < 2 * PAIRS:
        score = len(result) % 4
        key = generator.choice(keys)
        other = partner(key, score)
        texts = nouns[key][0], nouns[other][0] if other else ""
        # The top of the tree is above everything, and says nothing.
        if other is None or key == other or {*texts} & used or texts[0] == texts[1] or not 4 <= len(texts[1].split()) <= 30:
            continue
        if len(texts[0].split()) < 4:
            continue
        used.update(texts)
        result.append((*texts, score))
    return result, used


def write(path, header, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def fetch_sources():
    """Fetches WordNet and vaderSentiment's texts, unless they are there."""
    DEMO.mkdir(exist_ok=True)
    if not (DEMO / "vader/tweets_GroundTruth.txt").exists():
        fetch_ratings(DEMO / "vader")
    if not (DEMO / "wordnet/data.noun").exists():
        fetch_corpus(DEMO / "wordnet")


def main():
    fetch_sources()
    if (DEMO / "sentences/texts.csv").exists():
        return
    generator = random.Random(1)
    found = senses(DEMO / "wordnet")
    scored, used = pairs(found, generator)
    texts = [text for definition, examples, _ in found.values() for text in [definition, *examples]]
    for file in sorted((DEMO / "vader").glob("*.txt")):
        for line in file.read_text(encoding="utf-8", errors="replace").split("\n"):
            fields = line.rstrip("\r").split("\t", 2)
            if len(fields) == 3:
                texts.append(fields[2].strip())
    # Each once, in an order that is the same everywhere.
    unique = sorted({" ".join(text.split()) for text in texts if len(text.split()) > 2} - used)
    generator.shuffle(unique)
    with tempfile.TemporaryDirectory(dir=DEMO) as folder:
        staged = Path(folder) / "sentences"
        staged.mkdir()
        write(staged / "texts.csv", ["text"], [(text,) for text in unique])
        write(staged / "validation.csv", ["sentence1", "sentence2", "score"], scored[:PAIRS])
        write(staged / "test.csv", ["sentence1", "sentence2", "score"], scored[PAIRS:])
        publish(staged, DEMO / "sentences")
    print(f"Sentences: {len(unique)} texts, {PAIRS} pairs for validation, {PAIRS} for the test")


if __name__ == "__main__":
    main()
