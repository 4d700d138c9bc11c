"""Measures the server against its peer, overloads it, feeds it what is no HTTP, lets it run, and ends it under load.

    python Benchmarks/load/load.py [--minutes 30] [--rounds 3] [--seconds 10] [--bytes 10000000] [--parts soak] [--write]
"""

import argparse
import http.client
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import malformed
import servers
from common import machine
from servers import free_port, metric, ours, peer, resident, wrk

CONNECTIONS = 64
PARTS = ["compare", "overload", "malformed", "schemathesis", "drain", "soak"]


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


def children_time():
    """Processor seconds of the children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


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
        answered, start, used = metric(port, "te_request_success"), time.monotonic(), children_time()
        result = wrk(port, connections, seconds, delay=max(1, round(connections / (10 * capacity) * 1000)))
        seconds = time.monotonic() - start
        rate = (metric(port, "te_request_success") - answered) / seconds
        stop.set()
        thread.join()
        times.sort()
        return {
            "rate": rate, "offered": result["offered"], "broken": result["broken"],
            "generator": (children_time() - used) / seconds / (os.cpu_count() or 1),
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


def measure(part, arguments, known):
    """The result of a part; `known` holds those of the parts before it."""
    if part == "compare":
        mine, theirs, best = compare(arguments.rounds, arguments.seconds)
        return {"best": best, **{
            f"{side}_{key}": median(runs, key) for side, runs in (("ours", mine), ("peer", theirs)) for key in ("rate", "p50", "p99")}}
    if part == "overload":
        return overload(known["compare"]["ours_rate"], arguments.seconds)
    if part == "malformed":
        port = free_port()
        with ours(port, "--body-timeout", "5"):
            count, sent, faults = malformed.run(port, arguments.bytes)
        for data, answer in faults[:5]:
            print("wrong:", data, answer, flush=True)
        return {"count": count, "bytes": sent, "faults": len(faults)}
    if part == "schemathesis":
        return {"code": schemathesis(arguments.examples)}
    if part == "drain":
        return drain(CONNECTIONS)
    return {"minutes": arguments.minutes, "periods": soak(arguments.minutes)}


def rows(known):
    """The table's rows, of the parts that were measured."""
    if run := known.get("compare"):
        yield ("requests a second, 64 connections, short sentences",
               f"{run['ours_rate']:.0f}, FastAPI with ONNX Runtime ({run['best']}) {run['peer_rate']:.0f}: "
               f"{run['ours_rate'] / run['peer_rate']:.1f} times")
        yield ("p50 and p99 of them, ms",
               f"{run['ours_p50']:.1f} and {run['ours_p99']:.1f}, the peer's {run['peer_p50']:.1f} and {run['peer_p99']:.1f}")
    if run := known.get("overload"):
        yield (f"at {run['offered'] / known['compare']['ours_rate']:.1f} times that",
               f"{run['rate']:.0f} answered a second, while the load generator takes {run['generator']:.0%} of the processors; "
               f"p99 of {run['refusals']} refusals {run['refusal']:.1f} ms; memory {run['memory'][0]:.0f} MB before, "
               f"{run['memory'][1]:.0f} MB after")
    if run := known.get("malformed"):
        yield ("malformed HTTP and JSON", f"{run['count']} requests of {run['bytes'] / 1e6:.1f} MB: {run['faults']} wrong answers")
    if run := known.get("schemathesis"):
        yield ("schemathesis, all checks", "clean" if run["code"] == 0 else f"ends with {run['code']}")
    if run := known.get("drain"):
        yield ("SIGTERM under load", f"{run['answered']} answered, {run['lost']} lost, exit code {run['exit']}")
    if run := known.get("soak"):
        periods = run["periods"]
        tenth = periods[len(periods) // 10]
        yield (f"{run['minutes']:g} minutes at full load",
               f"memory {tenth['memory']:.0f} MB after a tenth, {periods[-1]['memory']:.0f} MB at the end; p99 "
               f"{tenth['p99']:.1f} and {periods[-1]['p99']:.1f} ms; {sum(period['broken'] for period in periods):.0f} broken")


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
    parser.add_argument("--parts", default=",".join(PARTS), help="which to measure; the others keep their last results")
    parser.add_argument("--write", action="store_true", help="put the table into docs/serving.md")
    arguments = parser.parse_args()
    parts = [part for part in PARTS if part in arguments.parts.split(",")]
    if not parts or len(parts) != len(arguments.parts.split(",")):
        parser.error(f"--parts takes some of {','.join(PARTS)}")
    if arguments.minutes <= 0 and "soak" in parts:
        parts.remove("soak")
    file = servers.WORK / "load.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    if "overload" in parts and "compare" not in parts and "compare" not in known:
        parser.error("the part overload needs the server's rate: measure compare first")
    for part in parts:
        known[part] = measure(part, arguments, known)
        print(part, json.dumps(known[part]), flush=True)
        file.write_text(json.dumps(known, indent=1))
    text = "| | |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in rows(known))
    text += f"\nMeasured on {machine()}, which server and load share; {arguments.rounds} rounds of {arguments.seconds} seconds.\n"
    print(text)
    if arguments.write:
        write(text)
    run = {part: known[part] for part in parts}
    ended = run.get("drain", {})
    if (run.get("malformed", {}).get("faults") or run.get("schemathesis", {}).get("code") or ended.get("lost") or ended.get("wrong")
            or ended.get("exit")):
        raise SystemExit("load: not all is as it must be; see above")


if __name__ == "__main__":
    main()
