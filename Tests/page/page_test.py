"""The server's page in a real browser, driven over the DevTools protocol: what a person does, and what they then see.

    python3 Tests/page/page_test.py .build/release/distill-serve picture.png
"""

import base64
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEACHER = ROOT / "Tests/InteropTests/Fixtures/tiny-teacher"
TEXTS = "A film to remember.\\nterrible\\nIt is 😀 a long, long story."


class Browser:
    """A page of chromium, by its socket."""

    def __init__(self, port):
        for _ in range(600):
            try:
                pages = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=10))
                target = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
                break
            except (OSError, StopIteration):
                time.sleep(0.1)
        host, path = re.match(r"ws://([^/]+)(/.*)", target).groups()
        name, number = host.rsplit(":", 1)
        self.socket = socket.create_connection((name, int(number)), timeout=120)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += self.socket.recv(1)
        self.number = 0

    def exactly(self, count):
        data = b""
        while len(data) < count:
            data += self.socket.recv(count - len(data))
        return data

    def receive(self):
        text = b""
        while True:
            first, second = self.exactly(2)
            length = second & 127
            if length == 126:
                length = struct.unpack(">H", self.exactly(2))[0]
            elif length == 127:
                length = struct.unpack(">Q", self.exactly(8))[0]
            text += self.exactly(length)
            if first & 128:
                return json.loads(text)

    def call(self, method, **parameters):
        self.number += 1
        data = json.dumps({"id": self.number, "method": method, "params": parameters}).encode()
        mask = os.urandom(4)
        head = bytes([129, 128 | 126]) + struct.pack(">H", len(data)) + mask
        self.socket.sendall(head + bytes(byte ^ mask[index % 4] for index, byte in enumerate(data)))
        while True:
            message = self.receive()
            if message.get("id") == self.number:
                return message["result"]

    def evaluate(self, script):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise SystemExit(f"page: {result['exceptionDetails']}")
        return result["result"].get("value")

    def until(self, script):
        for _ in range(1200):
            if self.evaluate(script):
                return
            time.sleep(0.05)
        raise SystemExit(f"page: never true: {script}")


def tagger(folder):
    """The tiny model as a tagger."""
    shutil.copytree(TEACHER, folder)
    file = folder / "config.json"
    configuration = json.loads(file.read_text())
    configuration.update(
        architectures=["BertForTokenClassification"], id2label={"0": "O", "1": "B-WORD"}, label2id={"O": 0, "B-WORD": 1})
    file.write_text(json.dumps(configuration))
    return folder


def embedder(folder):
    """The tiny model's encoder as an embedding model."""
    shutil.copytree(TEACHER, folder)
    (folder / "modules.json").write_text(json.dumps([
        {"path": "", "type": "sentence_transformers.models.Transformer"},
        {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling/config.json").write_text(json.dumps({"embedding_dimension": 32, "pooling_mode": "mean"}))
    return folder


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def check(browser, url, picture):
    browser.call("Page.enable")
    browser.call("Emulation.setDeviceMetricsOverride", width=1100, height=900, deviceScaleFactor=1, mobile=False)
    browser.call("Page.navigate", url=url)
    browser.until("document.querySelectorAll('#models input').length == 5")
    # Three are chosen, and a fourth cannot be.
    assert browser.evaluate("[...document.querySelectorAll('#models input')].map(box => box.checked + '/' + box.disabled)") == [
        "true/false"] * 3 + ["false/true"] * 2
    browser.evaluate("document.getElementById('send').click()")
    assert browser.evaluate("document.getElementById('message').textContent") == "Write a text first."
    browser.evaluate(f"document.getElementById('texts').value = '{TEXTS}'; document.getElementById('send').click()")
    browser.until("document.querySelectorAll('#results article').length == 9")
    assert browser.evaluate("[...document.querySelectorAll('#results h2')].map(node => node.textContent)") == [
        "first", "second", "tagger"]
    # Both classifiers are the same model: the same scores, that add up to 1; the tagger marks parts of the very texts.
    rows = browser.evaluate(
        "[...document.querySelectorAll('#results section')].map(section => [...section.querySelectorAll('.score')]"
        ".map(row => row.textContent))")
    assert rows[0] == rows[1] and len(rows[0]) == 6 and rows[2] == [], rows
    quotes = browser.evaluate(
        "[...document.querySelectorAll('#results section:nth-child(3) blockquote')].map(quote => { const copy ="
        " quote.cloneNode(true); copy.querySelectorAll('small').forEach(node => node.remove()); return copy.textContent; })")
    assert quotes == TEXTS.split("\\n"), quotes
    assert browser.evaluate("document.querySelectorAll('#results .score rect').length") == 12
    picture.write_bytes(base64.b64decode(browser.call("Page.captureScreenshot", format="png")["data"]))


def check_similarity(browser):
    """The embedding model alone: the first text, and how similar the others are to it, the most similar first."""
    browser.evaluate(
        "for (const box of [...document.querySelectorAll('#models input')].reverse()) if (box.checked != (box.value == 'embedder'))"
        " { box.disabled = false; box.click(); }")
    browser.evaluate("document.getElementById('send').click()")
    browser.until("document.querySelectorAll('#results section').length == 1 && document.querySelectorAll('#results .score').length == 2")
    assert browser.evaluate("document.querySelector('#results blockquote').textContent") == TEXTS.split("\\n")[0]
    rows = browser.evaluate(
        "[...document.querySelectorAll('#results .score')].map(row => [...row.querySelectorAll('span')].map(span => span.textContent))")
    assert sorted(row[0] for row in rows) == sorted(TEXTS.split("\\n")[1:]), rows
    assert float(rows[0][1]) >= float(rows[1][1]), rows
    browser.evaluate("document.getElementById('texts').value = 'alone'; document.getElementById('send').click()")
    browser.until("document.querySelector('#results .time')?.textContent.startsWith('Write two texts')")


def main():
    program, picture = sys.argv[1], Path(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="distill-page-") as name:
        folder = Path(name)
        port, debugging = free_port(), free_port()
        server = subprocess.Popen(
            [program, "--port", str(port), "--model", f"first={TEACHER}", "--model", f"second={TEACHER}", "--model",
             f"tagger={tagger(folder / 'tagger')}", "--model", f"fourth={TEACHER}", "--model",
             f"embedder={embedder(folder / 'embedder')}"])
        browser = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             f"--remote-debugging-port={debugging}", f"--user-data-dir={folder / 'profile'}", "about:blank"],
            stderr=subprocess.DEVNULL)
        try:
            page = Browser(debugging)
            check(page, f"http://127.0.0.1:{port}/", picture)
            check_similarity(page)
            print(f"the page does what it must; its picture is {picture}")
        finally:
            browser.terminate()
            browser.wait()
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
