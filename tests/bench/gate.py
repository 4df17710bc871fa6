#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The gate: nanoseconds per packet of a decided flow, against bare programs, for 1, 1,000 and 1,000,000 flows.

usage: gate.py [--build DIR] [--runs N] [--repeat PACKETS]

The cases run in turn, N times, on one CPU in one process (tests/bench/gate.c); medians are compared. Writes
DIR/bench/gate.json and prints a table. Needs root.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys

EMPTY, HASH, GATE = "empty program", "parse and hash lookup", "weir gate"


def measure(build, runs, repeat):
    """{flows: {case: [nanoseconds]}} in the order measured."""
    out = subprocess.run([f"{build}/bench/gate", str(runs), str(repeat)], stdout=subprocess.PIPE, text=True, check=True).stdout
    seen = {}
    for line in out.splitlines():
        flows, case, ns = line.split("\t")
        seen.setdefault(int(flows), {}).setdefault(case, []).append(float(ns))
    return seen


def difference(by_case, a, b):
    """Median over the rounds of case a minus case b: the machine's speed drifts from round to round, and both see it."""
    return statistics.median(x - y for x, y in zip(by_case[a], by_case[b]))


def report(seen):
    cases, ratio, added = [], {}, {}
    for flows, by_case in seen.items():
        median = {case: statistics.median(runs) for case, runs in by_case.items()}
        for case, runs in by_case.items():
            cases.append({"case": f"{case}, {flows:,} flow{'s' if flows > 1 else ''}", "runs": runs,
                          "median": median[case], "over_empty_ns": difference(by_case, case, EMPTY)})
        ratio[f"gate / hash lookup, over the empty program, {flows:,} flow{'s' if flows > 1 else ''}"] = round(
            difference(by_case, GATE, EMPTY) / difference(by_case, HASH, EMPTY), 3)
        added[f"{flows:,} flow{'s' if flows > 1 else ''}"] = difference(by_case, GATE, HASH)
    return {"name": "gate", "unit": "ns per packet", "cases": cases, "ratio": ratio, "gate_minus_hash_lookup_ns": added,
            "machine": {"cpus": os.cpu_count(), "kernel": platform.release(), "arch": platform.machine()},
            "command": "make bench BENCH=gate"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--repeat", type=int, default=400000)
    o = parser.parse_args()
    if o.runs < 3:
        parser.error("--runs: a median wants at least 3")
    result = report(measure(o.build, o.runs, o.repeat))
    os.makedirs(f"{o.build}/bench", exist_ok=True)
    with open(f"{o.build}/bench/gate.json", "w", encoding="utf-8") as f:
        json.dump(result, f, indent=2)
    for case in result["cases"]:
        print(f"{case['case']:45} {case['median']:8.1f} ns, {case['over_empty_ns']:8.1f} over the empty program")
    for flows, ns in result["gate_minus_hash_lookup_ns"].items():
        print(f"gate minus hash lookup, {flows:20} {ns:8.1f} ns")
    return 0


if __name__ == "__main__":
    sys.exit(main())
