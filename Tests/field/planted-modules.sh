#!/usr/bin/env bash
# Python files in the working directory are not run, nor a planted interpreter there.
. "$(dirname "$0")/common.bash"

command -v python3 >/dev/null || skip "needs Python 3"
cp -r "$MODEL" "$W/model"
cd "$W/model" || exit 1
for name in numpy onnxruntime json encodings sitecustomize site; do
    printf 'open("%s", "w")\nraise ImportError("planted")\n' "$W/ran-$name" >"$name.py"
done
printf '#!/bin/sh\ntouch "%s"\n' "$W/ran-python3" >python3
chmod +x python3
"$DISTILL" export --model . --format onnx --output "$W/out/onnx" >"$W/log" 2>&1
echo "export in a directory of modules: exit code $?"
"$DISTILL" benchmark --model . --model "$W/out/onnx" --batch-sizes 1 --lengths 8 --rounds 1 --seconds 0.01 -q >"$W/log" 2>&1
echo "benchmark: exit code $?"
ran=$(find "$W" -maxdepth 1 -name 'ran-*' -exec basename {} \; | tr '\n' ' ')
[ -z "$ran" ] || fault "foreign code ran: $ran"
finish
