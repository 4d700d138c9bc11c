#!/usr/bin/env bash
# Builds the CUDA kernels, `.cuda/libdistill_cuda.so`, with nvcc, and beside them `.cuda/libdistill_cuda_graphs.so` where the
# libtorch in LIBTORCH (or `.libtorch`) is one for CUDA. Safe to run again at any time; needs no GPU.
#
#   scripts/cuda.sh             with the nvcc of NVCC, of PATH or of /usr/local/cuda/bin, first match wins
#   scripts/cuda.sh --pypi      with nvcc from PyPI, installed by pip into `.cuda/toolkit` (about 270 MB)
#   scripts/cuda.sh --emulate   on the processor instead: builds `.cuda/libdistill_cuda_emulated.so` from the same
#                               source with a C++ compiler and runs the kernels' tests
#
# The library links to libcudart.so.13, which a process with PyTorch for CUDA 13 has loaded already.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

readonly source=Sources/CTorch/cuda/cuda_kernels.cu
readonly library=.cuda/libdistill_cuda.so
readonly graphs=.cuda/libdistill_cuda_graphs.so
readonly emulated=.cuda/libdistill_cuda_emulated.so
# The release whose libraries PyTorch for CUDA 13 brings: code built for a later one may not load.
readonly release="13.0.*"
# The compiler, its headers, its back end, what cuda_bf16.h includes, and the runtime: all unpack into nvidia/cu13.
readonly packages=(nvidia-cuda-nvcc nvidia-cuda-crt nvidia-nvvm nvidia-cuda-cccl nvidia-cuda-runtime)
python=${PYTHON:-python3}
cxx=${CXX:-g++}

say() { printf '%s\n' "$*"; }
fail() {
    printf 'cuda: %s\n' "$*" >&2
    exit 1
}

# Everything is put together in a folder of its own and renamed at the end, so that `.cuda/toolkit` is whole or not there.
install_toolkit() {
    command -v "$python" >/dev/null 2>&1 || fail "'$python' was not found. Install Python 3 with pip, or set PYTHON."
    "$python" -m pip --version >/dev/null 2>&1 || fail "'$python' has no pip. Install it (Debian: apt-get install python3-pip)."
    local staging requirements=() package
    rm -rf .cuda/toolkit-partial-*
    trap 'rm -rf "$root"/.cuda/toolkit-partial-*' EXIT
    staging=$(mktemp -d "$root/.cuda/toolkit-partial-XXXXXX")
    for package in "${packages[@]}"; do requirements+=("$package==$release"); done
    say "Downloading nvcc by pip (270 MB unpacked into .cuda/toolkit) …"
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --target "$staging/site" \
        "${requirements[@]}" >"$staging/log" 2>&1 ||
        fail "pip could not install ${requirements[*]}: $(grep -m1 ERROR "$staging/log" || tail -1 "$staging/log")"
    local home="$staging/site/nvidia/cu13"
    [ -x "$home/bin/nvcc" ] || fail "the packages from pip hold no nvidia/cu13/bin/nvcc: this script does not know their layout."
    rm -rf .cuda/toolkit
    mv "$staging/site" .cuda/toolkit
}

find_nvcc() {
    if [ -n "${NVCC:-}" ]; then
        command -v "$NVCC" || fail "NVCC is '$NVCC', which is not a program."
    elif command -v nvcc >/dev/null 2>&1; then
        command -v nvcc
    elif [ -x /usr/local/cuda/bin/nvcc ]; then
        printf '%s' /usr/local/cuda/bin/nvcc
    else
        fail "nvcc was not found in NVCC, in PATH or in /usr/local/cuda/bin. Install the CUDA toolkit 13, or run scripts/cuda.sh --pypi."
    fi
}

# cudart_folder NVCC: where its libcudart.so.13 lies: a toolkit's and pip's layouts, then what Python's torch brings.
cudart_folder() {
    local top folder
    top=$("$1" --dryrun -x cu -c /dev/null 2>&1 | sed -n 's/^#\$ TOP=//p' | head -1)
    for folder in "$top/lib64" "$top/lib" "$top/targets/$(uname -m)-linux/lib" $(packaged_folders); do
        if [ -e "$folder/libcudart.so.13" ]; then
            printf '%s' "$folder"
            return
        fi
    done
    fail "libcudart.so.13 was not found beside '$1' ('$top'), nor in Python's packages. Install the CUDA runtime 13, or run scripts/cuda.sh --pypi."
}

packaged_folders() {
    "$python" 2>/dev/null <<'PY' || true
import importlib.util

spec = importlib.util.find_spec("nvidia")
for folder in spec.submodule_search_locations if spec else []:
    print(folder + "/cu13/lib")
PY
}

# build NVCC: for the A100 and the H100, with PTX that later devices compile for themselves.
build() {
    local nvcc=$1 major folder
    command -v "$cxx" >/dev/null 2>&1 || fail "'$cxx' was not found, which nvcc needs. Install it (Debian: apt-get install g++), or set CXX."
    major=$("$nvcc" --version | sed -n 's/.*release \([0-9]*\)\..*/\1/p')
    [ "$major" = 13 ] || fail "'$nvcc' is of CUDA ${major:-?}; the kernels need CUDA 13, as PyTorch's library. Set NVCC, or run scripts/cuda.sh --pypi."
    folder=$(cudart_folder "$nvcc")
    "$nvcc" -std=c++17 -O3 -shared -cudart none -L"$folder" -l:libcudart.so.13 -ccbin "$cxx" \
        -gencode arch=compute_80,code=sm_80 -gencode arch=compute_90,code=sm_90 \
        -gencode arch=compute_90,code=compute_90 -Xfatbin -compress-all -Xcompiler -fPIC,-Wall,-Wextra \
        -o "$library.partial" "$source"
    mv "$library.partial" "$library"
    say "$library: $(du -k "$library" | cut -f1) kB, by $("$nvcc" --version | sed -n 's/.*\(release [0-9.]*\).*/CUDA \1/p')"
}

# build_graphs NVCC: captured graphs, for the libtorch that the program will run with.
build_graphs() {
    local headers=${LIBTORCH:-.libtorch}/include home cuda
    home=$(dirname "$(dirname "$(readlink -f "$1")")")
    for cuda in "$home/include" "$home/targets/x86_64-linux/include" ""; do
        if [ -e "$cuda/cuda_runtime_api.h" ]; then break; fi
    done
    [ -n "$cuda" ] || fail "CUDA's headers are not beside '$1'. Install the CUDA toolkit 13, or run scripts/cuda.sh --pypi."
    if [ ! -e "$headers/c10/cuda/impl/cuda_cmake_macros.h" ]; then
        say "No captured graphs: the libtorch in '${LIBTORCH:-.libtorch}' is not one for CUDA."
        return 0
    fi
    "$cxx" -std=c++20 -O2 -shared -fPIC -Wall -Wextra -isystem "$headers" -isystem "$headers/torch/csrc/api/include" \
        -isystem "$cuda" Sources/CTorch/cuda/cuda_graphs.cpp -o "$graphs.partial"
    mv "$graphs.partial" "$graphs"
    say "$graphs: $(du -k "$graphs" | cut -f1) kB"
}

emulate() {
    command -v "$cxx" >/dev/null 2>&1 || fail "'$cxx' was not found. Install it (Debian: apt-get install g++), or set CXX."
    local flags=(-std=c++20 -O2 -Wall -Wextra -Wno-unknown-pragmas -DCK_EMULATED -ITests/cuda -ISources/CTorch)
    "$cxx" "${flags[@]}" -fPIC -c -x c++ "$source" -o .cuda/emulated.o
    "$cxx" -shared .cuda/emulated.o -o "$emulated.partial"
    mv "$emulated.partial" "$emulated"
    "$cxx" "${flags[@]}" Tests/cuda/cuda_kernels_test.cpp .cuda/emulated.o -o .cuda/cuda_kernels_test
    rm .cuda/emulated.o
    .cuda/cuda_kernels_test
}

mkdir -p .cuda
case "${1:-}" in
    "")
        nvcc=$(find_nvcc)
        build "$nvcc"
        build_graphs "$nvcc"
        ;;
    --pypi)
        home=.cuda/toolkit/nvidia/cu13
        [ -x "$home/bin/nvcc" ] || install_toolkit
        build "$home/bin/nvcc"
        build_graphs "$home/bin/nvcc"
        ;;
    --emulate) emulate ;;
    *) fail "'$1' is not known; use --pypi, --emulate, or nothing." ;;
esac
