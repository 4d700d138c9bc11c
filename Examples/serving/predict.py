"""Requests to `distill serve --model student`, with Python's standard library alone.

    python predict.py [http://localhost:3000] < texts.txt
"""

import json
import sys
import time
import urllib.error
import urllib.request

BATCH = 32


def predict(url, texts, key=None, attempts=6):
    """The answers to up to 32 texts. A server that is overloaded is asked again after the time that it names."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    body = json.dumps({"inputs": [[text] for text in texts], "truncate": True}).encode()
    for attempt in range(attempts):
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{url}/predict", body, headers), timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503) or attempt == attempts - 1:
                raise SystemExit(f"{error.code}: {json.load(error)['error']}")
            time.sleep(float(error.headers.get("Retry-After", 1)))


def main():
    url = (sys.argv[1] if len(sys.argv) > 1 else "http://localhost:3000").rstrip("/")
    texts = [line.strip() for line in sys.stdin if line.strip()]
    for start in range(0, len(texts), BATCH):
        part = texts[start:start + BATCH]
        for text, answer in zip(part, predict(url, part)):
            print(json.dumps({"text": text, "answer": answer}, ensure_ascii=False))


if __name__ == "__main__":
    main()
