#!/usr/bin/env bash
# Tests scripts/parquet.sh in a folder of its own, with directories and a small wheel that look like Arrow.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
case "$(uname -s)" in
    Darwin) extension=dylib ;;
    *) extension=so ;;
esac

fresh() {
    rm -rf "$work/project"
    mkdir -p "$work/project/scripts"
    cp "$root/scripts/parquet.sh" "$work/project/scripts/"
}
check() {
    if "${@:2}"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n' "$1" >&2
    fi
}
# expect NAME STATUS TEXT: runs the script and holds its status and output to them.
expect() {
    local output status
    output=$("$work/project/scripts/parquet.sh" 2>&1)
    status=$?
    case "$output" in *"$3"*) ;; *) status="no '$3' in: $output" ;; esac
    check "$1 ($status)" [ "$status" = "$2" ]
}
# arrow DIR VERSION ABI: a directory that looks like Arrow.
arrow() {
    mkdir -p "$1/lib" "$1/include/arrow/util" "$1/include/parquet/arrow"
    touch "$1/include/arrow/api.h" "$1/include/parquet/arrow/reader.h" "$1/lib/libparquet.$extension"
    printf '%s\n' "$3" >"$1/lib/libarrow.$extension"
    printf '#define ARROW_VERSION_STRING "%s"\n' "$2" >"$1/include/arrow/util/config.h"
}
# wheel VERSION: pyarrow's, as small as can be, into $work/wheels.
wheel() {
    python3 - "$work/wheels" "$1" "$extension" <<'PY'
import sys, zipfile
from pathlib import Path
target, version, extension = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
target.mkdir(exist_ok=True)
versioned = (lambda name: f"{name}.so.2600") if extension == "so" else (lambda name: f"{name}.2600.dylib")
info = f"pyarrow-{version}.dist-info"
with zipfile.ZipFile(target / f"pyarrow-{version}-py3-none-any.whl", "w") as archive:
    archive.writestr(f"pyarrow/{versioned('libarrow')}", "cxx11")
    archive.writestr(f"pyarrow/{versioned('libparquet')}", "")
    archive.writestr("pyarrow/include/arrow/api.h", "")
    archive.writestr("pyarrow/include/parquet/arrow/reader.h", "")
    archive.writestr("pyarrow/include/arrow/util/config.h", f'#define ARROW_VERSION_STRING "{version}"\n')
    archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: pyarrow\nVersion: {version}\n")
    archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    archive.writestr(f"{info}/RECORD", "")
PY
}

# An Arrow of the user's own.
fresh
ARROW="$work/none" expect "ARROW that is not there" 1 "which is not a directory"
mkdir -p "$work/empty"
ARROW="$work/empty" expect "ARROW without Arrow" 1 "no Arrow in '$work/empty'"
arrow "$work/old" 12.0.1 cxx11
ARROW="$work/old" expect "a version too old" 1 "Arrow 12.0.1 in '$work/old' is not supported: distill needs 20 to 26"
arrow "$work/new" 99.0.0 cxx11
ARROW="$work/new" expect "a version too new" 1 "not supported"
arrow "$work/unknown" "" cxx11
ARROW="$work/unknown" expect "a version that cannot be read" 1 "cannot read the version"
if [ "$extension" = so ]; then
    arrow "$work/abi" 21.0.0 oldabi
    ARROW="$work/abi" expect "the old C++ ABI" 1 "old C++ ABI"
fi
check "a refused Arrow is not linked" [ ! -e "$work/project/.arrow" ]
arrow "$work/good" 21.0.0-SNAPSHOT cxx11
ARROW="$work/good" expect "a good one" 0 "Arrow 21.0.0 from ARROW, linked at .arrow"
check "it is linked" [ "$(readlink "$work/project/.arrow")" = "$work/good" ]

# pip's.
export PIP_NO_INDEX=1 PIP_FIND_LINKS="$work/wheels"
fresh
mkdir -p "$work/wheels"
expect "pip has none" 1 "pip could not install pyarrow>=20,<27"
check "nothing half-made is left" [ -z "$(ls -A "$work/project" | grep -v scripts)" ]
wheel 22.0.0
expect "pip has one" 0 "Arrow 22.0.0 from .pyarrow, linked at .arrow"
check "the linker finds it" [ -e "$work/project/.arrow/lib/libarrow.$extension" ]
export PIP_FIND_LINKS="$work/nowhere"
expect "again, without pip" 0 "Arrow 22.0.0 from .pyarrow"

printf 'parquet.sh: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
