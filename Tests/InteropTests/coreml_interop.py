"""Opens exported models with coremltools and computes their programs with numpy.

    python coreml_interop.py JOBS.json

JOBS.json: a list of {"export": directory, "tolerance": number, "fixture": directory, "like": another export, or null, "embeds": a
sentence-transformers directory, or null}. A package is loaded (without Core ML, which is Apple's alone), its file of constants is written again by coremltools' own writer
and compared byte for byte, and its program goes through coremltools' reader, which checks every operation's arguments and the
types that are stated. Then each operation is computed with numpy in the stated type, on the fixture's batch, one example at a
time, with its padding and without. The logits are held to the fixture's, which are transformers', or to those of the other export
on the same inputs; vectors to sentence-transformers'. Exits with 1 and says what differs.
"""

import json
import logging
import math
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

logging.disable(logging.CRITICAL)
import coremltools
from coremltools.converters.mil.frontend.milproto.load import load as load_program
from coremltools.converters.mil.mil import types
from coremltools.libmilstoragepython import _BlobStorageReader, _BlobStorageWriter

SPECIFICATION = 7
DTYPES = {"fp16": np.float16, "fp32": np.float32, "int32": np.int32, "bool": np.bool_}


def check(holds, what):
    if not holds:
        sys.exit(f"coremltools disagrees: {what}")


def gelu(x, mode):
    x = x.astype(np.float64)
    if mode == "EXACT":
        return 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def layer_norm(x, axes, gamma, beta, epsilon):
    x = x.astype(np.float64)
    mean = x.mean(axis=tuple(axes), keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=tuple(axes), keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon) * gamma + beta


def softmax(x, axis):
    x = np.exp(x.astype(np.float64) - x.max(axis=axis, keepdims=True).astype(np.float64))
    return x / x.sum(axis=axis, keepdims=True)


def cumsum(x, axis, exclusive, reverse):
    check(not reverse, "a reversed sum")
    return np.cumsum(x, axis=axis) - (x if exclusive else 0)


def gather(x, indices, axis, batch_dims):
    check(batch_dims == 0 and axis == 0, "another axis of gather")
    check(indices.min() >= 0 and indices.max() < x.shape[0], "an index outside of a table")
    return x[indices]


def slice_by_index(x, begin, end, begin_mask, end_mask, **_):
    return x[tuple(
        slice(None if no_begin else first, None if no_end else last)
        for first, last, no_begin, no_end in zip(begin, end, begin_mask, end_mask))]


def matmul(x, y, transpose_x, transpose_y):
    check(not transpose_x and not transpose_y, "a transposed product")
    return wide(x) @ wide(y)


def wide(x):
    return x.astype(np.float64) if x.dtype in (np.float16, np.float32) else x


OPERATIONS = {
    "abs": lambda x: np.abs(x),
    "add": lambda x, y: wide(x) + wide(y),
    "cast": lambda x, dtype: x.astype(DTYPES[dtype]),
    "concat": lambda values, axis, interleave: np.concatenate(values, axis=axis),
    "cos": lambda x: np.cos(x),
    "cumsum": cumsum,
    "expand_dims": lambda x, axes: np.expand_dims(x, tuple(axes)),
    "gather": gather,
    "gather_along_axis": lambda x, indices, axis, **_: np.take_along_axis(x, indices, axis),
    "gelu": gelu,
    "layer_norm": layer_norm,
    "less_equal": lambda x, y: x <= y,
    "linear": lambda x, weight, bias: wide(x) @ wide(weight).T + bias,
    "matmul": matmul,
    "minimum": lambda x, y: np.minimum(x, y),
    "mul": lambda x, y: wide(x) * wide(y),
    "not_equal": lambda x, y: x != y,
    "real_div": lambda x, y: wide(x) / wide(y),
    "reduce_sum": lambda x, axes, keep_dims: wide(x).sum(axis=tuple(axes), keepdims=bool(keep_dims)),
    "relu": lambda x: np.maximum(x, 0),
    "reshape": lambda x, shape: x.reshape(tuple(shape)),
    "sigmoid": lambda x: 1 / (1 + np.exp(-wide(x))),
    "silu": lambda x: wide(x) / (1 + np.exp(-wide(x))),
    "sin": lambda x: np.sin(x),
    "slice_by_index": slice_by_index,
    "softmax": softmax,
    "sqrt": lambda x: np.sqrt(wide(x)),
    "squeeze": lambda x, axes: np.squeeze(x, tuple(axes)),
    "sub": lambda x, y: wide(x) - wide(y),
    "tanh": lambda x: np.tanh(wide(x)),
    "tile": lambda x, reps: np.tile(x, tuple(reps)),
    "transpose": lambda x, perm: np.transpose(x, tuple(perm)),
}


class Package:
    def __init__(self, directory):
        self.path = directory / "model.mlpackage"
        self.model = coremltools.models.MLModel(str(self.path), skip_model_load=True)
        self.spec = self.model.get_spec()
        check(self.spec.specificationVersion == SPECIFICATION, f"version {self.spec.specificationVersion}")
        weights = self.path / "Data/com.apple.CoreML/weights"
        self.program = load_program(self.spec, SPECIFICATION, file_weights_dir=str(weights))
        self.program.validate()
        self.function = self.program.functions["main"]
        self.check_weights(weights / "weight.bin")
        self.check_names()

    def values(self):
        """Every value that the program has as a literal or in the file of constants, in the program's order."""
        for operation in self.spec.mlProgram.functions["main"].block_specializations["CoreML6"].operations:
            for value in operation.attributes.values() if operation.type != "constexpr_affine_dequantize" else [
                operation.attributes[name] for name in ["quantized_data", "scale", "zero_point", "axis"]]:
                yield value

    def check_weights(self, path):
        """The file is that of coremltools' own writer."""
        files = [value for value in self.values() if value.WhichOneof("value") == "blobFileValue"]
        reader = _BlobStorageReader(str(path))
        with tempfile.TemporaryDirectory() as folder:
            again = Path(folder) / "weight.bin"
            writer = _BlobStorageWriter(str(again))
            for value in files:
                kind, offset = value.type.tensorType.dataType, value.blobFileValue.offset
                name = {10: "fp16", 11: "float", 21: "int8"}[kind]
                data = getattr(reader, f"read_{name}_data")(offset)
                count = math.prod(d.constant.size for d in value.type.tensorType.dimensions)
                check(len(data) == count, f"a constant of {len(data)} elements, not {count}")
                place = getattr(writer, f"write_{name}_data")(np.ascontiguousarray(data))
                check(place == offset, f"a constant at {offset}, not {place}")
            del writer
            check(again.read_bytes() == path.read_bytes(), "weight.bin differs from what coremltools writes")

    def check_names(self):
        description = self.spec.description
        function = self.spec.mlProgram.functions["main"]
        check([i.name for i in description.input] == [i.name for i in function.inputs], "names of inputs")
        block = function.block_specializations["CoreML6"]
        check([o.name for o in description.output] == list(block.outputs), "names of outputs")
        ranges = [i.type.multiArrayType.shapeRange.sizeRanges for i in description.input]
        check(all((r[0].lowerBound, r[0].upperBound, r[1].lowerBound) == (1, 1, 1) for r in ranges), "ranges")

    def __call__(self, feed):
        known = {}
        for name, variable in self.function.inputs.items():
            known[variable.name] = feed[name].astype(np.int32)
        for operation in self.function.operations:
            kind = operation.op_type
            if kind == "const":
                known[operation.outputs[0].name] = np.asarray(operation.outputs[0].val)
                continue
            if kind == "constexpr_affine_dequantize":
                known[operation.outputs[0].name] = operation.materialized_val_inference()
                continue
            if kind == "classify":
                known["classes"] = [str(name) for name in operation.inputs["classes"].val]
                known["probabilities"] = known[operation.inputs["probabilities"].name]
                continue
            arguments = {
                name: [known[v.name] for v in value] if isinstance(value, (list, tuple)) else known[value.name]
                for name, value in operation.inputs.items() if value is not None}
            for name in ["mode", "dtype"]:
                if name in arguments:
                    arguments[name] = str(arguments[name])
            output = operation.outputs[0]
            with np.errstate(over="ignore"):
                result = np.asarray(OPERATIONS[kind](**arguments))
            result = result.astype(types.nptype_from_builtin(output.dtype))
            check(len(result.shape) == len(output.shape), f"the rank of {output.name}")
            known[output.name] = result
        return known


def stated_types(package):
    """The program states every value's type: what is free is the number of tokens alone."""
    block = package.spec.mlProgram.functions["main"].block_specializations["CoreML6"]
    return {o.name: o.type.tensorType for operation in block.operations for o in operation.outputs}


def compare_vectors(export, fixture, tolerance, directory):
    """Sentence embeddings, of each example with its padding and without."""
    import torch
    from sentence_transformers import SentenceTransformer

    package = Package(Path(export))
    golden = load_file(Path(fixture) / "golden.safetensors")
    model = SentenceTransformer(directory, device="cpu").eval()
    names = [i.name for i in package.spec.description.input]
    check([o.name for o in package.spec.description.output] == ["sentence_embedding"], "names of outputs")
    width = package.spec.description.output[0].type.multiArrayType.shape[1]
    worst = 0.0
    for row in range(len(golden["input_ids"])):
        tokens = golden["attention_mask"][row] != 0
        # sentence-transformers finds the first token behind padding on the left; an exported model has none there.
        for chosen in [np.ones_like(tokens), tokens] if tokens[0] else [tokens]:
            feed = {name: golden[name][row][None, chosen] for name in names}
            vector = package(feed)["sentence_embedding"][0]
            with torch.no_grad():
                wanted = model({name: torch.tensor(value) for name, value in feed.items()})["sentence_embedding"][0].numpy()
            check(vector.shape == wanted.shape == (width,), f"{vector.shape}, not {wanted.shape}")
            worst = max(worst, float(np.abs(vector - wanted).max() / np.abs(wanted).max()))
    check(worst <= tolerance, f"vectors differ by {worst}, more than {tolerance}")
    return worst


def compare(export, fixture, tolerance, like):
    package = Package(Path(export))
    other = Package(Path(like)) if like else None
    fixture = Path(fixture)
    golden = load_file(fixture / "golden.safetensors")
    names = [i.name for i in package.spec.description.input]
    stated = stated_types(package)
    config = json.loads((fixture / "config.json").read_text(encoding="utf-8"))
    labels = [config["id2label"][str(index)] for index in range(len(config["id2label"]))]
    metadata = package.model.user_defined_metadata
    check(list(json.loads(metadata["id2label"]).values()) == labels, "labels in the metadata")
    worst = 0.0
    for row in range(len(golden["input_ids"])):
        tokens = golden["attention_mask"][row] != 0
        # Padding before a text moves it.
        for chosen in [np.ones_like(tokens), tokens] if tokens[0] else [np.ones_like(tokens)]:
            feed = {name: golden[name][row][None, chosen] for name in names}
            known = package(feed)
            for name, value in known.items():
                if name in stated and stated[name].rank:
                    sizes = [d.constant.size if d.HasField("constant") else None for d in stated[name].dimensions]
                    check(
                        all(s in (None, own) for s, own in zip(sizes, value.shape)) and len(sizes) == value.ndim,
                        f"{name} has the shape {value.shape}, stated is {sizes}")
            logits, wanted = known["logits"][0], golden["logits"][row]
            if wanted.ndim == 2:
                logits, wanted = logits[tokens[chosen]], wanted[tokens]
            if other is not None:
                wanted = other(feed)["logits"][0]
                wanted = wanted[tokens[chosen]] if wanted.ndim == 2 else wanted
            worst = max(worst, float(np.abs(logits - wanted).max() / max(1e-6, np.abs(wanted).max())))
            if "classes" in known:
                check(known["classes"] == labels, f"classes {known['classes']}")
                check(abs(float(known["probabilities"].sum()) - 1) < 1e-3, "probabilities do not sum to 1")
    check(worst <= tolerance, f"logits differ by {worst}, more than {tolerance}")
    return worst


def main():
    failed = False
    for job in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        try:
            embeds = job.get("embeds")
            worst = compare_vectors(job["export"], job["fixture"], job["tolerance"], embeds) if embeds else compare(
                job["export"], job["fixture"], job["tolerance"], job.get("like"))
            print(f"{job['fixture']}: largest difference {worst:.3g}")
        except (Exception, SystemExit) as error:
            failed = True
            print(f"{job['fixture']}: {type(error).__name__}: {error}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
