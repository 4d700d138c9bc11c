"""Malformed HTTP and JSON for a server, from a seed: it must neither end nor answer wrongly."""

import json
import random
import socket

PIECES = [
    b"\r\n", b"\r\n\r\n", b"\0", b"Content-Length: 99999999999999999999\r\n", b"Content-Length: -1\r\n",
    b"Transfer-Encoding: chunked\r\n", b"{", b"[" * 300, b'"', b"\\ud800", b"1e999", b"GET ", b"HTTP/9.9", b"FFFFFFFF\r\n",
    b"\xff", b"Connection: close\r\n", b":", b" ", b"NaN", b",", b"null", b"true", b"\\u0000"]
BODIES = [
    b'{"inputs":"good","truncate":true}', b'{"inputs":[["a","\\u00e9"],["b"]],"raw_scores":true}',
    b'{"inputs":["a","b"],"truncation_direction":"Left"}']


def request(body):
    return (b"POST /predict HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)) + body


SEEDS = [request(BODIES[0]), request(BODIES[1]), b"GET /info HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
         b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
         b'5\r\n{"inp\r\n9\r\nuts":"a"}\r\n0\r\n\r\n']


def mutant(generator, seed):
    data = bytearray(seed)
    for _ in range(generator.randint(1, 6)):
        if not data:
            break
        place = generator.randrange(len(data))
        kind = generator.randrange(5)
        if kind == 0:
            data[place] = generator.randrange(256)
        elif kind == 1:
            del data[place]
        elif kind == 2:
            data[place:place] = generator.choice(PIECES)
        elif kind == 3:
            del data[place:place + generator.randint(1, 40)]
        else:
            data[place:place] = data[place:place + generator.randint(1, 40)]
    return bytes(data)


def exchange(port, data):
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        answer = b""
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        try:
            while part := connection.recv(65536):
                answer += part
        except ConnectionResetError:
            pass
        return answer


def strict(body):
    """True if a body is a request by RFC 8259 and this API, judged by Python's parser."""
    def pairs(items):
        if len({key for key, _ in items}) != len(items):
            raise ValueError("a key twice")
        return dict(items)

    def constant(name):
        raise ValueError(name)

    try:
        value = json.loads(body.decode("utf-8-sig"), object_pairs_hook=pairs, parse_constant=constant)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    if not isinstance(value, dict) or not isinstance(value.get("truncate"), (bool, type(None))):
        return False
    if not isinstance(value.get("raw_scores", False), bool):
        return False
    if value.get("truncation_direction", "Right") not in ("Left", "Right"):
        return False
    inputs = value.get("inputs")
    texts = [[inputs]] if isinstance(inputs, str) else inputs
    if isinstance(inputs, list) and inputs and isinstance(inputs[0], str):
        texts = [inputs]
    return isinstance(texts, list) and 1 <= len(texts) <= 32 and all(
        isinstance(text, list) and 1 <= len(text) <= 2 and all(isinstance(part, str) for part in text) and any(text)
        for text in texts)


def run(port, total, seed=20261128):
    """Sends `total` bytes; returns what was wrong."""
    generator = random.Random(seed)
    good = request(b'{"inputs":"good"}')
    expected = exchange(port, good).split(b"\r\n\r\n", 1)[1]
    sent = count = 0
    faults = []
    while sent < total:
        if generator.random() < 0.5:
            data = mutant(generator, generator.choice(SEEDS))
            answer = exchange(port, data)
            # 501 is the answer to a transfer coding that the server does not read.
            if answer and not answer.startswith(b"HTTP/1.1 ") or b"HTTP/1.1 5" in answer.replace(b"HTTP/1.1 501 ", b""):
                faults.append((data, answer))
        else:
            body = mutant(generator, generator.choice(BODIES))
            data = request(body)
            answer = exchange(port, data)
            accepted = answer.startswith(b"HTTP/1.1 200")
            if accepted != strict(body) or not answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 4")):
                faults.append((data, answer))
        sent += len(data)
        count += 1
        if count % 1000 == 0 and exchange(port, good).split(b"\r\n\r\n", 1)[1] != expected:
            faults.append((good, b"another answer"))
    return count, sent, faults
