#!/usr/bin/env bash
# Tests scripts/levels.sh: a level that fails does not hide the next ones, and is named at the end.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/scripts"
cp "$root/scripts/levels.sh" "$work/scripts/"
passed=0 failed=0
check() {
    if "${@:2}"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n%s\n' "$1" "$output" >&2
    fi
}
contains() { case "$output" in *"$1"*) ;; *) return 1 ;; esac; }

cat >"$work/command" <<'COMMAND'
#!/usr/bin/env bash
level=${DISTILL_CPU_CAPABILITY:-own}
echo "$level $*" >>"$(dirname "$0")/ran"
echo "Test run with level $level"
[ "$level" != "$FAILS" ]
COMMAND
chmod +x "$work/command"

# run FAILS ARGUMENT…
run() {
    rm -f "$work/ran"
    output=$(FAILS=$1 DISTILL_CPU_CAPABILITY=avx2 "$work/scripts/levels.sh" "${@:2}" 2>&1)
    status=$?
}

run none "$work/command" a
levels=$(wc -l <"$work/ran")
check "every level passes" test "$status" = 0
check "the processor's own level is first, whatever the environment says" test "$(head -1 "$work/ran")" = "own a"
check "lesser levels follow" grep -qx "libtorch a" "$work/ran"
check "no level is named as failed" eval '! contains FAILED'

run default "$work/command" b
check "one failure fails all" test "$status" = 1
check "the next level runs all the same" grep -qx "libtorch b" "$work/ran"
check "as many run" test "$(wc -l <"$work/ran")" = "$levels"
check "the failed level is named" contains "default      FAILED (exit status 1), see .build/levels/default.log"
check "the others passed" contains "libtorch     passed"

run own --own "$work/command" all --others "$work/command" some
check "a failure of the first is one too" test "$status" = 1
check "the first is of its own command" test "$(head -1 "$work/ran")" = "own all"
check "the others are of the other" grep -qx "libtorch some" "$work/ran"
check "what failed is kept" grep -q "Test run with level default" "$work/.build/levels/default.log"

run none
check "without a command it says how to use it" test "$status" = 64

printf 'levels.sh: %s checks passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
