#!/usr/bin/env bash
# Ctrl-C keeps what was learnt, SIGTERM saves a checkpoint; a second signal ends at once; neither leaves anything half-written.
. "$(dirname "$0")/common.bash"

# A background job of a script would ignore SIGINT; a shell with job control starts it as a user's shell does.
set -m
for signal in INT TERM; do
    "${TRAIN[@]}" "$W/out/$signal" --epochs 1000 >"$W/log" 2>&1 &
    run=$!
    for _ in $(seq 300); do
        grep -q 'epoch ' "$W/log" && break
        sleep 0.1
    done
    kill -s $signal $run
    await $run
    status=$?
    echo "$signal in training: exit code $status"
    expected=$([ $signal = INT ] && echo 130 || echo 75)
    [ $status = "$expected" ] || fault "$signal: exit code $status instead of $expected: $(tail -n 1 "$W/log")"
    ls "$W/out/$signal.checkpoints"/checkpoint-*/SHA256SUMS >/dev/null 2>&1 || fault "$signal: there is no checkpoint"
    holds_model "$W/out/$signal" || fault "$signal: what was learnt is lost"
    "$DISTILL" predict --model "$W/out/$signal" <<<"a fine film" >"$W/answer" 2>&1 || fault "$signal: $(cat "$W/answer")"
done
for command in "quantize --output $W/out/q" "export --format safetensors --output $W/out/e"; do
    # shellcheck disable=SC2086
    "$DISTILL" ${command%% *} --model "$MODEL" ${command#* } >"$W/log" 2>&1 &
    run=$!
    sleep 0.05
    kill -TERM $run 2>/dev/null
    await $run
    status=$?
    echo "TERM in ${command%% *}: exit code $status"
    grep -qi 'training' "$W/log" && fault "${command%% *} speaks of training: $(grep -i training "$W/log" | head -1)"
    place=${command##* }
    if [ $status != 0 ] && [ -e "$place" ]; then fault "${command%% *} was ended, and $place is there"; fi
done
[ -z "$(hidden "$W/out" "$TMPDIR")" ] || fault "left: $(hidden "$W/out" "$TMPDIR" | tr '\n' ' ')"
finish
