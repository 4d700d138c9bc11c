#!/usr/bin/env bash
# What killed runs leave in outputs, caches and the temporary folder, the next run removes.
. "$(dirname "$0")/common.bash"

# At times spread over a run: loading, training, saving.
start=$(date +%s%N)
train "$W/out/m" --max-steps 40 --eval-steps 2 -q >"$W/log" 2>&1 || fault "the first run: $(tail -n 1 "$W/log")"
whole=$((($(date +%s%N) - start) / 1000000))
rm -rf "$W/out/m"
for part in 3 4 5 6 7 8 9; do
    train "$W/out/m" --max-steps 40 --eval-steps 2 -q --overwrite >"$W/log" 2>&1 &
    run=$!
    sleep "$(awk "BEGIN { print $whole * $part / 10000 }")"
    kill -9 $run 2>/dev/null
    wait $run 2>/dev/null
    if [ -d "$W/out/m" ] && ! holds_model "$W/out/m"; then fault "killed at $part/10: half a model is there"; fi
done
"$DISTILL" label --teacher "$MODEL" --data "$TEXTS" --no-data-cache >"$W/log" 2>&1 &
run=$!
sleep "$(awk "BEGIN { print $whole / 20000 }")"
kill -9 $run 2>/dev/null
wait $run 2>/dev/null
left=$(hidden "$W/out" "$W/cache" "$TMPDIR" | wc -l)
train "$W/out/m" --max-steps 2 -q --overwrite >"$W/log" 2>&1 || fault "the next run: $(tail -n 1 "$W/log")"
"$DISTILL" label --teacher "$MODEL" --data "$TEXTS" >"$W/log" 2>&1 || fault "labelling: $(tail -n 1 "$W/log")"
holds_model "$W/out/m" || fault "there is no model"
echo "$left pieces were left by 8 kills, $(hidden "$W/out" "$W/cache" "$TMPDIR" | wc -l) after two whole runs"
for file in $(hidden "$W/out" "$W/cache" "$TMPDIR"); do
    # A lock is a name without contents, which whoever comes next takes again.
    [ -s "$file" ] || [ -d "$file" ] || continue
    fault "still there: ${file#"$W/"}"
done
finish
