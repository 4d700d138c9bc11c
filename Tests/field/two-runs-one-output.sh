#!/usr/bin/env bash
# Two runs with one output: one of them gets it, the other is told so; nobody's model is replaced.
. "$(dirname "$0")/common.bash"

"${TRAIN[@]}" "$W/out/m" --max-steps 400 --eval-steps 400 --seed 1 -q >"$W/a" 2>&1 &
first=$!
sleep 0.5
"${TRAIN[@]}" "$W/out/m" --max-steps 3 --seed 2 -q >"$W/b" 2>&1
second=$?
await $first
first=$?
seed=$(grep -ho '"seed" *: *[0-9]*' "$W/out/m"/*.json 2>/dev/null | head -1 | grep -o '[0-9]*$')
echo "first: exit code $first, second: exit code $second, the model is of seed ${seed:-none}"
one_error $first "$W/a" "the first run"
one_error $second "$W/b" "the second run"
[ $first = 0 ] && [ $second = 0 ] && fault "both say that they saved their model"
holds_model "$W/out/m" || fault "there is no model"
if [ $first = 0 ] && [ "$seed" != 1 ]; then fault "the first run saved, and the model is another's"; fi
if [ $second = 0 ] && [ "$seed" != 2 ]; then fault "the second run saved, and the model is another's"; fi
# Afterwards the place is free again for whoever says so.
"${TRAIN[@]}" "$W/out/m" --max-steps 3 --seed 3 -q --overwrite >"$W/c" 2>&1 || fault "later: $(tail -n 1 "$W/c")"
[ -z "$(hidden "$W/out" "$TMPDIR")" ] || fault "left: $(hidden "$W/out" "$TMPDIR" | tr '\n' ' ')"
finish
