#!/usr/bin/env python3
"""Quantizes a GGUF file in float32 by llama.cpp's own quantizer, tensor by tensor into the types that another file of it has, and says
whose errors are smaller.

    python scripts/gguf_quantizers.py FLOATS.gguf OURS.gguf THEIRS.gguf [--imatrix IMATRIX.gguf]

FLOATS.gguf and OURS.gguf are `distill export --format gguf` of one model; THEIRS.gguf is written, with OURS's keys. llama.cpp is the
library in the wheel xllamacpp (`ggml_quantize_chunk`); gguf reads and writes. For each type: the root mean square error over the
root mean square of the weights, each column weighed by the importance matrix where there is one.
"""

import argparse
import ctypes
from collections import defaultdict
from pathlib import Path

import gguf
import numpy


def library():
    import xllamacpp

    lib = ctypes.CDLL(str(next(Path(xllamacpp.__file__).parent.glob("xllamacpp*.so"))))
    lib.ggml_quantize_chunk.restype = ctypes.c_size_t
    lib.ggml_quantize_chunk.argtypes = [
        ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]
    return lib


def quantize(lib, values, kind, importance):
    values = numpy.ascontiguousarray(values, dtype=numpy.float32)
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    rows, columns = values.shape
    data = numpy.zeros((rows, columns // elements * size), dtype=numpy.uint8)
    weights = None if importance is None else numpy.ascontiguousarray(importance, dtype=numpy.float32)
    lib.ggml_quantize_chunk(
        int(kind), values.ctypes.data, data.ctypes.data, 0, rows, columns, None if weights is None else weights.ctypes.data)
    return data


def importances(path):
    if path is None:
        return {}
    tensors = {tensor.name: numpy.array(tensor.data).reshape(-1) for tensor in gguf.GGUFReader(path).tensors}
    return {name.removesuffix(".in_sum2"): values / tensors[name.removesuffix(".in_sum2") + ".counts"][0]
            for name, values in tensors.items() if name.endswith(".in_sum2")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ["floats", "ours", "theirs"]:
        parser.add_argument(name)
    parser.add_argument("--imatrix")
    options = parser.parse_args()
    lib = library()
    floats = {tensor.name: tensor for tensor in gguf.GGUFReader(options.floats).tensors}
    ours = gguf.GGUFReader(options.ours)
    weights = importances(options.imatrix)
    writer = gguf.GGUFWriter(options.theirs, ours.fields["general.architecture"].contents())
    for key, field in ours.fields.items():
        if key.startswith("GGUF.") or key == "general.architecture":
            continue
        kind = field.types[0]
        writer.add_key_value(key, field.contents(), kind, field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None)
    sums = defaultdict(lambda: [0, 0.0, 0.0, 0.0])
    for tensor in ours.tensors:
        kind, source = tensor.tensor_type, numpy.array(floats[tensor.name].data)
        if kind == gguf.GGMLQuantizationType.F32:
            writer.add_tensor(tensor.name, source)
            continue
        importance = weights.get(tensor.name)
        data = quantize(lib, source, kind, importance)
        writer.add_tensor(tensor.name, data, raw_dtype=kind)
        counted = numpy.ones(source.shape[1], dtype=numpy.float32) if importance is None else importance / importance.mean()
        entry = sums[kind.name]
        entry[0] += 1
        entry[1] += float((source.astype(numpy.float64) ** 2 * counted).sum())
        for place, other in [(2, tensor.data), (3, data)]:
            difference = gguf.dequantize(numpy.array(other), kind).reshape(source.shape) - source
            entry[place] += float((difference.astype(numpy.float64) ** 2 * counted).sum())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print("type  tensors  ours  llama.cpp  ratio")
    for name, (count, total, own, other) in sorted(sums.items()):
        own, other = (own / total) ** 0.5, (other / total) ** 0.5
        print(f"{name}  {count}  {own:.5f}  {other:.5f}  " + (f"{own / other:.4f}" if other else "-"))


if __name__ == "__main__":
    main()
