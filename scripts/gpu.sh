#!/usr/bin/env bash
# Makes `.gpu/bundle.tar.xz`: what scripts/gpu-check.sh needs on a machine with an NVIDIA GPU and PyTorch 2.11 for CUDA 13,
# which has neither Swift nor a way to fetch anything. Safe to run again at any time; needs no GPU.
#
#   scripts/gpu.sh          the whole bundle (about ten minutes on two cores)
#   scripts/gpu.sh --pack   packs what was built before
#
# In it: `bin/distill` and `bin/benchmark-runner`, linked to PyTorch's libtorch of that version, with Swift's libraries inside
# them; the CUDA kernels; all-MiniLM-L6-v2 with its weights in bfloat16; the demo's movie snippets.
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
    scripts/python.sh
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
tar -C "$folder/bundle" -cf - . | xz --lzma2=preset=6,dict=256MiB >"$folder/bundle.tar.xz.partial"
mv "$folder/bundle.tar.xz.partial" "$folder/bundle.tar.xz"
say "$(du -m "$folder/bundle.tar.xz" | cut -f1) MB in .gpu/bundle.tar.xz. On the machine with the GPU: scripts/gpu-check.sh"
