#!/usr/bin/env bash
# Makes `.python/`, a virtual environment with the Python libraries that the interop suite opens our files with.
# Safe to run again at any time. Needs scripts/bootstrap.sh first.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
python=${PYTHON:-python3}
fail() {
    printf 'python.sh: %s\n' "$*" >&2
    exit 1
}

stamp=.python/installed-$(cat scripts/requirements-test.txt scripts/python.sh | cksum | cut -d' ' -f1)
if [ -e "$stamp" ]; then
    exit 0
fi
rm -rf .python
echo "Installing Python's transformers and what it needs into .python/ (about 40 MB to download) …"
"$python" -m venv .python || fail "'$python' cannot make a virtual environment (Debian: apt-get install python3-venv)."
.python/bin/pip install --quiet --disable-pip-version-check -r scripts/requirements-test.txt
if [ -d .torch/torch ]; then
    # The wheel that bootstrap.sh unpacked serves Python too.
    site=$(.python/bin/python -c 'import site; print(site.getsitepackages()[0])')
    printf '%s\n' "$root/.torch" >"$site/torch.pth"
else
    .python/bin/pip install --quiet --disable-pip-version-check "torch==2.13.0+cpu" 2>/dev/null ||
        .python/bin/pip install --quiet --disable-pip-version-check "torch>=2.12,<2.16"
fi
.python/bin/python -c 'import torch, transformers; print("Python: torch", torch.__version__, "transformers", transformers.__version__)' ||
    fail "torch or transformers cannot be imported from .python."
touch "$stamp"
