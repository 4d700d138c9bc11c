"""Draws the rows that have a target: how many times better than the peer, on a logarithmic axis."""

import math
from html import escape

WIDTH, LEFT, RIGHT, TOP, STEP = 860, 330, 70, 54, 19
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f } .quiet { fill: #57606a } .grid { stroke: #d0d7de }
.even { stroke: #57606a; stroke-dasharray: 3 3 } .target { stroke: #24292f; stroke-width: 2.5 }
.met { fill: #1a7f37 } .missed { fill: #bc4c00 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .quiet { fill: #9198a1 } .grid { stroke: #3d444d } .even { stroke: #9198a1 }
.target { stroke: #e6edf3 } .met { fill: #3fb950 } .missed { fill: #f0883e } }
"""


def advantage(row):
    """The ratio and its target, both so that more is better."""
    ratio, target = row["ratio"], float(row["target"][1:].strip("× "))
    return (1 / ratio, 1 / target) if row["target"].startswith("≤") else (ratio, target)


def draw(rows):
    """The SVG's text: a bar for each row, a tick at its target, readable on light and dark pages."""
    rows = [row for row in rows if row["target"]]
    pairs = [advantage(row) for row in rows]
    values = [value for pair in pairs for value in pair] + [1.0]
    low = min(0.8, min(values) * 0.9)
    high = max(4.0, max(values) * 1.1)
    height = TOP + STEP * len(rows) + 34
    span = WIDTH - LEFT - RIGHT

    def x(value):
        return LEFT + span * (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))

    bottom = TOP + STEP * len(rows) + 4
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
        "<title>How many times better than the peer, against the target</title>", f"<style>{STYLE}</style>",
        '<text x="8" y="20" font-weight="600">Times faster (or smaller) than the peer</text>',
        '<text x="8" y="38" class="quiet">Bar: measured, from parity on; upright line: target; orange: target missed</text>']
    for power in range(-3, 5):
        for digit in (1, 2, 5):
            tick = digit * 10.0**power
            if low <= tick <= high:
                kind = "even" if tick == 1 else "grid"
                parts.append(f'<line class="{kind}" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{TOP - 6}" y2="{bottom}"/>')
                parts.append(f'<text class="quiet" x="{x(tick):.1f}" y="{bottom + 16}" text-anchor="middle">{tick:g}×</text>')
    for index, (row, (value, target)) in enumerate(zip(rows, pairs)):
        y = TOP + STEP * index
        label = f"{row['row']}  {row['workload']}"
        label = label if len(label) <= 52 else label[:51] + "…"
        kind = "met" if row["met"] else "missed"
        start, end = sorted((x(1), x(value)))
        parts.append(f'<text x="{LEFT - 8}" y="{y + 11}" text-anchor="end">{escape(label)}</text>')
        parts.append(f'<rect class="{kind}" x="{start:.1f}" y="{y + 2}" width="{max(end - start, 1.5):.1f}" height="11" rx="2"/>')
        parts.append(f'<line class="target" x1="{x(target):.1f}" x2="{x(target):.1f}" y1="{y - 1}" y2="{y + 16}"/>')
        parts.append(f'<text x="{max(end, x(target), x(1)) + 6:.1f}" y="{y + 11}">{value:.2f}×</text>')
    return "\n".join(parts + ["</svg>"]) + "\n"
