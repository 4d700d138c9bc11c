#!/usr/bin/env bash
# Sets up what the tests need and runs them all: the scripts' own, then `swift test`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/bootstrap.sh
scripts/parquet.sh
python3 scripts/demo_data.py
scripts/python.sh
if [ ! -e .demo/golden/ids.bin ]; then
    .python/bin/python scripts/fixtures/wordpiece.py --real --model .demo/all-MiniLM-L6-v2 --data .demo/vader \
        --output .demo/golden
fi
Tests/bootstrap_test.sh
Tests/parquet_test.sh
swift build --build-tests --traits Parquet
swift test --skip-build --traits Parquet
# Again with the kernels of lesser processors, and with none: results must be the same. What this processor has not, or
# has chosen already, would be the same run once more.
levels=(default libtorch)
if grep -qs avx512f /proc/cpuinfo; then levels=(avx2 "${levels[@]}"); fi
if grep -qs avx512_bf16 /proc/cpuinfo; then levels=(avx512 "${levels[@]}"); fi
for level in "${levels[@]}"; do
    echo "Kernels: $level"
    DISTILL_CPU_CAPABILITY=$level swift test --skip-build --traits Parquet --filter "TorchTests|TransformersTests|DistillationTests" |
        grep -E "✘|Test run with" || exit 1
done
