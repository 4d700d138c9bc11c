"""Writes a Llama's directory with a byte-level vocabulary as a GGUF file in F32: gguf.py MODEL FILE."""

import json
import struct
import sys

STRING, UINT32, FLOAT32, INT32, BOOL, ARRAY = 8, 4, 6, 5, 7, 9
NAMES = {
    "model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight", "lm_head.weight": "output.weight",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def text(value):
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def value(kind, content):
    if kind == ARRAY:
        of, items = content
        return struct.pack("<IQ", of, len(items)) + b"".join(value(of, item) for item in items)
    return text(content) if kind == STRING else struct.pack({UINT32: "<I", FLOAT32: "<f", INT32: "<i", BOOL: "<?"}[kind], content)


def tensors(model, width):
    """Names, shapes and bytes; queries and keys in llama.cpp's order of rotary positions."""
    data = open(f"{model}/model.safetensors", "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    for name, entry in json.loads(data[8:8 + size]).items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        raw, shape = data[8 + size + start:8 + size + end], entry["shape"]
        if name.startswith("model.layers."):
            number, part = name.removeprefix("model.layers.").split(".", 1)
            own = f"blk.{number}.{NAMES[part.removesuffix('.weight')]}.weight"
        else:
            own = NAMES[name]
        if ".attn_q." in own or ".attn_k." in own:
            row = len(raw) // shape[0]
            rows = [raw[i * row:(i + 1) * row] for i in range(shape[0])]
            raw = b"".join(rows[head + pair + half * width // 2] for head in range(0, shape[0], width) for pair in range(width // 2) for half in (0, 1))
        yield own, shape, raw


def main(model, file):
    config, tokenizer = (json.load(open(f"{model}/{name}.json", encoding="utf-8")) for name in ("config", "tokenizer"))
    vocabulary = sorted(tokenizer["model"]["vocab"].items(), key=lambda entry: entry[1])
    special = {token["content"] for token in tokenizer["added_tokens"]}
    keys = {
        "general.architecture": (STRING, "llama"), "llama.block_count": (UINT32, config["num_hidden_layers"]),
        "llama.context_length": (UINT32, config["max_position_embeddings"]), "llama.embedding_length": (UINT32, config["hidden_size"]),
        "llama.feed_forward_length": (UINT32, config["intermediate_size"]), "llama.attention.head_count": (UINT32, config["num_attention_heads"]),
        "llama.attention.head_count_kv": (UINT32, config["num_key_value_heads"]), "llama.attention.key_length": (UINT32, config["head_dim"]),
        "llama.attention.value_length": (UINT32, config["head_dim"]), "llama.attention.layer_norm_rms_epsilon": (FLOAT32, config["rms_norm_eps"]),
        "tokenizer.ggml.model": (STRING, "gpt2"), "tokenizer.ggml.pre": (STRING, "gpt-2"),
        "tokenizer.ggml.tokens": (ARRAY, (STRING, [token for token, _ in vocabulary])),
        "tokenizer.ggml.token_type": (ARRAY, (INT32, [3 if token in special else 1 for token, _ in vocabulary])),
        "tokenizer.ggml.merges": (ARRAY, (STRING, [" ".join(pair) for pair in tokenizer["model"]["merges"]])),
        "tokenizer.ggml.bos_token_id": (UINT32, config["bos_token_id"]), "tokenizer.ggml.eos_token_id": (UINT32, config["eos_token_id"]),
        "tokenizer.ggml.add_bos_token": (BOOL, False),
    }
    entries, body = b"", b""
    parts = list(tensors(model, config["head_dim"]))
    for name, shape, raw in parts:
        entries += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *reversed(shape), 0, len(body))
        body += raw + b"\0" * (-len(raw) % 32)
    header = b"GGUF" + struct.pack("<IQQ", 3, len(parts), len(keys))
    header += b"".join(text(key) + struct.pack("<I", kind) + value(kind, content) for key, (kind, content) in keys.items()) + entries
    with open(file, "wb") as out:
        out.write(header + b"\0" * (-len(header) % 32) + body)


main(*sys.argv[1:])
