#!/usr/bin/env bash
# Builds the documentation of the public modules into .build/docs; a warning is an error.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/bootstrap.sh
scripts/parquet.sh
targets=()
for target in Distillation Tuning Quantization Deployment Benchmarking Transformers Architectures Torch Tokenizers Datasets \
    RegularExpressions Safetensors Storage GGUF ChatTemplates Conversations Decoding Generation DistillRuntime Serving DistillClient HubStore Hub; do
    targets+=(--target "$target")
done
# All at once: each start of the package manager would plan the whole package again.
swift package --traits Parquet generate-documentation "${targets[@]}" --warnings-as-errors --disable-indexing
rm -rf .build/docs
cp -R .build/plugins/Swift-DocC/outputs .build/docs
