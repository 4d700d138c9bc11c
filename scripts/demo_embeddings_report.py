#!/usr/bin/env python3
"""Evaluates the models of the embeddings' demo on its test pairs, prints the comparison, and draws it.

    python3 scripts/demo_embeddings_report.py .build/release/distill TEACHER demo-output/embeddings

Speed is that of `distill predict` on the demo's texts, model by model in turn, without the time it takes to open the model. Writes
`comparison.md`, `comparison.json` and `trade-off.svg`.
"""

import csv
import html
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def weight(directory):
    return sum(file.stat().st_size for file in Path(directory).rglob("*.safetensors"))


def predict(distill, model, texts, *options):
    """The lines that `distill predict` writes for some texts, and the seconds it takes."""
    lines = "".join(text + "\n" for text in texts)
    start = time.perf_counter()
    done = subprocess.run([distill, "predict", "--model", model, *options], input=lines, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"demo_embeddings_report: {model}: {done.stderr.strip()}")
    return done.stdout.splitlines(), seconds


def vectors(distill, model, texts):
    return [json.loads(line)["embedding"] for line in predict(distill, model, texts)[0]]


def seconds(distill, model, texts):
    """The shortest of three times, with the vectors as a file of numpy."""
    with tempfile.TemporaryDirectory() as folder:
        return min(predict(distill, model, texts, "--output", f"{folder}/{turn}.npy")[1] for turn in range(3))


def ranks(values):
    order = sorted(range(len(values)), key=values.__getitem__)
    result = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for place in order[start:end]:
            result[place] = (start + end - 1) / 2
        start = end
    return result


def correlation(a, b):
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    product = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b))
    return product / (sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b)) ** 0.5


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b)) / ((sum(x * x for x in a) * sum(y * y for y in b)) ** 0.5 or 1)


def drawing(models):
    """Quality over speed, as SVG: the larger a circle, the larger the weights."""
    width, height, left, bottom = 720, 420, 70, 50
    speeds = [model["texts_per_second"] for model in models]
    scores = [model["spearman"] for model in models]
    low, high = min(scores) - 0.02, max(scores) + 0.02
    first, last = min(speeds) / 1.5, max(speeds) * 1.5
    import math

    def x(speed):
        return left + (width - left - 130) * math.log(speed / first) / math.log(last / first)

    def y(score):
        return height - bottom - (height - bottom - 20) * (score - low) / (high - low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<path d="M{left} 20V{height - bottom}H{width - 20}" fill="none" stroke="#888"/>',
        f'<text x="{(left + width) / 2}" y="{height - 12}" text-anchor="middle">texts per second (logarithmic)</text>',
        f'<text transform="translate(18 {height / 2}) rotate(-90)" text-anchor="middle">Spearman correlation of cosines</text>',
    ]
    for step in range(5):
        score = low + (high - low) * step / 4
        parts.append(f'<text x="{left - 8}" y="{y(score) + 4:.1f}" text-anchor="end" fill="#555">{score:.3f}</text>')
    for speed in sorted({10 ** exponent for exponent in range(1, 7)}):
        if first <= speed <= last:
            parts.append(f'<text x="{x(speed):.1f}" y="{height - bottom + 18}" text-anchor="middle" fill="#555">{speed:,}</text>')
    for model in models:
        radius = 4 + (model["bytes"] / 1e6) ** 0.5
        color = "#1f6feb" if model["own"] else "#b35900" if model["peer"] else "#444"
        place = x(model["texts_per_second"]), y(model["spearman"])
        parts.append(f'<circle cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="{radius:.1f}" fill="{color}" fill-opacity="0.6"/>')
        # Models that do alike lie on one another: the names of ours stand above, those of others below.
        is_teacher = not model["own"] and not model["peer"]
        shift = radius + 14 if model["peer"] else -radius - (20 if is_teacher else 4)
        parts.append(f'<text x="{place[0] - 4:.1f}" y="{place[1] + shift:.1f}">{html.escape(model["name"])}</text>')
    return "\n".join(parts + ["</svg>"]) + "\n"


def main():
    distill, teacher, output = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    with open(".demo/sentences/test.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with open(output / "texts.csv", encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    pairs = [text for row in rows for text in (row["sentence1"], row["sentence2"])]
    gold = ranks([float(row["score"]) for row in rows])
    peers = json.loads((output / "peers/peers.json").read_text(encoding="utf-8"))
    # A table reads so many texts in a second that few would measure the start.
    many = (texts * (200_000 // len(texts) + 1))[:200_000]
    models = []
    for name, directory, own, peer, speed in [
        ("teacher, 6 layers", teacher, False, False, texts[:2_000]),
        ("2 layers, distill", output / "student", True, False, texts[:6_000]),
        ("2 layers, sentence-transformers", peers["trained"]["directory"], False, True, texts[:6_000]),
        ("static, distill", output / "static", True, False, many),
        ("static, trained, distill", output / "trained", True, False, many),
        ("static, model2vec", peers["static"]["directory"], False, True, many),
        ("static, wordllama", peers["wordllama"]["directory"], False, True, many),
    ]:
        found = vectors(distill, str(directory), pairs)
        cosines = [cosine(found[place], found[place + 1]) for place in range(0, len(found), 2)]
        taken = seconds(distill, str(directory), speed) - seconds(distill, str(directory), ["a"])
        models.append({
            "name": name, "own": own, "peer": peer, "spearman": correlation(ranks(cosines), gold), "bytes": weight(directory),
            "texts_per_second": len(speed) / taken,
        })
    best = models[0]["spearman"]
    lines = ["| model | Spearman | of the teacher | weights | texts per second |", "|---|---|---|---|---|"]
    for model in models:
        lines.append(
            f"| {model['name']} | {model['spearman']:.4f} | {100 * model['spearman'] / best:.1f} % | {model['bytes'] / 1e6:.1f} MB | "
            f"{model['texts_per_second']:,.0f} |")
    table = "\n".join(lines) + "\n"
    (output / "comparison.md").write_text(table, encoding="utf-8")
    (output / "comparison.json").write_text(json.dumps({"models": models, "peers": peers}, indent=1) + "\n", encoding="utf-8")
    (output / "trade-off.svg").write_text(drawing(models), encoding="utf-8")
    trained = peers["trained"]
    print(table)
    print(f"sentence-transformers took {trained['teacher_seconds']:.0f} s for the teacher's vectors and "
          f"{trained['train_seconds']:.0f} s for the training in {trained['precision']}.")
    print(f"The picture: {output / 'trade-off.svg'}")


if __name__ == "__main__":
    main()
