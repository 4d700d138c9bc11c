"""Measures the server against its peer, overloads it, feeds it what is no HTTP, lets it run, and ends it under load.

    python Benchmarks/load/load.py [--minutes 30] [--rounds 3] [--seconds 10] [--bytes 10000000] [--write]
"""

import argparse
import http.client
import os
import signal
import statistics
import subprocess
import sys
import threading
import time

import malformed
import servers
from servers import free_port, metric, ours, peer, resident, wrk

CONNECTIONS = 64


def compare(rounds, seconds):
    """Both servers in turn, round after round; the peer with as many workers as do best."""
    runs = {"distill serve": [], "peer, 1 worker": [], f"peer, {os.cpu_count()} workers": []}
    for number in range(rounds):
        for name, results in runs.items():
            port = free_port()
            server = ours(port) if name == "distill serve" else peer(port, 1 if "1 worker" in name else os.cpu_count())
            with server:
                wrk(port, CONNECTIONS, 2)
                results.append(wrk(port, CONNECTIONS, seconds))
            print(f"round {number + 1}, {name}: {results[-1]['rate']:.0f}/s, p99 {results[-1]['p99']:.0f} ms", flush=True)
    best = max((name for name in runs if name != "distill serve"), key=lambda name: median(runs[name], "rate"))
    return runs["distill serve"], runs[best], best


def median(results, key):
    return statistics.median(result[key] for result in results)


def probe(port, stop, times):
    """Asks again and again on one connection, and notes how long refusals take."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while not stop.is_set():
        start = time.perf_counter()
        connection.request("POST", "/predict", b'{"inputs":"good"}', {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        if response.status == 429:
            times.append((time.perf_counter() - start) * 1000)
        time.sleep(0.01)


def overload(capacity, seconds):
    """Ten times the requests that the server answers."""
    port = free_port()
    with ours(port, "--max-concurrent-requests", CONNECTIONS) as server:
        wrk(port, CONNECTIONS // 2, 2)
        before = resident(server.pid)
        # Each of these connections sends a request every `delay` milliseconds.
        connections = 640
        stop, times = threading.Event(), []
        thread = threading.Thread(target=probe, args=(port, stop, times))
        thread.start()
        answered, start = metric(port, "te_request_success"), time.monotonic()
        result = wrk(port, connections, seconds, delay=max(1, round(connections / (10 * capacity) * 1000)))
        rate = (metric(port, "te_request_success") - answered) / (time.monotonic() - start)
        stop.set()
        thread.join()
        times.sort()
        return {
            "rate": rate, "offered": result["offered"], "broken": result["broken"],
            "refusal": times[int(len(times) * 0.99)] if times else float("nan"), "refusals": len(times),
            "memory": (before, resident(server.pid))}


def drain(clients):
    """Clients send one request after another while the server is told to end; each that was sent must be answered."""
    port = free_port()
    lost, answered = [], []

    def client():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while True:
            try:
                connection.request("POST", "/predict", b'{"inputs":"good"}', {"Content-Type": "application/json"})
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException) as error:
                lost.append(repr(error))
                return
            answered.append(response.status)
            if response.will_close:
                return

    with ours(port) as server:
        threads = [threading.Thread(target=client) for _ in range(clients)]
        for thread in threads:
            thread.start()
        time.sleep(2)
        server.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        code = server.wait(90)
    return {"answered": len(answered), "lost": len(lost), "wrong": sum(status != 200 for status in answered), "exit": code}


def soak(minutes):
    """Memory and latency while the server is busy for long."""
    port = free_port()
    periods = []
    with ours(port) as server:
        end = time.monotonic() + minutes * 60
        while time.monotonic() < end:
            result = wrk(port, CONNECTIONS, max(1, min(60, round(end - time.monotonic()))))
            periods.append({**result, "memory": resident(server.pid)})
    return periods


def schemathesis(examples):
    port = free_port()
    with ours(port, "--auto-truncate"):
        done = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{port}/openapi.json", "--checks", "all",
             "--max-examples", str(examples), "--seed", "1"], cwd=servers.WORK)
    return done.returncode


def table(arguments, mine, theirs, best, over, count, sent, faults, code, ended, periods):
    rows = [
        ("requests a second, 64 connections, short sentences",
         f"{median(mine, 'rate'):.0f}, FastAPI with ONNX Runtime ({best}) {median(theirs, 'rate'):.0f}: "
         f"{median(mine, 'rate') / median(theirs, 'rate'):.1f} times"),
        ("p50 and p99 of them, ms",
         f"{median(mine, 'p50'):.1f} and {median(mine, 'p99'):.1f}, the peer's {median(theirs, 'p50'):.1f} and "
         f"{median(theirs, 'p99'):.1f}"),
        (f"at {over['offered'] / median(mine, 'rate'):.1f} times that",
         f"{over['rate']:.0f} answered a second; p99 of {over['refusals']} refusals {over['refusal']:.1f} ms; memory "
         f"{over['memory'][0]:.0f} MB before, {over['memory'][1]:.0f} MB after"),
        ("malformed HTTP and JSON", f"{count} requests of {sent / 1e6:.1f} MB: {len(faults)} wrong answers"),
        ("schemathesis, all checks", "clean" if code == 0 else f"ends with {code}"),
        ("SIGTERM under load", f"{ended['answered']} answered, {ended['lost']} lost, exit code {ended['exit']}"),
    ]
    if periods:
        tenth = periods[len(periods) // 10]
        rows.append((
            f"{arguments.minutes} minutes at full load",
            f"memory {tenth['memory']:.0f} MB after a tenth, {periods[-1]['memory']:.0f} MB at the end; p99 "
            f"{tenth['p99']:.1f} and {periods[-1]['p99']:.1f} ms; {sum(period['broken'] for period in periods):.0f} broken"))
    return "| | |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in rows)


def write(text):
    """Puts the table between its marks in docs/serving.md."""
    file = servers.ROOT / "docs/serving.md"
    head, rest = file.read_text().split("<!-- load -->\n", 1)
    tail = rest.split("<!-- /load -->", 1)[1]
    file.write_text(f"{head}<!-- load -->\n{text}<!-- /load -->{tail}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--bytes", type=int, default=10_000_000)
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--write", action="store_true", help="put the table into docs/serving.md")
    arguments = parser.parse_args()
    mine, theirs, best = compare(arguments.rounds, arguments.seconds)
    over = overload(median(mine, "rate"), arguments.seconds)
    print(over, flush=True)
    port = free_port()
    with ours(port, "--body-timeout", "5"):
        count, sent, faults = malformed.run(port, arguments.bytes)
    for data, answer in faults[:5]:
        print("wrong:", data, answer, flush=True)
    code = schemathesis(arguments.examples)
    ended = drain(CONNECTIONS)
    print(ended, flush=True)
    periods = soak(arguments.minutes) if arguments.minutes > 0 else []
    text = table(arguments, mine, theirs, best, over, count, sent, faults, code, ended, periods)
    print(text)
    if arguments.write:
        write(text)
    if faults or code or ended["lost"] or ended["wrong"] or ended["exit"]:
        raise SystemExit("load: not all is as it must be; see above")


if __name__ == "__main__":
    main()
