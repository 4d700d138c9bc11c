"""Runs exported ONNX models in ONNX Runtime and OpenVINO on labelled texts, and compares the two.

    python scripts/onnx_runtimes.py --data test.csv EXPORT_DIR…

The data are a CSV file with the columns text and label, of a sequence classifier's labels. For each directory: both runtimes'
accuracy, the largest difference of their logits (of the largest logit), how many predictions are the same, and the time of one
text of 32 tokens and of 8 of 64: processor time on one thread, the least of many runs. Needs onnxruntime, openvino and tokenizers.
"""

import argparse
import csv
import json
import time
from pathlib import Path

import numpy as np
import onnxruntime
import openvino
from tokenizers import Tokenizer


def runtimes(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    compiled = openvino.Core().compile_model(
        path, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})
    names = [value.name for value in session.get_inputs()]
    chosen = lambda feed: {name: feed[name] for name in names}
    return {
        f"onnxruntime {onnxruntime.__version__}": lambda feed: session.run(["logits"], chosen(feed))[0],
        f"openvino {openvino.__version__.split('-')[0]}": lambda feed: compiled(chosen(feed))["logits"],
    }, session.get_modelmeta().custom_metadata_map


def batches(texts, directory, settings, size=16):
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    tokenizer.enable_truncation(settings["max_length"])
    tokenizer.enable_padding(pad_id=settings["pad_token_id"], pad_token=settings["pad_token"])
    for start in range(0, len(texts), size):
        batch = tokenizer.encode_batch(texts[start:start + size])
        yield {
            "input_ids": np.array([text.ids for text in batch], np.int64),
            "attention_mask": np.array([text.attention_mask for text in batch], np.int64),
            "token_type_ids": np.array([text.type_ids for text in batch], np.int64),
        }


def least(run, feed, seconds=5.0):
    run(feed)
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.process_time()
        run(feed)
        times.append(time.process_time() - start)
    return min(times) * 1000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("directories", nargs="+", type=Path)
    arguments = parser.parse_args()
    with open(arguments.data, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    print("| | runtime | accuracy | logits off by | same predictions | 1 × 32 tokens | 8 × 64 |")
    print("|---|---|---|---|---|---|---|")
    for directory in arguments.directories:
        runs, metadata = runtimes(directory / "model.onnx")
        labels = {name: int(index) for index, name in json.loads(metadata["id2label"]).items()}
        wanted = np.array([labels[row["label"]] for row in rows])
        feeds = list(batches([row["text"] for row in rows], directory, json.loads(metadata["tokenizer"])))
        first = None
        for name, run in runs.items():
            logits = np.concatenate([run(feed) for feed in feeds])
            first = logits if first is None else first
            off = np.abs(logits - first).max() / np.abs(first).max()
            same = (logits.argmax(1) == first.argmax(1)).mean()
            figures = []
            for shape in [(1, 32), (8, 64)]:
                ids = np.random.default_rng(0).integers(5, 1000, shape)
                figures.append(least(run, {
                    "input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}))
            accuracy = (logits.argmax(1) == wanted).mean()
            print(
                f"| {metadata['model_type']}, {metadata['dtype']} | {name} | {accuracy:.1%} | {off:.1e} | {same:.1%} | "
                + " | ".join(f"{value:.1f} ms" for value in figures) + " |", flush=True)


if __name__ == "__main__":
    main()
