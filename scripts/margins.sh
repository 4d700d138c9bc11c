#!/usr/bin/env bash
# Measures by how much the tests of what is learnt hold: over seeds, kernels and precisions.
#
#   scripts/margins.sh [SEEDS…]      by default 42 and 1 to 4
#
# LEVELS and PRECISIONS choose among "amx_bf16 avx512_bf16 avx512 avx2 default libtorch" and "float32 bfloat16". The tests
# must be built. Each line: how many were measured, how many broke the bound, the value that came closest to it, the bound, the
# name. A test whose worst value is near its bound tests luck.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seeds=("$@")
[ $# -gt 0 ] || seeds=(42 1 2 3 4)
levels=${LEVELS:-$(
    for level in amx_bf16 avx512_bf16 avx512f avx2; do grep -qs "$level" /proc/cpuinfo && echo "${level%f}"; done
    echo default libtorch
)}
tests="TaskTrainingTests|TrainerTests/learns|TeachingTests/stages|RunTests/otherVocabulary|quantizationAware|QuantizerTests/answers|QuantizationRunTests/output"
# On Linux the tests are a program, which needs no package manager around it.
run=(swift test --skip-build --traits Parquet)
if [ -f .build/debug/distillPackageTests.xctest ]; then
    run=(.build/debug/distillPackageTests.xctest --testing-library swift-testing)
fi
measured=$(mktemp)
trap 'rm -f "$measured"' EXIT
# Each process has work enough; the bits are the same on any number of threads.
export DISTILL_TEST_MARGINS=$measured OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

for level in $levels; do
    for precision in ${PRECISIONS:-float32 bfloat16}; do
        for seed in "${seeds[@]}"; do
            DISTILL_TEST_SEED=$seed DISTILL_TEST_PRECISION=$precision DISTILL_CPU_CAPABILITY=$level \
                "${run[@]}" --filter "$tests" >/dev/null 2>&1 ||
                echo "failed: seed $seed, $level, $precision"
        done
    done
done
if [ -n "${KEEP:-}" ]; then cat "$measured" >>"$KEEP"; fi
scripts/margins.awk "$measured" | sort -t "	" -k 5
