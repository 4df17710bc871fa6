# SPDX-License-Identifier: GPL-2.0-only
"""A bad line between a host and the gateway (tests/tools/impair), where the kernel has no netem."""
import signal

from . import proc
from .net import WIRE, Node
from .order import last_document


class Line:
    """
    Takes the cable of a host out and puts two with a forwarder between them in its place. loss: percent
    of the frames that the host sends; delay: ms, each way. The net has to be one of wires.
    """

    def __init__(self, lab, net, host):
        self.tool, self.net, self.host = lab.built("tests", "tools", "impair"), net, host
        self.node = Node(net, f"line-{host.name}")
        net.ip(net.gw.ns, f"link del {host.interface}")
        proc.must(["ip", "netns", "add", self.node.ns])
        net.add(self.node)
        net.batch(self.node.ns, [
            f"link add near type veth peer name {host.interface} netns {net.gw.ns}",
            f"link add far type veth peer name eth0 address {host.mac} netns {host.ns}",
            "link set near up", "link set far up"])
        net.ip(net.gw.ns, f"link set {host.interface} up")
        net.batch(host.ns, ["link set eth0 up", f"addr add {host.ip4}/24 dev eth0",
                            f"addr add {host.ip6}/64 dev eth0 nodad"])
        for node, name in ((self.node, "near"), (self.node, "far"), (host, "eth0"),
                           (net.gw, host.interface)):
            node.must(["ethtool", "-K", name, "gro", "on" if node is host else "off"] + WIRE)
        if net.bridge:
            net.ip(net.gw.ns, f"link set {host.interface} master {net.bridge}")
        self.process = None

    def start(self, **options):
        """delay, loss, loss_back, reorder, late, seed: as impair has them."""
        words = [word for name, value in options.items()
                 for word in (f"--{name.replace('_', '-')}", str(value))]
        self.process = self.node.spawn([self.tool, *words, "far", "near"], log="impair")
        self.process.wait_log("ready")
        return self

    def stop(self):
        """What it did, each way: a_b is what the host sent."""
        self.process.signal(signal.SIGINT)
        self.process.wait(10)
        return last_document(self.process)
