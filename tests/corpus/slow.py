#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Which captures cost the most time a packet: a report, and no test.

usage: slow.py --bench PATH [--passes N] [--loops N] [--times N] FOLDER...

Each capture goes through an inspector of its own (tests/bench/classify.c, --each); the median of the loops counts, in
nanoseconds per frame without opening and reading, and of some passes over all captures again the median, so that other work of
the machine hits them all alike. Names what takes more than ten times the captures' median, or the slowest ten.
"""
import argparse
import os
import statistics
import subprocess
import sys

SLOWEST = 10


def files_of(folders):
    return sorted(os.path.join(where, name) for folder in folders for where, _, names in os.walk(folder) for name in names)


def measure(bench, passes, loops, paths):
    """[(ns per frame, frames, path)], the slowest first."""
    seen = {}
    for _ in range(passes):
        out = subprocess.run([bench, "--each", "--loops", str(loops), *paths], stdout=subprocess.PIPE, text=True, check=True).stdout
        for line in out.splitlines():
            path, frames, ns = line.rsplit("\t", 2)
            seen.setdefault((path, int(frames)), []).append(float(ns))
    return sorted(((statistics.median(ns), frames, path) for (path, frames), ns in seen.items()), reverse=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--loops", type=int, default=5)
    parser.add_argument("--times", type=float, default=10, help="the median: what is named")
    parser.add_argument("folders", nargs="+")
    o = parser.parse_args()
    rows = measure(o.bench, o.passes, o.loops, files_of(o.folders))
    if not rows:
        print("no captures", file=sys.stderr)
        return 1
    median = statistics.median(ns for ns, _, _ in rows)
    slow = [row for row in rows if row[0] > o.times * median]
    print(f"{len(rows)} captures, median {median:,.0f} ns per frame; {len(slow)} take more than {o.times:g} times that")
    for ns, frames, path in slow or rows[:SLOWEST]:
        print(f"{ns:12,.0f} ns {ns / median:6.1f} x {frames:8,} frames  {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
