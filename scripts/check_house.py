#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""House rules that no linter knows. Exit 1 with FILE:LINE: message for each breach."""
import re
import subprocess
import sys

FILE_LINES, TEST_LINES, FUNCTION_LINES, COLUMNS = 650, 700, 90, 104
LAYERS = ["util", "mail", "loop", "supervise", "service", "yaml", "proto", "packet", "pcap", "flow", "learn", "classify", "app", "files", "policy", "inspect", "port",
          "xsk", "gate", "tap", "worker", "audit", "replay", "stats", "control", "daemon", "cli"]
# A folder may include folders to its left, and these besides.
EXTRA = {"control": set(), "policy": {"classify"}}
# Folders that get numbers and rows from those to their left, and must not know them.
BLIND = {"stats": {"gate", "worker", "xsk", "inspect"}}
FORBIDDEN = re.compile(r"\b(system|popen|strcpy|strcat|sprintf|gets|alloca|strtok)\s*\(")


def files(*patterns):
    out = subprocess.run(["git", "ls-files", *patterns], capture_output=True, text=True, check=True).stdout
    return [f for f in out.split("\n") if f]


def functions(lines):
    """(first line, length) of every function body, by kernel brace style: `{` and `}` in column one."""
    start = None
    for i, line in enumerate(lines, 1):
        if line == "{":
            start = i
        elif line.startswith("}") and start:
            yield start, i - start - 1
            start = None


def check_file(path, complain):
    text = open(path, encoding="utf-8").read()
    lines = text.split("\n")
    if not any("SPDX-License-Identifier: GPL-2.0-only" in line for line in lines[:3]):
        complain(path, 1, "no SPDX line")
    limit = TEST_LINES if path.startswith("tests/") else FILE_LINES
    if len(lines) > limit:
        complain(path, limit, f"{len(lines)} lines: two things in one file?")
    for i, line in enumerate(lines, 1):
        if len(line.expandtabs(8)) > COLUMNS:
            complain(path, i, f"wider than {COLUMNS} columns")
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
            complain(path, i, "unfinished by its own words")
        if path.startswith("user/") and FORBIDDEN.search(line):
            complain(path, i, "a call this daemon does not make: " + FORBIDDEN.search(line).group(1))
    for start, length in functions(lines):
        if length > FUNCTION_LINES:
            complain(path, start, f"function of {length} lines")


def check_layers(path, complain):
    own = path.split("/")[1]
    if own not in LAYERS:
        return
    for i, line in enumerate(open(path, encoding="utf-8"), 1):
        m = re.match(r'#include "([a-z]+)/', line)
        if not m or m.group(1) not in LAYERS or m.group(1) == own:
            continue
        if LAYERS.index(m.group(1)) > LAYERS.index(own) and m.group(1) not in EXTRA.get(own, ()):
            complain(path, i, f"{own} must not know {m.group(1)}")
        if m.group(1) in BLIND.get(own, ()):
            complain(path, i, f"{own} must not know {m.group(1)}: it is given plain numbers")


def main():
    breaches = []

    def complain(path, line, text):
        breaches.append(f"{path}:{line}: {text}")

    for path in files("*.c", "*.h"):
        check_file(path, complain)
        if path.startswith("user/") and path.count("/") == 2:
            check_layers(path, complain)
    for path in files("bpf/*"):
        if '#include "user/' in open(path, encoding="utf-8").read():
            complain(path, 1, "bpf/ must not include user/")
    print("\n".join(breaches), end="\n" if breaches else "")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
