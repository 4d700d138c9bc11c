#!/usr/bin/env bash
# How much of its teacher's accuracy a smaller language model keeps: SmolLM2-135M-Instruct to 19 of its 30 layers and to the tokens that
# some thousand texts use (65 % of its parameters), two epochs, then six multiple-choice tasks that no text has anything of. About two
# hours on two cores, of which the second epoch is half an hour: it reads the teacher's outputs from the cache.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

output=demo-output/retention
distill=.build/release/distill
data=.demo/retention
step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
mkdir -p "$output"

step "1/4  Set-up and build"
scripts/bootstrap.sh
python3 scripts/demo_lm_data.py
python3 scripts/retention_data.py
swift build -c release --product distill
teacher=$(ls .demo/smollm2/*.gguf)

step "2/4  A student of 19 layers"
"$distill" run --teacher "$teacher" --train "$data/train.jsonl" --validation "$data/validation.jsonl" --layers 19 --trim-vocabulary \
    --epochs 1 --learning-rate 5e-4 --warmup-ratio 0.03 --per-device-train-batch-size 8 --report-examples 0 \
    --cache-dir "$output/cache" --output "$output/first" --overwrite

step "3/4  A second epoch, at a lower learning rate"
"$distill" run --teacher "$teacher" --student "$output/first" --train "$data/train.jsonl" --validation "$data/validation.jsonl" \
    --epochs 1 --learning-rate 3e-4 --warmup-ratio 0.03 --seed 43 --per-device-train-batch-size 8 --report-examples 0 \
    --cache-dir "$output/cache" --output "$output/student" --overwrite

step "4/4  Teacher and student on six tasks"
choices=()
for task in definition kind word continuation last_word sentiment; do choices+=(--choices "$data/tasks/$task.jsonl"); done
"$distill" evaluate --model "$output/student" --teacher "$teacher" "${choices[@]}"
