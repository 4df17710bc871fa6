#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Fast pass: how long a file takes over a line with losses when segments out of order go on at once, and when they wait.

usage: fastpass.py [--build DIR] [--runs N] [--only ftp|bittorrent]

server ─ bad line (tests/tools/impair) ─ weir ─ client. Every packet of every connection is read to its end (`follow: all`), so that
reassembly is what is measured. The delay is that of a round trip; what the server sends is lost at the rate given. Both ways of
forwarding meet the same random numbers. Times are end to end: FTP (vsftpd, curl) from the control connection on, BitTorrent (aria2 on
both sides) from the client's start on. Writes DIR/bench/fastpass.json and prints a table. Needs root; everything happens in network
namespaces of its own. BENCH_QUICK=1: fewer points, one run.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from harness.check import check, check_equal
from harness.clients import Aria2
from harness.lab import Lab
from harness.line import Line
from harness.net import needs
from harness.services import Tracker, random_file, wait_listening
from harness.torrent import Torrent

QUICK = os.environ.get("BENCH_QUICK") == "1"
SIZE = 768 << 10
LOSSES = (0, 2, 5) if QUICK else (0, 1, 2, 3, 5)
DELAYS = (10, 50) if QUICK else (10, 50, 100)
TRANSFER_SECONDS = 240
POLICY = "reassembly: {{ fast_pass: {}, follow: all, flow: 1MiB, hold: 5s }}\ndefault: pass\n"
MODES = {"weir": "true", "without fast pass": "false"}


class Ftp:
    """vsftpd on the server, curl on the client."""

    name = "ftp"
    programs = ("vsftpd", "curl")

    def __init__(self, net):
        self.net = net
        server = net.s1
        server.write("vsftpd/root/file", b"")
        os.makedirs(server.path("vsftpd", "empty"))
        random_file(server, "file", SIZE)
        os.replace(server.path("www", "file"), server.path("vsftpd", "root", "file"))
        config = server.write("vsftpd/conf", f"""listen=YES
listen_address={server.ip4}
background=NO
anonymous_enable=YES
local_enable=NO
anon_root={server.path("vsftpd", "root")}
secure_chroot_dir={server.path("vsftpd", "empty")}
no_anon_password=YES
seccomp_sandbox=NO
xferlog_enable=NO
""")
        server.spawn(["vsftpd", config])
        wait_listening(server, server.ip4, 21)

    def transfer(self, number):
        target = self.net.c1.path("file")
        took = self.net.c1.must(["curl", "-sS", "-m", TRANSFER_SECONDS, "-o", target, "-w", "%{time_total}",
                                 f"ftp://{self.net.s1.ip4}/file"], TRANSFER_SECONDS + 10)
        check_equal(os.path.getsize(target), SIZE, "bytes of the file")
        return float(took)


class BitTorrent:
    """aria2 on both sides; a tracker beside the seeder."""

    name = "bittorrent"
    programs = ("aria2c",)
    port = 51413

    def __init__(self, net):
        self.net = net
        tracker = Tracker(net.s1, peers=[(net.s1.ip4, self.port)], fixed=True).start()
        self.torrent = Torrent(net.s1.path("torrent"), "file", SIZE, tracker.url)
        Aria2(net.s1, self.torrent, seed=True, port=self.port).start()
        wait_listening(net.s1, net.s1.ip4, self.port)

    def transfer(self, number):
        folder = self.net.c1.path(f"download-{number}")
        started = time.monotonic()
        self.net.c1.must(["aria2c", "--no-conf=true", "-q", "-d", folder, "--seed-time=0", "--enable-dht=false", "--enable-dht6=false",
                          "--bt-enable-lpd=false", "--enable-peer-exchange=false", "--disable-ipv6=true", "--file-allocation=none",
                          f"--listen-port={self.port}", self.torrent.path], TRANSFER_SECONDS)
        took = time.monotonic() - started
        check_equal(os.path.getsize(os.path.join(folder, "file")), SIZE, "bytes of the file")
        return took


def build_lab(lab):
    net = lab.net(wire=True)
    for host in net.hosts:
        # What one transfer teaches the kernel about the path must not help the next.
        host.must(["sysctl", "-qw", "net.ipv4.tcp_no_metrics_save=1"])
    line = Line(lab, net, net.s1)
    weir = lab.weir(net, POLICY.format("true")).start()
    line.start()
    net.meet(net.c1, net.s1)
    return net, line, weir


def measure(protocol, runs, tell):
    """Calls tell(delay, loss, mode, seconds) for every transfer."""
    lab = Lab("native")
    try:
        net, line, weir = build_lab(lab)
        service = protocol(net)
        number = 0
        for run in range(runs):
            for delay in DELAYS:
                for loss in LOSSES:
                    for mode, fast_pass in MODES.items():
                        line.stop()
                        weir.load(POLICY.format(fast_pass))
                        line.start(delay=delay / 2, loss=loss, seed=100 * run + loss)
                        number += 1
                        tell(delay, loss, mode, service.transfer(number))
        check(weir.metric("weir_reassembly_total", event="tcp-held") > 0, "segments waited")
        check(weir.metric("weir_reassembly_total", event="tcp-fast-passed") > 0, "segments were fast-passed")
        line.stop()
        net.stop_hosts()
        weir.stop()
    except BaseException:
        sys.stderr.write(lab.logs())
        raise
    finally:
        for failure in lab.close():
            sys.stderr.write(failure)


def child(protocol, runs):
    def tell(*words):
        print(json.dumps(words), flush=True)
    measure(protocol, runs, tell)


def collect(protocols, runs):
    """The transfers of the protocols, side by side: they wait far more than they compute. {case: [seconds]}"""
    children = {name: subprocess.Popen([sys.executable, __file__, "--child", name, "--runs", str(runs)], stdout=subprocess.PIPE,
                                       text=True) for name in protocols}
    found = {}
    for name, process in children.items():
        for line in process.stdout:
            delay, loss, mode, seconds = json.loads(line)
            found.setdefault((name, delay, loss, mode), []).append(seconds)
            print(f"  {mode:18} {name:10} {delay:3} ms {loss} % {seconds:7.2f} s", flush=True)
    for name, process in children.items():
        if process.wait():
            raise RuntimeError(f"{name}: the measurement failed")
    return found


def case_name(key):
    name, delay, loss, mode = key
    return f"{mode}: {name}, {delay} ms, {loss} % lost"


def report(found):
    median = {key: statistics.median(runs) for key, runs in found.items()}
    ratio = {}
    for (name, delay, loss, mode), value in median.items():
        if mode == "weir":
            ratio[f"{name}, {delay} ms, {loss} % lost: time without fast pass / with"] = round(
                median[name, delay, loss, "without fast pass"] / value, 2)
    return {"name": "fastpass", "unit": f"seconds for {SIZE >> 10} KiB", "cases": [{"case": case_name(key), "runs": runs, "median": median[key]}
                                                                     for key, runs in sorted(found.items())],
            "ratio": ratio, "machine": {"cpus": os.cpu_count(), "kernel": platform.release(), "arch": platform.machine()},
            "command": "make bench BENCH=fastpass"}


PROTOCOLS = {protocol.name: protocol for protocol in (Ftp, BitTorrent)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--runs", type=int, default=1 if QUICK else 3)
    parser.add_argument("--only", choices=PROTOCOLS)
    parser.add_argument("--child", choices=PROTOCOLS, help=argparse.SUPPRESS)
    o = parser.parse_args()
    if o.child:
        child(PROTOCOLS[o.child], o.runs)
        return 0
    protocols = [o.only] if o.only else list(PROTOCOLS)
    for name in protocols:
        missing = needs(*PROTOCOLS[name].programs)
        if missing:
            print(f"fastpass: {missing} is not installed (sh scripts/deps.sh --bench)", file=sys.stderr)
            return 1
    result = report(collect(protocols, o.runs))
    os.makedirs(f"{o.build}/bench", exist_ok=True)
    with open(f"{o.build}/bench/fastpass.json", "w", encoding="utf-8") as f:
        json.dump(result, f, indent=2)
    for name, value in result["ratio"].items():
        print(f"{name:70} {value:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
