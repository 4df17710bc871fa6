# SPDX-License-Identifier: GPL-2.0-only
"""The daemon under test: its life, its answers, what it leaves behind, whether it counts right."""
import collections
import json
import os
import re
import signal
import time

from . import proc
from .check import Failure, check, check_equal, wait_for
from .net import NETNS, parse_json

METRIC = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
CARRIER = {"LOWER_UP", "NO-CARRIER"}  # says what the other end does


def gateway_state(net):
    """What weir may change on the gateway and must put back."""
    ns = net.gw.ns
    links = {}
    for link in json.loads(net.ip(ns, "-j -d link show")):
        links[link["ifname"]] = {
            "master": link.get("master"), "mtu": link["mtu"],
            "flags": sorted(set(link["flags"]) - CARRIER),
            "promiscuity": link.get("promiscuity"), "xdp": link.get("xdp"),
            "qdisc": link.get("qdisc"), "address": link.get("address"),
        }
    qdiscs = sorted(json.dumps(qdisc, sort_keys=True) for qdisc in
                    json.loads(proc.must(["tc", "-n", ns, "-j", "qdisc", "show"]) or "[]"))
    return {"links": links, "qdiscs": qdiscs,
            "features": {host.interface: features(net, host.interface) for host in net.hosts}}


def features(net, interface):
    """ethtool -k as a dictionary."""
    lines = net.gw.must(["ethtool", "-k", interface]).splitlines()[1:]
    return {name.strip(): value.strip() for name, _, value in
            (line.partition(":") for line in lines)}


def differences(before, after, path=""):
    """Where two states differ, one line each."""
    if isinstance(before, dict) and isinstance(after, dict):
        lines = []
        for key in sorted(set(before) | set(after)):
            lines += differences(before.get(key), after.get(key), f"{path}/{key}")
        return lines
    return [] if before == after else [f"{path}: {before!r} became {after!r}"]


class Weir:
    """One daemon on a net's gateway. Everything of it lives in the scenario's folder."""

    def __init__(self, lab, net, body, hook, header="", protocols=()):
        self.lab, self.net, self.hook = lab, net, hook
        self.binary = lab.binary
        self.dir = os.path.join(lab.dir, "weir")
        os.makedirs(self.dir, exist_ok=True)
        self.socket = os.path.join(self.dir, "socket")
        self.pins = os.path.join(lab.bpffs(), "weir")
        self.changes = os.path.join(self.dir, "changes.json")
        self.events_path = os.path.join(self.dir, "events.json")
        self.protocols = f", protocols: [{', '.join(protocols)}]" if protocols else ""
        self.policy = self.write_policy(body, header=header)
        self.process = None
        self.before = gateway_state(net)
        self.baseline = None

    # ---- policy ----

    def write_policy(self, body, name="weir.yaml", header=""):
        """A policy for all ports of the net; body: its rules and settings. Returns its path."""
        ports = "".join(f"  {host.port}: {{ interface: {host.interface}, hook: {self.hook} }}\n"
                        for host in self.net.hosts)
        names = ", ".join(host.port for host in self.net.hosts)
        text = (f"version: 1\nports:\n{ports}forward:\n  - {{ mode: bridge, bridge: br0, "
                f"create: true, ports: [{names}] }}\nevents: {{ file: {self.events_path}{self.protocols} }}\n"
                f"{header}{body.strip()}\n")
        path = os.path.join(self.dir, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    # ---- life ----

    def command(self, *words):
        """weir as run on the gateway."""
        return ["nsenter", f"--net={NETNS}/{self.net.gw.ns}", "--", self.binary, *words]

    def run_words(self, policy=None):
        return ["run", "-c", policy or self.policy, "--socket", self.socket, "--pins", self.pins,
                "--state", self.changes]

    def start(self, seconds=20, at_rest=True):
        """at_rest: nothing moves on the hosts, so that counting can begin here."""
        self.process = proc.Process(self.command(*self.run_words()),
                                    os.path.join(self.dir, "weir.log"), cwd=self.lab.top)
        self.lab.on_close(self._end)

        def answers():
            if not self.process.running():
                raise Failure(f"weir ended with {self.process.popen.returncode}:\n"
                              f"{self.process.log()[-3000:]}")
            return os.path.exists(self.socket) and self.cli("status", "--json")[0] == 0
        wait_for(answers, "weir answers", seconds)
        self.baseline = self.snapshot() if at_rest else None
        return self

    def _end(self):
        if self.process.running():
            self.process.signal(signal.SIGCONT)
            self.process.signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except Failure:
                self.process.signal(signal.SIGKILL)
                self.process.popen.wait(5)

    def stop(self, trace=True):
        """SIGTERM; the exit status must be 0 and, unless told otherwise, nothing may be left."""
        self.process.signal(signal.SIGTERM)
        check_equal(self.process.wait(15), 0, "exit status of weir after SIGTERM")
        self.check_events()
        if trace:
            self.check_no_trace()

    def kill(self):
        self.process.signal(signal.SIGKILL)
        self.process.popen.wait(5)

    def detach(self):
        return self.cli("detach", "--pins", self.pins, "--state", self.changes)

    def check_no_trace(self):
        left = differences(self.before, gateway_state(self.net))
        check(not left, "weir left traces on the gateway:\n  " + "\n  ".join(left))
        for path in (self.pins, self.changes, self.socket):
            check(not os.path.exists(path), f"weir left {path}")

    # ---- questions ----

    def cli(self, *words, seconds=15):
        """(exit status, standard output, standard error) of a verb."""
        return proc.run(self.command(*words, "--socket", self.socket), seconds, cwd=self.lab.top)

    def must(self, *words):
        status, out, err = self.cli(*words)
        check(status == 0, f"weir {' '.join(words)}: exit status {status}: {err.strip()}")
        return out

    def json(self, *words):
        return parse_json(self.must(*words, "--json"), f"weir {' '.join(words)} --json")

    def load(self, body, name="loaded.yaml"):
        """Loads another policy into the running daemon."""
        self.must("policy", "load", self.write_policy(body, name))

    def status(self):
        return self.json("status")

    def ports(self):
        """Port name to its part of the status."""
        return {port["name"]: port for port in self.status()["ports"]}

    def flows(self, *words):
        """Those that have closed too."""
        return self.json("flows", "--all", *words)["flows"]

    def metrics(self):
        """[(name, labels, value)] of `weir stats`."""
        found = []
        for line in self.must("stats").splitlines():
            if line and not line.startswith("#"):
                name, labels, value = METRIC.match(line).groups()
                found.append((name, dict(LABEL.findall(labels or "")), float(value)))
        return found

    def metric(self, wanted, **labels):
        """Sum of a metric's samples that carry the labels."""
        return sum(value for name, has, value in self.metrics()
                   if name == wanted and all(has.get(k) == v for k, v in labels.items()))

    def dropped(self, *reasons):
        """Frames dropped so far for the reasons, on all ports."""
        return sum(value for name, has, value in self.metrics()
                   if name == "weir_dropped_frames_total" and has["reason"] in reasons)

    def events(self, kind=None):
        """Events written so far, in order."""
        if not os.path.exists(self.events_path):
            return []
        with open(self.events_path) as file:
            lines = [line for line in file if line.endswith("\n")]
        found = [json.loads(line) for line in lines]
        return [event for event in found if kind in (None, event["event_type"])]

    def check_events(self):
        """Every event is as docs/events.schema.json says. Returns their number by type."""
        if not os.path.exists(self.events_path):
            return {}
        schema = os.path.join(self.lab.top, "docs", "events.schema.json")
        status, out, err = proc.run([self.lab.built("tests", "tools", "evecheck"), schema,
                                     self.events_path], 60)
        check(status == 0, f"events that are not as {schema} says:\n{err}")
        return json.loads(out)

    # ---- conservation ----

    def hosts_counters(self):
        return {host.port: host.counters() for host in self.net.hosts}

    def counters(self):
        """What conservation is about: per port, and the frames of every reason on all ports."""
        seen = {"rx": {}, "tx": {}, "in_flight": {}, "reasons": collections.Counter(),
                "stack_packets": 0}
        for name, labels, value in self.metrics():
            if name == "weir_port_frames_total":
                seen[labels["direction"]][labels["port"]] = int(value)
            elif name == "weir_stack_packets_total":
                seen["stack_packets"] += int(value)
            elif name == "weir_in_flight_frames":
                seen["in_flight"][labels["port"]] = int(value)
            elif name in ("weir_stack_frames_total", "weir_dropped_frames_total"):
                kind = "stack" if "stack" in name else "drop"
                seen["reasons"][kind, labels["reason"]] += int(value)
        return seen

    def snapshot(self, seconds=15):
        """weir's and the hosts' counters of one moment in which nothing moved."""
        deadline = time.monotonic() + seconds
        while True:
            hosts = self.hosts_counters()
            seen = self.counters()
            still = self.hosts_counters() == hosts
            if still and not any(seen["in_flight"].values()):
                return {"hosts": hosts, **seen}
            if time.monotonic() > deadline:
                raise Failure(f"not at rest within {seconds} s; hosts {'' if still else 'not '}"
                              f"still, in flight: {seen['in_flight']}")
            time.sleep(0.1)

    def check_conservation(self, cuts=False):
        """
        cuts: a queueing discipline on a port may cut merged packets (TC) into their segments.
        At rest: nothing in flight; every port received what its host says it sent; the hosts
        together received what left.
        """
        now = self.snapshot()
        for host in self.net.hosts:
            sent = now["hosts"][host.port]["tx"] - self.baseline["hosts"][host.port]["tx"]
            received = now["rx"][host.port] - self.baseline["rx"][host.port]
            check_equal(received, sent, f"frames received on port {host.port}, against those "
                                        f"{host.name} says it sent")
        self._check_left(now, cuts)

    def _check_left(self, now, cuts):
        reasons = now["reasons"] - self.baseline["reasons"]
        segments = sum(number for (kind, _), number in reasons.items() if kind == "stack")
        stack = now["stack_packets"] - self.baseline["stack_packets"]
        sent = sum(now["tx"].values()) - sum(self.baseline["tx"].values())
        arrived = sum(now["hosts"][host.port]["rx"] - self.baseline["hosts"][host.port]["rx"]
                      for host in self.net.hosts)
        # What the kernel lost behind weir's back was counted as sent or given to the stack before.
        lost = sum(reasons["drop", name] for name in ("redirect_lost", "pair_lost", "qdisc"))
        left = stack + sent - lost
        # The bridge sends multicast, ARP requests, and frames for a station it has not heard of,
        # out of every other port: one frame that left becomes up to (ports - 1).
        flooded = sum(reasons["stack", name] for name in ("multicast", "not_ip", "no_egress", "reinjected_stack"))
        most = left + (segments - stack if cuts else 0) + flooded * max(0, len(self.net.hosts) - 2)
        check(left <= arrived <= most,
              f"frames the hosts received: {arrived}; frames that left: {left} to {most} "
              f"({sent} sent by weir, {stack} by the stack; {dict(reasons)})")
