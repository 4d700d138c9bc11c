#!/usr/bin/env bash
# Opens reports in headless Chromium, at the widths of a phone and of a desk, light, dark and as print, and fails on
# anything that a reader would stumble over; see report_check.py for the list. Says where the screenshots are.
#
#   scripts/report_check.sh student/report.html [another.html …]
#
# CHROMIUM names the browser; otherwise it is looked for, and on Debian installed where that is allowed. The one Python
# package goes into a virtual environment of its own (REPORT_CHECK_VENV, else in the temporary directory).
set -euo pipefail
fail() {
    printf 'report_check.sh: %s\n' "$*" >&2
    exit 1
}
[ $# -gt 0 ] || fail "name the reports to check, such as student/report.html"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

browser=${CHROMIUM:-}
find_browser() {
    local name
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        if command -v "$name" >/dev/null; then
            command -v "$name"
            return
        fi
    done
}
[ -n "$browser" ] || browser=$(find_browser)
if [ -z "$browser" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Debian's chromium …" >&2
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core >&2
    browser=$(find_browser)
fi
[ -n "$browser" ] || fail "there is no Chromium; install it (Debian: apt-get install chromium), or name it in CHROMIUM"

venv=${REPORT_CHECK_VENV:-${TMPDIR:-/tmp}/distill-report-check-$(id -u)}
if ! "$venv/bin/python" -c 'import websocket' 2>/dev/null; then
    "${PYTHON:-python3}" -m venv "$venv" || fail "python3 cannot make a virtual environment (Debian: apt-get install python3-venv)"
    "$venv/bin/pip" install --quiet --disable-pip-version-check 'websocket-client>=1.8,<2'
fi
exec "$venv/bin/python" "$here/report_check.py" --browser "$browser" "$@"
