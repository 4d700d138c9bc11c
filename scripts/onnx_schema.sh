#!/usr/bin/env bash
# Generates Sources/Exporters/ONNX/Generated/onnx.pb.swift from ONNX's official schema. Only needed for a new version of it:
# the generated file is in the repository. Takes some minutes; works in a temporary folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

onnx=1.23.2
protobuf=1.39.0
python=${PYTHON:-python3}
output=Sources/Exporters/ONNX/Generated
fail() {
    printf 'onnx_schema.sh: %s\n' "$*" >&2
    exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m venv "$work/python" || fail "'$python' cannot make a virtual environment."
"$work/python/bin/pip" install --quiet --disable-pip-version-check "onnx==$onnx" grpcio-tools
schema=$("$work/python/bin/python" -c 'import onnx, pathlib; print(pathlib.Path(onnx.__file__).parent)')

git clone --quiet --depth 1 --branch "$protobuf" https://github.com/apple/swift-protobuf "$work/swift-protobuf"
swift build --package-path "$work/swift-protobuf" --product protoc-gen-swift
generator=$(swift build --package-path "$work/swift-protobuf" --show-bin-path)/protoc-gen-swift

mkdir -p "$output"
"$work/python/bin/python" -m grpc_tools.protoc --plugin="protoc-gen-swift=$generator" -I "$schema" \
    --swift_out="$output" --swift_opt=Visibility=Internal "$schema/onnx.proto"
# The package's NOTICE asks for this where its files are given on.
{
    printf '// Generated from onnx.proto of ONNX %s (https://github.com/onnx/onnx) by swift-protobuf %s.\n' "$onnx" "$protobuf"
    printf '// Copyright (c) ONNX Project Contributors. Licensed under the Apache License, Version 2.0; see LICENSE.\n//\n'
    cat "$output/onnx.pb.swift"
} >"$work/file" && mv "$work/file" "$output/onnx.pb.swift"
printf 'Wrote %s from ONNX %s with swift-protobuf %s.\n' "$output/onnx.pb.swift" "$onnx" "$protobuf"
