#!/usr/bin/env python3
"""Trains the student that `distill run --teacher DIR --layers N` trains, with sentence-transformers' trainer, on the same texts, makes
model2vec's static table of the same teacher, and lays wordllama's table, which was trained elsewhere, beside them.

    .python-embeddings/bin/python Benchmarks/embeddings.py --teacher DIR --texts texts.csv --layers 2 --epochs 1 --output DIR

The student begins with evenly chosen layers of its teacher, as `distill` chooses them, and learns the teacher's vectors with
`EmbedDistillLoss` (cosine), without dropout, as there. The teacher's vectors are computed before, as sentence-transformers' examples do;
their time is told apart from the training's, which runs in the precision that a few steps show to be the faster here. Writes `peers.json`
and the models' directories.
"""

import argparse
import csv
import json
import time
from pathlib import Path

import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import EmbedDistillLoss


def uniform(teacher, student):
    return [-(-place * teacher // student) - 1 for place in range(1, student + 1)]


def shortened(teacher, layers):
    model = SentenceTransformer(str(teacher))
    encoder = model[0].auto_model
    chosen = uniform(len(encoder.encoder.layer), layers)
    encoder.encoder.layer = torch.nn.ModuleList([encoder.encoder.layer[index] for index in chosen])
    encoder.config.num_hidden_layers = layers
    for part in encoder.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
    return model


def trainer(options, data, bf16, steps=-1):
    student = shortened(options.teacher, options.layers)
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(options.output / "runs"), num_train_epochs=options.epochs, max_steps=steps,
        per_device_train_batch_size=options.batch_size, learning_rate=options.learning_rate, warmup_steps=0.06, weight_decay=0.01, seed=42,
        report_to="none", save_strategy="no", logging_strategy="no", use_cpu=True, disable_tqdm=True, bf16=bf16)
    loss = EmbedDistillLoss(student, distance_metric="cosine")
    return SentenceTransformerTrainer(model=student, args=arguments, train_dataset=data, loss=loss)


def seconds(run):
    begin = time.perf_counter()
    run.train()
    return time.perf_counter() - begin


def fastest(options, data):
    """Whether twelve steps are faster in bfloat16 than in float32 here, after three to warm up."""
    taken = {}
    for bf16 in (False, True):
        seconds(trainer(options, data, bf16, steps=3))
        taken[bf16] = seconds(trainer(options, data, bf16, steps=12))
    return taken[True] < taken[False]


def train(options, texts):
    teacher = SentenceTransformer(str(options.teacher))
    start = time.perf_counter()
    vectors = teacher.encode(texts, batch_size=64, convert_to_numpy=True, show_progress_bar=False)
    labeled = time.perf_counter()
    data = Dataset.from_dict({"sentence": texts, "label": vectors.tolist()})
    bf16 = fastest(options, data) if options.precision == "fastest" else options.precision == "bfloat16"
    whole = trainer(options, data, bf16)
    train_seconds = seconds(whole)
    output = options.output / "sentence-transformers"
    whole.model.save_pretrained(str(output))
    return {"teacher_seconds": labeled - start, "train_seconds": train_seconds, "precision": "bfloat16" if bf16 else "float32",
            "directory": str(output)}


def static(options):
    from model2vec.distill import distill

    start = time.perf_counter()
    table = distill(model_name=str(options.teacher), pca_dims=256, device="cpu")
    seconds = time.perf_counter() - start
    output = options.output / "model2vec"
    table.save_pretrained(str(output))
    return {"seconds": seconds, "directory": str(output)}


def wordllama(options):
    """The table that comes with the package, in sentence-transformers' form."""
    import wordllama as package
    from safetensors.numpy import load_file, save_file
    from wordllama import WordLlama

    # The package looks for its tokenizer under another name than it has there.
    model = WordLlama.load(cache_dir=Path(package.__file__).parent, disable_download=True)
    output = options.output / "wordllama"
    output.mkdir(parents=True, exist_ok=True)
    save_file({"embedding.weight": model.embedding.astype("float32")}, output / "model.safetensors")
    model.tokenizer.save(str(output / "tokenizer.json"))
    modules = [{"idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding"},
               {"idx": 1, "name": "1", "path": "1_Normalize", "type": "sentence_transformers.models.Normalize"}]
    (output / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    return {"directory": str(output)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--epochs", type=float, default=1)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--precision", choices=["fastest", "float32", "bfloat16"], default="fastest")
    parser.add_argument("--no-static", action="store_true")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    with open(options.texts, encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)][: options.limit]
    options.output.mkdir(parents=True, exist_ok=True)
    result = {"texts": len(texts), "trained": train(options, texts)}
    if not options.no_static:
        result["static"] = static(options)
        result["wordllama"] = wordllama(options)
    (options.output / "peers.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
