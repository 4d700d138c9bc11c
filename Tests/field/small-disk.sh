#!/usr/bin/env bash
# A disk that is too small: known before training where it can be; nothing half-written; labelling keeps what it has.
. "$(dirname "$0")/common.bash"

[ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ] || skip "needs root to make a small file system"
mkdir "$W/small"
mount -t tmpfs -o size=60k tmpfs "$W/small" 2>/dev/null || skip "a file system cannot be made here"
trap 'umount -l "$W/small"; rm -rf "$W"' EXIT

"${TRAIN[@]}" "$W/small/m" --max-steps 10 >"$W/log" 2>&1
status=$?
echo "output on a full disk: exit code $status, $(grep -c '  step ' "$W/log") lines of training"
[ $status != 0 ] || fault "a model of 180 kB was saved on 60 kB"
one_error $status "$W/log" "the output's disk is too small"
grep -q '  step ' "$W/log" && [ -z "$(find "$W/out" -name model.safetensors)" ] &&
    ! grep -qi 'saved' "$W/log" && fault "trained first, then lost it all"
[ -z "$(ls -A "$W/small")" ] || fault "left on the disk: $(ls -A "$W/small" | tr '\n' ' ')"

"${TRAIN[@]}" "$W/out/m" --max-steps 3 --cache-dir "$W/small/cache" >"$W/log" 2>&1
status=$?
echo "cache on a full disk: exit code $status"
[ $status = 0 ] || fault "a run needs no cache: $(tail -n 1 "$W/log")"

python3 - "$W/texts.csv" <<'PY' || skip "needs Python 3 for the texts"
import random, sys
r = random.Random(1)
words = "good bad great awful film movie the a of and it is null this".split()
with open(sys.argv[1], "w") as file:
    print("text", file=file)
    for _ in range(20000):
        print(" ".join(r.choices(words, k=9)), file=file)
PY
rm -rf "$W/small/cache"
mount -o remount,size=400k "$W/small"
"$DISTILL" label --teacher "$MODEL" --data "$W/texts.csv" --cache-dir "$W/small/c" --no-data-cache >"$W/log" 2>&1
status=$?
kept=$(find "$W/small" -name '*.logits' | wc -l)
echo "labelling until the disk is full: exit code $status, $kept files kept"
[ $status != 0 ] || fault "labelled 20,000 texts in 400 kB"
one_error $status "$W/log" "labelling on a full disk"
[ "$kept" -gt 0 ] || fault "what was computed is lost"
mount -o remount,size=8m "$W/small"
"$DISTILL" label --teacher "$MODEL" --data "$W/texts.csv" --cache-dir "$W/small/c" --no-data-cache >"$W/log" 2>/dev/null ||
    fault "again, with room: exit code $?"
head -1 "$W/log"
grep -q ' 0 were there' "$W/log" && fault "it began from nothing"
finish
