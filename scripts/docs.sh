#!/usr/bin/env bash
# Builds the documentation of the public modules into .build/docs; a warning is an error.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/bootstrap.sh
scripts/parquet.sh
mkdir -p .build/docs
for target in Distillation Tuning Quantization Deployment Benchmarking Transformers Architectures Torch Tokenizers Datasets \
    Safetensors HubStore Hub; do
    swift package --traits Parquet --allow-writing-to-directory .build/docs generate-documentation --target "$target" \
        --warnings-as-errors --disable-indexing --output-path ".build/docs/$target"
done
