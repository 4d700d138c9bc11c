#!/usr/bin/env bash
# Checks and measures distill on a machine with an NVIDIA GPU and PyTorch for CUDA 13, in about five minutes. Nothing is
# fetched and no Swift is needed there: the programs come in a bundle.
#
#   scripts/gpu-check.sh [option of Benchmarks/gpu/gpu_check.py …]
#
# Unpacks .gpu/bundle.tar.zst or .gpu/bundle.tar.xz (BUNDLE names another, or an unpacked directory) and leaves the result in
# gpu.json and, as tables, in gpu.md: in the folder OUT, or else in .gpu. PYTHON names the Python that holds PyTorch.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-python3}
out=${OUT:-.gpu}
unpacked=${TMPDIR:-/tmp}/distill-gpu-bundle-$$

fail() {
    printf 'gpu-check: %s\n' "$*" >&2
    exit 1
}

command -v "$python" >/dev/null 2>&1 || fail "'$python' was not found; set PYTHON to the one that holds PyTorch."
bundle=${BUNDLE:-}
if [ -z "$bundle" ]; then
    for file in .gpu/bundle.tar.zst .gpu/bundle.tar.xz; do
        if [ -e "$file" ]; then
            bundle=$file
            break
        fi
    done
    [ -n "$bundle" ] || fail "there is neither .gpu/bundle.tar.zst nor .gpu/bundle.tar.xz."
fi

if [ ! -d "$bundle" ]; then
    [ -e "$bundle" ] || fail "there is no '$bundle'."
    mkdir -p "$unpacked"
    trap 'rm -rf "$unpacked"' EXIT
    case "$bundle" in
        *.zst)
            if command -v zstd >/dev/null 2>&1; then
                zstd -dcq "$bundle" | "$python" -c 'import sys, tarfile
tarfile.open(fileobj=sys.stdin.buffer, mode="r|").extractall(sys.argv[1], filter="tar")' "$unpacked"
            else
                "$python" -c 'import sys, tarfile
try:
    from compression import zstd
except ImportError:
    try:
        import zstandard as zstd
    except ImportError:
        sys.exit("gpu-check: there is nothing here that unpacks .zst; make a .tar.xz.")
with zstd.open(sys.argv[1], "rb") as file:
    tarfile.open(fileobj=file, mode="r|").extractall(sys.argv[2], filter="tar")' "$bundle" "$unpacked"
            fi
            ;;
        *)
            "$python" -c 'import sys, tarfile
tarfile.open(sys.argv[1]).extractall(sys.argv[2], filter="tar")' "$bundle" "$unpacked"
            ;;
    esac
    bundle=$unpacked
    # An archive may hold everything in one folder.
    if [ ! -e "$bundle/bin" ]; then
        for folder in "$bundle"/*/; do
            if [ -e "$folder/bin" ]; then bundle=${folder%/}; fi
        done
    fi
fi
[ -x "$bundle/bin/distill" ] || fail "the bundle has no bin/distill."
[ -x "$bundle/bin/benchmark-runner" ] || fail "the bundle has no bin/benchmark-runner."
# CUDA's compiler is not always on the path.
if [ -d /usr/local/cuda/bin ]; then export PATH="$PATH:/usr/local/cuda/bin"; fi
export HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=true PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# gpu_check.py puts the bundle's, PyTorch's and CUDA's folders first in LD_LIBRARY_PATH, for our programs alone: Python is to
# keep the libraries that it came with.

mkdir -p "$out"
code=0
"$python" Benchmarks/gpu/gpu_check.py --bundle "$bundle" --output "$out/gpu.json" "$@" || code=$?
[ -e "$out/gpu.json" ] || fail "gpu_check.py left no result (exit code $code)."
"$python" Benchmarks/gpu/gpu_report.py "$out/gpu.json" >"$out/gpu.md" || fail "gpu_report.py could not read the result."
cat "$out/gpu.md"
exit "$code"
