#!/usr/bin/env bash
# Sets up the runtimes that ours is measured against, builds ours, and measures all in turn; arguments go to
# Benchmarks/runtime/benchmark.py. So do, from `make benchmark-runtime`, ROUNDS=9 and QUICK=1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/bootstrap.sh
python3 scripts/demo_data.py
scripts/python.sh
stamp=.python/benchmark-runtime-$(cat Benchmarks/requirements.txt Benchmarks/requirements-runtime.txt | cksum | cut -d' ' -f1)
if [ ! -e "$stamp" ]; then
    echo "Installing CTranslate2 and NNCF into .python/ (about 100 MB to download) …"
    .python/bin/pip install --quiet --disable-pip-version-check -r Benchmarks/requirements.txt -r Benchmarks/requirements-runtime.txt
    touch "$stamp"
fi
swift build -c release --product distill
scripts/runtime.sh
runner=.build-runtime/benchmark-runner
${CC:-cc} -O2 Benchmarks/runtime/runner.c -I runtime/include -L runtime/lib -ldistill -lstdc++ -lm -lpthread -ldl -o "$runner"
.python/bin/python Benchmarks/runtime/benchmark.py "$runner" runtime/bin/distill-run ${ROUNDS:+--rounds "$ROUNDS"} \
    $([ "${QUICK:-}" = 1 ] && echo --quick) "$@"
