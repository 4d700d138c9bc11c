#!/usr/bin/env python3
"""Makes docs/models.md: what each family of models and its tokenizers were compared with, and how far they differ.

    scripts/bootstrap.sh && scripts/python.sh
    python3 scripts/models.py [--texts 10000] [--measured DIR] [--base DIR]
    python3 scripts/models.py --language-models

Runs the suites that measure (`FamilyReportTests`, `FuzzTests`) with the random texts of
`scripts/fixtures/tokenizers_families.py --fuzz`, reads what they have written, and writes the page. With `--measured` nothing
is run: the directory has the records of earlier runs, for example of a release build with more texts. `--base` names where
`scripts/base_teacher.py` and the two commands that follow it (on the page) have put their models. `--language-models` measures
language models alone (`DecoderReportTests`, seconds), and leaves the rest of the page as it is.
"""

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/models.md"

# The family's title, its model_type, the fixtures of its models, the fixtures of its tokenizers, and what computes it.
OWN, OWN_FORWARD, LIBTORCH = "own kernels", "libtorch; own kernels without gradients", "libtorch"
FAMILIES = [
    ("BERT, MiniLM", "bert", ["bert-tiny", "bert-gelu-new", "bert-relu"], ["bert"], OWN),
    ("DistilBERT", "distilbert", ["distilbert"], ["bert"], OWN),
    ("RoBERTa", "roberta", ["roberta"], ["roberta", "longformer"], OWN),
    ("XLM-RoBERTa", "xlm-roberta", ["xlm-roberta"], ["xlmr"], OWN),
    ("CamemBERT", "camembert", ["camembert"], ["camembert"], OWN),
    ("ELECTRA", "electra", ["electra", "electra-wide"], ["bert"], OWN),
    ("ALBERT", "albert", ["albert", "albert-groups"], ["albert"], OWN),
    ("MPNet", "mpnet", ["mpnet"], ["mpnet", "bert"], OWN_FORWARD),
    ("DeBERTa v2, v3", "deberta-v2", ["deberta-v3", "deberta-v2", "deberta-v2-plain"], ["deberta_v3"], LIBTORCH),
    ("ModernBERT", "modernbert", ["modernbert", "modernbert-mean"], ["modernbert"], LIBTORCH),
]

# The family's title, its model_type, and the fixtures of its models.
LANGUAGE_MODELS = [
    ("Llama 2, 3.x, SmolLM2, TinyLlama", "llama", ["llama", "llama-biases", "llama-linear", "llama-yarn", "llama3", "llama3-older"]),
    ("Mistral", "mistral", ["mistral"]),
    ("Qwen2, Qwen2.5", "qwen2", ["qwen2", "qwen2-windows"]),
    ("Qwen3", "qwen3", ["qwen3", "qwen3-biases"]),
    ("GPT-2", "gpt2", ["gpt2", "gpt2-scales"]),
    ("Gemma 3, text", "gemma3_text", ["gemma3", "gemma3-older"]),
]
LANGUAGE_MODELS_TITLE = "## Language models"


def swift_test(suites, environment):
    subprocess.run(["swift", "test", "--filter", suites], cwd=ROOT, env={**os.environ, **environment}, check=True)


def measure(folder, texts):
    python = ROOT / ".python/bin/python"
    fuzz = folder / "fuzz"
    subprocess.run([python, ROOT / "scripts/fixtures/tokenizers_families.py", "--fuzz", str(texts), "--output", fuzz], check=True)
    swift_test(
        "FamilyReportTests|DecoderReportTests|FuzzTests",
        {"MODELS_REPORT": str(folder), "TOKENIZERS_REPORT": str(folder), "TOKENIZERS_FUZZ": str(fuzz)})


def records(folder, kind):
    found = [json.loads(file.read_text()) for file in sorted(folder.glob(f"{kind}-*.json"))]
    if not found:
        raise SystemExit(f"{folder}: has no {kind}-*.json; run this without --measured")
    return {each["name"].removeprefix("families/"): each for each in found}


def error(values):
    return f"{max(values):.1e}"


def family_row(title, family, fixtures, tokenizers, kernels, models, tokens):
    own = [models[name] for name in fixtures]
    assert all(each["family"] == family for each in own)
    read = [name for name in tokenizers if name in tokens]
    kinds = ", ".join(dict.fromkeys(tokens[name]["model"] for name in read))
    compared = sum(tokens[name]["tokens"] for name in read)
    differing = sum(tokens[name]["differences"] for name in read)
    tensors, equal = sum(each["tensors"] for each in own), sum(each["equal_tensors"] for each in own)
    return (
        f"| {title} | `{family}` | {kernels} | {error([each['logits_error'] for each in own])} "
        f"| {error([each['gradient_error'] for each in own])} ({sum(each['gradients'] for each in own)}) "
        f"| {equal} of {tensors} | {kinds} | {compared:,} | {differing} |")


def language_model_section(models):
    """The table of language models."""
    lines = [
        LANGUAGE_MODELS_TITLE, "",
        "The same of decoders (`scripts/fixtures/decoders.py`), on texts packed one after another; the loss is the next tokens'",
        "cross-entropy. `python3 scripts/models.py --language-models` makes this table in a minute.", "",
        "| family | `model_type` | models | logits | loss | gradients | equal tensors |", "|---|---|---|---|---|---|---|",
    ]
    for title, family, fixtures in LANGUAGE_MODELS:
        own = [models[name] for name in fixtures]
        assert all(each["family"] == family for each in own)
        tensors, equal = sum(each["tensors"] for each in own), sum(each["equal_tensors"] for each in own)
        lines.append(
            f"| {title} | `{family}` | {len(own)} | {error([each['logits_error'] for each in own])} "
            f"| {error([each['loss_error'] for each in own])} "
            f"| {error([each['gradient_error'] for each in own])} ({sum(each['gradients'] for each in own)}) "
            f"| {equal} of {tensors} |")
    return lines + [
        "", "`LanguageModelInteropTests` opens students that were distilled and saved with transformers: logits within 1e-5, the same",
        "greedy texts, token ids and rendered chats; and tokenizers under each class's name that language models' directories use.", ""]


def update_language_models():
    """Replaces the table on the page, or adds it before the tokenizers."""
    with tempfile.TemporaryDirectory() as folder:
        swift_test("DecoderReportTests", {"MODELS_REPORT": folder})
        section = language_model_section(records(Path(folder), "decoder"))
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    end = lines.index("## Tokenizers")
    start = lines.index(LANGUAGE_MODELS_TITLE) if LANGUAGE_MODELS_TITLE in lines else end
    PAGE.write_text("\n".join(lines[:start] + section + lines[end:]) + "\n", encoding="utf-8")


def tokenizer_row(each):
    return f"| {each['name']} | {each['model']} | {each['texts']:,} | {each['tokens']:,} | {each['differences']} |"


def base_section(folder):
    """A teacher of base size and its student of another family, from their own reports."""
    teacher, run = (
        json.loads((folder / name).read_text()) for name in ("teacher/training.json", "student/distillation.json"))
    families = [
        json.loads((folder / name / "config.json").read_text())["model_type"] for name in ("teacher", "student")]
    sides = [run["test"][name] for name in ("teacher", "student")]
    seconds = [sum(phase["seconds"] for phase in report["phases"]) for report in (teacher, run)]
    lines = [
        "", "## A teacher of base size", "",
        "`scripts/base_teacher.py` grows a fine-tuned MiniLM to the size of RoBERTa's base model without changing what it",
        "computes, since nothing can be downloaded where this was measured, and makes a DistilBERT of an encoder's layers. Then the",
        "teacher is fine-tuned for a few steps, and teaches the student of the other family:", "", "```",
        ".python/bin/python scripts/base_teacher.py --teacher demo-output/teacher --encoder .demo/all-MiniLM-L6-v2 --output DIR",
        "distill finetune --model DIR/roberta-base --train .demo/movies/train.csv --validation .demo/movies/validation.csv \\",
        f"    --max-steps {teacher['steps']} --learning-rate 1e-5 --output DIR/teacher",
        "distill run --teacher DIR/teacher --student DIR/distilbert --train .demo/movies/train.csv \\",
        "    --validation .demo/movies/validation.csv --test .demo/movies/test.csv --learning-rate 1e-4 --epochs 3 --output DIR/student",
        "```", "", "| | family | parameters | weights, MB | test accuracy, % | seconds of its run |", "|---|---|---|---|---|---|",
    ]
    for name, family, side, taken in zip(("teacher", "student"), families, sides, seconds):
        lines.append(
            f"| {name} | {family} | {side['parameters'] / 1e6:.1f} M | {side['bytes_on_disk'] / 1e6:.0f} "
            f"| {side['accuracy'] * 100:.2f} | {taken:.0f} |")
    return lines + ["", f"They agree on {run['test']['comparison']['agreement']:.1%} of the test texts."]


def page(models, decoders, tokens, base):
    lines = [
        "# Models and tokenizers", "",
        "Made by `scripts/models.py`. Each family is a teacher, a student, or both, of one family or of two, each with its own",
        "tokenizer; `FamilyPairTests` runs such pairs. Other checkpoints of these families load alike: their `config.json` says",
        "what differs, and a field that would change the mathematics and is not known is refused by name.", "",
        "## Families", "",
        "The models are tiny ones with every part of the family's, made by transformers with random weights",
        "(`scripts/fixtures/families.py`). An error is the largest difference to transformers' numbers, relative to the largest of",
        "the tensor's: of the logits, and of the worst gradient of the parameters (their number in brackets; those that are zero",
        "but for rounding are left out). Equal tensors are those that have the same bytes when a loaded model is saved. Tokens are",
        "compared in ids, type ids and offsets, over the texts below.", "",
        "| family | `model_type` | computed by | logits | gradients | equal tensors | tokenizer | tokens compared | different texts |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [family_row(*family, models, tokens) for family in FAMILIES]
    lines += [
        "", "Own kernels compute examples without padding, in float32, bfloat16 and int8. The families computed by libtorch's",
        "operations are padded to the longest example of a batch. MPNet's bias of distances has no backward pass in the kernels: on the CPU they",
        "compute its evaluation and its answers as a teacher, libtorch its training. [The runtime](runtime.md), which `distill predict` uses on",
        "the CPU, has kernels for all ten families. `--init narrowed-teacher` knows BERT, DistilBERT, RoBERTa,",
        "XLM-RoBERTa and CamemBERT, `--init projected-teacher` these, ELECTRA and MPNet; each says so where it is asked for another. The",
        "exporters know all of them.", "", *language_model_section(decoders),
        "## Tokenizers", "",
        "Each is a `tokenizer.json` made with the `tokenizers` library, whose stages are those of the family's real file",
        "(`scripts/fixtures/tokenizers_families.py`). Texts are random: words of several scripts, punctuation, spaces, emoji, special",
        "tokens, and any Unicode scalar.", "",
        "| fixture | model | texts | tokens compared | different texts |", "|---|---|---|---|---|",
    ]
    lines += [tokenizer_row(each) for each in tokens.values()]
    if base is not None:
        lines += base_section(base)
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--texts", type=int, default=10_000, help="random texts for each tokenizer, more than 1,000")
    parser.add_argument("--measured", type=Path, help="records of earlier runs, in place of running")
    parser.add_argument("--base", type=Path, help="where the base-size teacher and its student are")
    parser.add_argument("--language-models", action="store_true", help="the table of language models alone")
    arguments = parser.parse_args()
    if arguments.language_models:
        update_language_models()
        print(f"Updated: {PAGE.relative_to(ROOT)}")
        return
    with tempfile.TemporaryDirectory() as folder:
        if arguments.measured is None:
            measure(Path(folder), arguments.texts)
        source = arguments.measured or Path(folder)
        text = page(records(source, "model"), records(source, "decoder"), records(source, "tokenizer"), arguments.base)
        PAGE.write_text(text, encoding="utf-8")
    print(f"Written: {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
