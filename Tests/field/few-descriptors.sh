#!/usr/bin/env bash
# Few file descriptors: an error of one line, never a signal.
. "$(dirname "$0")/common.bash"

echo "a fine film" >"$W/lines.txt"
summary=
try() { # LIMIT NAME COMMAND…
    local limit=$1 name=$2
    shift 2
    (
        ulimit -n "$limit"
        exec "$@"
    ) >"$W/log" 2>&1 </dev/null &
    await $!
    local status=$?
    summary+=" $status"
    # The loader of programs needs descriptors of its own; what it says is not ours.
    grep -q "error while loading shared libraries" "$W/log" && return
    one_error $status "$W/log" "$name with $limit descriptors"
}
for limit in 4 5 6 7 8 9 10 11 12 14 16; do
    try $limit finetune "$DISTILL" finetune --model "$MODEL" --train "$TEXTS" --output "$W/out/f$limit" --max-steps 2 -q \
        --no-data-cache
done
echo "finetune with 4 to 16:$summary"
summary=
for limit in 4 5 6 7 8 10 12; do
    try $limit run "$DISTILL" run --teacher "$MODEL" --train "$TEXTS" --output "$W/out/r$limit" --layers 1 --max-steps 2 -q
    try $limit evaluate "$DISTILL" evaluate --model "$MODEL" --data "$TEXTS" --latency-samples 1
    try $limit predict "$DISTILL" predict --model "$MODEL" "$W/lines.txt"
    try $limit quantize "$DISTILL" quantize --model "$MODEL" --output "$W/out/q$limit" -q
    try $limit benchmark "$DISTILL" benchmark --model "$MODEL" --batch-sizes 1 --lengths 8 --rounds 1 --seconds 0.01 -q
    try $limit download "$DISTILL" download org/name
done
echo "run, evaluate, predict, quantize, benchmark, download with 4 to 12:$summary"
finish
