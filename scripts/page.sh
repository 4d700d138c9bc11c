#!/usr/bin/env bash
# Tries the server's page in Debian's chromium: two models, a tagger or not, texts in, answers out; the picture is left in
# `.demo/page.png`. Needs `make build` and chromium; --no-build takes the program that PROGRAM names.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v chromium >/dev/null || {
    echo "page.sh: chromium is not installed (Debian: apt-get install chromium)" >&2
    exit 1
}
program=${PROGRAM:-}
if [ -z "$program" ]; then
    swift build -c release --product distill-serve
    program=.build/release/distill-serve
fi
mkdir -p .demo
python3 Tests/page/page_test.py "$program" .demo/page.png
