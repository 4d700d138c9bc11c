#!/usr/bin/env bash
# Sets up the peers, builds our side, and measures both in turn; arguments go to Benchmarks/benchmark.py. So do, from
# `make benchmark`, ROWS=a,d, ROUNDS=3 and QUICK=1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/bootstrap.sh
python3 scripts/demo_data.py
scripts/python.sh
stamp=.python/benchmark-$(cksum <Benchmarks/requirements.txt | cut -d' ' -f1)
if [ ! -e "$stamp" ]; then
    echo "Installing ONNX Runtime and what exports to it into .python/ (about 50 MB to download) …"
    .python/bin/pip install --quiet --disable-pip-version-check -r Benchmarks/requirements.txt
    touch "$stamp"
fi
swift build -c release --product benchmark-runner
swift build -c release --product distill
.python/bin/python Benchmarks/benchmark.py ${ROWS:+--rows "$ROWS"} ${ROUNDS:+--rounds "$ROUNDS"} \
    $([ "${QUICK:-}" = 1 ] && echo --quick) "$@"
