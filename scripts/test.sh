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
for script in bootstrap_test parquet_test levels_test field_test runtime_test; do
    "Tests/$script.sh" || failed+=("Tests/$script.sh")
done
# The CUDA kernels, compiled for the processor: by themselves, then in the layers that call them.
if CXX=${CXX:-$(command -v g++ || command -v clang++)} scripts/cuda.sh --emulate; then
    DISTILL_CUDA_KERNELS=$PWD/.cuda/libdistill_cuda_emulated.so swift test --skip-build --no-parallel --traits Parquet \
        --filter "PackedEncoderTests|ComposedLayerTests|PackedDecoderTests|DecoderGoldenTests" ||
        failed+=("the emulated CUDA kernels' layers")
    DISTILL_CUDA_KERNELS=$PWD/.cuda/libdistill_cuda_emulated.so DISTILL_CPU_CAPABILITY=libtorch swift test --skip-build \
        --no-parallel --traits Parquet --filter "FusedLossTests" || failed+=("the emulated CUDA kernels' loss")
else
    failed+=("scripts/cuda.sh --emulate")
fi
python3 Benchmarks/gpu/gpu_report.py --self-test || failed+=("Benchmarks/gpu/gpu_report.py")
# Again with the kernels of lesser processors, and with none: results must be the same. What trains with them is tested with those that
# most processors have, and with none.
# shellcheck disable=SC2016
scripts/levels.sh --own swift test --skip-build --traits Parquet --others bash -c '
    suites="TorchTests|TransformersTests|GenerationTests|DistillRuntimeTests"
    case $DISTILL_CPU_CAPABILITY in avx2 | neon | libtorch) suites+="|DistillationTests" ;; esac
    exec swift test --skip-build --traits Parquet --filter "$suites" --skip "CheckpointTests|ProcessRunTests"' ||
    failed+=("swift test")
if [ ${#failed[@]} -gt 0 ]; then
    printf 'Failed: %s\n' "${failed[*]}"
    exit 1
fi
