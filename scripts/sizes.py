#!/usr/bin/env python3
"""Checks that files and functions stay small enough to be read at once.

    python3 scripts/sizes.py [--files 300] [--functions 60]

Counts the lines of hand-written Swift, C++ and CUDA files under Sources and of the functions in them (signature and body), prints those
beyond the limits, and exits with 1 where there are any. Generated sources and tables of Unicode are left out.
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = ("/Generated/", "UnicodeTables.swift")
SWIFT_FUNCTION = re.compile(r"^(\s*)(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|private|fileprivate|static|class|final|override|"
                            r"mutating|nonmutating|convenience|required|borrowing|consuming|nonisolated|prefix|postfix)\s+)*"
                            r"(?:func\s+[^\s(<]+|init[?]?\s*[(<]|subscript\s*[(<]|deinit\b)")
CPP_FUNCTION = re.compile(r"^(?:template\b.*>\s*)?(?:[\w:<>,*&\s\[\]()]+\s)?[*&]?([\w:~]+)\([^;]*$")


def swift_functions(lines):
    """(first line, length) of each function, by the indentation of its closing brace."""
    for number, line in enumerate(lines):
        match = SWIFT_FUNCTION.match(line)
        if not match:
            continue
        indent = match.group(1)
        for end in range(number, len(lines)):
            text = lines[end]
            if end == number and re.search(r"\}\s*$", text) and "{" in text:
                yield number + 1, 1
                break
            if end > number and text.startswith(indent + "}"):
                yield number + 1, end - number + 1
                break
            if end > number and not text.strip():
                if not any("{" in part for part in lines[number:end]):
                    break  # a requirement of a protocol


def cpp_functions(lines):
    """(first line, length) of each function at the beginning of a line."""
    for number, line in enumerate(lines):
        if not line or line[0] in " \t#/}" or line.startswith(("namespace", "struct", "class", "enum", "using", "typedef", "extern")):
            continue
        if not CPP_FUNCTION.match(line):
            continue
        for end in range(number, len(lines)):
            if end > number and lines[end].startswith("}"):
                yield number + 1, end - number + 1
                break
            if ";" in lines[end] and not any("{" in part for part in lines[number:end + 1]):
                break


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=300, help="the most lines of a file")
    parser.add_argument("--functions", type=int, default=60, help="the most lines of a function")
    arguments = parser.parse_args()
    found, files, functions = [], 0, 0
    for path in sorted((ROOT / "Sources").rglob("*")):
        if path.suffix not in (".swift", ".cpp", ".inl", ".h", ".cu", ".cuh", ".c") or any(part in str(path) for part in LEFT_OUT):
            continue
        lines = path.read_text(encoding="utf-8").split("\n")
        name = path.relative_to(ROOT)
        files += 1
        # A header of declarations is an index, read by searching.
        if len(lines) > arguments.files and path.name != "ctorch.h":
            found.append(f"{name}: {len(lines) - 1} lines; at most {arguments.files}")
        for first, length in (swift_functions if path.suffix == ".swift" else cpp_functions)(lines):
            functions += 1
            if length > arguments.functions:
                found.append(f"{name}:{first}: a function of {length} lines; at most {arguments.functions}")
    print("\n".join(found + [f"{files} files, {functions} functions, {len(found)} too long"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
