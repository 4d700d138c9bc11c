#!/usr/bin/env bash
# Sets up the peer, builds the server, and loads both in turn; arguments go to Benchmarks/load/load.py. `make load` writes the
# table into docs/serving.md, with MINUTES=30 of soak.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v wrk >/dev/null || {
    echo "load.sh: wrk is not installed (Debian: apt-get install wrk)" >&2
    exit 1
}
scripts/bootstrap.sh
python3 scripts/demo_data.py
scripts/python.sh
stamp=.python/load-$(cat Benchmarks/requirements.txt Benchmarks/load/requirements.txt | cksum | cut -d' ' -f1)
if [ ! -e "$stamp" ]; then
    echo "Installing ONNX Runtime, FastAPI and schemathesis into .python/ (about 60 MB to download) …"
    .python/bin/pip install --quiet --disable-pip-version-check -r Benchmarks/requirements.txt -r Benchmarks/load/requirements.txt
    touch "$stamp"
fi
.python/bin/python Benchmarks/prepare.py
swift build -c release --product distill-serve
.python/bin/python Benchmarks/load/load.py "$@"
