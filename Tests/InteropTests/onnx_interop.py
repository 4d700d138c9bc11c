"""Opens an exported model with onnx and onnxruntime and holds it to numpy's own computation from the source directory.

    python onnx_interop.py SOURCE_DIR EXPORT_DIR DTYPE TOLERANCE
    python onnx_interop.py --transformers SOURCE_DIR EXPORT_DIR DTYPE

The source is a BERT classifier in Hugging Face form, perhaps quantised by the compressed-tensors convention. The reference
below is written from the paper and the convention, in float64 where nothing is quantised. DTYPE is the exported type:
with float16 or float32 a quantised source is multiplied out. Prints the largest difference; exits with 1 and says what
differs. With --transformers the export is a Hugging Face directory, which transformers must read in DTYPE, with the source's
numbers rounded to it.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file


def check(holds, what):
    if not holds:
        sys.exit(f"onnxruntime disagrees: {what}")


class Bert:
    def __init__(self, directory, dtype):
        self.config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
        self.tensors = {}
        for name, value in load_file(directory / "model.safetensors").items():
            bare = name.startswith(("embeddings.", "encoder.", "pooler."))
            self.tensors["bert." + name if bare else name] = value
        quantization = self.config.get("quantization_config") or {}
        groups = quantization.get("config_groups", {}).values()
        linear = [group["input_activations"] for group in groups if "Linear" in group["targets"]]
        self.activations = (linear[0] if linear else None) if dtype == "int8" else None
        self.is_quantized = dtype == "int8"

    def weight(self, module):
        value = self.tensors[module + ".weight"]
        if value.dtype == np.int8:
            return value.astype(np.float64) * self.tensors[module + ".weight_scale"].astype(np.float64)
        return value.astype(np.float64)

    def linear(self, x, module):
        """x: (rows, in), the tokens of all examples."""
        weight = self.weight(module)
        if self.activations and self.tensors[module + ".weight"].dtype == np.int8:
            x = self.quantized(x, module)
        return x @ weight.T + self.tensors[module + ".bias"].astype(np.float64)

    def quantized(self, x, module):
        """What remains of an activation: (q − zero point) · scale."""
        x = x.astype(np.float32)
        if not self.activations["dynamic"]:
            scale = self.tensors[module + ".input_scale"][0]
            zero = int(self.tensors[module + ".input_zero_point"][0])
            q = np.clip(np.round(x / scale) + zero, -128, 127)
            return (q - zero).astype(np.float64) * np.float64(scale)
        if self.activations["strategy"] == "token":
            scale = np.abs(x).max(axis=-1, keepdims=True) / np.float32(127)
            q = np.round(x / np.maximum(scale, np.finfo(np.float32).tiny))
            return q.astype(np.float64) * scale.astype(np.float64)
        # ONNX's DynamicQuantizeLinear: asymmetric, over the whole batch.
        low, high = np.float32(min(0, x.min())), np.float32(max(0, x.max()))
        scale = np.float32((high - low) / np.float32(255)) or np.float32(1)
        zero = np.clip(np.round(-low / scale), 0, 255)
        q = np.clip(np.round(x / scale) + zero, 0, 255)
        return (q - zero).astype(np.float64) * np.float64(scale)

    def norm(self, x, module):
        mean = x.mean(axis=-1, keepdims=True)
        variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
        x = (x - mean) / np.sqrt(variance + self.config["layer_norm_eps"])
        return x * self.tensors[module + ".weight"] + self.tensors[module + ".bias"]

    def activation(self, x):
        tanh = lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
        return {
            "gelu": lambda x: 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))),
            "gelu_new": tanh,
            "gelu_pytorch_tanh": tanh,
            "relu": lambda x: np.maximum(x, 0),
            "silu": lambda x: x / (1 + np.exp(-x)),
            "swish": lambda x: x / (1 + np.exp(-x)),
            "tanh": np.tanh,
            "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        }[self.config["hidden_act"]](x)

    def __call__(self, ids, mask, types):
        """(B, L) each → (B, classes). The last layer is computed for the first tokens alone, as in the graph."""
        (batch, length), heads = ids.shape, self.config["num_attention_heads"]
        name = "bert.embeddings"
        x = self.weight(name + ".word_embeddings")[ids] + self.weight(name + ".token_type_embeddings")[types]
        x = self.norm(x + self.weight(name + ".position_embeddings")[:length], name + ".LayerNorm")
        width = x.shape[-1]
        for index in range(self.config["num_hidden_layers"]):
            name = f"bert.encoder.layer.{index}"
            asking = x[:, :1] if index == self.config["num_hidden_layers"] - 1 else x
            split = lambda y: y.reshape(batch, -1, heads, width // heads).transpose(0, 2, 1, 3)
            q = split(self.linear(asking, name + ".attention.self.query"))
            k = split(self.linear(x, name + ".attention.self.key"))
            v = split(self.linear(x, name + ".attention.self.value"))
            scores = q @ k.transpose(0, 1, 3, 2) / math.sqrt(width // heads)
            scores = np.where(mask[:, None, None, :] == 1, scores, -np.inf)
            scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
            context = (scores / scores.sum(axis=-1, keepdims=True)) @ v
            context = context.transpose(0, 2, 1, 3).reshape(batch, -1, width)
            attended = self.norm(
                self.linear(context, name + ".attention.output.dense") + asking, name + ".attention.output.LayerNorm")
            inner = self.activation(self.linear(attended, name + ".intermediate.dense"))
            x = self.norm(self.linear(inner, name + ".output.dense") + attended, name + ".output.LayerNorm")
        return self.linear(np.tanh(self.linear(x[:, 0], "bert.pooler.dense")), "classifier")


def read_with_transformers(source, export, dtype):
    import torch
    from safetensors.torch import load_file as load
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    AutoTokenizer.from_pretrained(export)
    model, info = AutoModelForSequenceClassification.from_pretrained(export, dtype="auto", output_loading_info=True)
    for key in ["missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"]:
        check(not info.get(key), f"{key}: {info.get(key)}")
    wanted = getattr(torch, dtype)
    check(model.dtype == wanted, f"transformers reads {model.dtype}")
    check(str(model.config.dtype) == str(wanted), f"config.dtype {model.config.dtype}")
    tensors = load(source / "model.safetensors")
    parameters = model.state_dict()
    check(len(parameters) > 0, "there is nothing to compare")
    for name, value in parameters.items():
        own = tensors[name]
        if own.dtype == torch.int8:
            own = own.float() * tensors[name.removesuffix(".weight") + ".weight_scale"]
        check(torch.equal(value, own.to(wanted)), f"{name} differs")
    print(f"{len(parameters)} tensors agree")


def main():
    if sys.argv[1] == "--transformers":
        return read_with_transformers(Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
    import onnx
    import onnxruntime

    source, export, dtype, tolerance = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], float(sys.argv[4])
    path = export / "model.onnx"
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    reference = Bert(source, dtype)
    config = reference.config

    metadata = {entry.key: entry.value for entry in model.metadata_props}
    check(json.loads(metadata["id2label"]) == config["id2label"], f"id2label {metadata['id2label']}")
    check(metadata["dtype"] == dtype, f"dtype {metadata['dtype']}")
    check(metadata["model_type"] == "bert", f"model_type {metadata['model_type']}")
    check(model.producer_name == "distill" and model.producer_version, "there is no producer")
    names = [value.name for value in model.graph.input]
    check(names == ["input_ids", "attention_mask", "token_type_ids"], f"inputs {names}")

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    shapes = [tuple(value.shape) for value in session.get_inputs()]
    check(shapes == [("batch", "sequence")] * 3, f"input shapes {shapes}")
    output = session.get_outputs()[0]
    check((output.name, output.type) == ("logits", "tensor(float)"), f"output {output.name} {output.type}")
    check(tuple(output.shape) == ("batch", len(config["id2label"])), f"output shape {output.shape}")

    random = np.random.default_rng(7)
    longest = config["max_position_embeddings"]
    worst = 0.0
    for batch, length in [(1, 1), (1, 5), (3, 17), (4, min(64, longest)), (2, min(128, longest))]:
        ids = random.integers(0, config["vocab_size"], (batch, length))
        types = random.integers(0, config["type_vocab_size"], (batch, length))
        mask = np.ones((batch, length), np.int64)
        # A quantised batch's padding takes part in the range of all tokens.
        for row in range(1, batch):
            mask[row, max(1, length - 3 * row) :] = 0
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        theirs = session.run(["logits"], {key: value.astype(np.int64) for key, value in feed.items()})[0]
        ours = reference(ids, mask, types)
        check(theirs.shape == ours.shape, f"the shape {theirs.shape}, not {ours.shape}")
        error = float(np.abs(theirs - ours).max())
        check(math.isfinite(error), f"logits of shape {(batch, length)} are no numbers")
        worst = max(worst, error / max(1.0, float(np.abs(ours).max())))
    check(worst <= tolerance, f"logits differ by {worst}, more than {tolerance}")
    print(f"largest difference {worst:.3g}")


if __name__ == "__main__":
    main()
