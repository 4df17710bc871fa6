#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The slow path's judgement: nanoseconds per packet and per flow, and bytes per flow, beside libndpi.

usage: classify.py [--build DIR] [--captures DIR] [--runs N] [--loops N]

Captures (default: train/ in $CORPUS or ../shared/corpus where that is, else some that are made here) are held in memory and
played again and again as new flows by tests/bench/classify.c, in turn to weir and to libndpi (where it was installed
when the program was built), in one process on one CPU. Writes DIR/bench/classify.json and prints a table. Needs no
privilege.
"""
import argparse
import json
import os
import platform
import random
import statistics
import struct
import subprocess
import sys

CORPUS = os.path.join(os.environ.get("CORPUS", os.path.join("..", "shared", "corpus")), "train")
HANDED, ALL = "packets handed to detection", "all packets"
SYN, ACK, PUSH, FIN = 2, 16, 8, 1

# ---- captures made here, for where there are none ----

def packet(src, dst, proto, body):
    """An Ethernet frame; the program fills in the checksums."""
    ip = struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(body), 1, 0, 64, proto, 0, src, dst)
    return bytes.fromhex("020000000002020000000001") + b"\x08\0" + ip + body


def udp_flow(client, port, server, service, messages):
    for out, data in messages:
        a, b, sport, dport = (client, server, port, service) if out else (server, client, service, port)
        yield packet(a, b, 17, struct.pack(">HHHH", sport, dport, 8 + len(data), 1) + data)


def tcp_flow(client, port, server, service, messages):
    seq = {True: 1000, False: 2000}

    def segment(out, flags, data=b""):
        a, b, sport, dport = (client, server, port, service) if out else (server, client, service, port)
        header = struct.pack(">HHIIBBHHH", sport, dport, seq[out], seq[not out], 0x50, flags, 65535, 0, 0)
        seq[out] += len(data) + bool(flags & (SYN | FIN))
        return packet(a, b, 6, header + data)

    yield segment(True, SYN)
    yield segment(False, SYN | ACK)
    yield segment(True, ACK)
    for out, data in messages:
        for at in range(0, len(data), 1400):
            yield segment(out, ACK | PUSH, data[at:at + 1400])
            yield segment(not out, ACK)
    yield segment(True, ACK | FIN)
    yield segment(False, ACK | FIN)


def hello(name, rng):
    """A ClientHello (RFC 8446, 4.1.2) with a server name."""
    sni = struct.pack(">HHHBH", 0, len(name) + 5, len(name) + 3, 0, len(name)) + name
    body = b"\3\3" + rng.randbytes(32) + b"\x20" + rng.randbytes(32) + b"\0\x06\x13\1\x13\2\x13\3\1\0"
    body += struct.pack(">H", len(sni)) + sni
    return b"\x16\3\1" + struct.pack(">H", len(body) + 4) + b"\1" + struct.pack(">I", len(body))[1:] + body


def dns(name, rng):
    labels = b"".join(bytes([len(x)]) + x for x in name.split(b".")) + b"\0"
    ident = rng.randbytes(2)
    question = labels + b"\0\1\0\1"
    return [(True, ident + b"\1\0\0\1\0\0\0\0\0\0" + question),
            (False, ident + b"\x81\x80\0\1\0\1\0\0\0\0" + question + b"\xc0\x0c\0\1\0\1\0\0\1\0\0\4" + rng.randbytes(4))]


def conversations(rng):
    """(generator, service, messages) of the kinds that a network has."""
    name = b"www%d.example.org" % rng.randrange(1000)
    shake = b"\x13BitTorrent protocol" + bytes(8) + rng.randbytes(40)
    dht = b"d1:ad2:id20:" + rng.randbytes(20) + b"e1:q4:ping1:t2:aa1:y1:qe"
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9000\r\n\r\n" + b"<p>" * 3000
    return [
        (udp_flow, 53, dns(name, rng)),
        (udp_flow, 53, dns(name, rng)),
        (tcp_flow, 443, [(True, hello(name, rng)), (False, b"\x16\3\3\0\x7a\2\0\0\x76\3\3" + rng.randbytes(3000)),
                         (True, b"\x17\3\3\4\0" + rng.randbytes(1024)), (False, b"\x17\3\3\x20\0" + rng.randbytes(8192))]),
        (tcp_flow, 80, [(True, b"GET /%d HTTP/1.1\r\nHost: " % rng.randrange(10 ** 6) + name + b"\r\nUser-Agent: made\r\n\r\n"),
                        (False, page)]),
        (tcp_flow, 22, [(False, b"SSH-2.0-OpenSSH_9.2p1\r\n"), (True, b"SSH-2.0-OpenSSH_9.2p1\r\n"),
                        (True, b"\0\0\4\x14\6\x14" + rng.randbytes(1000))]),
        (tcp_flow, 25, [(False, b"220 mx.example.org ESMTP\r\n"), (True, b"EHLO a.example.org\r\n"),
                        (False, b"250-mx.example.org\r\n250 STARTTLS\r\n")]),
        (tcp_flow, 51413, [(True, shake), (False, shake), (True, b"\0\0\0\1\2"), (False, b"\0\0\x40\x09\7" + rng.randbytes(16388))]),
        (udp_flow, 6881, [(True, dht), (False, b"d1:rd2:id20:" + rng.randbytes(20) + b"e1:t2:aa1:y1:re")]),
#Nothing says what these are.
        (tcp_flow, 30303, [(True, rng.randbytes(rng.randrange(100, 600))), (False, rng.randbytes(rng.randrange(100, 600))),
                           (True, rng.randbytes(300)), (False, rng.randbytes(3000))]),
        (udp_flow, 40404, [(n % 2 == 0, rng.randbytes(rng.randrange(40, 1200))) for n in range(12)]),
    ]


def make_capture(path, rounds=300):
    rng = random.Random(1)
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for n in range(rounds):
            for kind, (flow, service, messages) in enumerate(conversations(rng)):
                client, server = 0x0a000001 + n, 0xc6336401 + kind * 256 + n % 200
                for i, frame in enumerate(flow(client, 20000 + n * 16 + kind, server, service, messages)):
                    f.write(struct.pack("<IIII", n, i, len(frame), len(frame)) + frame)


def captures(folder, build):
    """(paths, what they are)"""
    if folder is None and os.path.isdir(CORPUS):
        folder = CORPUS
    if folder is None:
        made = os.path.join(build, "bench", "classify.pcap")
        make_capture(made)
        return [made], "made by the benchmark"
    paths = sorted(os.path.join(where, name) for where, _, names in os.walk(folder) for name in names
                   if name.endswith((".pcap", ".pcapng", ".cap")))
    return paths, f"{len(paths)} captures of {os.path.basename(os.path.normpath(folder))}"

# ---- measuring ----

def measure(command):
    """{(case, unit): [value of each run]} in the order first seen."""
    out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    seen = {}
    for line in out.splitlines():
        case, unit, value = line.split("\t")
        seen.setdefault((case, unit), []).append(float(value))
    return seen


def ratios(cases):
    """What weir takes as parts of what libndpi takes, by the medians."""
    by = {(c["case"], c["unit"]): c["median"] for c in cases}
    peer = next((case.split(",")[0] for case, _ in by if case.startswith("libndpi") and HANDED in case), None)
    out = {}
    for what, unit in ((HANDED, "ns per packet"), ("flows handed to detection", "ns per flow"), (ALL, "ns per packet")):
        if peer and (f"{peer}, {what}", unit) in by:
            out[f"weir / libndpi, {unit}, {what}"] = round(by[f"weir, {what}", unit] / by[f"{peer}, {what}", unit], 3)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--captures", help="a folder of captures")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--loops", type=int, default=20, help="of one run")
    o = parser.parse_args()
    os.makedirs(f"{o.build}/bench", exist_ok=True)
    paths, what = captures(o.captures, o.build)
    if not paths:
        parser.error(f"no captures in {o.captures}")
    seen = measure([f"{o.build}/bench/classify", "--runs", str(o.runs), "--loops", str(o.loops), *paths])
    cases = [{
	"case" : case, "unit" : unit, "runs" : runs, "median" : statistics.median(runs)} for (case, unit), runs in seen.items()
             if unit != "count"]
    result = {"name": "classify", "unit": "ns per packet", "cases": cases, "ratio": ratios(cases),
              "traffic": {"captures": what, **{case: int(runs[0]) for (case, unit), runs in seen.items() if unit == "count"}},
              "machine": {"cpus": os.cpu_count(), "kernel": platform.release(), "arch": platform.machine()},
              "command": "make bench BENCH=classify"}
    with open(f"{o.build}/bench/classify.json", "w", encoding="utf-8") as f:
        json.dump(result, f, indent=2)
    for case in cases:
        print(f"{case['case']:60} {case['median']:12,.1f} {case['unit']}")
    for name, value in result["ratio"].items():
        print(f"{name:60} {value:12.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
