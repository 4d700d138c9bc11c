#!/usr/bin/env bash
# Finds or installs libtorch and links it at `.libtorch`, where Package.swift looks. Safe to run again at any time.
#
#   scripts/bootstrap.sh
#
# Where libtorch comes from, first match wins:
#   LIBTORCH=DIR               a libtorch directory of your own (the one with `include` and `lib`)
#   LIBTORCH_USE_PYTORCH=1     the torch that `python3 -c "import torch"` finds
#   otherwise                  a PyTorch wheel, unpacked by pip into `.torch/` (git ignores it)
#
# DISTILL_TORCH_SOURCE=pypi skips the small CPU wheel and takes PyPI's, as happens where pip offers nothing else.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

readonly cpu_wheel="torch==2.13.0+cpu"
readonly pypi_wheel="torch>=2.11,<2.16"
readonly oldest="2.11" newest="2.15"
python=${PYTHON:-python3}

say() { printf '%s\n' "$*"; }
fail() {
    printf 'bootstrap: %s\n' "$*" >&2
    exit 1
}
megabytes() { du -sLm "$1" | cut -f1; }

# The library directory's own file names differ by platform.
case "$(uname -s)" in
    Darwin) library=lib/libtorch_cpu.dylib ;;
    *) library=lib/libtorch_cpu.so ;;
esac

# is_libtorch DIR: whether DIR holds headers and libraries.
is_libtorch() { [ -e "$1/$library" ] && [ -e "$1/include/torch/csrc/api/include/torch/torch.h" ]; }

# version_of DIR: "2.13.0", from its own header.
version_of() {
    local header="$1/include/torch/headeronly/version.h"
    [ -e "$header" ] || header="$1/include/torch/csrc/api/include/torch/version.h"
    [ -e "$header" ] || return 0
    sed -n -E 's/^#define TORCH_VERSION_(MAJOR|MINOR|PATCH) ([0-9]+)$/\2/p' "$header" | paste -sd. -
}

# check DIR: its version must be one the shim is written for, and its C++ ABI the one Swift's clang links against.
check() {
    is_libtorch "$1" || fail "no libtorch in '$1': it needs '$library' and 'include/torch/'. Point LIBTORCH at the unpacked directory itself."
    local version minor
    version=$(version_of "$1")
    [ -n "$version" ] || fail "cannot read the version of libtorch in '$1' from its headers. Is the directory complete?"
    minor=$(printf '%s' "$version" | cut -d. -f1,2)
    if [ "$(printf '%s\n' "$oldest" "$minor" "$newest" | sort -V | sed -n 2p)" != "$minor" ]; then
        fail "libtorch $version in '$1' is not supported: distill needs $oldest to $newest. Unset LIBTORCH to let this script install one."
    fi
    if [ "$(uname -s)" = Linux ]; then
        # With the C++11 ABI, torch's functions that return std::string carry the tag 'cxx11' in their names.
        grep -q 'cxx11' "$1/lib/libc10.so" ||
            fail "libtorch $version in '$1' was built with the old C++ ABI (_GLIBCXX_USE_CXX11_ABI=0). Use a 'cxx11-abi' build, or unset LIBTORCH to let this script install one."
    fi
    printf '%s' "$version"
}

need() { command -v "$1" >/dev/null 2>&1 || fail "'$1' was not found. $2"; }

# pip_download FOLDER REQUIREMENT: one wheel, without what it depends on. Fails quietly; the reason is in FOLDER/log.
pip_download() {
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps --dest "$1" "$2" >"$1/log" 2>&1
}
# pip_unpack FOLDER WHEEL…
pip_unpack() {
    local target=$1
    shift
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --target "$target" "$@" \
        >"$target.log" 2>&1 || fail "pip could not install $*: $(tail -1 "$target.log")"
}

# Everything is put together in a folder of its own and renamed at the end, so that `.torch` is whole or not there.
install_torch() {
    need "$python" "Install Python 3 with pip, or set PYTHON."
    "$python" -m pip --version >/dev/null 2>&1 || fail "'$python' has no pip. Install it (Debian: apt-get install python3-pip)."
    rm -rf "$root"/.torch-partial-*
    trap 'rm -rf "$root"/.torch-partial-*' EXIT
    local staging
    staging=$(mktemp -d "$root/.torch-partial-XXXXXX")
    mkdir "$staging/wheels"

    local offered=no
    if [ "$(uname -s)" = Linux ] && [ "${DISTILL_TORCH_SOURCE:-}" != pypi ]; then
        say "Downloading $cpu_wheel by pip (about 190 MB; 700 MB unpacked into .torch/) …"
        if pip_download "$staging/wheels" "$cpu_wheel"; then
            offered=yes
        else
            say "pip's sources do not offer $cpu_wheel; taking PyPI's torch without its dependencies."
        fi
    fi
    if [ "$offered" = no ]; then
        case "$(uname -s)" in
            Linux) say "Downloading torch by pip (up to 900 MB; its CUDA libraries, several GB, are left out) …" ;;
            *) say "Downloading torch by pip (about 100 MB) …" ;;
        esac
        pip_download "$staging/wheels" "$pypi_wheel" ||
            fail "pip found no torch of an accepted version ($pypi_wheel): $(grep -m1 ERROR "$staging/wheels/log" || tail -1 "$staging/wheels/log")"
    fi
    pip_unpack "$staging/site" "$staging"/wheels/torch-*.whl
    if [ "$(uname -s)" = Linux ]; then
        install_cuda_runtime "$staging/site"
    fi
    rm -rf "$root/.torch"
    mv "$staging/site" "$root/.torch"
}

# PyPI's Linux wheel is built for CUDA: its libtorch_cpu.so links to two small runtime libraries, which go beside it.
install_cuda_runtime() {
    local site=$1 needed major
    needed=$(needed_libraries "$site/torch/lib/libtorch_cpu.so")
    [ -n "$needed" ] || return 0
    major=$(printf '%s\n' "$needed" | sed -n 's/^libcudart\.so\.\([0-9]*\).*/\1/p' | head -1)
    local packages=("nvidia-cuda-runtime==$major.*" "nvidia-cuda-cupti==$major.*")
    if [ "$major" = 12 ]; then
        packages=("nvidia-cuda-runtime-cu12" "nvidia-cuda-cupti-cu12")
    fi
    say "Downloading the CUDA runtime and cupti libraries that it links to (about 15 MB) …"
    pip_unpack "$site-cuda" "${packages[@]}"
    find "$site-cuda" \( -name 'libcudart.so.*' -o -name 'libcupti.so.*' \) -exec cp {} "$site/torch/lib/" \;
}

# needed_libraries FILE: the names in an ELF file's dynamic section, without needing binutils.
needed_libraries() {
    "$python" - "$1" <<'PY'
import mmap, re, sys

# The names stand in the file as plain text.
with open(sys.argv[1], "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
    for name in sorted(set(re.findall(rb"lib(?:cudart|cupti)\.so\.[0-9.]+", data))):
        print(name.decode())
PY
}

link() {
    local target=$1
    if [ "$(readlink "$root/.libtorch" 2>/dev/null || true)" != "$target" ]; then
        rm -f "$root/.libtorch"
        ln -s "$target" "$root/.libtorch"
        # What is built against another libtorch must not be linked with this one.
        rm -rf "$root/.build"
    fi
}

check_swift() {
    need swift "Install Swift 6.2 or later from swift.org."
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -1)
    [ "$(printf '%s\n' 6.2 "$version" | sort -V | head -1)" = 6.2 ] ||
        fail "Swift $version was found; distill needs 6.2 or later."
}

check_zlib() {
    [ "$(uname -s)" = Linux ] || return 0
    [ -e /usr/include/zlib.h ] || [ -e /usr/local/include/zlib.h ] ||
        fail "zlib's header was not found. Debian and Ubuntu: apt-get install zlib1g-dev."
}

check_swift
check_zlib
if [ -n "${LIBTORCH:-}" ]; then
    [ -d "$LIBTORCH" ] || fail "LIBTORCH is '$LIBTORCH', which is not a directory."
    directory=$(cd "$LIBTORCH" && pwd)
    origin="LIBTORCH"
elif [ "${LIBTORCH_USE_PYTORCH:-}" = 1 ]; then
    need "$python" "Install Python 3, or set PYTHON."
    directory=$("$python" -c 'import os, torch; print(os.path.dirname(torch.__file__))' 2>/dev/null) ||
        fail "LIBTORCH_USE_PYTORCH=1, but '$python' cannot import torch. Install it there, or unset the variable."
    origin="Python's torch"
else
    is_libtorch "$root/.torch/torch" || install_torch
    directory="$root/.torch/torch"
    origin=".torch"
fi
version=$(check "$directory")
link "$directory"
say "libtorch $version from $origin ($(megabytes "$directory/lib") MB of libraries), linked at .libtorch"
