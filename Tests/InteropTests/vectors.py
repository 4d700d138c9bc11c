"""Prints what numpy, or safetensors, reads of a file of vectors: type, shape, order, and the bytes of the numbers.

    python vectors.py FILE
"""

import json
import sys

import numpy
from safetensors.numpy import load_file

path = sys.argv[1]
if path.endswith(".npy"):
    # Mapped too, as large files are read.
    values = numpy.load(path, allow_pickle=False)
    assert values.size == 0 or numpy.array_equal(numpy.load(path, mmap_mode="r"), values)
else:
    tensors = load_file(path)
    assert list(tensors) == ["embeddings"], list(tensors)
    values = tensors["embeddings"]
print(json.dumps({"dtype": values.dtype.str, "shape": list(values.shape), "c": values.flags["C_CONTIGUOUS"],
                  "bytes": values.tobytes().hex()}))
