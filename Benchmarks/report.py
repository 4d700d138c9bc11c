"""The measurements: results.json, its tables results.md, and the tables and plots of docs/performance.md.

Each kind of machine (and number of threads) has a table and a plot of its own. A row that is measured again replaces
what it reported before on that machine; everything else stays, and the table says from which sources it is.
"""

import json
import re
import statistics
import time

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
        self.setup = {"machine": machine(), "threads": settings.threads}
        self.ceilings = ceilings
        file = self.folder / "results.json"
        self.rows = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
        self.fresh = []

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
        """Takes over the results that a row added, in place of what it reported earlier on this machine."""
        for entry in self.fresh:
            entry |= {
                **self.setup, "commit": commit(), "measured": time.strftime("%Y-%m-%d %H:%M"), "ceilings": self.ceilings,
                "source": source}
        rows = [row for row in self.rows if row["source"] != source or not self.is_here(row)] + self.fresh
        self.rows = sorted(rows, key=lambda row: (row["machine"], row["threads"], row["row"]))
        self.fresh = []
        self.save()

    def is_here(self, row):
        return all(row[key] == value for key, value in self.setup.items())

    def drop(self):
        """Removes the results that a failed row added."""
        self.fresh = []

    def save(self):
        write(self.folder / "results.json", json.dumps(self.rows, indent=2, ensure_ascii=False) + "\n")
        setups = list(dict.fromkeys((row["machine"], row["threads"]) for row in self.rows))
        sections = []
        for setup in setups:
            rows = [row for row in self.rows if (row["machine"], row["threads"]) == setup]
            picture = f"performance-{slug(*setup)}.svg"
            write((self.document or self.folder / "x").with_name(picture), plot.draw(rows))
            sections.append(
                f"### {setup[0]}, {setup[1]} threads\n\n{table(rows)}\n"
                f"![Times faster or smaller than the peer, against the target, for every row with a target]({picture})\n")
        text = "\n".join(sections)
        write(self.folder / "results.md", text)
        if self.document and self.document.exists():
            before, _, rest = self.document.read_text(encoding="utf-8").partition(BEGIN)
            _, found, after = rest.partition(END)
            if found:
                write(self.document, f"{before}{BEGIN}\n{text}{END}{after}")


def table(rows):
    """The table of one machine's rows, with the ceilings that were measured with the newest of them."""
    sources = {}
    for row in rows:
        sources.setdefault(row["commit"], []).append(row["row"])
    origins = "; ".join(f"{', '.join(dict.fromkeys(names))} from the sources of {commit}" for commit, names in sources.items())
    newest = max(rows, key=lambda row: row.get("measured", ""))
    lines = [
        f"Rows {origins}. Ceilings: {ceiling_line(newest['ceilings'])}.", "",
        "| row | workload | ours (spread) | peer (spread) | unit | ratio | target | met | share of ceiling |",
        "|---|---|---|---|---|---|---|---|---|"]
    for row in rows:
        shares = ", ".join(f"{name} {value:.0%}" for name, value in row.get("share", {}).items())
        mark = {True: "yes", False: "**no**", None: "–"}[row["met"]]
        lines.append(
            f"| {row['row']} | {row['workload']} | {row['ours']:.4g} ({row['ours_spread']}) | {row['peer_name']} "
            f"{row['peer']:.4g} ({row['peer_spread']}) | {row['unit']} | {row['ratio']:.2f}× | {row['target'] or '–'} | "
            f"{mark} | {shares or '–'} |")
    notes = dict.fromkeys(f"{row['row']}: {row['note']}" for row in rows if row.get("note"))
    return "\n".join(lines + [""] * bool(notes) + [f"- {text}" for text in notes]) + "\n"


def ceiling_line(ceilings):
    parts = [
        f"{name} {dtype} {rate:.0f} GFLOP/s"
        for name in ("libtorch", "machine") for dtype, rate in ceilings.get(name, {}).items()]
    return ", ".join(parts + [f"memory {ceilings['memory']:.0f} GB/s"])


def slug(machine, threads):
    """A file's name for a machine: its processor's and the instruction sets that set kinds apart."""
    words = re.sub(r"\(R\)|\(TM\)|CPU|Processor", " ", machine).split(",")[0].split()
    units = [unit for unit in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if unit in machine]
    memory = re.search(r"(\d+) GiB", machine)
    parts = [*words, *units[-1:], *([memory[1] + "g"] if memory else []), str(threads)]
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


def write(file, text):
    partial = file.with_name(file.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)
