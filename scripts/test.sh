#!/usr/bin/env bash
# Sets up what the tests need and runs them all: the scripts' own, then `swift test`. What fails does not hide what comes
# after it; the end says how each part went.
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
swift build --build-tests --traits Parquet

failed=()
for script in bootstrap_test parquet_test levels_test field_test; do
    "Tests/$script.sh" || failed+=("Tests/$script.sh")
done
# Again with the kernels of lesser processors, and with none: results must be the same.
scripts/levels.sh --own swift test --skip-build --traits Parquet --others \
    swift test --skip-build --traits Parquet --filter "TorchTests|TransformersTests|DistillationTests" ||
    failed+=("swift test")
if [ ${#failed[@]} -gt 0 ]; then
    printf 'Failed: %s\n' "${failed[*]}"
    exit 1
fi
