# SPDX-License-Identifier: GPL-2.0-only
import os
import signal
import time

from harness import streams, swarm
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario

PORT, OTHER = 7001, 7002
REQUEST = b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
NO_HTTP = """
rules:
  - { name: no-http, application: http, action: drop }
default: pass
"""
BY_SIDE = """
groups:
  lan: [10.77.0.11, "fd77::b"]
rules:
  - { name: towards-lan, to: lan, application: http, action: drop }
  - { name: from-lan, from: lan, application: http, action: pass }
default: pass
"""


@scenario("a policy loaded into a running daemon and a block decide live flows by their next packet",
          seconds=60)
def policy_live(lab):
    net = lab.net()
    weir = lab.weir(net, swarm.MONITOR).start()
    for version in (4, 6):
        reload(weir, net, version)
        block(weir, net, version)
        sides(weir, net, version)
    refused(weir, net)
    hangup(weir)
    weir.check_conservation()
    weir.stop()


def talk(near, far):
    """One message each way, which arrives."""
    for one, other in ((near, far), (far, near)):
        one.sendall(b"message")
        check_equal(streams.receive(other, 7), b"message", "what arrived")


def http(net, version, port=PORT, client=None, server=None):
    near, far = streams.pair(client or net.c1, server or net.s1, version, port)
    near.sendall(REQUEST)
    streams.receive(far, len(REQUEST))
    far.sendall(ANSWER)
    streams.receive(near, len(ANSWER))
    return near, far


def decided(weir, port=PORT):
    wait_for(lambda: any(flow["dest_port"] == port and flow["app_proto"] == "http"
                         for flow in weir.flows()), "the flow is http", 3)


def silent(near, far):
    """Nothing passes either way; what was sent arrives later, by TCP's repeating it."""
    for one, other in ((near, far), (far, near)):
        one.sendall(b"message")
    for sock in (near, far):
        sock.settimeout(0.4)
        try:
            check(False, f"{sock.recv(100)!r} arrived although the policy says drop")
        except TimeoutError:
            sock.settimeout(5)


def arrives(near, far):
    for sock in (near, far):
        check_equal(streams.receive(sock, 7), b"message", "what arrived after all")


def reload(weir, net, version):
    near, far = http(net, version)
    with near, far:
        talk(near, far)
        decided(weir)
        before = weir.dropped("verdict")
        weir.load(NO_HTTP)
        silent(near, far)
        check(weir.dropped("verdict") >= before + 2, "both directions were dropped")
        weir.load(swarm.MONITOR)
        arrives(near, far)
        talk(near, far)


def block(weir, net, version):
    near, far = http(net, version)
    beside, there = http(net, version, OTHER)
    with near, far, beside, there:
        talk(near, far)
        weir.must("block", net.s1.ip(version), "--port", str(PORT))
        check_equal([(b["address"], b["port"]) for b in weir.json("blocks")["blocks"]],
                    [(net.s1.ip(version), PORT)], "blocks")
        silent(near, far)
        talk(beside, there)
        weir.must("unblock", net.s1.ip(version), "--port", str(PORT))
        arrives(near, far)
        weir.must("block", net.s1.ip(version), "--for", "1s")
        silent(near, far)
        arrives(near, far)
        check_equal(weir.json("blocks")["blocks"], [], "blocks after their time")


def sides(weir, net, version):
    weir.load(BY_SIDE)
    near, far = http(net, version)
    with near, far:
        talk(near, far)
    near, far = streams.pair(net.s1, net.c1, version, OTHER)
    with near, far:
        near.sendall(REQUEST)
        far.settimeout(0.4)
        try:
            check(False, f"{far.recv(100)!r} arrived from a client outside")
        except TimeoutError:
            pass
    weir.load(swarm.MONITOR)


def refused(weir, net):
    """What does not load changes nothing."""
    before = weir.json("policy", "show")
    near, far = http(net, 4)
    with near, far:
        path = weir.write_policy("rules: [ { name: x, application: nosuch, action: drop } ]", "bad.yaml")
        status, _, err = weir.cli("policy", "load", path)
        check_equal(status, 1, "exit status of a load that fails")
        check(f"{path}:" in err and "nosuch" in err, f"place and cause in {err!r}")
        after = weir.json("policy", "show")
        check_equal(after["generation"], before["generation"], "generation after a failed load")
        check_equal(weir.metric("weir_policy_loads_total", result="failed"), 1, "failed loads")
        talk(near, far)


def hangup(weir):
    loads = weir.metric("weir_policy_loads_total", result="ok")
    weir.process.signal(signal.SIGHUP)
    wait_for(lambda: weir.metric("weir_policy_loads_total", result="ok") > loads, "SIGHUP loads", 5)
