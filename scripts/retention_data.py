#!/usr/bin/env python3
"""Makes what the retention of a smaller language model is measured on, in `.demo/retention/`. Safe to run again at any time.

    python3 scripts/retention_data.py

- `train.jsonl`, `validation.jsonl`: texts of at most some 300 words: pages of WordNet's definitions and examples, New York Times
  editorials, reviews of products and films, tweets (the texts that vaderSentiment was rated on).
- `tasks/*.jsonl`: multiple choice of the kinds that lm-eval has, from senses, documents and snippets that are in no text:
  - `definition` (ARC): which of four definitions a word has;
  - `kind` (PIQA): which of two kinds a thing is of, in one sentence each;
  - `word` (Winogrande): which of two words stands in a sentence, by the sentence's probability;
  - `continuation` (HellaSwag): which of four sentences goes on from two others;
  - `last_word` (LAMBADA, by choice): which of ten words ends a sentence;
  - `sentiment` (SST-2): whether a film review is good or bad.
"""

import json
import random
import tempfile
from pathlib import Path

from demo_data import DEMO, publish
from demo_embeddings_data import fetch_sources, senses

QUESTIONS = 500
HELD_SENSES = 4_000
HELD_DOCUMENTS = 60
VALIDATION = 100
# The part of WordNet's pages that is trained on.
SHARE = 0.28
NAMES = {"noun": "noun", "verb": "verb", "adj": "adjective"}


def lemmas(corpus):
    """{(kind, offset): its first word}, of lower-case words."""
    found = {}
    for kind in NAMES:
        for line in (corpus / f"data.{kind}").read_text(encoding="utf-8", errors="replace").splitlines():
            fields = line.split(" ")
            if not line.startswith(" ") and len(fields) > 4:
                word = fields[4].split("(")[0].replace("_", " ")
                if word.isascii() and word.islower() and len(word) > 2:
                    found[kind, fields[0]] = word
    return found


def ratings(folder, name):
    """[(document, rating, text)] of one of vaderSentiment's files."""
    rows = []
    for line in (folder / f"{name}_GroundTruth.txt").read_text(encoding="utf-8", errors="replace").split("\n"):
        fields = line.rstrip("\r").split("\t", 2)
        if len(fields) == 3:
            text = " ".join(fields[2].replace("&amp;", "&").replace("''", '"').split())
            rows.append((fields[0].split("_")[0], float(fields[1]), text))
    return rows


def documents(rows):
    found = {}
    for document, _, text in rows:
        found.setdefault(document, []).append(text)
    return found


def question(generator, query, right, wrong):
    choices = [right, *wrong]
    generator.shuffle(choices)
    return {"query": query, "choices": choices, "gold": choices.index(right)}


def sense_tasks(found, words, held, generator):
    """`definition`, `kind` and `word`, each from senses of its own among those held out."""
    tasks = {"definition": [], "kind": [], "word": []}
    by_kind = {kind: [key for key in held if key[0] == kind] for kind in NAMES}
    nouns = [key for key in words if key[0] == "noun"]
    for key in held:
        definition, examples, above = found[key]
        word = words[key]
        example = next((text for text in examples if f" {word} " in text and len(text.split()) > 5), None)
        if example and len(tasks["word"]) < QUESTIONS:
            other = words[generator.choice(by_kind[key[0]])]
            if other not in example:
                wrong = example.replace(f" {word} ", f" {other} ", 1)
                tasks["word"].append(question(generator, "", example, [wrong]))
                continue
        parents = [words[parent] for parent in above if parent in words]
        if key[0] == "noun" and parents and len(tasks["kind"]) < QUESTIONS:
            parent = words[parent_of_some(found, words, generator, nouns)]
            if parent not in parents and word not in parents:
                tasks["kind"].append(question(generator, f"{article(word)} is a kind of", parents[0], [parent]))
                continue
        if len(tasks["definition"]) < QUESTIONS:
            others = generator.sample([other for other in by_kind[key[0]] if other != key], 3)
            wrong = [found[other][0] for other in others]
            if len({definition, *wrong}) == 4:
                query = f'Question: What does the {NAMES[key[0]]} "{word}" mean?\nAnswer:'
                tasks["definition"].append(question(generator, query, definition, wrong))
    return tasks


def parent_of_some(found, words, generator, nouns):
    """A kind that some noun is of, so that both choices of a question are as common."""
    while True:
        key = generator.choice(nouns)
        if parents := [parent for parent in found.get(key, ("", [], []))[2] if parent in words]:
            return parents[0]


def article(word):
    return ("An " if word[0] in "aeiou" else "A ") + word


def document_tasks(editorials, films, held_documents, generator):
    tasks = {"continuation": [], "last_word": [], "sentiment": []}
    held = {document: editorials[document] for document in held_documents}
    sentences = [(document, text) for document, texts in held.items() for text in texts if 6 <= len(text.split()) <= 40]
    ends = sorted({text.split()[-1].rstrip(".") for _, text in sentences if text.split()[-1].rstrip(".").isalpha()})
    for document, texts in held.items():
        for first, second, third in zip(texts, texts[1:], texts[2:]):
            if 6 <= len(third.split()) <= 40:
                wrong = generator.sample([text for other, text in sentences if other != document], 3)
                tasks["continuation"].append(question(generator, f"{first} {second}", third, wrong))
            beginning, _, last = second.rpartition(" ")
            last = last.rstrip(".")
            if last in ends and len(beginning.split()) > 6:
                wrong = generator.sample([word for word in ends if word != last], 9)
                tasks["last_word"].append(question(generator, f"{first} {beginning}", last, wrong))
    for rating, text in films:
        query = f"Review: {text}\nThe review is"
        tasks["sentiment"].append({"query": query, "choices": ["positive", "negative"], "gold": int(rating < 0)})
    for rows in tasks.values():
        generator.shuffle(rows)
    return {name: rows[:QUESTIONS] for name, rows in tasks.items()}


def page(found, words, keys):
    """Senses that stand together in WordNet, as a dictionary has them."""
    lines = []
    for key in keys:
        definition, examples, _ = found[key]
        lines.append(f"{words[key]} ({NAMES[key[0]]}): {definition}." + "".join(f" For example: {text}." for text in examples))
    return "\n".join(lines)


def pieces(texts, most, separator):
    """Texts joined in their order to pieces of at most so many words."""
    result, part, count = [], [], 0
    for text in texts:
        size = len(text.split())
        if part and count + size > most:
            result.append(separator.join(part))
            part, count = [], 0
        part.append(text)
        count += size
    return result + ([separator.join(part)] if part else [])


def main():
    fetch_sources()
    if (DEMO / "retention/train.jsonl").exists():
        return
    generator = random.Random(7)
    found, words = senses(DEMO / "wordnet"), lemmas(DEMO / "wordnet")
    keys = [key for key in found if key in words and len(found[key][0].split()) > 3]
    held = generator.sample(keys, HELD_SENSES)
    held_words = {words[key] for key in held}
    tasks = sense_tasks(found, words, held, generator)

    editorials = documents(ratings(DEMO / "vader", "nytEditorialSnippets"))
    held_documents = generator.sample(sorted(editorials), HELD_DOCUMENTS)
    films = [(rating, text) for _, rating, text in ratings(DEMO / "vader", "movieReviewSnippets") if abs(rating) >= 1]
    generator.shuffle(films)
    tasks |= document_tasks(editorials, films[:QUESTIONS], held_documents, generator)

    kept = [key for key in keys if words[key] not in held_words]
    texts = [page(found, words, kept[start : start + 12]) for start in range(0, len(kept), 12)]
    generator.shuffle(texts)
    texts = texts[: int(len(texts) * SHARE)]
    for document in sorted(set(editorials) - set(held_documents)):
        texts += pieces(editorials[document], 250, " ")
    for sentences in documents(ratings(DEMO / "vader", "amazonReviewSnippets")).values():
        texts += pieces(sentences, 250, " ")
    texts += pieces([text for _, text in films[QUESTIONS:]], 200, "\n")
    texts += pieces([text for _, _, text in ratings(DEMO / "vader", "tweets")], 200, "\n")
    generator.shuffle(texts)

    with tempfile.TemporaryDirectory(dir=DEMO) as folder:
        staged = Path(folder) / "retention"
        (staged / "tasks").mkdir(parents=True)
        parts = {"validation": texts[:VALIDATION], "train": texts[VALIDATION:]}
        rows = {name: [{"text": text} for text in part] for name, part in parts.items()}
        for name, part in (rows | {f"tasks/{name}": part for name, part in tasks.items()}).items():
            with open(staged / f"{name}.jsonl", "w", encoding="utf-8") as file:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in part)
        publish(staged, DEMO / "retention")
    for name, part in parts.items():
        print(f"Texts for {name}: {len(part)}, {sum(len(text.split()) for text in part)} words")
    print("Questions:", ", ".join(f"{len(part)} {name}" for name, part in tasks.items()))


if __name__ == "__main__":
    main()
