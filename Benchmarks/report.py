"""What was measured: results.json, its table results.md, and the table and plot of docs/performance.md.

Rows of earlier invocations stay where machine, threads and sources are the same; a row that is measured again replaces
everything that it reported before.
"""

import json
import statistics

import plot
from common import ROOT, WORK, commit, machine, note

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"


def spread(values):
    return f"{min(values):.4g}–{max(values):.4g}"


class Report:
    def __init__(self, settings, ceilings):
        # A quick round says nothing, so it leaves the figures of the documentation alone.
        self.folder = WORK / "quick" if settings.quick else ROOT / "Benchmarks"
        self.document = None if settings.quick else ROOT / "docs/performance.md"
        self.folder.mkdir(parents=True, exist_ok=True)
        # What earlier rows must have in common with these to stand beside them.
        self.place = {"machine": machine(), "commit": commit(), "threads": settings.threads}
        self.ceilings = ceilings
        self.rows, self.fresh = [], []
        file = self.folder / "results.json"
        if file.exists():
            earlier = json.loads(file.read_text(encoding="utf-8"))
            self.rows = [row for row in earlier if {key: row[key] for key in self.place} == self.place]
            if len(self.rows) < len(earlier):
                note(f"the results of {earlier[0]['commit']} on {earlier[0]['machine']} are replaced")

    def add(self, row, workload, ours, peer, peer_name, unit, target="", kind="faster", met=None, **more):
        """Adds an entry; `ours` and `peer` are lists of one figure a round.

        - kind: what the ratio is: how many times `faster` we are (both are times), the `rate`'s multiple, or our
          `share` of the peer's, as for latency and memory.
        - target: "≥1.5×", "≤0.6×", or "" where there is none.
        - met: `False` where something besides the ratio is missed.
        - more: further keys, such as `share` of the ceilings and `note`.
        """
        a, b = statistics.median(ours), statistics.median(peer)
        ratio = b / a if kind == "faster" else a / b
        if target:
            limit = float(target[1:].strip("× "))
            reached = ratio <= limit if target.startswith("≤") else ratio >= limit
            met = reached and met is not False
        self.fresh.append({
            "row": row, "workload": workload, "ours": a, "peer": b, "peer_name": peer_name, "unit": unit,
            "ours_spread": spread(ours), "peer_spread": spread(peer), "ratio": ratio, "ratio_kind": kind, "target": target,
            "met": met, **more})
        verdict = {True: "met", False: "MISSED", None: ""}[met]
        aim = f"(target {target}) " if target else ""
        print(f"{row:2} {workload:52} ours {a:10.4g} {unit:12} {peer_name:26} {b:10.4g}   {ratio:6.2f}× {aim}{verdict}", flush=True)
        for key, label in (("share", "ours"), ("peer_share", "peer")):
            if more.get(key):
                shares = ", ".join(f"{value:.0%} of {name}'s" for name, value in more[key].items())
                note(f"{label}: {shares} ceiling")
        if more.get("note"):
            note(more["note"])

    def finish(self, source):
        """Takes over what a row added, in place of what it reported earlier."""
        for entry in self.fresh:
            entry |= {**self.place, "ceilings": self.ceilings, "source": source}
        rows = [row for row in self.rows if row["source"] != source] + self.fresh
        self.rows = sorted(rows, key=lambda row: row["row"])
        self.fresh = []
        self.save()

    def drop(self):
        """Forgets what a failed row added."""
        self.fresh = []

    def save(self):
        write(self.folder / "results.json", json.dumps(self.rows, indent=2, ensure_ascii=False) + "\n")
        table = self.table()
        write(self.folder / "results.md", table)
        if self.document and self.document.exists():
            text = self.document.read_text(encoding="utf-8")
            before, _, rest = text.partition(BEGIN)
            _, found, after = rest.partition(END)
            if found:
                write(self.document, f"{before}{BEGIN}\n{table}{END}{after}")
        write((self.document or self.folder / "x").with_name("performance.svg"), plot.draw(self.rows))

    def table(self):
        lines = [
            f"Measured on: {self.place['machine']}; {self.place['threads']} threads; sources of {self.place['commit']}.", "",
            f"Ceilings: {self.ceiling_line()}.", "",
            "| row | workload | ours (spread) | peer (spread) | unit | ratio | target | met | share of ceiling |",
            "|---|---|---|---|---|---|---|---|---|"]
        for row in self.rows:
            shares = ", ".join(f"{name} {value:.0%}" for name, value in row.get("share", {}).items())
            mark = {True: "yes", False: "**no**", None: "–"}[row["met"]]
            lines.append(
                f"| {row['row']} | {row['workload']} | {row['ours']:.4g} ({row['ours_spread']}) | {row['peer_name']} "
                f"{row['peer']:.4g} ({row['peer_spread']}) | {row['unit']} | {row['ratio']:.2f}× | {row['target'] or '–'} | "
                f"{mark} | {shares or '–'} |")
        notes = dict.fromkeys(f"{row['row']}: {row['note']}" for row in self.rows if row.get("note"))
        return "\n".join(lines + [""] * bool(notes) + [f"- {text}" for text in notes]) + "\n"

    def ceiling_line(self):
        parts = [
            f"{name} {dtype} {rate:.0f} GFLOP/s"
            for name in ("libtorch", "machine") for dtype, rate in self.ceilings.get(name, {}).items()]
        return ", ".join(parts + [f"memory {self.ceilings['memory']:.0f} GB/s"])


def write(file, text):
    partial = file.with_name(file.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)
