#!/usr/bin/env bash
# Tries a built program on what happens in the field: processes that are killed, disks that are full, outputs that two want.
#
#   scripts/field.sh [--program FILE] [--only PATTERN] [--limit SECONDS] [DIRECTORY…]
#
# The project's own checks are Tests/field/*.sh. Each DIRECTORY holds further cases: folders with a run.sh, which prints what
# happens, and an expected.txt, which says what should. Both get DISTILL, the program, and ROOT, the project. For each the
# name, the exit code (0 right, 77 left out, else wrong) and the output are shown. Where a case ends with 0 whatever happens,
# compare what it prints with expected.txt: --expected shows that too.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

program=${DISTILL:-} only='*' limit=300 shows_expected=no directories=()
usage() {
    sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit "$1"
}
while [ $# -gt 0 ]; do
    case "$1" in
        --program | --only | --limit)
            [ $# -gt 1 ] || usage 64 >&2
            case "$1" in
                --program) program=$2 ;;
                --only) only=$2 ;;
                --limit) limit=$2 ;;
            esac
            shift
            ;;
        --expected) shows_expected=yes ;;
        --help | -h) usage 0 ;;
        -*) usage 64 >&2 ;;
        *)
            [ -d "$1" ] || { printf 'field.sh: %s: there is no such directory\n' "$1" >&2 && exit 66; }
            directories+=("$(cd "$1" && pwd)")
            ;;
    esac
    shift
done
if [ -z "$program" ]; then
    for program in "$root/.build/release/distill" "$root/.build/debug/distill"; do [ -x "$program" ] && break; done
fi
[ -x "$program" ] || { printf "field.sh: %s: there is no program; run 'make build' first\n" "$program" >&2 && exit 69; }
program=$(cd "$(dirname "$program")" && pwd)/$(basename "$program")
export DISTILL=$program ROOT=$root

log=$(mktemp)
trap 'rm -f "$log"' EXIT
right=0 wrong=() skipped=0

# try NAME SCRIPT EXPECTED-FILE
try() {
    local name=$1 script=$2 expected=$3 start=$SECONDS status word
    # shellcheck disable=SC2254
    case "$name" in $only) ;; *) return ;; esac
    # A case that hangs is ended with all that it started.
    timeout --kill-after=5 "$limit" bash "$script" >"$log" 2>&1 </dev/null
    status=$?
    case $status in
        0) word=right right=$((right + 1)) ;;
        77) word='left out' skipped=$((skipped + 1)) ;;
        124 | 137) word="wrong ($limit s were not enough)" wrong+=("$name") ;;
        *) word=wrong wrong+=("$name") ;;
    esac
    printf '%-36s %s, exit code %s, %s s\n' "$name" "$word" "$status" $((SECONDS - start))
    # Long outputs from both ends, long lines from their beginning.
    awk -v most=24 '{ line[NR] = substr($0, 1, 200) }
        END { for (i = 1; i <= NR; i++) if (NR <= most || i <= most / 2 || i > NR - most / 2) print "    " line[i]
                else if (i == most / 2 + 1) print "    …" }' "$log"
    if [ $shows_expected = yes ] && [ -e "$expected" ]; then sed 's/^/    expected: /' "$expected"; fi
}

for script in "$root"/Tests/field/*.sh; do try "$(basename "$script" .sh)" "$script" ""; done
for directory in ${directories[@]+"${directories[@]}"}; do
    for script in "$directory"/*/run.sh; do
        [ -e "$script" ] || continue
        folder=$(dirname "$script")
        try "$(basename "$folder")" "$script" "$folder/expected.txt"
    done
done
printf '\n%s right, %s left out, %s wrong%s\n' "$right" "$skipped" "${#wrong[@]}" "${wrong[*]:+: ${wrong[*]}}"
[ ${#wrong[@]} = 0 ]
