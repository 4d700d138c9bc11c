"""Runs an exported model in onnxruntime: pads batches of similar lengths and writes the logits in the examples' order.

    python -I -B -c THIS-FILE INPUT.json OUTPUT.json

INPUT.json: {"model": path, "threads", "batch_size", "pad_token_id", "input_ids": rows, "token_type_ids": rows}.
OUTPUT.json: a row of logits for each example, of a model of tokens those of all of its tokens; what is no number becomes null.
"""

import json
import math
import sys

import numpy as np
import onnxruntime as ort

with open(sys.argv[1], encoding="utf-8") as file:
    task = json.load(file)
options = ort.SessionOptions()
options.intra_op_num_threads = task["threads"]
session = ort.InferenceSession(task["model"], options, providers=["CPUExecutionProvider"])
ids, types = task["input_ids"], task["token_type_ids"]
# Of a model for embeddings it is `sentence_embedding`.
output = session.get_outputs()[0].name
order = sorted(range(len(ids)), key=lambda row: -len(ids[row]))
answers = [None] * len(ids)
for start in range(0, len(order), task["batch_size"]):
    rows = order[start:start + task["batch_size"]]
    shape = (len(rows), max(len(ids[row]) for row in rows))
    feed = {
        "input_ids": np.full(shape, task["pad_token_id"], np.int64),
        "attention_mask": np.zeros(shape, np.int64),
        "token_type_ids": np.zeros(shape, np.int64),
    }
    for place, row in enumerate(rows):
        length = len(ids[row])
        feed["input_ids"][place, :length] = ids[row]
        feed["attention_mask"][place, :length] = 1
        feed["token_type_ids"][place, :length] = types[row]
    names = {value.name for value in session.get_inputs()}
    logits = session.run([output], {name: value for name, value in feed.items() if name in names})[0]
    for place, row in enumerate(rows):
        # Of a model of tokens a row for each token of the example, without its padding.
        own = logits[place] if logits.ndim == 2 else logits[place, :len(ids[row])]
        answers[row] = [value if math.isfinite(value) else None for value in own.reshape(-1).tolist()]
with open(sys.argv[2], "w", encoding="utf-8") as file:
    json.dump(answers, file)
