#!/usr/bin/env python3
"""Checks reports in a headless Chromium over the DevTools protocol; `report_check.sh` installs what it needs.

    python report_check.py --browser /usr/bin/chromium [--output DIR] report.html …

Each page is opened at 360 and 1440 pixels, light and dark, and as print. What fails it:

- any message of the console or the browser's log, any exception;
- any request but the page itself;
- anything wider than the window, also with every fold open;
- a heading that skips a level, an identifier used twice, a reference to none, a drawing without title and description,
  a table without caption or scopes, a page without language, viewport or main part;
- text with a contrast below 4.5 to 1 (3 to 1 where it is large);
- a first Tab that does not lead to the skip link, or a focus that cannot be seen.

Screenshots (PNG) and the printed page (PDF) are saved in a folder that is named at the end.
"""

import argparse
import base64
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import websocket

VIEWS = [(360, "light"), (360, "dark"), (1440, "light"), (1440, "dark")]

PROBE = r"""
(() => {
  const problems = [];
  const say = text => problems.push(text);
  const root = document.documentElement;
  const overflow = when => {
    if (root.scrollWidth <= root.clientWidth) return;
    const wide = [...document.body.querySelectorAll("*")].filter(element => {
      const isWide = element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0;
      return isWide && getComputedStyle(element).overflowX === "visible" && !element.closest(".scroll, svg, .unseen");
    }).slice(-5).map(element => element.tagName.toLowerCase() + "." + element.className);
    say(`${when}: ${root.scrollWidth} pixels wide in a window of ${root.clientWidth}: ${wide.join(", ")}`);
  };
  overflow("as opened");
  const folds = [...document.querySelectorAll("details")].filter(fold => !fold.open);
  folds.forEach(fold => { fold.open = true; });
  overflow("with every fold open");

  const ids = [...document.querySelectorAll("[id]")].map(element => element.id);
  const seen = new Set();
  for (const id of ids) { if (seen.has(id)) say(`the identifier ${id} is used twice`); seen.add(id); }
  for (const element of document.querySelectorAll("[aria-labelledby]"))
    for (const id of element.getAttribute("aria-labelledby").split(/\s+/))
      if (!seen.has(id)) say(`aria-labelledby names ${id}, which is not there`);
  for (const link of document.querySelectorAll("a[href]")) {
    const target = link.getAttribute("href");
    if (!target.startsWith("#") || !seen.has(target.slice(1))) say(`a link leads to ${target}`);
  }

  let level = 0;
  const headings = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")];
  for (const heading of headings) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) say(`heading "${heading.textContent}" skips from level ${level} to ${own}`);
    if (!heading.textContent.trim()) say("a heading is empty");
    level = own;
  }
  if (document.querySelectorAll("h1").length !== 1) say("there is not one h1");
  for (const drawing of document.querySelectorAll("svg")) {
    if (drawing.getAttribute("role") !== "img") say("a drawing has not the role img");
    for (const part of ["title", "desc"])
      if (!drawing.querySelector(":scope > " + part)?.textContent.trim()) say(`a drawing has no ${part}`);
    const box = drawing.viewBox.baseVal;
    for (const text of drawing.querySelectorAll("text")) {
      const own = text.getBoundingClientRect(), around = drawing.getBoundingClientRect();
      if (own.width > 0 && (own.left < around.left - 1 || own.right > around.right + 1 || own.bottom > around.bottom + 1
          || own.top < around.top - 1))
        say(`"${text.textContent}" is cut off in "${drawing.querySelector("title").textContent}"`);
    }
  }
  for (const table of document.querySelectorAll("table")) {
    if (!table.caption?.textContent.trim()) say("a table has no caption");
    for (const head of table.querySelectorAll("th")) if (!head.scope) say("a th has no scope");
  }
  if (!root.lang) say("the page has no language");
  if (!document.querySelector("meta[name=viewport]")) say("the page has no viewport");
  for (const part of ["main", "header", "footer", "nav[aria-label]"])
    if (!document.querySelector(part)) say(`there is no ${part}`);
  if (document.querySelector("script, iframe, object, embed, link, img")) say("there is a script, or something is loaded");

  const numbers = text => (text.match(/[\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, place) => sum + v * [0.2126, 0.7152, 0.0722][place], 0);
  const ground = element => {
    for (let place = element; place; place = place.parentElement) {
      const color = numbers(getComputedStyle(place).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const told = new Set();
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    const style = getComputedStyle(element);
    if (!own || style.visibility === "hidden" || style.display === "none" || element.closest(".skip, .unseen")) continue;
    const isDrawn = element.closest("svg");
    // What stands on a filled cell is judged by eye.
    if (isDrawn && (element.tagName !== "text" || element.closest("svg").querySelector(".cell"))) continue;
    const a = light(numbers(isDrawn ? style.fill : style.color)), b = light(ground(isDrawn ? isDrawn.parentElement : element));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || size >= 18.66 && Number(style.fontWeight) >= 700 ? 3 : 4.5;
    const key = element.tagName + "." + (element.className.baseVal ?? element.className);
    if (ratio < needed && !told.has(key)) {
      told.add(key);
      say(`contrast ${ratio.toFixed(2)} of "${element.textContent.trim().slice(0, 30)}" (${key})`);
    }
  }
  folds.forEach(fold => { fold.open = false; });
  return problems;
})()
"""

FOCUS = r"""
(() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const style = getComputedStyle(element);
  return { name: element.tagName.toLowerCase() + "." + element.className, text: element.textContent.trim().slice(0, 40),
           isVisible: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
           isSkip: element.classList.contains("skip"), left: element.getBoundingClientRect().left };
})()
"""


class Browser:
    """A headless Chromium and one page in it."""

    def __init__(self, executable):
        self.folder = tempfile.mkdtemp(prefix="report-check-")
        self.process = subprocess.Popen(
            [executable, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0",
             f"--user-data-dir={self.folder}", "--no-first-run", "--disable-extensions", "--disable-background-networking",
             "--remote-allow-origins=*", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        file = Path(self.folder, "DevToolsActivePort")
        for _ in range(300):
            if file.exists() and len(file.read_text().split()) == 2:
                break
            if self.process.poll() is not None:
                sys.exit(f"{executable} ended at once with code {self.process.returncode}")
            time.sleep(0.1)
        else:
            sys.exit(f"{executable} did not start within 30 seconds")
        port = file.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=10) as answer:
            target = next(entry for entry in json.load(answer) if entry["type"] == "page")
        self.socket = websocket.create_connection(target["webSocketDebuggerUrl"], timeout=60, max_size=None)
        self.count = 0
        self.events = []

    def call(self, method, **parameters):
        self.count += 1
        own = self.count
        self.socket.send(json.dumps({"id": own, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == own:
                if "error" in message:
                    sys.exit(f"{method}: {message['error']['message']}")
                return message["result"]
            if "method" in message:
                self.events.append(message)

    def wait(self, method, seconds=30):
        end = time.monotonic() + seconds
        while not any(event["method"] == method for event in self.events):
            if time.monotonic() > end:
                sys.exit(f"there was no {method} within {seconds} seconds")
            message = json.loads(self.socket.recv())
            if "method" in message:
                self.events.append(message)

    def evaluate(self, script):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in result:
            sys.exit(f"the check itself failed: {json.dumps(result['exceptionDetails'])[:500]}")
        return result["result"].get("value")

    def close(self):
        self.socket.close()
        self.process.terminate()
        self.process.wait(timeout=20)
        shutil.rmtree(self.folder, ignore_errors=True)


def complaints(events, url):
    """What the browser said while a page was open."""
    for event in events:
        method, values = event["method"], event["params"]
        if method == "Runtime.consoleAPICalled":
            texts = [str(argument.get("value", argument.get("description"))) for argument in values["args"]]
            yield f"console.{values['type']}: {' '.join(texts)}"
        elif method == "Runtime.exceptionThrown":
            yield f"exception: {values['exceptionDetails'].get('text')}"
        elif method == "Log.entryAdded":
            yield f"{values['entry']['level']}: {values['entry']['text']}"
        elif method == "Network.requestWillBeSent" and values["request"]["url"].split("#")[0] != url:
            yield f"a request: {values['request']['url'][:120]}"


def save_picture(browser, path):
    size = browser.call("Page.getLayoutMetrics")["cssContentSize"]
    # Textures end at 16,384 pixels.
    picture = browser.call(
        "Page.captureScreenshot", format="png", captureBeyondViewport=True,
        clip={"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 16000), "scale": 1})
    path.write_bytes(base64.b64decode(picture["data"]))


def check(browser, file, output):
    """All views of one page. Returns what is wrong."""
    url = file.resolve().as_uri()
    name = f"{file.resolve().parent.name}-{file.stem}"
    problems = []
    for domain in ["Page", "Runtime", "Log", "Network"]:
        browser.call(f"{domain}.enable")

    def open_page(width, scheme, media):
        browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        browser.call("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])
        browser.events.clear()
        browser.call("Page.navigate", url=url)
        browser.wait("Page.loadEventFired")

    for width, scheme in VIEWS:
        view = f"{width} {scheme}"
        open_page(width, scheme, "screen")
        problems += [f"{view}: {text}" for text in browser.evaluate(PROBE)]
        save_picture(browser, output / f"{name}-{width}-{scheme}.png")
        if (width, scheme) == VIEWS[0]:
            problems += [f"{view}: {text}" for text in keyboard(browser)]
        browser.call("Runtime.evaluate", expression="0")
        problems += [f"{view}: {text}" for text in complaints(browser.events, url)]
    open_page(794, "light", "print")
    save_picture(browser, output / f"{name}-print.png")
    pdf = browser.call("Page.printToPDF", printBackground=False)
    (output / f"{name}.pdf").write_bytes(base64.b64decode(pdf["data"]))
    problems += [f"print: {text}" for text in complaints(browser.events, url)]
    return problems


def keyboard(browser):
    problems = []
    for step in range(12):
        for kind in ["rawKeyDown", "keyUp"]:
            browser.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        focus = browser.evaluate(FOCUS)
        if focus is None:
            if step == 0:
                problems.append("Tab leads nowhere")
            break
        if step == 0 and not (focus["isSkip"] and focus["left"] >= 0):
            problems.append(f"the first Tab leads to {focus['name']}, not to a visible skip link")
        if not focus["isVisible"]:
            problems.append(f"the focus on {focus['name']} \"{focus['text']}\" cannot be seen")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--browser", required=True)
    parser.add_argument("--output", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    arguments = parser.parse_args()
    for file in arguments.files:
        if not file.is_file():
            sys.exit(f"{file}: no such file; make it with distill report")
    output = arguments.output or Path(tempfile.mkdtemp(prefix="report-pictures-"))
    output.mkdir(parents=True, exist_ok=True)
    browser = Browser(arguments.browser)
    bad = 0
    try:
        for file in arguments.files:
            problems = list(dict.fromkeys(check(browser, file, output)))
            bad += len(problems)
            print(f"{file}: {'good' if not problems else f'{len(problems)} problems'}")
            for problem in problems:
                print(f"  {problem}")
    finally:
        browser.close()
    print(f"Pictures: {output}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
