#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Taps: how fast one TCP connection is while a program passes, copies or changes its frames.

usage: tap.py [--build DIR] [--runs N]

server ─ weir ─ client, frames of full size (1514 bytes) from the server to the client for a few seconds. `decided`: the gate's fast
path, no tap; `slow path`: read to its end by the worker (`follow: all`), no tap; the others: a tap whose program (tests/tools/tapclient)
does so. Writes DIR/bench/tap.json. Needs root.
BENCH_QUICK=1: one run.
"""
import argparse
import json
import os
import platform
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from harness.check import check
from harness.lab import Lab
from harness.taps import Connection, Program, counts

QUICK = os.environ.get("BENCH_QUICK") == "1"
SECONDS, PORT = 3, 8080
TAP = """
taps:
  t: {{ timeout: 500ms, copy: {copy}, ring: 16MiB }}
rules:
  - {{ name: web, application: http, action: pass, tap: t }}
parking: {{ flow: 4MiB, share: 50%, total: 75% }}
default: pass
"""
CASES = {
    "decided": ("default: pass", None),
    "slow path": ("reassembly: { follow: all }\ndefault: pass", None),
    "tap, copy": (TAP.format(copy="true"), ("copy",)),
    "tap, pass": (TAP.format(copy="false"), ("pass",)),
    "tap, change, same length": (TAP.format(copy="false"), ("flip",)),
    "tap, change, shorter": (TAP.format(copy="false"), ("shrink", 3)),
}


def transfer(net):
    """Mbit/s of payload that arrives."""
    block, received, over = bytes(65536), 0, threading.Event()
    with Connection(net, net.c1, net.s1, PORT) as link:
        def send():
            try:
                while not over.is_set():
                    link.far.sendall(block)
            except OSError:
                pass  # the other end was closed
        sender = threading.Thread(target=send)
        sender.start()
        started = time.monotonic()
        while time.monotonic() - started < SECONDS:
            received += len(link.near.recv(1 << 20))
        took = time.monotonic() - started
        over.set()
        link.near.close()
        sender.join(10)
    return received * 8 / took / 1e6


def measure(runs):
    lab, found = Lab("native"), {}
    try:
        net = lab.net(wire=True)
        weir = lab.weir(net, "default: pass").start()
        for _ in range(runs):
            for name, (policy, words) in CASES.items():
                weir.load(policy)
                program = Program(weir, *words).start() if words else None
                mbit = transfer(net)
                if program:
                    seen = counts(weir)
                    print({key: value for key, value in seen.items() if value})
                    check(seen["given"] > 1000, f"the program was given frames: {seen}")
                    program.stop()
                found.setdefault(name, []).append(round(mbit, 1))
                print(f"  {name:26} {mbit:8.1f} Mbit/s", flush=True)
        net.stop_hosts()
        weir.stop()
    except BaseException:
        sys.stderr.write(lab.logs())
        raise
    finally:
        for failure in lab.close():
            sys.stderr.write(failure)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--runs", type=int, default=1 if QUICK else 3)
    o = parser.parse_args()
    found = measure(o.runs)
    median = {name: statistics.median(runs) for name, runs in found.items()}
    report = {
        "name": "tap", "unit": "Mbit/s",
        "cases": [{"case": name, "runs": runs, "median": median[name]} for name, runs in found.items()],
        "ratio": {f"{name} / slow path": round(value / median["slow path"], 2) for name, value in median.items() if name.startswith("tap")},
        "machine": {"cpus": os.cpu_count(), "kernel": platform.release(), "arch": platform.machine()},
        "command": "make bench BENCH=tap",
    }
    os.makedirs(os.path.join(o.build, "bench"), exist_ok=True)
    with open(os.path.join(o.build, "bench", "tap.json"), "w") as file:
        json.dump(report, file, indent=1)
    print(json.dumps(report["ratio"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
