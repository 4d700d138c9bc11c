#!/usr/bin/env bash
# Runs the tests of the C shim, the kernels, the parsers and the pipeline under a sanitizer.
#
#   scripts/sanitize.sh address|thread [SUITES]
#
# address: with undefined behavior too. thread: data races of our own code; libtorch and OpenMP are not instrumented, so what is
# reported of them alone is left out (scripts/sanitize/thread.txt says what and why). SUITES: a pattern of suites, as `swift test
# --filter` takes it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() { sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }
kind=${1:-}
suites=${2:-"TorchTests|TransformersTests|GenerationTests|DistillationTests|DistillRuntimeTests|GGUFTests|SafetensorsTests|TokenizersTests|DatasetsTests|JSONTests|FilesTests|ChatTemplatesTests"}
case "$kind" in
    address) flags=(-Xcxx -fsanitize=undefined -Xcxx -fno-sanitize=vptr,function -Xcxx -fno-sanitize-recover=undefined) ;;
    thread) flags=() ;;
    --help | -h) usage && exit ;;
    *) usage >&2 && exit 64 ;;
esac

scripts/bootstrap.sh
scripts/parquet.sh
python3 scripts/demo_data.py
common=(--traits Parquet --sanitize "$kind" --scratch-path ".build-$kind")
swift build --build-tests "${common[@]}" ${flags[@]+"${flags[@]}"}
# What depends on the size of stack frames or of the process has no meaning here.
export DISTILL_SANITIZER=$kind
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
export TSAN_OPTIONS=suppressions=$PWD/scripts/sanitize/thread.txt:ignore_noninstrumented_modules=1:halt_on_error=0:allocator_may_return_null=1
swift test --skip-build "${common[@]}" ${flags[@]+"${flags[@]}"} --filter "$suites"
