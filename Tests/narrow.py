"""Writes a model directory again, with its float32 weights as float16 or bfloat16: narrow.py MODEL OUTPUT F16|BF16."""

import json
import shutil
import struct
import sys


def bfloat16(value):
    """The two bytes of the nearest bfloat16, ties to even."""
    bits = struct.unpack("<I", struct.pack("<f", value))[0]
    return struct.pack("<H", (bits + 0x7FFF + (bits >> 16 & 1)) >> 16)


def main(model, output, kind):
    shutil.copytree(model, output)
    data = open(f"{model}/model.safetensors", "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    header, body = json.loads(data[8:8 + size]), data[8 + size:]
    tensors, bytes_ = {}, b""
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        raw = body[start:end]
        if entry["dtype"] == "F32":
            values = struct.unpack(f"<{len(raw) // 4}f", raw)
            raw = struct.pack(f"<{len(values)}e", *values) if kind == "F16" else b"".join(map(bfloat16, values))
            entry = {**entry, "dtype": kind}
        tensors[name] = {**entry, "data_offsets": [len(bytes_), len(bytes_) + len(raw)]}
        bytes_ += raw
    text = json.dumps(tensors).encode()
    text += b" " * (-len(text) % 8)
    with open(f"{output}/model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + bytes_)


main(*sys.argv[1:])
