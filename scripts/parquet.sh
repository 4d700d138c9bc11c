#!/usr/bin/env bash
# Finds or installs Apache Arrow's C++ libraries, with which the trait `Parquet` reads Parquet files, and links them at
# `.arrow`, where Package.swift looks. Safe to run again at any time.
#
#   scripts/parquet.sh && swift build --traits Parquet
#
# Where Arrow comes from, first match wins:
#   ARROW=DIR      a directory of your own (the one with `include` and `lib`)
#   otherwise      the wheel of pyarrow, unpacked by pip into `.pyarrow/` (git ignores it)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

readonly oldest=20 newest=26
readonly wheel="pyarrow>=$oldest,<$((newest + 1))"
python=${PYTHON:-python3}

say() { printf '%s\n' "$*"; }
fail() {
    printf 'parquet: %s\n' "$*" >&2
    exit 1
}

# The library directory's own file names differ by platform.
case "$(uname -s)" in
    Darwin) extension=dylib ;;
    *) extension=so ;;
esac

# is_arrow DIR: whether DIR holds headers and libraries.
is_arrow() {
    [ -e "$1/include/arrow/api.h" ] && [ -e "$1/include/parquet/arrow/reader.h" ] &&
        [ -e "$1/lib/libarrow.$extension" ] && [ -e "$1/lib/libparquet.$extension" ]
}

# version_of DIR: "26.0.1", from its own header.
version_of() { sed -n -E 's/^#define ARROW_VERSION_STRING "([0-9.]+).*"$/\1/p' "$1/include/arrow/util/config.h"; }

# check DIR: its version must be one the shim is written for, and its C++ ABI the one Swift's clang links against.
check() {
    is_arrow "$1" || fail "no Arrow in '$1': it needs 'include/arrow', 'include/parquet', 'lib/libarrow.$extension' and 'lib/libparquet.$extension'."
    local version major
    version=$(version_of "$1")
    [ -n "$version" ] || fail "cannot read the version of Arrow in '$1' from its headers. Is the directory complete?"
    major=${version%%.*}
    if [ "$major" -lt "$oldest" ] || [ "$major" -gt "$newest" ]; then
        fail "Arrow $version in '$1' is not supported: distill needs $oldest to $newest. Unset ARROW to let this script install one."
    fi
    if [ "$extension" = so ]; then
        # With the C++11 ABI, functions that return std::string carry the tag 'cxx11' in their names.
        grep -q 'cxx11' "$1/lib/libarrow.so" ||
            fail "Arrow $version in '$1' was built with the old C++ ABI (_GLIBCXX_USE_CXX11_ABI=0). Unset ARROW to let this script install one."
    fi
    printf '%s' "$version"
}

# Everything is put together in a folder of its own and renamed at the end, so that `.pyarrow` is whole or not there.
install_arrow() {
    command -v "$python" >/dev/null 2>&1 || fail "'$python' was not found. Install Python 3 with pip, or set PYTHON."
    "$python" -m pip --version >/dev/null 2>&1 || fail "'$python' has no pip. Install it (Debian: apt-get install python3-pip)."
    rm -rf "$root"/.pyarrow-partial-*
    trap 'rm -rf "$root"/.pyarrow-partial-*' EXIT
    local staging library
    staging=$(mktemp -d "$root/.pyarrow-partial-XXXXXX")
    say "Downloading Arrow by pip, from the wheel of pyarrow (about 50 MB) …"
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --only-binary :all: \
        --target "$staging/site" "$wheel" >"$staging/log" 2>&1 ||
        fail "pip could not install $wheel: $(grep -m1 ERROR "$staging/log" || tail -1 "$staging/log")"
    # Of the wheel only the two libraries and their headers are kept. The linker looks for names without a version.
    mkdir -p "$staging/arrow/lib" "$staging/arrow/include"
    mv "$staging"/site/pyarrow/include/{arrow,parquet} "$staging/arrow/include/"
    for library in arrow parquet; do
        move_library "$staging" "$library"
    done
    is_arrow "$staging/arrow" || fail "the wheel of pyarrow lacks Arrow's headers or libraries; install Arrow and set ARROW."
    rm -rf "$root/.pyarrow"
    mv "$staging/arrow" "$root/.pyarrow"
}

# move_library STAGING NAME
move_library() {
    local file
    for file in "$1"/site/pyarrow/lib"$2".so.* "$1"/site/pyarrow/lib"$2".*.dylib; do
        [ -e "$file" ] || continue
        mv "$file" "$1/arrow/lib/"
        ln -sf "$(basename "$file")" "$1/arrow/lib/lib$2.$extension"
    done
}

link() {
    if [ "$(readlink "$root/.arrow" 2>/dev/null || true)" != "$1" ]; then
        rm -f "$root/.arrow"
        ln -s "$1" "$root/.arrow"
    fi
}

if [ -n "${ARROW:-}" ]; then
    [ -d "$ARROW" ] || fail "ARROW is '$ARROW', which is not a directory."
    directory=$(cd "$ARROW" && pwd)
    origin="ARROW"
else
    is_arrow "$root/.pyarrow" || install_arrow
    directory="$root/.pyarrow"
    origin=".pyarrow"
fi
version=$(check "$directory")
link "$directory"
say "Arrow $version from $origin, linked at .arrow"
