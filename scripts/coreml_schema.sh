#!/usr/bin/env bash
# Generates Sources/Exporters/CoreML/Generated/*.pb.swift from the descriptors of Core ML's specification in coremltools. Only
# needed for a new version of it: the generated files are in the repository. Takes some minutes; works in a temporary folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

coremltools=9.0
protobuf=1.39.0
python=${PYTHON:-python3}
output=Sources/Exporters/CoreML/Generated
fail() {
    printf 'coreml_schema.sh: %s\n' "$*" >&2
    exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m venv "$work/python" || fail "'$python' cannot make a virtual environment."
"$work/python/bin/pip" install --quiet --disable-pip-version-check "coremltools==$coremltools"
# GENERATOR names a protoc-gen-swift that is there already.
generator=${GENERATOR:-}
if [ -z "$generator" ]; then
    git clone --quiet --depth 1 --branch "$protobuf" https://github.com/apple/swift-protobuf "$work/swift-protobuf"
    swift build --package-path "$work/swift-protobuf" --product protoc-gen-swift
    generator=$(swift build --package-path "$work/swift-protobuf" --show-bin-path)/protoc-gen-swift
fi

"$work/python/bin/python" scripts/coreml_schema.py "$work/request" 2>/dev/null || fail "the descriptors are not as expected."
"$generator" <"$work/request" >"$work/response"
mkdir -p "$output"
"$work/python/bin/python" - "$work/response" "$output" "$coremltools" "$protobuf" <<'PYTHON'
import sys
from importlib.metadata import distribution
from pathlib import Path

from google.protobuf.compiler import plugin_pb2

response, output, coremltools, protobuf = sys.argv[1:]
files = plugin_pb2.CodeGeneratorResponse.FromString(Path(response).read_bytes())
if files.error:
    sys.exit(files.error)
license = next(f for f in distribution("coremltools").files if f.name == "LICENSE.txt").read_text().strip()
header = f"Generated from {{}} of coremltools {coremltools} (https://github.com/apple/coremltools) by swift-protobuf {protobuf}.\n"
for file in files.file:
    text = header.format(file.name.replace(".pb.swift", ".proto")) + "\n" + license + "\n"
    comment = "".join(f"// {line}".rstrip() + "\n" for line in text.splitlines())
    Path(output, file.name).write_text(comment + "//\n" + file.content, encoding="utf-8")
PYTHON
printf 'Wrote %s from coremltools %s with swift-protobuf %s.\n' "$output" "$coremltools" "$protobuf"
