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
readonly pypi_wheel="torch>=2.12,<2.16"
readonly oldest="2.12" newest="2.15"
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

# install_wheels TARGET REQUIREMENT…: by pip, without dependencies, whole or not at all.
install_wheels() {
    local target=$1 staging
    shift
    staging=$(mktemp -d "$root/.torch-partial-XXXXXX")
    if "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile \
        --target "$staging" "$@" 2>"$staging.log"; then
        rm -rf "$target" "$staging.log"
        mv "$staging" "$target"
        return 0
    fi
    return 1
}

pip_offers() {
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps --dest "$1" "$2" >"$1/log" 2>&1
}

install_torch() {
    need "$python" "Install Python 3 with pip, or set PYTHON."
    "$python" -m pip --version >/dev/null 2>&1 || fail "'$python' has no pip. Install it (Debian: apt-get install python3-pip)."
    rm -rf "$root"/.torch-partial-*
    local downloads
    downloads=$(mktemp -d "$root/.torch-partial-XXXXXX")
    trap 'rm -rf "$root"/.torch-partial-*' EXIT

    if [ "$(uname -s)" = Linux ] && [ "${DISTILL_TORCH_SOURCE:-}" != pypi ]; then
        say "Downloading $cpu_wheel by pip (about 190 MB; 650 MB unpacked into .torch/) …"
        if pip_offers "$downloads" "$cpu_wheel"; then
            install_wheels "$root/.torch" "$downloads"/torch-*.whl || fail "pip could not unpack torch: $(tail -1 "$root"/.torch-partial-*.log)"
            return
        fi
        say "pip's sources do not offer $cpu_wheel; taking PyPI's torch without its dependencies."
    fi

    local cuda=()
    if [ "$(uname -s)" = Linux ] && [ "$(uname -m)" = x86_64 ]; then
        say "Downloading torch by pip (up to 900 MB; its CUDA libraries, several GB, are left out) …"
    else
        say "Downloading torch by pip (about 100 MB) …"
    fi
    pip_offers "$downloads" "$pypi_wheel" || fail "pip found no torch of an accepted version ($pypi_wheel): $(grep -m1 ERROR "$downloads/log" || tail -1 "$downloads/log")"
    install_wheels "$root/.torch" "$downloads"/torch-*.whl || fail "pip could not unpack torch: $(tail -1 "$root"/.torch-partial-*.log)"

    # PyPI's Linux wheel is built for CUDA: its libtorch_cpu.so links to two small runtime libraries.
    if [ "$(uname -s)" = Linux ]; then
        local needed
        needed=$(needed_libraries "$root/.torch/torch/lib/libtorch_cpu.so")
        if printf '%s' "$needed" | grep -q 'libcudart\|libcupti'; then
            local major
            major=$(printf '%s' "$needed" | sed -n 's/^libcudart\.so\.\([0-9]*\).*/\1/p' | head -1)
            case "$major" in
                12) cuda=("nvidia-cuda-runtime-cu12" "nvidia-cuda-cupti-cu12") ;;
                *) cuda=("nvidia-cuda-runtime==$major.*" "nvidia-cuda-cupti==$major.*") ;;
            esac
            say "Downloading the CUDA runtime and cupti libraries that it links to (about 15 MB) …"
            "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile \
                --target "$root/.torch/cuda" "${cuda[@]}" || fail "pip could not install ${cuda[*]}."
            # Beside libtorch, so that its own run path finds them.
            find "$root/.torch/cuda" \( -name 'libcudart.so.*' -o -name 'libcupti.so.*' \) \
                -exec ln -sf {} "$root/.torch/torch/lib/" \;
        fi
    fi
}

# needed_libraries FILE: the names in an ELF file's dynamic section, without needing binutils.
needed_libraries() {
    "$python" - "$1" <<'PY'
import re, sys
# The names are in .dynstr, as plain text.
import mmap
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
    need swift "Install Swift 6.1 or later from swift.org."
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -1)
    [ "$(printf '%s\n' 6.1 "$version" | sort -V | head -1)" = 6.1 ] ||
        fail "Swift $version was found; distill needs 6.1 or later."
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
