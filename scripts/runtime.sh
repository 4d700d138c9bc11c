#!/usr/bin/env bash
# Builds the runtime without libtorch: the program distill-run as one file, and the library for C.
#
#   scripts/runtime.sh [--output FOLDER]
#
# FOLDER (default: runtime) receives bin/distill-run, lib/libdistill.a and include/distill.h. Swift's own libraries are in both, so
# that the machine they run on needs none; at the end their sizes. Nothing of libtorch or Python is needed to build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

output=runtime
case "${1:-}" in
    --output) output=${2:?"--output needs a folder"} ;;
    "") ;;
    --help | -h) sed -n '2,7s/^# \{0,1\}//p' "$0" && exit ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2 && exit 64 ;;
esac

scratch=.build-runtime
build=(swift build -c release --static-swift-stdlib --scratch-path "$scratch")
if [ "$(uname)" = Linux ]; then
    # A program names no symbol for others, so that what it does not use is left out; functions that are alike are kept once.
    build+=(-Xlinker --no-export-dynamic -Xlinker --icf=safe)
fi
"${build[@]}" --product distill-run
"${build[@]}" --product distill-c
products=$("${build[@]}" --show-bin-path)

mkdir -p "$output/bin" "$output/lib" "$output/include"
cp Sources/CDistill/include/distill.h "$output/include/"
strip -o "$output/bin/distill-run" "$products/distill-run"
library=$output/lib/libdistill.a
rm -f "$library"
if [ "$(uname)" = Darwin ]; then
    cp "$products/libdistill-c.a" "$library"
else
    # One object of the library and what it needs of Swift's libraries, so that a program links it as any other: with swiftrt.o, by
    # which Swift finds a program's types.
    swift=$(dirname "$(dirname "$(readlink -f "$(command -v swiftc)")")")/lib/swift_static/linux
    needed=()
    for name in swiftCore swift_Concurrency swiftSynchronization swiftDispatch dispatch BlocksRuntime swiftGlibc; do
        needed+=("$swift/lib$name.a")
    done
    object=$scratch/distill.o
    ld -r -o "$object" "$swift/$(uname -m)/swiftrt.o" --whole-archive "$products/libdistill-c.a" --no-whole-archive \
        --start-group "${needed[@]}" --end-group
    objcopy --strip-debug "$object"
    ar rcs "$library" "$object"
fi
for file in "$output/bin/distill-run" "$library"; do printf '%-28s %s bytes\n' "$file" "$(wc -c <"$file")"; done
