#!/usr/bin/env bash
# Tests scripts/field.sh: what it finds, what it tells, and how it ends.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/project/scripts" "$work/project/Tests/field" "$work/cases"
cp "$root/scripts/field.sh" "$work/project/scripts/"
cp /bin/true "$work/program"
passed=0 failed=0 output=
check() {
    if "${@:2}"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n%s\n' "$1" "$output" >&2
    fi
}
contains() { case "$output" in *"$1"*) ;; *) return 1 ;; esac; }
field() {
    output=$("$work/project/scripts/field.sh" "$@" 2>&1)
    status=$?
}
# case NAME SCRIPT
case_() {
    mkdir -p "$work/cases/$1"
    printf '#!/bin/bash\n%s\n' "$2" >"$work/cases/$1/run.sh"
    printf 'what should be\n' >"$work/cases/$1/expected.txt"
}

field
check "without a program it says what to do" test "$status" = 69
check "and names make build" contains "make build"

# shellcheck disable=SC2016
printf '#!/bin/bash\necho "$ROOT with $DISTILL"\n' >"$work/project/Tests/field/own.sh"
field --program "$work/program"
check "the project's own checks run" contains "own  "
check "with the program and the project" contains "$work/project with $work/program"
check "all right" test "$status" = 0

case_ good 'exit 0'
case_ bad 'echo broken; exit 1'
case_ none 'exit 77'
case_ long 'seq 100; exit 0'
field --program "$work/program" "$work/cases"
check "a wrong case fails the whole" test "$status" = 1
check "and is named" contains "3 right, 1 left out, 1 wrong: bad"
check "with what it printed" contains "    broken"
check "with its exit code" contains "exit code 77"
check "long outputs are cut in the middle" eval 'contains "    …" && contains "    100" && ! contains "    50"'
check "what is expected is not shown unless asked for" eval '! contains "what should be"'
field --program "$work/program" --only good --expected "$work/cases"
check "one alone" eval '[ "$status" = 0 ] && contains "1 right, 0 left out, 0 wrong" && contains "expected: what should be"'
case_ endless 'sleep 60 & sleep 60'
field --program "$work/program" --only endless --limit 1 "$work/cases"
check "one that hangs is ended" eval '[ "$status" = 1 ] && contains "1 s were not enough"'
field --program "$work/program" "$work/nowhere"
check "a directory that is not there" test "$status" = 66

printf 'field.sh: %s checks passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
