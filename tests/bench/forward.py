#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Forwarding: weir on XDP and on TC against the kernel bridge and a netfilter-queue gateway.

usage: forward.py [--build DIR] [--runs N] [--seconds S]

One CPU generates 60-byte UDP frames of 16 flows and carries them through the path to a sink that drops and counts them. "added" is the
time per frame over generator and sink alone. All paths run in turn, N times; the medians are compared. Writes
DIR/bench/forward.json and prints a table. Needs root; everything happens in network namespaces of its own.
"""
import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

CLIENT = ("02:00:00:00:00:01", "10.9.0.1")
SERVER = ("02:00:00:00:00:02", "10.9.0.2")
GATEWAY_MAC = "02:00:00:00:00:c1"
FLOWS = 16


def run(*argv, check=True):
    p = subprocess.run(argv, capture_output=True, text=True)
    if check and p.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {p.stderr.strip() or p.stdout.strip()}")
    return p.stdout


class Net:
    """client ─ gateway ─ server, each in a namespace; removed on exit."""

    def __init__(self, routed):
        self.run_id = f"weirb{os.getpid()}"
        self.routed = routed
        self.server_ip = "10.9.1.2" if routed else SERVER[1]

    def ns(self, which):
        return f"{self.run_id}-{which}"

    def at(self, which, *argv, check=True):
        return run("nsenter", f"--net=/run/netns/{self.ns(which)}", *argv, check=check)

    def __enter__(self):
        for n in "cgs":
            run("ip", "netns", "add", self.ns(n))
            self.at(n, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
        self.link("gc", GATEWAY_MAC, "c0", "c", CLIENT[0])
        self.link("gs", "02:00:00:00:00:51", "s0", "s", SERVER[0])
        if self.routed:
            self.at("g", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0")
            self.at("g", "ip", "addr", "add", "10.9.0.254/24", "dev", "gc")
            self.at("g", "ip", "addr", "add", "10.9.1.254/24", "dev", "gs")
            self.at("g", "ip", "neigh", "add", self.server_ip, "lladdr", SERVER[0], "dev", "gs")
        return self

    def link(self, near, near_mac, far, far_ns, far_mac):
        self.at("g", "ip", "link", "add", near, "address", near_mac, "numtxqueues", "1", "numrxqueues", "1", "type", "veth",
                "peer", "name", far, "netns", self.ns(far_ns), "address", far_mac, "numtxqueues", "1", "numrxqueues", "1")
        for where, dev in (("g", near), (far_ns, far)):
            self.at(where, "ethtool", "-K", dev, "gro", "on", "tx", "off", "txvlan", "off", check=False)
            self.at(where, "ip", "link", "set", dev, "up")

    def __exit__(self, *_):
        for n in "cgs":
            run("ip", "netns", "del", self.ns(n), check=False)


class Bench:
    def __init__(self, build, seconds):
        self.build, self.seconds = build, seconds

    def send(self, net, sink, *extra, into=("s", "s0"), source=("c", "c0")):
        """Runs the generator; returns its report."""
        mac = GATEWAY_MAC if net.routed else SERVER[0]
        out = run(f"{self.build}/tests/tools/framegen", "--out-ns", net.ns(source[0]), "--out", source[1], "--in-ns", net.ns(into[0]),
                  "--in", into[1], "--src-mac", CLIENT[0], "--dst-mac", mac, "--src", CLIENT[1], "--dst", net.server_ip,
                  "--sink", sink, "--flows", str(FLOWS), *extra)
        return json.loads(out)

    def measured(self, net, sink, **kw):
        return self.send(net, sink, "--seconds", str(self.seconds), **kw)["ns_per_frame"]

    def alone(self, sink):
        with Net(False) as net:
            return self.measured(net, sink, into=("g", "gc"))

    def bridge(self):
        with Net(False) as net:
            net.at("g", "ip", "link", "add", "br0", "type", "bridge")
            for dev in ("gc", "gs"):
                net.at("g", "ip", "link", "set", dev, "master", "br0")
            net.at("g", "ip", "link", "set", "br0", "up")
            return self.measured(net, "tc")

    def nfqueue(self):
        with Net(True) as net:
            net.at("g", "iptables-legacy", "-A", "FORWARD", "-j", "NFQUEUE", "--queue-num", "0")
            p = subprocess.Popen(["nsenter", f"--net=/run/netns/{net.ns('g')}", f"{self.build}/bench/nfqgate"],
                                 stdout=subprocess.PIPE, text=True)
            try:
                if p.stdout.readline().strip() != "ready":
                    raise RuntimeError("the netfilter-queue gateway did not start")
                return self.measured(net, "tc")
            finally:
                p.terminate()
                p.wait()

    def weir(self, hook):
        with Net(False) as net, Gateway(self.build, net, hook) as gateway:
            self.prime(net, gateway)
            sink = "xdp" if hook == "native" else "tc"
            before = gateway.redirected()
            report = self.send(net, sink, "--seconds", str(self.seconds))
            share = (gateway.redirected() - before) / max(report["sent"], 1)
            if share < 0.99:
                raise RuntimeError(f"weir on {hook}: only {share:.1%} of the frames took the fast path")
            return report["ns_per_frame"]

    def prime(self, net, gateway):
        """Both directions are seen, then enough payload to be decided, then the hand-over."""
        deadline = time.monotonic() + 20
        while True:
            self.send(net, "none", "--frames", str(4 * FLOWS))
            run(f"{self.build}/tests/tools/framegen", "--out-ns", net.ns("s"), "--out", "s0", "--in-ns", net.ns("c"), "--in", "c0",
                "--src-mac", SERVER[0], "--dst-mac", CLIENT[0], "--src", SERVER[1], "--dst", CLIENT[1], "--sink", "none",
                "--flows", str(FLOWS), "--frames", str(2 * FLOWS), "--reverse")
            before = gateway.redirected()
            self.send(net, "none", "--frames", str(FLOWS))
            if gateway.redirected() - before == FLOWS:
                return
            if time.monotonic() > deadline:
                raise RuntimeError("flows were not handed over to the fast path:\n" + gateway.flows())


class Gateway:
    def __init__(self, build, net, hook):
        self.build, self.net = build, net
        self.dir = tempfile.mkdtemp(prefix="weir-bench-")
        self.socket = self.dir + "/sock"
        self.pins = f"/sys/fs/bpf/{net.run_id}"
        with open(self.dir + "/policy.yaml", "w", encoding="utf-8") as f:
            f.write("version: 1\nports:\n"
                    f"  lan: {{ interface: gc, hook: {hook} }}\n  wan: {{ interface: gs, hook: {hook} }}\n"
                    "forward:\n  - { mode: bridge, bridge: br0, create: true, ports: [lan, wan] }\ndefault: pass\n")

    def __enter__(self):
        self.log = open(self.dir + "/log", "w", encoding="utf-8")
        self.process = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{self.net.ns('g')}", f"{self.build}/weir", "run", "-c", self.dir + "/policy.yaml",
             "--socket", self.socket, "--pins", self.pins, "--state", self.dir + "/changes.json"], stderr=self.log)
        deadline = time.monotonic() + 15
        while subprocess.run([f"{self.build}/weir", "status", "--socket", self.socket], capture_output=True).returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("weir did not start: " + open(self.dir + "/log", encoding="utf-8").read())
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.dir)

    def redirected(self):
        status = json.loads(run(f"{self.build}/weir", "status", "--json", "--socket", self.socket))
        return sum(p["reasons"].get("redirected", 0) for p in status["ports"])

    def flows(self):
        return run(f"{self.build}/weir", "flows", "--socket", self.socket, check=False)


def machine():
    return {"cpus": os.cpu_count(), "kernel": platform.release(), "arch": platform.machine()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0)
    o = parser.parse_args()
    b = Bench(o.build, o.seconds)
    cases = {
        "generator and TC sink alone": lambda: b.alone("tc"),
        "generator and XDP sink alone": lambda: b.alone("xdp"),
        "kernel bridge": b.bridge,
        "weir XDP bridge": lambda: b.weir("native"),
        "weir TC bridge": lambda: b.weir("tc"),
        "netfilter-queue gateway": b.nfqueue,
    }
    runs = {name: [] for name in cases}
    for _ in range(o.runs):
        for name, case in cases.items():
            runs[name].append(case())
            print(f"  {name:30} {runs[name][-1]:8.0f} ns/frame", flush=True)
    median = {name: statistics.median(v) for name, v in runs.items()}
    tc, xdp = median["generator and TC sink alone"], median["generator and XDP sink alone"]
    added = {"kernel bridge": median["kernel bridge"] - tc, "weir XDP bridge": median["weir XDP bridge"] - xdp,
             "weir TC bridge": median["weir TC bridge"] - tc, "netfilter-queue gateway": median["netfilter-queue gateway"] - tc}
    ratio = {"weir XDP added / kernel bridge added": added["weir XDP bridge"] / added["kernel bridge"],
             "weir TC added / kernel bridge added": added["weir TC bridge"] / added["kernel bridge"],
             "weir XDP frames per second / netfilter-queue": median["netfilter-queue gateway"] / median["weir XDP bridge"],
             "weir TC frames per second / netfilter-queue": median["netfilter-queue gateway"] / median["weir TC bridge"]}
    report = {"name": "forward", "unit": "ns per frame",
              "cases": [{"case": n, "runs": runs[n], "median": median[n], "frames_per_second": 1e9 / median[n],
                         **({"added_ns": added[n]} if n in added else {})} for n in cases],
              "ratio": {k: round(v, 3) for k, v in ratio.items()}, "machine": machine(), "command": "make bench BENCH=forward"}
    os.makedirs(f"{o.build}/bench", exist_ok=True)
    with open(f"{o.build}/bench/forward.json", "w", encoding="utf-8") as f:
        json.dump(report, f, indent=2)
    for name, value in added.items():
        print(f"{name:30} added {value:7.0f} ns   {1e9 / median[name] / 1e3:7.0f} thousand frames/s")
    for name, value in ratio.items():
        print(f"{name:50} {value:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
