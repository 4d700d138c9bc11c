#!/usr/bin/env bash
# Requests to `distill serve --model student` with curl.
set -euo pipefail
url=${1:-http://localhost:3000}
json='Content-Type: application/json'

curl -sS "$url/predict" -H "$json" -d '{"inputs": "A film to remember."}'
echo
# A pair of texts, and a batch of texts and pairs; the second text is cut where it is too long.
curl -sS "$url/predict" -H "$json" -d '{"inputs": ["Is it good?", "It is."]}'
echo
curl -sS "$url/predict" -H "$json" -d '{"inputs": [["A film to remember."], ["Awful."]], "truncate": true}'
echo
# With an API key: -H "Authorization: Bearer $API_KEY". Logits in place of probabilities:
curl -sS "$url/predict" -H "$json" -d '{"inputs": "A film to remember.", "raw_scores": true}'
echo
curl -sS "$url/info"
echo
