#!/usr/bin/env bash
# Requests to `distill serve --model all-MiniLM-L6-v2` with curl.
set -euo pipefail
url=${1:-http://localhost:3000}
json='Content-Type: application/json'

curl -sS "$url/embed" -H "$json" -d '{"inputs": ["A film to remember.", "A dull evening."]}'
echo
# The first 64 components, normalized; texts that are too long are cut.
curl -sS "$url/embed" -H "$json" -d '{"inputs": "A film to remember.", "dimensions": 64, "truncate": true}'
echo
curl -sS "$url/similarity" -H "$json" \
    -d '{"inputs": {"source_sentence": "A good film.", "sentences": ["A film to remember.", "A dull evening."]}}'
echo
# As OpenAI's clients ask.
curl -sS "$url/v1/embeddings" -H "$json" -d '{"input": "A film to remember.", "model": "all-MiniLM-L6-v2"}'
echo
# Of a cross-encoder, served as `--model ranker=DIRECTORY`:
# curl -sS "$url/models/ranker/rerank" -H "$json" -d '{"query": "a good film", "texts": ["Awful.", "A film to remember."]}'
curl -sS "$url/tokenize" -H "$json" -d '{"inputs": "A film to remember."}'
echo
