#!/usr/bin/env bash
# Standard output or standard error closed, full, or a pipe that nobody reads any more.
. "$(dirname "$0")/common.bash"

judge() { # NAME STATUS EXPECTED…
    local name=$1 status=$2 expected
    shift 2
    echo "$name: exit code $status"
    for expected in "$@"; do [ "$status" = "$expected" ] && return; done
    fault "$name: exit code $status instead of $*"
}
evaluate=("$DISTILL" evaluate --model "$MODEL" --data "$TEXTS" --latency-samples 1)
"${evaluate[@]}" >&- 2>"$W/log"
judge "standard output closed" $? 1
"${evaluate[@]}" 2>&- >"$W/log"
judge "standard error closed" $? 0
if [ -e /dev/full ]; then
    "${evaluate[@]}" >/dev/full 2>"$W/log"
    judge "standard output full" $? 1
    grep -q "No space left" "$W/log" || fault "it does not say why: $(cat "$W/log")"
fi
yes "a fine film" | head -5000 >"$W/lines"
"$DISTILL" predict --model "$MODEL" "$W/lines" 2>"$W/log" | head -1 >/dev/null
judge "a reader that has had enough" "${PIPESTATUS[0]}" 141
[ -s "$W/log" ] && fault "it complains: $(head -1 "$W/log")"
(
    ulimit -f 40
    "${TRAIN[@]}" "$W/out/m" --max-steps 2 -q
) >"$W/log" 2>&1
status=$?
echo "files of 40 kB at most: exit code $status"
[ $status != 0 ] || fault "a model of 180 kB was saved"
one_error $status "$W/log" "files of 40 kB at most"
[ -z "$(hidden "$W/out" "$TMPDIR")" ] || fault "left: $(hidden "$W/out" "$TMPDIR" | tr '\n' ' ')"
finish
