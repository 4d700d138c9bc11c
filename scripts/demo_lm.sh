#!/usr/bin/env bash
# A language model made smaller: SmolLM2-135M-Instruct answers questions about words, a student of 20 of its 30 layers learns its
# whole distribution on these answers, and is compared with the same student trained on the answers' text alone. QUICK=1 takes the
# same path with few texts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

output=demo-output/language-model
distill=.build/release/distill
if [ "${QUICK:-}" = 1 ]; then
    count=48 held=16 epochs=1
else
    count=1600 held=160 epochs=3
fi
step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
mkdir -p "$output"

step "1/6  Set-up and build"
scripts/bootstrap.sh
python3 scripts/demo_lm_data.py
swift build -c release --product distill
teacher=$(ls .demo/smollm2/*.gguf)
head -n "$count" .demo/words/train.jsonl >"$output/train-questions.jsonl"
head -n "$held" .demo/words/validation.jsonl >"$output/validation-questions.jsonl"

step "2/6  The teacher answers $count questions, and $held for validation"
for part in train validation; do
    "$distill" generate --model "$teacher" --data "$output/$part-questions.jsonl" --output "$output/$part.jsonl" --overwrite \
        --max-new-tokens 96 --batch-size 16
done

step "3/6  What a training would read"
"$distill" check --teacher "$teacher" --train "$output/train.jsonl" --validation "$output/validation.jsonl" --layers 20 \
    --per-device-train-batch-size 8

step "4/6  A student of 20 layers, and the same student trained on text alone"
"$distill" run --teacher "$teacher" --train "$output/train.jsonl" --validation "$output/validation.jsonl" \
    --layers 20 --epochs "$epochs" --learning-rate 3e-4 --per-device-train-batch-size 8 --baseline \
    --output "$output/student" --overwrite

step "5/6  Teacher and student answer a question that neither was trained on"
for model in "$teacher" "$output/student"; do
    printf '\n%s\n' "$model"
    "$distill" generate --model "$model" --prompt "What does the word \"harbor\" mean?" --max-new-tokens 64
done

step "6/6  The student as a file for llama.cpp, with the errors of its weights weighed by the training texts"
"$distill" export --model "$output/student" --format gguf --outtype q4_k_m --calibrate "$output/train.jsonl" --calibrate-tokens 8192 \
    --output "$output/student.gguf" --overwrite
"$distill" generate --model "$output/student.gguf" --prompt "What does the word \"harbor\" mean?" --max-new-tokens 64
printf '\nThe page: %s\n' "$output/student/report.html"
