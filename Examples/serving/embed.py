"""Texts by how similar they are to a query, by `distill serve --model all-MiniLM-L6-v2`, with Python's standard library alone.

    python embed.py "a good film" [http://localhost:3000] < texts.txt

With OpenAI's package, `OpenAI(base_url=url + "/v1", api_key="none").embeddings.create(model=…, input=texts)` asks the same.
"""

import json
import sys
import urllib.error
import urllib.request

BATCH = 32


def vectors(url, texts, key=None):
    """The vectors of texts, of length 1, in the form in which OpenAI's clients ask."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    found = []
    for start in range(0, len(texts), BATCH):
        body = json.dumps({"input": texts[start:start + BATCH]}).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{url}/v1/embeddings", body, headers), timeout=60) as answer:
                found += [element["embedding"] for element in json.load(answer)["data"]]
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{error.code}: {json.load(error)['message']}")
    return found


def main():
    query, url = sys.argv[1], (sys.argv[2] if len(sys.argv) > 2 else "http://localhost:3000").rstrip("/")
    texts = [line.strip() for line in sys.stdin if line.strip()]
    wanted, *others = vectors(url, [query] + texts)
    scores = [sum(a * b for a, b in zip(wanted, vector)) for vector in others]
    for score, text in sorted(zip(scores, texts), reverse=True):
        print(f"{score:.4f}\t{text}")


if __name__ == "__main__":
    main()
