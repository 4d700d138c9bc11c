#!/usr/bin/env bash
# Runs a command once for each instruction set that the kernels know and this processor has, so that one that fails does
# not hide the next; then says of each how it went.
#
#   scripts/levels.sh [--own COMMAND [ARGUMENT…] --others] COMMAND [ARGUMENT…]
#
# The first run takes what the processor has; DISTILL_CPU_CAPABILITY chooses the lesser ones, and libtorch's own kernels.
# With --own the first run is of another command. Output is kept in .build/levels/LEVEL.log; of the lesser levels only what
# failed, and the closing line, is shown. The exit status is 0 where every level passed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

own=()
if [ "${1:-}" = --own ]; then
    shift
    while [ $# -gt 0 ] && [ "$1" != --others ]; do
        own+=("$1")
        shift
    done
    shift
fi
[ $# -gt 0 ] || {
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 64
}
[ ${#own[@]} -gt 0 ] || own=("$@")

# What this processor has, the best first. Elsewhere than on Linux the kernels' own choice has no name here.
levels=()
if grep -qs amx_bf16 /proc/cpuinfo; then levels+=(amx_bf16); fi
if grep -qs avx512_bf16 /proc/cpuinfo; then levels+=(avx512_bf16); fi
if grep -qs avx512f /proc/cpuinfo; then levels+=(avx512); fi
if grep -qs avx2 /proc/cpuinfo; then levels+=(avx2); fi
if [ "$(uname -m)" = aarch64 ]; then
    if grep -qsw bf16 /proc/cpuinfo && grep -qsw i8mm /proc/cpuinfo; then levels+=(neon_bf16); fi
    if grep -qsw i8mm /proc/cpuinfo; then levels+=(neon_i8mm); fi
    if grep -qsw asimddp /proc/cpuinfo; then levels+=(neon_dotprod); fi
    levels+=(neon)
fi
levels+=(default libtorch)
best=${levels[0]}

mkdir -p .build/levels
results=() failed=0
# note LEVEL STATUS SECONDS
note() {
    local word=passed
    if [ "$2" != 0 ]; then
        word="FAILED (exit status $2), see .build/levels/$1.log"
        failed=1
    fi
    results+=("$(printf '%-12s %s, %s s' "$1" "$word" "$3")")
}

start=$SECONDS
echo "Kernels: $best, this processor's own"
env -u DISTILL_CPU_CAPABILITY "${own[@]}" 2>&1 | tee ".build/levels/$best.log"
note "$best" "${PIPESTATUS[0]}" $((SECONDS - start))
for level in "${levels[@]:1}"; do
    start=$SECONDS
    echo "Kernels: $level"
    DISTILL_CPU_CAPABILITY=$level "$@" >".build/levels/$level.log" 2>&1
    status=$?
    grep -E "✘|error:|Test run with" ".build/levels/$level.log"
    note "$level" "$status" $((SECONDS - start))
done

printf '\nBy kernels:\n'
printf '  %s\n' "${results[@]}"
exit $failed
