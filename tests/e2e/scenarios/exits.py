# SPDX-License-Identifier: GPL-2.0-only
import json
import os
import threading
import time

from harness import proc, streams
from harness.check import check, check_equal
from harness.scenario import scenario

PORT = 5201
RATE_MBIT = 4
UNHEARD = [3, 2, 1]  # last bytes of link addresses that nobody has seen yet
DHT_QUERY = b"d1:ad2:id20:" + b"a" * 20 + b"e1:q4:ping1:t2:aa1:y1:qe"
POLICY = """
rules:
  - {{ name: no-bt, application: bittorrent, action: drop }}
  - {{ name: all, action: pass, exit: {exit} }}
{more}
"""
INSPECTED = "reassembly: { follow: all }"


@scenario("a flow's exit: through the queueing disciplines, by the stack, without a known port",
          seconds=150)
def exits(lab):
    lab.need("tc")
    net = lab.net()
    for hook in ("native", "generic") if lab.hook == "native" else ("tc",):
        weir = lab.weir(net, policy("shaped"), hook=hook).start()
        unknown_port(net, weir)
        net.meet(net.c1, net.s1)
        limit(net)
        for name in ("shaped", "stack"):
            for inspected in (False, True):
                weir.load(policy(name, inspected))
                limited(net, weir, name, inspected)
        check(weir.dropped("qdisc") > 0, "what the queueing discipline dropped is told")
        weir.check_conservation(cuts=True)
        proc.must(["tc", "-n", net.gw.ns, "qdisc", "del", "dev", net.c1.interface, "root"])
        weir.stop()


def policy(name, inspected=False):
    return POLICY.format(exit=name, more=INSPECTED if inspected else "")


def limit(net):
    proc.must(["tc", "-n", net.gw.ns, "qdisc", "add", "dev", net.c1.interface, "root", "tbf", "rate",
               f"{RATE_MBIT}mbit", "burst", "16k", "latency", "20ms"])


def queued(net):
    """Packets (of a merged one the segments) and bytes that the discipline has sent."""
    found = json.loads(proc.must(["tc", "-n", net.gw.ns, "-s", "-j", "qdisc", "show", "dev",
                                  net.c1.interface, "root"]))[0]
    return found["packets"], found["bytes"]


def arrived_bytes(net):
    link = json.loads(net.ip(net.c1.ns, "-j -s link show dev eth0"))[0]["stats64"]
    return link["rx"]["bytes"]


def download(net, seconds=3):
    """Mbit/s of one TCP connection from the server to the client."""
    near, far = streams.pair(net.c1, net.s1, 4, PORT)
    block, received, over = os.urandom(20000), 0, threading.Event()

    def send():
        try:
            while not over.is_set():
                far.sendall(block)
        except OSError:
            pass  # the other end was closed
    sender = threading.Thread(target=send)
    with near, far:
        near.sendall(b"begin")
        sender.start()
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            received += len(near.recv(65536))
        over.set()
        near.shutdown(2)
        sender.join()
    return received * 8 / seconds / 1e6


def limited(net, weir, name, inspected):
    """A download is as fast as the client's port is made, and the discipline sent all of it."""
    what = f"{weir.hook}, exit {name}, {'inspected' if inspected else 'decided'}"
    slow = weir.metric("weir_reinjected_frames_total", port=net.s1.port, exit=name)
    frames, sent = queued(net)
    arrived = arrived_bytes(net)
    mbit = download(net)
    check(0.7 * RATE_MBIT < mbit < 1.1 * RATE_MBIT, f"{what}: {mbit:.1f} Mbit/s of {RATE_MBIT}")
    arrived = arrived_bytes(net) - arrived
    frames, sent = (now - before for now, before in zip(queued(net), (frames, sent)))
    # The rest: what a flow says before it is known goes by the wire.
    check(sent > 0.9 * arrived, f"{what}: {sent} of {arrived} bytes went through the discipline")
    slow = weir.metric("weir_reinjected_frames_total", port=net.s1.port, exit=name) - slow
    check_equal(slow > frames / 2, inspected, f"{what}: most frames went up ({slow} of {frames})")
    shown = {flow["exit"] for flow in weir.flows() if flow["dest_port"] == PORT
             and flow["action"] == "pass"}
    check(name in shown, f"{what}: the flows' exits are {shown}")


def unknown_port(net, weir):
    """Nobody has heard of the server yet: the drop rule holds all the same, the rest arrives."""
    unheard = f"02:77:01:00:00:{UNHEARD.pop():02x}"
    net.ip(net.s1.ns, f"link set eth0 address {unheard}")
    net.ip(net.c1.ns, f"neigh replace {net.s1.ip4} lladdr {unheard} dev eth0 nud permanent")
    with (streams.udp(net.c1, 4) as unwanted, streams.udp(net.c1, 4) as near,
          streams.udp(net.s1, 4, 5002) as far):
        unwanted.sendto(DHT_QUERY, far.getsockname())
        near.sendto(b"harmless", far.getsockname())
        far.settimeout(5)
        check_equal(far.recv(2000), b"harmless", "the first datagram that arrived")
    check(weir.metric("weir_reinjected_frames_total", exit="stack") > 0,
          "what had no port to leave by was given to the stack")
    net.ip(net.c1.ns, "neigh flush dev eth0 nud all")
