#!/usr/bin/env bash
# Makes `.gpu/bundle.tar.xz`: what scripts/gpu-check.sh needs on a machine with an NVIDIA GPU and PyTorch 2.11 for CUDA 13,
# which has neither Swift nor a way to fetch anything. Safe to run again at any time; needs no GPU.
#
#   scripts/gpu.sh          the whole bundle (about ten minutes on two cores)
#   scripts/gpu.sh --pack   packs what was built before
#
# In it: `bin/distill` and `bin/benchmark-runner`, linked to PyTorch's libtorch of that version, with Swift's libraries inside
# them; the CUDA kernels; all-MiniLM-L6-v2 with its weights in bfloat16; the demo's movie snippets; a small language model with
# random weights and SmolLM2's tokenizer; Liger Kernel for PyTorch's side.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly torch="torch==2.11.*"
python=${PYTHON:-python3}
folder=$PWD/.gpu

say() { printf '%s\n' "$*"; }
fail() {
    printf 'gpu: %s\n' "$*" >&2
    exit 1
}

# install_torch: PyPI's PyTorch, of which libtorch's headers and libraries alone are needed, with the two CUDA libraries that
# it links to.
install_torch() {
    local staging
    rm -rf "$folder"/torch-partial-*
    staging=$(mktemp -d "$folder/torch-partial-XXXXXX")
    say "Downloading $torch by pip (530 MB) …"
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --target "$staging/site" "$torch" \
        >"$staging/log" 2>&1 || fail "pip could not install $torch: $(grep -m1 ERROR "$staging/log" || tail -1 "$staging/log")"
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --target "$staging/cuda" \
        "nvidia-cuda-runtime==13.*" "nvidia-cuda-cupti==13.*" >"$staging/log" 2>&1 ||
        fail "pip could not install CUDA's runtime: $(grep -m1 ERROR "$staging/log" || tail -1 "$staging/log")"
    find "$staging/cuda" \( -name 'libcudart.so.*' -o -name 'libcupti.so.*' \) -exec cp {} "$staging/site/torch/lib/" \;
    mv "$staging/site" "$folder/torch"
    rm -rf "$staging"
}

# install_packages: fused layers and losses in Triton, for PyTorch's side of the measurement, and what reads GGUF here.
install_packages() {
    rm -rf "$folder/bundle/python"
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --target "$folder/bundle/python" \
        "liger-kernel==0.8.*" || fail "pip could not install liger-kernel."
    # With it transformers reads the tokenizer of the demo's language model.
    rm -rf "$folder/packages"
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --target "$folder/packages" gguf tqdm ||
        fail "pip could not install gguf."
}

# compile PRODUCT: against that libtorch, in a build folder of its own.
compile() {
    say "Building $1 …"
    LIBTORCH=$folder/torch/torch swift build -c release --static-swift-stdlib --scratch-path "$folder/build" --product "$1"
    mkdir -p "$folder/bundle/bin"
    strip -o "$folder/bundle/bin/$1" "$folder/build/release/$1"
}

mkdir -p "$folder"
if [ "${1:-}" != --pack ]; then
    [ -z "${1:-}" ] || fail "'$1' is not known; use --pack, or nothing."
    [ -e "$folder/torch/torch/lib/libtorch_cpu.so" ] || install_torch
    compile distill
    compile benchmark-runner
    LIBTORCH=$folder/torch/torch scripts/cuda.sh --pypi
    "$python" scripts/demo_data.py
    "$python" scripts/demo_lm_data.py
    scripts/python.sh
    mkdir -p "$folder/bundle"
    install_packages
fi

mkdir -p "$folder/bundle/bin" "$folder/bundle/lib" "$folder/bundle/movies" "$folder/bundle/minilm"
cp .cuda/libdistill_cuda.so .cuda/libdistill_cuda_graphs.so "$folder/bundle/lib/"
cp .demo/movies/*.csv "$folder/bundle/movies/"
.python/bin/python - .demo/all-MiniLM-L6-v2 "$folder/bundle/minilm" <<'PY'
import csv
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

source, target = map(Path, sys.argv[1:])
for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
    shutil.copy(source / name, target / name)
weights = {name: t.to(torch.bfloat16) if t.is_floating_point() else t for name, t in load_file(source / "model.safetensors").items()}
# The rows of words that the data never use are zeros: nothing reads them, and they take no room.
texts = [row[0] for name in ("train", "validation", "test") for row in csv.reader(open(f".demo/movies/{name}.csv", encoding="utf-8"))]
used = {token for encoding in Tokenizer.from_file(str(source / "tokenizer.json")).encode_batch(texts) for token in encoding.ids}
words = next(name for name in weights if name.endswith("word_embeddings.weight"))
rest = torch.ones(len(weights[words]), dtype=torch.bool)
rest[sorted(used)] = False
weights[words][rest] = 0
save_file(weights, target / "model.safetensors", metadata={"format": "pt"})
PY
PYTHONPATH=$folder/packages .python/bin/python - .demo/smollm2 "$folder/bundle/lm" <<'PY'
import csv
import json
import sys
from pathlib import Path

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

source, target = map(Path, sys.argv[1:])
(target / "teacher").mkdir(parents=True, exist_ok=True)
AutoTokenizer.from_pretrained(source, gguf_file=next(source.glob("*.gguf")).name).save_pretrained(target / "teacher")
torch.manual_seed(1)
model = LlamaForCausalLM(LlamaConfig(
    vocab_size=49152, hidden_size=64, intermediate_size=128, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2,
    tie_word_embeddings=True, rope_theta=1e5, initializer_range=0.1, bos_token_id=1, eos_token_id=2, pad_token_id=2))
tokenizer, used = AutoTokenizer.from_pretrained(target / "teacher"), {0, 1, 2}
for name, count in (("train", 200), ("validation", 50)):
    rows = [row["text"] for row in csv.DictReader(open(f".demo/movies/{name}.csv", encoding="utf-8"))][:count]
    (target / f"{name}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in rows), encoding="utf-8")
    used.update(token for ids in tokenizer(rows)["input_ids"] for token in ids)
# As above: the rows of other tokens take no room.
rest = torch.ones(49152, dtype=torch.bool)
rest[sorted(used)] = False
with torch.no_grad():
    model.model.embed_tokens.weight[rest] = 0
model.to(torch.bfloat16).save_pretrained(target / "teacher")
PY
tar -C "$folder/bundle" -cf - . | xz --lzma2=preset=6,dict=256MiB >"$folder/bundle.tar.xz.partial"
mv "$folder/bundle.tar.xz.partial" "$folder/bundle.tar.xz"
say "$(du -m "$folder/bundle.tar.xz" | cut -f1) MB in .gpu/bundle.tar.xz. On the machine with the GPU: scripts/gpu-check.sh"
