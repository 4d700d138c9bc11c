#!/usr/bin/env bash
# The main job on real data: a pretrained encoder becomes a teacher on 8,568 human-rated movie snippets, two students
# learn from it, and all three are judged on 1,000 others. QUICK=1 takes the same path with a few steps each.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

output=demo-output
data=.demo/movies
distill=.build/release/distill
timings=()

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
# timed NAME COMMAND…: runs the command and notes how long it took.
timed() {
    local name=$1 start=$SECONDS
    shift
    "$@"
    timings+=("$name=$((SECONDS - start))")
}

if [ "${QUICK:-}" = 1 ]; then
    brief=(--max-steps 25)
else
    brief=()
fi
mkdir -p "$output"

step "1/6  Set-up and build"
timed "set-up" scripts/bootstrap.sh
timed "build" swift build -c release --product distill
timed "data" python3 scripts/demo_data.py

step "2/6  Teacher: all-MiniLM-L6-v2, fine-tuned on the movie snippets"
timed "teacher" "$distill" finetune --model .demo/all-MiniLM-L6-v2 --train "$data/train.csv" \
    --validation "$data/validation.csv" --output "$output/teacher" --overwrite \
    --epochs 2 --learning-rate 5e-5 ${brief[@]+"${brief[@]}"}

step "3/6  Student 1: three of the teacher's layers"
timed "student" "$distill" run --teacher "$output/teacher" --train "$data/train.csv" \
    --validation "$data/validation.csv" --output "$output/student" --overwrite \
    --layers 3 --init teacher-layers --epochs 3 --learning-rate 1e-4 ${brief[@]+"${brief[@]}"}

step "4/6  Student 2: three layers of width 128, narrowed from the teacher, taught by its attention too"
timed "narrow student" "$distill" run --teacher "$output/teacher" --train "$data/train.csv" \
    --validation "$data/validation.csv" --output "$output/narrow-student" --overwrite \
    --layers 3 --hidden-size 128 --attention-heads 4 --intermediate-size 512 --init narrowed-teacher \
    --objective "kl(weight=0.7, temperature=4)" --objective "cross_entropy(weight=0.3)" \
    --objective "minilm_v2(weight=0.5)" --epochs 6 --learning-rate 5e-4 ${brief[@]+"${brief[@]}"}

step "5/6  Both students beside the teacher on the test data"
for student in student narrow-student; do
    timed "evaluation of $student" "$distill" evaluate --model "$output/$student" --teacher "$output/teacher" \
        --data "$data/test.csv" --json >"$output/$student-test.json"
done

step "6/6  Comparison"
printf '%s\n' "${timings[@]}" | python3 scripts/demo_report.py "$output"
