"""Opens GGUF files that distill wrote with Python's gguf, and runs them with llama.cpp (xllamacpp).

    python gguf_interop.py make FOLDER TOKENIZERS     writes a small model of each family by transformers
    python gguf_interop.py check CLAIMS.json          holds the files to what distill says of them, and to the directories

CLAIMS.json: a list of {"name": …, "directory": of the model or null, "file": …, "floats": the same model's file in float32 or null,
"type": f32…, "texts": [{"text": …, "ids": […]}…], "tensors": {name: the SHA-256 of its values in float32, little-endian}}
Exits with 1 and says what differs.
"""

import hashlib
import json
import shutil
import sys
import urllib.request
from pathlib import Path

import numpy

COMMON = dict(hidden_size=64, intermediate_size=128, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
              max_position_embeddings=256, rms_norm_eps=1e-5, initializer_range=0.15)
# Name: the family, the tokenizer's folder, what differs from COMMON.
MODELS = {
    "llama": ("llama", "bytes", dict(tie_word_embeddings=True)),
    "llama-biases": ("llama", "begin", dict(attention_bias=True, mlp_bias=True, head_dim=32)),
    "llama-pieces": ("llama", "pieces", dict(rope_parameters=dict(rope_type="linear", rope_theta=1000.0, factor=4.0))),
    "llama3": ("llama", "bytes", dict(rope_parameters=dict(
        rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=64), head_dim=64)),
    "yarn": ("llama", "bytes", dict(rope_parameters=dict(
        rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=64))),
    "yarn-factor": ("llama", "bytes", dict(rope_parameters=dict(
        rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=64, attention_factor=1.3))),
    "mistral": ("mistral", "bytes", dict(sliding_window=None)),
    "qwen2": ("qwen2", "bytes", dict(tie_word_embeddings=True)),
    "qwen3": ("qwen3", "bytes", dict(head_dim=32)),
    "gemma3": ("gemma3_text", "pieces", dict(
        head_dim=32, num_hidden_layers=7, query_pre_attn_scalar=32, sliding_window=8, pad_token_id=0,
        rope_parameters={"full_attention": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1000000.0},
                         "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}})),
    "gpt2": ("gpt2", "bytes", dict(n_embd=64, n_layer=3, n_head=4, n_positions=256, initializer_range=0.15)),
}  # fmt: skip
# llama.cpp looks GELU up in a table of half precision, and keeps keys and values as asked here, in float32.
TOLERANCE = {"gpt2": 5e-3, "gemma3": 5e-3}
FAILURES = []


def check(holds, what):
    if not holds:
        FAILURES.append(what)


def make(folder, tokenizers):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    for name, (family, tokenizer, changes) in MODELS.items():
        directory = folder / name
        directory.mkdir(parents=True)
        for file in (tokenizers / tokenizer).iterdir():
            shutil.copy(file, directory)
        own = AutoTokenizer.from_pretrained(tokenizers / tokenizer)
        fields = dict(changes) if family == "gpt2" else {**COMMON, **changes}
        config = CONFIG_MAPPING[family](
            **fields, vocab_size=len(own), bos_token_id=own.bos_token_id, eos_token_id=own.eos_token_id)
        torch.manual_seed(3)
        model = AutoModelForCausalLM.from_config(config).eval()
        generator = torch.Generator().manual_seed(7)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim == 1:  # a fresh model's would hide a dropped one
                    parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
        model.save_pretrained(directory)


def compare_file(claim):
    """What gguf reads: the keys, and each tensor's values."""
    import gguf

    file = claim["file"]
    reader = gguf.GGUFReader(file)
    fields = {key: field.contents() for key, field in reader.fields.items()}
    architecture = fields["general.architecture"]
    for key in ["block_count", "context_length", "embedding_length", "feed_forward_length", "attention.head_count", "vocab_size"]:
        check(isinstance(fields.get(f"{architecture}.{key}"), int), f"{file}: no {architecture}.{key}")
    for key in ["general.type", "general.name", "general.file_type", "general.quantization_version", "tokenizer.ggml.model",
                "tokenizer.ggml.pre", "tokenizer.ggml.tokens", "tokenizer.ggml.token_type", "tokenizer.ggml.add_bos_token"]:
        check(key in fields, f"{file}: no {key}")
    check(len(fields["tokenizer.ggml.tokens"]) == fields[f"{architecture}.vocab_size"], f"{file}: not a token for each row")
    check(len(reader.tensors) == len(claim["tensors"]), f"{file}: {len(reader.tensors)} tensors, not {len(claim['tensors'])}")
    floats = {tensor.name: tensor for tensor in gguf.GGUFReader(claim["floats"]).tensors} if claim["floats"] else {}
    for tensor in reader.tensors:
        values = gguf.dequantize(tensor.data, tensor.tensor_type).astype("<f4")
        digest = hashlib.sha256(numpy.ascontiguousarray(values).tobytes()).hexdigest()
        check(digest == claim["tensors"].get(tensor.name), f"{file}: {tensor.name} ({tensor.tensor_type.name}) has other values")
        if tensor.tensor_type == gguf.GGMLQuantizationType.Q8_0 and tensor.name in floats:
            data = gguf.quantize(numpy.array(floats[tensor.name].data), tensor.tensor_type)
            check(numpy.array_equal(data, tensor.data), f"{file}: {tensor.name} has other bytes than gguf's Q8_0")


class Llama:
    """llama.cpp's server with a file."""

    def __init__(self, file):
        import xllamacpp

        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(file)
        parameters.n_ctx = 256
        parameters.n_parallel = 1
        parameters.warmup = False
        parameters.cpuparams.n_threads = 2
        parameters.cache_type_k = xllamacpp.ggml_type.GGML_TYPE_F32
        parameters.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
        # Flash attention rounds to half precision.
        parameters.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self.server = xllamacpp.Server(parameters)

    def post(self, path, **fields):
        request = urllib.request.Request(
            self.server.listening_address + path, json.dumps(fields).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def ids(self, text):
        return self.post("/tokenize", content=text, add_special=True, parse_special=True)["tokens"]

    def next(self, ids, count):
        """The log-probabilities of the token after ids.

        The server tells them with whole characters alone, so it is made to choose a letter, which does not change them.
        """
        answer = self.post(
            "/completion", prompt=ids, n_predict=1, temperature=0, n_probs=count, cache_prompt=False,
            logit_bias=[[self.ids("a")[-1], 1000.0]])
        return {each["id"]: each["logprob"] for each in answer["completion_probabilities"][0]["top_logprobs"]}

    def greedy(self, ids, count):
        answer = self.post("/completion", prompt=ids, n_predict=count, temperature=0, return_tokens=True, cache_prompt=False)
        return answer["tokens"]


def compare_run(claim):
    """What llama.cpp computes: ids, log-probabilities, greedy texts."""
    import torch
    from transformers import AutoModelForCausalLM

    llama = Llama(claim["file"])
    for each in claim["texts"]:
        ids = llama.ids(each["text"])
        check(ids == each["ids"], f"{claim['name']}: llama.cpp gives {each['text']!r} the ids {ids}, not {each['ids']}")
    if claim["directory"] is None:
        return
    model = AutoModelForCausalLM.from_pretrained(claim["directory"], dtype=torch.float32).eval()
    largest = 0.0
    text = max((each["ids"] for each in claim["texts"]), key=len)[:48]
    with torch.no_grad():
        wanted = model(torch.tensor([text])).logits[0].log_softmax(-1)
    for length in [1, 2, 9, 20, len(text)]:
        found = llama.next(text[:length], wanted.shape[1])
        check(len(found) == wanted.shape[1], f"{claim['name']}: {len(found)} log-probabilities of {wanted.shape[1]}")
        largest = max(largest, max(abs(found[index] - wanted[length - 1, index].item()) for index in found))
    tolerance = TOLERANCE.get(claim["name"], 1e-4)
    check(largest <= tolerance, f"{claim['name']}: log-probabilities differ by {largest}")
    prompt = torch.tensor([text[:6]])
    made = model.generate(
        prompt, attention_mask=torch.ones_like(prompt), do_sample=False, max_new_tokens=12, pad_token_id=0)[0, 6:].tolist()
    greedy = llama.greedy(text[:6], 12)
    check(len(greedy) > 0 and greedy == made[: len(greedy)], f"{claim['name']}: greedy {greedy}, not {made}")
    print(f"{claim['name']}: log-probabilities within {largest:.1e}, {len(greedy)} greedy tokens")


def main():
    if sys.argv[1] == "make":
        return make(Path(sys.argv[2]), Path(sys.argv[3]))
    claims = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    check(len(claims) > 0, "there is nothing to compare")
    for claim in claims:
        compare_file(claim)
        if claim["type"] == "f32":
            compare_run(claim)
        else:
            Llama(claim["file"]).next([1, 2, 3], 4)
    if FAILURES:
        sys.exit("they disagree:\n" + "\n".join(FAILURES))
    print(f"{len(claims)} files agree")
    return None


if __name__ == "__main__":
    main()
