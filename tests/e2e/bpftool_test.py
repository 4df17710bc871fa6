#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the commands of docs/bpftool.md as they stand, in one shell, and checks after each section that they did what the text says.

usage: bpftool_test.py    (root, from the project's folder, after `make`)

The shell lives in network and mount namespaces of its own with an interface eth0, whose other end, 192.0.2.2, is in a third.
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

DOCUMENT = "docs/bpftool.md"
INSIDE = "WEIR_BPFTOOL_TEST_INSIDE"
PEER, OWN, TCP_PORT = "192.0.2.2", "192.0.2.1", 7777
REASON_DISABLED, REASON_NO_EGRESS, REASON_BLOCKED = 2, 9, 20


class Failure(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failure(text)


def sections(path):
    """[(heading, [commands])] of the document, in order."""
    found = []
    with open(path, encoding="utf-8") as f:
        text = f.read()
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        heading, _, body = part.partition("\n")
        found.append((heading.strip(), re.findall(r"^```sh\n(.*?)^```$", body, flags=re.M | re.S)))
    return found


class Shell:
    """One bash that keeps its variables from block to block; a failing command ends it."""

    END = "--- end of block ---"

    def __init__(self):
        # Apart from the output: iproute2 complains there about namespaces of others.
        self.errors = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen(["bash", "--norc"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True)
        self.run("set -euo pipefail")

    def run(self, commands):
        self.process.stdin.write(f"{commands}\nprintf '\\n%s\\n' '{self.END}'\n")
        self.process.stdin.flush()
        out = []
        for line in self.process.stdout:
            if line.strip() == self.END:
                return "".join(out)
            out.append(line)
        self.errors.seek(0)
        raise Failure(f"these commands failed:\n{commands}\n{''.join(out)}{self.errors.read()}")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def run(*argv):
    p = subprocess.run(argv, capture_output=True, text=True)
    check(p.returncode == 0, f"{' '.join(argv)}: {p.stderr or p.stdout}")
    return p.stdout


class World:
    def __init__(self):
        # The interface's other end needs a namespace, which lives as long as somebody is in it.
        self.holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo in; cat"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)
        check(self.holder.stdout.readline() == "in\n", "no network namespace")
        run("mount", "--make-rprivate", "/")
        run("mount", "-t", "bpf", "bpf", "/sys/fs/bpf")
        run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "peer0", "netns", str(self.holder.pid))
        run("ip", "addr", "add", f"{OWN}/24", "dev", "eth0")
        run("ip", "link", "set", "eth0", "up")
        run("ip", "link", "set", "lo", "up")
        self.at_peer("ip", "addr", "add", f"{PEER}/24", "dev", "peer0")
        self.at_peer("ip", "link", "set", "peer0", "up")
        # What an offloading sender leaves unfinished the receiving stack would drop after native XDP.
        self.at_peer("ethtool", "-K", "peer0", "tx", "off")
        self.shell = Shell()

    def at_peer(self, *argv):
        return run("nsenter", "-t", str(self.holder.pid), "-n", *argv)

    def ping(self):
        p = subprocess.run(["nsenter", "-t", str(self.holder.pid), "-n", "ping", "-q", "-c", "3", "-i", "0.05", "-W", "1", OWN],
                           capture_output=True)
        return p.returncode == 0

    def talk(self):
        """Sends a line over TCP from the peer; returns what arrived."""
        with socket.create_server((OWN, TCP_PORT)) as server:
            server.settimeout(10)
            client = subprocess.Popen(["nsenter", "-t", str(self.holder.pid), "-n", "nc", "-N", "-w", "5", OWN, str(TCP_PORT)],
                                      stdin=subprocess.PIPE, text=True)
            client.stdin.write("payload\n")
            client.stdin.close()
            connection, _ = server.accept()
            with connection, connection.makefile() as stream:
                connection.settimeout(10)
                heard = stream.read()
            client.wait()
            return heard

    def counter(self, port, reason):
        """Frames, summed over the CPUs, as the document's own command shows them."""
        out = self.shell.run(f"counter {port} {reason}")
        return sum(int(n) for n in re.findall(r'"frames": (\d+)', out))

    def close(self):
        self.shell.close()
        self.holder.stdin.close()
        self.holder.wait()


# One check per section, by heading: called with the output of its commands.

def prepared(world, _):
    check(world.shell.run("le32 1 4096").split() == "01 00 00 00 00 10 00 00".split(), "le32 does not spell words")
    check(int(world.shell.run("ifindex eth0")) > 1, "ifindex does not find the interface")


def loaded(_world, out):
    check("xdp" in out and "weir_gate" in out, f"not loaded: {out}")
    for name in ("weir_ctl", "weir_counters", "weir_decided", "weir_blocks"):
        check(os.path.exists(f"/sys/fs/bpf/weir-plain/maps/{name}"), f"{name} is not pinned")


def attached(world, out):
    check(re.search(r"eth0\(\d+\) driver id \d+", out), f"not attached: {out}")
    check(world.ping(), "an unconfigured gate does not pass")


def counted(world, _):
    before = world.counter(0, REASON_DISABLED)
    check(before >= 3, f"only {before} frames counted as port_disabled")
    check(world.ping(), "an unconfigured gate does not pass")
    check(world.counter(0, REASON_DISABLED) >= before + 3, "the counter stands still")


def configured(world, _):
    before = world.counter(0, REASON_DISABLED)
    check(world.ping(), "a configured gate does not pass")
    check(world.counter(0, REASON_DISABLED) == before, "frames still count under port 0")
    check(world.talk() == "payload\n", "TCP does not pass without a slow path")


def flows_read(world, _):
    # What there was to see came after the commands were configured: run them again on live flows.
    decided = world.shell.run("bpftool map dump pinned $PINS/maps/weir_decided")
    check(re.search(r'"proto": 1\b', decided), f"the ping is not among the decided flows: {decided[:2000]}")
    undecided = world.shell.run("bpftool map dump pinned $PINS/maps/weir_undecided")
    check(re.search(r'"proto": 6\b', undecided), f"the connection is not among the undecided flows: {undecided[:2000]}")
    check(world.counter(1, REASON_NO_EGRESS) >= 1, "payload that has no other port is not counted as no_egress")


def fragments_read(world, _):
    world.at_peer("ping", "-q", "-c", "1", "-W", "1", "-s", "3000", OWN)
    noted = world.shell.run("bpftool map dump pinned $PINS/maps/weir_fragments")
    check(re.search(r'"proto": 1\b', noted), f"the large ping is not among the fragments: {noted[:2000]}")


def blocked_and_lifted(world, _):
    check(world.ping(), "the lifted block still holds")


def detached(world, _):
    check("prog/xdp" not in run("ip", "link", "show", "dev", "eth0"), "the program is still there")
    check(world.ping(), "nothing passes after the detach")


def on_tc(world, _):
    before = sum(world.counter(1, reason) for reason in range(20))
    check(world.ping(), "the TC program does not pass")
    check(sum(world.counter(1, reason) for reason in range(20)) >= before + 3, "the TC program does not count")


def unloaded(world, _):
    check(not os.path.exists("/sys/fs/bpf/weir-plain"), "pins are left")
    check("clsact" not in run("tc", "qdisc", "show", "dev", "eth0"), "the qdisc is left")
    check(os.listdir("/sys/fs/bpf") in ([], ["maps.debug", "progs.debug"], ["progs.debug", "maps.debug"]),
          f"something is left: {os.listdir('/sys/fs/bpf')}")
    check(world.ping(), "nothing passes after the unload")


def blocked(world, _):
    before = world.counter(1, REASON_BLOCKED)
    check(not world.ping(), "a blocked address gets through")
    check(world.counter(1, REASON_BLOCKED) >= before + 3, "blocked frames are not counted")


# A section with two blocks may have a check after each.
CHECKS = {
    "Prepare": [prepared],
    "Load": [loaded],
    "Attach": [attached],
    "Read counters": [counted],
    "Configure a port": [None, configured],
    "Read flows": [flows_read, fragments_read],
    "Block an address": [blocked, blocked_and_lifted],
    "Detach": [detached],
    "The same on TC": [on_tc],
    "Detach from TC and unload": [unloaded],
}


def late(*_):
    raise Failure("not finished after two minutes")


def inside():
    signal.signal(signal.SIGALRM, late)
    signal.alarm(120)
    world = World()
    try:
        found = sections(DOCUMENT)
        check([h for h, _ in found] == list(CHECKS), f"sections and checks differ: {[h for h, _ in found]}")
        for heading, blocks in found:
            checks = CHECKS[heading]
            check(len(blocks) == len(checks), f"{heading}: {len(blocks)} blocks of commands, {len(checks)} checks")
            for block, after in zip(blocks, checks):
                out = world.shell.run(block)
                if after:
                    after(world, out)
            print(f"ok: {heading}", flush=True)
    except Failure as failure:
        print(f"{DOCUMENT}: {failure}", file=sys.stderr)
        return 1
    finally:
        world.close()
    return 0


def main():
    if os.environ.get(INSIDE):
        return inside()
    for program in ("bpftool", "ethtool", "nc", "ping", "tc"):
        if not shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
            print(f"{program} is missing: run `make deps`", file=sys.stderr)
            return 1
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return subprocess.run(["unshare", "-n", "-m", sys.executable, os.path.abspath(__file__)],
                          env={**os.environ, INSIDE: "1", "PATH": path}).returncode


if __name__ == "__main__":
    sys.exit(main())
