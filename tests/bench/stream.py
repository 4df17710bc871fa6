#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Streams: nanoseconds per byte of a file that the slow path reads to its end, above copying and SHA-256.

usage: stream.py [--build DIR] [--runs N] [--bytes N]

A transfer's frames lie in memory and go through the whole slow path in process (tests/bench/stream.c): decoding, checksums, flows,
streams, readers, the file's name, size and hash, which are compared with the right ones. Time is the thread's CPU time, the cases take
turns. Writes DIR/bench/stream.json and prints a table; exits 1 where a byte costs more than MOST above copying and SHA-256.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys

MOST = 0.5
PLAIN = "copying and SHA-256"


def measure(words):
    seen = {}
    for line in subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines():
        case, unit, value = line.split("\t")
        seen.setdefault((case, unit), []).append(float(value))
    return seen


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--bytes", type=int, default=64 << 20)
    o = parser.parse_args()
    os.makedirs(f"{o.build}/bench", exist_ok=True)
    seen = measure([f"{o.build}/bench/stream", "--runs", str(o.runs), "--bytes", str(o.bytes)])
    cases = [{"case": case, "unit": unit, "runs": runs, "median": statistics.median(runs)} for (case, unit), runs in seen.items()]
    plain = next(case["median"] for case in cases if case["case"] == PLAIN)
    above = {case["case"]: round(case["median"] - plain, 4) for case in cases if case["case"].startswith("weir, a file")}
    result = {"name": "stream", "unit": "ns per byte", "cases": cases, "above": above, "most": MOST,
              "traffic": {"bytes": o.bytes},
              "machine": {"cpus": os.cpu_count(), "kernel": platform.release(), "arch": platform.machine()},
              "command": "make bench BENCH=stream"}
    with open(f"{o.build}/bench/stream.json", "w", encoding="utf-8") as f:
        json.dump(result, f, indent=2)
    for case in cases:
        print(f"{case['case']:60} {case['median']:8.3f} {case['unit']}")
    for name, value in above.items():
        print(f"{name + ': above ' + PLAIN:60} {value:8.3f} (at most {MOST})")
    return 1 if max(above.values()) > MOST else 0


if __name__ == "__main__":
    sys.exit(main())
