#!/usr/bin/env python3
"""Prints the demo's comparison and writes it to `comparison.md` and `comparison.json`.

    printf 'teacher=120\n…' | python3 scripts/demo_report.py demo-output

Reads `student-test.json` and the other models' there, and the wall time of each phase, in seconds, from standard input.
"""

import json
import sys
from pathlib import Path


def megabytes(count):
    return f"{count / 1e6:.1f} MB"


def column(name, report, comparison):
    ratio = lambda key: f"{comparison[key]:.2f}×" if comparison else ""
    return {
        "": name,
        "test accuracy": f"{report['accuracy'] * 100:.2f} %",
        "macro F1": f"{report['macro_f1'] * 100:.2f} %",
        "agreement with the teacher": f"{comparison['agreement'] * 100:.2f} %" if comparison else "",
        "KL to the teacher": f"{comparison['kl']:.4f}" if comparison else "",
        "parameters": f"{report['parameters'] / 1e6:.2f} M",
        "fewer parameters": ratio("parameter_ratio"),
        "weights on disk": megabytes(report["bytes_on_disk"]),
        "latency p50, batch 1": f"{report['latency_p50_milliseconds']:.2f} ms",
        "latency p95": f"{report['latency_p95_milliseconds']:.2f} ms",
        "faster": ratio("speed_ratio"),
    }


def markdown(columns, phases):
    rows = [[key] + [column[key] for column in columns] for key in columns[0]]
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    total = sum(phases.values())
    times = ", ".join(f"{name} {seconds} s" for name, seconds in phases.items())
    return "\n".join(lines) + f"\n\nWall time: {times}; {total // 60} min {total % 60} s in all.\n"


def main():
    output = Path(sys.argv[1])
    phases = {name: int(seconds) for name, seconds in (line.strip().split("=") for line in sys.stdin if line.strip())}
    names = ["student", "student-int8", "narrow-student", "narrow-student-int8"]
    reports = {name: json.loads((output / f"{name}-test.json").read_text()) for name in names}
    teacher = reports["student"]["teacher"]
    columns = [column("teacher", teacher, None)] + [
        column(name.replace("-", " "), report["model"], report["comparison"]) for name, report in reports.items()
    ]
    text = markdown(columns, phases)
    record = {
        "teacher": teacher,
        **{
            name.replace("-", "_"): {**report["model"], "comparison": report["comparison"]}
            for name, report in reports.items()
        },
        "wall_time_seconds": phases,
    }
    (output / "comparison.md").write_text(text, encoding="utf-8")
    (output / "comparison.json").write_text(json.dumps(record, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(text)
    print(f"Saved as {output}/comparison.md and comparison.json; the page is {output}/report.html, the models are in {output}/.")


if __name__ == "__main__":
    main()
