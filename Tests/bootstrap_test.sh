#!/usr/bin/env bash
# Tests scripts/bootstrap.sh in a folder of its own, with small wheels of its own in the place of pip's sources.
# With DISTILL_TEST_DOWNLOADS=1 it also installs PyPI's real torch (900 MB) and builds the engine against it.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# A project that has nothing but the script.
fresh() {
    rm -rf "$work/project"
    mkdir -p "$work/project/scripts"
    cp "$root/scripts/bootstrap.sh" "$work/project/scripts/"
}
bootstrap() { "$work/project/scripts/bootstrap.sh" 2>&1; }

# expect NAME STATUS TEXT…: runs bootstrap and holds its status and output to them.
expect() {
    local name=$1 status=$2 output result text
    shift 2
    output=$(bootstrap)
    result=$?
    for text in "$@"; do
        case "$output" in *"$text"*) ;; *) result="no '$text'" ;; esac
    done
    if [ "$result" = "$status" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s: expected status %s, got %s\n%s\n' "$name" "$status" "$result" "$output" >&2
    fi
}
check() {
    if "${@:2}"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n' "$1" >&2
    fi
}

quietly() { "$@" >"$work/log" 2>&1; }

# libtorch DIR VERSION ABI: a directory that looks like libtorch.
libtorch() {
    mkdir -p "$1/lib" "$1/include/torch/csrc/api/include/torch" "$1/include/torch/headeronly"
    printf 'libcudart.so.13 libcupti.so.13\n' >"$1/lib/libtorch_cpu.so"
    cp "$1/lib/libtorch_cpu.so" "$1/lib/libtorch_cpu.dylib"
    printf '%s\n' "$3" >"$1/lib/libc10.so"
    touch "$1/include/torch/csrc/api/include/torch/torch.h"
    local IFS=.
    # shellcheck disable=SC2086
    set -- "$1" $2
    printf '#define TORCH_VERSION_MAJOR %s\n#define TORCH_VERSION_MINOR %s\n#define TORCH_VERSION_PATCH %s\n' "$2" "$3" "$4" \
        >"$1/include/torch/headeronly/version.h"
}

# wheel NAME VERSION FOLDER: packs a folder as a wheel into $work/wheels.
wheel() {
    python3 - "$work/wheels" "$@" <<'PY'
import sys, zipfile
from pathlib import Path
target, name, version, folder = Path(sys.argv[1]), *sys.argv[2:]
target.mkdir(exist_ok=True)
info = f"{name.replace('-', '_')}-{version}.dist-info"
with zipfile.ZipFile(target / f"{name.replace('-', '_')}-{version}-py3-none-any.whl", "w") as archive:
    for file in sorted(Path(folder).rglob("*")):
        if file.is_file():
            archive.write(file, file.relative_to(folder))
    archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    archive.writestr(f"{info}/RECORD", "")
PY
}

# A libtorch of the user's own.
fresh
export LIBTORCH="$work/none"
expect "LIBTORCH that is not there" 1 "LIBTORCH is '$work/none', which is not a directory"
mkdir -p "$work/empty"
LIBTORCH="$work/empty" expect "LIBTORCH without libtorch" 1 "no libtorch in '$work/empty'" "Point LIBTORCH at"
libtorch "$work/old" 1.13.1 cxx11
LIBTORCH="$work/old" expect "a version too old" 1 "libtorch 1.13.1 in '$work/old' is not supported" "needs 2.11 to 2.15"
libtorch "$work/new" 3.0.0 cxx11
LIBTORCH="$work/new" expect "a version too new" 1 "libtorch 3.0.0" "not supported"
if [ "$(uname -s)" = Linux ]; then
    libtorch "$work/abi" 2.13.0 oldabi
    LIBTORCH="$work/abi" expect "the old C++ ABI" 1 "old C++ ABI" "cxx11-abi"
fi
check "a refused libtorch is not linked" [ ! -e "$work/project/.libtorch" ]
libtorch "$work/good" 2.14.1 cxx11
mkdir -p "$work/project/.build"
LIBTORCH="$work/good" expect "a good one" 0 "libtorch 2.14.1 from LIBTORCH"
check "it is linked" [ "$(readlink "$work/project/.libtorch")" = "$work/good" ]
check "what was built against another is removed" [ ! -e "$work/project/.build" ]
mkdir -p "$work/project/.build"
LIBTORCH="$work/good" expect "the same once more" 0 "libtorch 2.14.1"
check "what was built against it stays" [ -e "$work/project/.build" ]
unset LIBTORCH

# The torch that Python finds.
fresh
mkdir -p "$work/site"
libtorch "$work/site/torch" 2.13.0 cxx11
touch "$work/site/torch/__init__.py"
LIBTORCH_USE_PYTORCH=1 PYTHONPATH="$work/site" expect "LIBTORCH_USE_PYTORCH=1" 0 "from Python's torch"
check "Python's is linked" [ "$(readlink "$work/project/.libtorch")" = "$work/site/torch" ]
LIBTORCH_USE_PYTORCH=1 PYTHON=/nonexistent/python expect "no Python" 1 "was not found"

# By pip: the CPU wheel where it is offered, else PyPI's with two small CUDA libraries.
export PIP_NO_INDEX=1 PIP_FIND_LINKS="$work/wheels" PIP_CONFIG_FILE=/dev/null
mkdir -p "$work/wheels"
fresh
expect "pip offers nothing" 1 "pip found no torch of an accepted version"
check "nothing half-installed stays" [ -z "$(ls -d "$work/project/".torch* 2>/dev/null)" ]
if [ "$(uname -s)" = Linux ]; then
    libtorch "$work/pypi/torch" 2.14.0 cxx11
    wheel torch 2.14.0 "$work/pypi"
    expect "PyPI's torch without its CUDA libraries" 1 "could not install nvidia-cuda-runtime==13.*"
    check "nothing half-installed stays then either" [ -z "$(ls -d "$work/project/".torch* 2>/dev/null)" ]
    for part in runtime cupti; do
        name=$([ $part = runtime ] && echo cudart || echo cupti)
        mkdir -p "$work/$part/nvidia/cu13/lib"
        touch "$work/$part/nvidia/cu13/lib/lib$name.so.13"
        wheel "nvidia-cuda-$part" 13.0.96 "$work/$part"
    done
    expect "PyPI's torch" 0 "taking PyPI's torch" "Downloading the CUDA runtime and cupti" "libtorch 2.14.0 from .torch"
    check "cudart lies beside libtorch" [ -e "$work/project/.torch/torch/lib/libcudart.so.13" ]
    check "cupti lies beside libtorch" [ -e "$work/project/.torch/torch/lib/libcupti.so.13" ]

    libtorch "$work/cpu/torch" 2.13.0 cxx11
    printf 'nothing of CUDA\n' >"$work/cpu/torch/lib/libtorch_cpu.so"
    wheel torch 2.13.0+cpu "$work/cpu"
    fresh
    expect "the CPU wheel comes first" 0 "Downloading torch==2.13.0+cpu" "libtorch 2.13.0 from .torch"
    check "no CUDA library comes with it" [ ! -e "$work/project/.torch/torch/lib/libcudart.so.13" ]
    rm -rf "$work/wheels"
    expect "what is installed is used again" 0 "libtorch 2.13.0 from .torch"
    mkdir -p "$work/wheels"
fi
unset PIP_NO_INDEX PIP_FIND_LINKS PIP_CONFIG_FILE

if [ "${DISTILL_TEST_DOWNLOADS:-}" = 1 ]; then
    fresh
    cp -r "$root/Package.swift" "$root/Sources" "$root/Tests" "$work/project/"
    DISTILL_TORCH_SOURCE=pypi expect "PyPI's real torch" 0 "CUDA runtime and cupti" "from .torch"
    check "the program builds against it" quietly swift build --package-path "$work/project" --product distill
    check "the program starts" quietly "$work/project/.build/debug/distill" predict \
        --model "$root/Tests/InteropTests/Fixtures/tiny-teacher" "$root/Tests/InteropTests/Fixtures/reviews.csv"
fi

printf 'bootstrap: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
