"""The peer: FastAPI with ONNX Runtime and Hugging Face's tokenizers, as many would write it.

    MODEL=directory THREADS=2 uvicorn peer:app
"""

import os
from pathlib import Path

import numpy
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel
from tokenizers import Tokenizer

directory = Path(os.environ["MODEL"])
tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
tokenizer.no_padding()
tokenizer.enable_truncation(256)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(os.environ.get("THREADS", os.cpu_count()))
session = onnxruntime.InferenceSession(str(directory / "model.onnx"), options, providers=["CPUExecutionProvider"])
names = [entry.name for entry in session.get_inputs()]
app = FastAPI()


class Request(BaseModel):
    inputs: str


@app.post("/predict")
def predict(request: Request):
    encoding = tokenizer.encode(request.inputs)
    arrays = {"input_ids": encoding.ids, "attention_mask": encoding.attention_mask, "token_type_ids": encoding.type_ids}
    logits = session.run(None, {name: numpy.array([arrays[name]], numpy.int64) for name in names})[0][0]
    powers = numpy.exp(logits - logits.max())
    scores = powers / powers.sum()
    order = numpy.argsort(-scores)
    return [{"score": float(scores[index]), "label": f"LABEL_{index}"} for index in order]
