#!/usr/bin/env bash
# Files that change under a run: weights cut while they are mapped, data that grow while they are read.
. "$(dirname "$0")/common.bash"

cp -r "$MODEL" "$W/model"
yes "a fine film with a good plot" | head -200000 >"$W/lines"
"$DISTILL" predict --model "$W/model" "$W/lines" >/dev/null 2>"$W/log" &
run=$!
sleep 0.7
truncate -s 4096 "$W/model/model.safetensors"
await $run
status=$?
echo "weights cut while they are used: exit code $status"
one_error $status "$W/log" "weights cut while they are used"
cp "$MODEL/model.safetensors" "$W/model/"
for size in 0 1 7 8 100 4096; do
    truncate -s $size "$W/model/model.safetensors"
    "$DISTILL" predict --model "$W/model" <<<"a fine film" >/dev/null 2>"$W/log"
    status=$?
    [ $status != 0 ] || fault "weights of $size bytes were taken"
    one_error $status "$W/log" "weights of $size bytes"
    cp "$MODEL/model.safetensors" "$W/model/"
done
finish
