#!/usr/bin/env bash
# Fuzzes every parser, guided by coverage, under the address sanitizer. What is found is kept in Fuzz/Corpus, where the tests find it.
#
#   scripts/fuzz.sh [--runs N] [--seconds N] [SUBJECT…]
#
# For each subject N inputs (default: a million), for at most so many seconds (default: 300). At the end a tally; exit code 1 where
# something was found.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

runs=1000000 seconds=300 subjects=()
while [ $# -gt 0 ]; do
    case "$1" in
        --runs) runs=$2 && shift ;;
        --seconds) seconds=$2 && shift ;;
        --help | -h) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit ;;
        -*) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 64 ;;
        *) subjects+=("$1") ;;
    esac
    shift
done

scripts/bootstrap.sh
resources=$(swiftc -print-target-info | sed -n 's/.*"runtimeResourcePath" *: *"\(.*\)".*/\1/p')
library=$(find -L "$resources/clang" "$resources/../clang" -name "libclang_rt.fuzzer_no_main*" 2>/dev/null | grep -e "$(uname -m)" -e osx | head -1)
[ -n "$library" ] || { printf 'fuzz: this Swift toolchain has no libFuzzer (libclang_rt.fuzzer_no_main) below %s\n' "$resources" >&2 && exit 69; }
export DISTILL_FUZZ=$library
build=(swift build -c release --scratch-path .build-fuzz --sanitize address --product fuzz
    -Xswiftc -sanitize-coverage=edge,inline-8bit-counters,pc-table,trace-cmp)
"${build[@]}" 2>&1 | grep -v 'Cannot export local symbol'
program=$("${build[@]}" --show-bin-path)/fuzz

# libtorch keeps what it has to the end; a trap is a finding without Swift's own report of it.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 SWIFT_BACKTRACE=enable=no
[ ${#subjects[@]} -gt 0 ] || mapfile -t subjects < <("$program" --list | cut -d' ' -f1)
found=()
for subject in "${subjects[@]}"; do
    kept=Fuzz/Corpus/$subject work=.build-fuzz/corpus/$subject
    mkdir -p "$kept" "$work"
    read -r -a seeds < <("$program" --list | sed -n "s/^$subject //p") || true
    for seed in ${seeds[@]+"${seeds[@]}"}; do find "$seed" -type f -size -64k -exec cp -t "$work" --backup=numbered {} +; done
    status=0
    "$program" "$subject" "$work" "$kept" -runs="$runs" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 \
        -artifact_prefix="$kept/found-" -print_final_stats=1 >".build-fuzz/$subject.log" 2>&1 </dev/null || status=$?
    count=$(sed -n 's/^stat::number_of_executed_units: *//p' ".build-fuzz/$subject.log")
    printf '%-18s %9s inputs, %s\n' "$subject" "${count:-0}" "$([ $status = 0 ] && echo nothing found || echo "FOUND: see .build-fuzz/$subject.log")"
    [ $status = 0 ] || found+=("$subject")
done
printf '\n%s subjects, %s found\n' "${#subjects[@]}" "${#found[@]}"
[ ${#found[@]} = 0 ]
