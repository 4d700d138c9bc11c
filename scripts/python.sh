#!/usr/bin/env bash
# Makes `.python/`, a virtual environment with the Python libraries that the interop suite opens our files with.
# Safe to run again at any time. Needs scripts/bootstrap.sh first.
#
#   scripts/python.sh                  all of scripts/requirements-test.txt, and torch
#   scripts/python.sh --onnx           ONNX Runtime alone, in .python-onnx/, unless .python/ has it: what the demo needs
#   scripts/python.sh --embeddings     sentence-transformers with its trainer, and model2vec, in .python-embeddings/: the embeddings' demo
#   scripts/python.sh --onnx --print   prints that interpreter's path where it is there, and fetches nothing
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
python=${PYTHON:-python3}
fail() {
    printf 'python.sh: %s\n' "$*" >&2
    exit 1
}

if [ "${1:-}" = --onnx ]; then
    requirement=$(grep '^onnxruntime==' scripts/requirements-test.txt)
    for place in .python .python-onnx; do
        if "$place/bin/python" -c 'import numpy, onnxruntime' 2>/dev/null; then
            if [ "${2:-}" = --print ]; then printf '%s\n' "$root/$place/bin/python"; fi
            exit 0
        fi
    done
    [ "${2:-}" != --print ] || exit 1
    rm -rf .python-onnx
    echo "Installing $requirement into .python-onnx/ (about 40 MB to download) …"
    "$python" -m venv .python-onnx || fail "'$python' cannot make a virtual environment (Debian: apt-get install python3-venv)."
    .python-onnx/bin/pip install --quiet --disable-pip-version-check "$requirement" numpy
    exit
fi

# The wheel that bootstrap.sh unpacked serves Python too.
share_torch() {
    site=$("$1/bin/python" -c 'import site; print(site.getsitepackages()[0])')
    printf '%s\n' "$root/.torch" >"$site/torch.pth"
}

if [ "${1:-}" = --embeddings ]; then
    stamp=.python-embeddings/installed-$(cat scripts/requirements-embeddings.txt scripts/python.sh | cksum | cut -d' ' -f1)
    [ ! -e "$stamp" ] || exit 0
    rm -rf .python-embeddings
    echo "Installing sentence-transformers and model2vec into .python-embeddings/ (about 250 MB to download) …"
    "$python" -m venv .python-embeddings || fail "'$python' cannot make a virtual environment (Debian: apt-get install python3-venv)."
    [ ! -d .torch/torch ] || share_torch .python-embeddings
    .python-embeddings/bin/pip install --quiet --disable-pip-version-check -r scripts/requirements-embeddings.txt
    .python-embeddings/bin/python -c 'import sentence_transformers, model2vec.distill, datasets, accelerate' ||
        fail "sentence-transformers or model2vec cannot be imported from .python-embeddings."
    touch "$stamp"
    exit
fi

stamp=.python/installed-$(cat scripts/requirements-test.txt scripts/python.sh | cksum | cut -d' ' -f1)
if [ -e "$stamp" ]; then
    exit 0
fi
rm -rf .python
echo "Installing Python's transformers and what it needs into .python/ (1.2 GB there) …"
"$python" -m venv .python || fail "'$python' cannot make a virtual environment (Debian: apt-get install python3-venv)."
# First of all, as others need torch, for which pip would fetch the newest one, with CUDA.
if [ -d .torch/torch ]; then
    share_torch .python
else
    .python/bin/pip install --quiet --disable-pip-version-check "torch==2.13.0+cpu" 2>/dev/null ||
        .python/bin/pip install --quiet --disable-pip-version-check "torch>=2.11,<2.16"
fi
.python/bin/pip install --quiet --disable-pip-version-check -r scripts/requirements-test.txt
.python/bin/python -c 'import torch, transformers; print("Python: torch", torch.__version__, "transformers", transformers.__version__)' ||
    fail "torch or transformers cannot be imported from .python."
touch "$stamp"
