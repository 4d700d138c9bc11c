#!/usr/bin/env bash
# What killed runs leave in outputs, caches and the temporary folder, the next run removes.
. "$(dirname "$0")/common.bash"

# At times spread over a run: loading, training, saving.
start=$(date +%s%N)
"${TRAIN[@]}" "$W/out/m" --max-steps 40 --eval-steps 2 -q >"$W/log" 2>&1 || fault "the first run: $(tail -n 1 "$W/log")"
whole=$((($(date +%s%N) - start) / 1000000))
rm -rf "$W/out/m"
for part in $(seq 30); do
    "${TRAIN[@]}" "$W/out/m" --max-steps 40 --eval-steps 2 -q --overwrite >"$W/log" 2>&1 &
    run=$!
    sleep "$(awk "BEGIN { print $whole * (0.1 + 0.9 * $part / 30) / 1000 }")"
    kill -9 $run 2>/dev/null
    await $run
    if [ -d "$W/out/m" ] && ! holds_model "$W/out/m"; then fault "killed at $part/30: half a model is there"; fi
done
# And in the midst of saving, where it can be arranged.
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
    for place in 1 2 3 4; do
        strace -f -o /dev/null -e trace=fsync -e inject=fsync:signal=KILL:when=$place \
            "${TRAIN[@]}" "$W/out/m" --max-steps 4 -q --overwrite >"$W/log" 2>&1 &
        await $!
    done
fi
"$DISTILL" label --teacher "$MODEL" --data "$TEXTS" --no-data-cache >"$W/log" 2>&1 &
run=$!
sleep "$(awk "BEGIN { print $whole / 20000 }")"
kill -9 $run 2>/dev/null
await $run
left=$(hidden "$W/out" "$W/cache" "$TMPDIR" | wc -l)
"${TRAIN[@]}" "$W/out/m" --max-steps 2 -q --overwrite >"$W/log" 2>&1 || fault "the next run: $(tail -n 1 "$W/log")"
"$DISTILL" label --teacher "$MODEL" --data "$TEXTS" >"$W/log" 2>&1 || fault "labelling: $(tail -n 1 "$W/log")"
holds_model "$W/out/m" || fault "there is no model"
echo "$left pieces were left by the kills, $(hidden "$W/out" "$W/cache" "$TMPDIR" | wc -l) after two whole runs"
for file in $(hidden "$W/out" "$W/cache" "$TMPDIR"); do
    # A lock is a name without contents, which whoever comes next takes again.
    [ -s "$file" ] || [ -d "$file" ] || continue
    fault "still there: ${file#"$W/"}"
done
finish
