#!/usr/bin/env bash
# The main job on real data: a pretrained encoder becomes a teacher on 8,568 human-rated movie snippets, two students
# learn from it, become int8 and ONNX, and all are evaluated on 1,000 others, measured, and put on a page. QUICK=1 takes the
# same path with a few steps each.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

output=demo-output
data=.demo/movies
distill=.build/release/distill
timings=()

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
# took NAME SECONDS: tells how long a part took, and notes it for the sum at the end.
took() {
    printf '(%s: %s s)\n' "$1" "$2" >&2
    timings+=("$1=$2")
}
# timed NAME COMMAND…
timed() {
    local name=$1 start=$SECONDS
    shift
    "$@"
    took "$name" $((SECONDS - start))
}

if [ "${QUICK:-}" = 1 ]; then
    brief=(--max-steps 25)
else
    brief=()
fi
mkdir -p "$output"

step "1/9  Set-up and build"
timed "set-up" scripts/bootstrap.sh
# What pip fetches comes while the compiler works: the data and the encoder, and ONNX Runtime for step 6.
fetched=$output/fetched.log
{ python3 scripts/demo_data.py && { scripts/python.sh --onnx || true; }; } >"$fetched" 2>&1 &
fetching=$!
trap 'kill $fetching 2>/dev/null || true' EXIT
timed "build" swift build -c release --product distill
start=$SECONDS
wait $fetching || {
    cat "$fetched" >&2
    exit 1
}
trap - EXIT
cat "$fetched"
took "data, beyond the build" $((SECONDS - start))

step "2/9  Teacher: all-MiniLM-L6-v2, fine-tuned on the movie snippets"
timed "teacher" "$distill" finetune --model .demo/all-MiniLM-L6-v2 --train "$data/train.csv" \
    --validation "$data/validation.csv" --output "$output/teacher" --overwrite \
    --epochs 2 --learning-rate 5e-5 ${brief[@]+"${brief[@]}"}

step "3/9  Student 1: three of the teacher's layers"
timed "student" "$distill" run --teacher "$output/teacher" --train "$data/train.csv" \
    --validation "$data/validation.csv" --output "$output/student" --overwrite \
    --layers 3 --init teacher-layers --epochs 3 --learning-rate 1e-4 ${brief[@]+"${brief[@]}"}

step "4/9  Student 2: three layers of width 128, fitted to the teacher, taught by its attention too"
timed "narrow student" "$distill" run --teacher "$output/teacher" --train "$data/train.csv" \
    --validation "$data/validation.csv" --output "$output/narrow-student" --overwrite \
    --layers 3 --hidden-size 128 --attention-heads 4 --intermediate-size 512 --init projected-teacher \
    --objective "kl(weight=0.7, temperature=4)" --objective "cross_entropy(weight=0.3)" \
    --objective "minilm_v2(weight=0.5)" --epochs 3 --learning-rate 3e-4 ${brief[@]+"${brief[@]}"}

step "5/9  int8: both students quantized, the narrow one without the tokens that the data never use"
timed "int8" "$distill" quantize --model "$output/student" --output "$output/student-int8" --overwrite \
    --data "$data/validation.csv" --accuracy-drop 0.5
timed "small int8" "$distill" quantize --model "$output/narrow-student" --output "$output/narrow-student-int8" --overwrite \
    --trim-vocabulary "$data/train.csv" --data "$data/validation.csv"

step "6/9  ONNX: float32, and int8"
if python=$(scripts/python.sh --onnx --print); then export DISTILL_PYTHON=$python; fi
for model in student student-int8 narrow-student-int8; do
    timed "export of $model" "$distill" export --model "$output/$model" --format onnx --output "$output/$model-onnx" --overwrite
done

step "7/9  All of them on the test data"
for model in student narrow-student student-int8 narrow-student-int8; do
    timed "evaluation of $model" "$distill" evaluate --model "$output/$model" --teacher "$output/teacher" \
        --data "$data/test.csv" --json >"$output/$model-test.json"
done

step "8/9  Measured side by side, each in a process of its own"
if [ "${QUICK:-}" = 1 ]; then rounds=(--rounds 2 --seconds 0.2); else rounds=(--rounds 2); fi
onnx=()
if [ -n "${DISTILL_PYTHON:-}" ]; then
    onnx=(--model "$output/student-onnx" --model "$output/student-int8-onnx" --model "$output/narrow-student-int8-onnx")
fi
timed "benchmark" "$distill" benchmark --model "$output/teacher" --model "$output/student" --model "$output/student-int8" \
    --model "$output/narrow-student" --model "$output/narrow-student-int8" ${onnx[@]+"${onnx[@]}"} \
    --batch-sizes 1,32 --lengths 16,64 --data "$data/test.csv" --chart "$output/benchmark.svg" \
    ${rounds[@]+"${rounds[@]}"}

step "9/9  The comparison, and the page to show"
timed "page" "$distill" report "$output/teacher" "$output/student" "$output/student-int8" "$output/narrow-student" \
    "$output/narrow-student-int8" --output "$output/report.html" --overwrite
printf '%s\n' "${timings[@]}" | python3 scripts/demo_report.py "$output"
