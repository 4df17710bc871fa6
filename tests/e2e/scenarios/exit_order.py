# SPDX-License-Identifier: GPL-2.0-only
import itertools
import time

from harness import order as orders
from harness import proc
from harness.check import check, check_equal
from harness.scenario import scenario
from harness.services import wait_listening

TCP_PORT, UDP_PORT = 5201, 6001
POLICY = """
rules:
  - {{ name: all, action: pass, exit: {exit} }}
{more}
"""
EXITS = ("shaped", "wire", "stack", "wire")
CHANGES = 5


@scenario("a flow that changes its exit under bulk traffic keeps its order", seconds=90)
def exit_order(lab):
    lab.need("iperf3", "tc")
    net = lab.net()
    net.keep_order()
    net.s1.spawn(["iperf3", "-s"])
    wait_listening(net.s1, net.s1.ip4, TCP_PORT)
    weir = lab.weir(net, policy("wire")).start()
    net.meet(net.c1, net.s1)
    # What it holds back the wire would overtake: up to 15 ms, which weir waits for.
    proc.must(["tc", "-n", net.gw.ns, "qdisc", "add", "dev", net.s1.interface, "root", "tbf", "rate",
               "50mbit", "burst", "16k", "latency", "12ms"])
    for inspected in (False, True):
        tcp(lab, net, weir, inspected)
        udp(lab, net, weir, inspected)
    net.stop_hosts()
    # Steered to one CPU (keep_order), the kernel's own path loses frames to that CPU's backlog.
    weir.snapshot()
    proc.must(["tc", "-n", net.gw.ns, "qdisc", "del", "dev", net.s1.interface, "root"])
    weir.stop()


def policy(name, inspected=False):
    more = "reassembly: { follow: all }" if inspected else ""
    return POLICY.format(exit=name, more=more)


def change(weir, running, inspected):
    """Another exit again and again while something runs; returns how often."""
    for number, name in enumerate(itertools.cycle(EXITS)):
        if not running():
            return number
        weir.load(policy(name, inspected))
        time.sleep(0.2)


def tcp(lab, net, weir, inspected):
    watch = orders.TcpOrder(lab, net.s1, TCP_PORT)
    bulk = net.c1.spawn(["iperf3", "-c", net.s1.ip4, "-t", "5"])
    changes = change(weir, bulk.running, inspected)
    seen = watch.result()
    check(changes >= CHANGES, f"policies loaded meanwhile: {changes}")
    check(seen["segments"] > 1000, f"segments were seen: {seen}")
    check_equal(seen["reordered"], 0, f"reordered segments, {inspected=} ({seen})")


def udp(lab, net, weir, inspected):
    stream = orders.UdpStream(lab, net.c1, net.s1, UDP_PORT + inspected, count=40000, rate=8000,
                              size=1000)
    changes = change(weir, stream.sending.running, inspected)
    seen = stream.result()
    check(changes >= CHANGES, f"policies loaded meanwhile: {changes}")
    check_equal(seen["reordered"], 0, f"reordered datagrams, {inspected=} ({seen})")
    check_equal(seen["duplicated"], 0, f"duplicated datagrams, {inspected=} ({seen})")
    check(seen["received"] > 20000, f"the stream arrived: {seen}")
