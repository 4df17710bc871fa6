# SPDX-License-Identifier: GPL-2.0-only
"""
A private network: hosts on both sides of a gateway, each in a namespace of its own.

    c1 ── vc1 ┐              ┌ vs1 ── s1
    c2 ── vc2 ┤   gateway    ├ vs2 ── s2        every host: eth0, IPv4 and IPv6, one subnet
              └──────────────┘
With side=True every host also has side0 on a second network that does not touch the gateway, and
net.side is a node on it: for what the gateway must not see (a tracker that tells peers of each other).
"""
import ctypes
import ipaddress
import json
import os
import shutil
import threading

from . import proc
from .check import Failure, check

CLONE_NEWNET = 0x40000000
NETNS = "/run/netns"
# A wire: frames leave with finished checksums, one segment each, tags in the bytes. The receiving
# end keeps GRO, since a veth behind an XDP redirect only takes frames when it polls.
WIRE = "tx off tso off gso off txvlan off rxvlan off".split()
_libc = ctypes.CDLL(None, use_errno=True)


def _enter(namespace):
    fd = os.open(f"{NETNS}/{namespace}", os.O_RDONLY)
    try:
        if _libc.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
    finally:
        os.close(fd)


def inside(namespace, function):
    """Runs function in a thread that lives in the namespace. Not for starting programs."""
    result = {}

    def body():
        try:
            _enter(namespace)
            result["value"] = function()
        except BaseException as error:  # handed over to the caller's thread
            result["error"] = error
    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    thread.join()
    if "error" in result:
        raise result["error"]
    return result["value"]


class Node:
    """A namespace with a folder, and what runs in it."""

    def __init__(self, net, name):
        self.net, self.name = net, name
        self.ns = f"{net.lab.run}-{name}"
        self.dir = os.path.join(net.lab.dir, name)
        self.processes = []
        os.makedirs(self.dir)
        os.chmod(self.dir, 0o755)  # daemons that give up root read their files here

    def _environment(self, extra):
        env = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
        env.update(HOME=self.dir, TMPDIR=self.dir, LC_ALL="C.UTF-8", TERM="dumb",
                   PYTHONDONTWRITEBYTECODE="1")
        env.update(extra or {})
        return env

    def _command(self, command):
        # nsenter, not `ip netns exec`: that one mounts another /sys, where the pinned maps are missing.
        return ["nsenter", f"--net={NETNS}/{self.ns}", "--"] + [str(word) for word in command]

    def spawn(self, command, log=None, env=None):
        name = log or os.path.basename(str(command[0]))
        process = proc.Process(self._command(command), os.path.join(self.dir, f"{name}.log"),
                               self._environment(env), self.dir)
        self.processes.append(process)
        return process

    def run(self, command, seconds=20.0, stdin=None, env=None):
        return proc.run(self._command(command), seconds, stdin, self._environment(env), self.dir)

    def must(self, command, seconds=20.0, stdin=None, env=None):
        return proc.must(self._command(command), seconds, stdin, self._environment(env), self.dir)

    def inside(self, function):
        return inside(self.ns, function)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb" if isinstance(text, bytes) else "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def stop_all(self):
        proc.stop_all(self.processes)
        self.processes.clear()


class Host(Node):
    """A client or a server."""

    def __init__(self, net, name, number, lan):
        super().__init__(net, name)
        self.lan = lan
        self.number = number
        self.ip4 = f"10.77.0.{number}"
        self.ip6 = f"fd77::{number:x}"
        self.side = f"172.31.77.{number}"
        self.mac = f"02:77:00:00:00:{number:02x}"
        self.port = name           # weir's name for the gateway's port towards this host
        self.interface = f"v{name}"  # the gateway's interface towards this host

    def ip(self, version):
        return self.ip6 if version == 6 else self.ip4

    def counters(self):
        """Frames and bytes this host has sent and received on eth0, by its own count."""
        link = json.loads(self.net.ip(self.ns, "-j -s link show dev eth0"))[0]["stats64"]
        return {"tx": link["tx"]["packets"], "rx": link["rx"]["packets"],
                "rx_dropped": link["rx"]["dropped"], "tx_dropped": link["tx"]["dropped"]}

    def drop_output(self, rule):
        """Keeps packets from leaving this host, before the gateway could see them."""
        self.must(["nft", "-f", "-"], stdin="table inet out {\n chain o {\n"
                  f"type filter hook output priority 0\n{rule} drop\n }}\n}}\n")


class Net:
    """lan, wan: names of the hosts. wire: links look like cables; otherwise all offloads are on."""

    def __init__(self, lab, lan=("c1",), wan=("s1",), wire=True, bridge=None, side=False, mtu=1500):
        self.lab, self.wire, self.bridge, self.with_side, self.mtu = lab, wire, bridge, side, mtu
        self.gw = Node(self, "gw")
        self.hosts = [Host(self, name, 11 + i, True) for i, name in enumerate(lan)]
        self.hosts += [Host(self, name, 101 + i, False) for i, name in enumerate(wan)]
        for host in self.hosts:
            check(not hasattr(self, host.name), f"two hosts named {host.name}")
            setattr(self, host.name, host)
        self._nodes = [self.gw] + self.hosts
        if side:
            self.side = Node(self, "side")
            self.side.side = "172.31.77.1"
            self._nodes.append(self.side)

    def add(self, node):
        """A node that somebody made: kept quiet like the gateway, and removed with the net."""
        self._nodes.append(node)
        self._quiet(node, speaks=False)

    @staticmethod
    def ip(namespace, words):
        return proc.must(["ip", "-n", namespace] + words.split())

    @staticmethod
    def batch(namespace, lines):
        proc.must(["ip", "-n", namespace, "-batch", "-"], stdin="\n".join(lines) + "\n")

    def up(self):
        for node in self._nodes:
            proc.must(["ip", "netns", "add", node.ns])
            self._quiet(node)
        self.ip(self.gw.ns, "link set lo up")
        for host in self.hosts:
            self.ip(host.ns, "link set lo up")
            self.connect(host)
        if self.bridge:
            self.make_bridge()
        if self.with_side:
            self._make_side()
        return self

    def connect(self, host):
        """The cable between a host and the gateway."""
        self.batch(self.gw.ns, [
            f"link add {host.interface} mtu {self.mtu} type veth peer name eth0 address {host.mac} "
            f"netns {host.ns}", f"link set {host.interface} up"])
        self.batch(host.ns, [
            f"link set eth0 mtu {self.mtu} up", f"addr add {host.ip4}/24 dev eth0",
            f"addr add {host.ip6}/64 dev eth0 nodad"])
        if self.wire:
            host.must(["ethtool", "-K", "eth0", "gro", "on"] + WIRE)
            self.gw.must(["ethtool", "-K", host.interface] + WIRE)

    def _quiet(self, node, speaks=True):
        """No frame that nobody asked for: no duplicate address detection, no router solicitation,
        no link-local address; the gateway speaks no IPv6 at all."""
        values = ["net.ipv6.conf.default.accept_dad=0",
                  "net.ipv6.conf.default.router_solicitations=0", "net.ipv6.conf.default.addr_gen_mode=1", "net.ipv4.ping_group_range=0 2147483647"]
        if not speaks or node in (self.gw, getattr(self, "side", None)):
            values = ["net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1",
                      "net.ipv4.igmp_link_local_mcast_reports=0"]
        node.must(["sysctl", "-qw"] + values)

    def keep_order(self):
        """
        Makes the links themselves keep the order. A veth that does not poll hands frames to the
        CPU the sender runs on, and a sender that moves to another CPU overtakes itself; steered to
        one CPU it cannot.
        """
        for host in self.hosts:
            for node, interface in ((host, "eth0"), (self.gw, host.interface)):
                proc.must(["ip", "netns", "exec", node.ns, "sh", "-c",
                           f"echo 1 >/sys/class/net/{interface}/queues/rx-0/rps_cpus"])

    def meet(self, one, other):
        """
        Both learn each other's link address, and the gateway where they are. Datagrams that wait
        for an address are overtaken by those sent just after the answer.
        """
        for version in (4, 6):
            one.must(["ping", f"-{version}", "-c", "1", "-W", "5", other.ip(version)])

    def make_bridge(self, name="br0"):
        """A bridge as the gateway has without weir: the plain kernel path."""
        lines = [f"link add {name} type bridge stp_state 0 mcast_snooping 0"]
        lines += [f"link set {host.interface} master {name}" for host in self.hosts]
        self.batch(self.gw.ns, lines + [f"link set {name} up"])

    def remove_bridge(self, name="br0"):
        self.ip(self.gw.ns, f"link del {name}")

    def _make_side(self):
        lines = ["link set lo up", "link add br0 type bridge stp_state 0 mcast_snooping 0",
                 "link set br0 up", f"addr add {self.side.side}/24 dev br0"]
        for host in self.hosts:
            lines += [f"link add {host.interface} type veth peer name side0 netns {host.ns}",
                      f"link set {host.interface} master br0 up"]
        self.batch(self.side.ns, lines)
        for host in self.hosts:
            self.batch(host.ns, ["link set side0 up", f"addr add {host.side}/24 dev side0"])

    def stop_hosts(self):
        """Ends everything that runs on the hosts, all at once."""
        proc.stop_all([process for host in self.hosts for process in host.processes])
        for host in self.hosts:
            host.processes.clear()

    def down(self):
        proc.stop_all([process for node in self._nodes for process in node.processes])
        for node in self._nodes:
            remove_namespace(node.ns)

    def logs(self):
        for node in self._nodes:
            for name in sorted(os.listdir(node.dir)):
                if name.endswith(".log"):
                    yield f"{node.name}/{name}", os.path.join(node.dir, name)


def remove_namespace(namespace):
    """Ends what still runs in a namespace of ours, and removes it."""
    if not os.path.exists(f"{NETNS}/{namespace}"):
        return
    _, pids, _ = proc.run(["ip", "netns", "pids", namespace])
    for pid in pids.split():
        try:
            os.kill(int(pid), 9)
        except ProcessLookupError:
            pass
    proc.must(["ip", "netns", "del", namespace])


def needs(*programs):
    """Names the first program that is missing, or None."""
    for program in programs:
        if shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None:
            return program
    return None


def bracket(address, port):
    """address:port as URLs and clients write it."""
    version = ipaddress.ip_address(address).version
    return f"[{address}]:{port}" if version == 6 else f"{address}:{port}"


def parse_json(text, what):
    try:
        return json.loads(text)
    except ValueError as error:
        raise Failure(f"{what} is not JSON ({error}): {text[:400]!r}") from None
