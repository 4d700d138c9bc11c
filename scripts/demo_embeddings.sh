#!/usr/bin/env bash
# Sentence embeddings made smaller: all-MiniLM-L6-v2 to a third of its layers and to static tables, evaluated on pairs of definitions, against
# sentence-transformers' trainer and model2vec's tables on the same texts, and wordllama's table. QUICK=1 takes the same path with few texts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

output=demo-output/embeddings
distill=.build/release/distill
teacher=.demo/all-MiniLM-L6-v2
if [ "${QUICK:-}" = 1 ]; then
    count=2000 epochs=1 table_epochs=2
else
    count=20000 epochs=2 table_epochs=10
fi
step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
mkdir -p "$output"

step "1/7  Set-up and build"
scripts/bootstrap.sh
python3 scripts/demo_data.py
python3 scripts/demo_embeddings_data.py
scripts/python.sh --embeddings
swift build -c release --product distill
head -n "$((count + 1))" .demo/sentences/texts.csv >"$output/texts.csv"

step "2/7  What a training would read"
"$distill" check --teacher "$teacher" --train "$output/texts.csv" --validation .demo/sentences/validation.csv --layers 2

step "3/7  A student of two layers learns the vectors of $count texts"
"$distill" run --teacher "$teacher" --train "$output/texts.csv" --validation .demo/sentences/validation.csv --test .demo/sentences/test.csv \
    --layers 2 --epochs "$epochs" --learning-rate 5e-4 --per-device-train-batch-size 64 --output "$output/student" --overwrite

step "4/7  A static table of the teacher's tokens, which needs no texts"
"$distill" run --teacher "$teacher" --student static --embedding-size 256 --output "$output/static" --overwrite

step "5/7  The table trained on the texts, from the teacher's vectors that are there already"
"$distill" run --teacher "$teacher" --student static --train "$output/texts.csv" --validation .demo/sentences/validation.csv \
    --epochs "$table_epochs" --learning-rate 5e-3 --per-device-train-batch-size 256 --output "$output/trained" --overwrite

step "6/7  The same by sentence-transformers' trainer and by model2vec"
.python-embeddings/bin/python Benchmarks/embeddings.py --teacher "$teacher" --texts "$output/texts.csv" --layers 2 --epochs "$epochs" \
    --output "$output/peers"

step "7/7  All of them on the test pairs"
python3 scripts/demo_embeddings_report.py "$distill" "$teacher" "$output"
