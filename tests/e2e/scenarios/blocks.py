# SPDX-License-Identifier: GPL-2.0-only
import time

from harness import streams, swarm
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario
from harness.services import Web, fetch, random_file

PORT, OTHER = 7001, 7002


@scenario("blocks of networks, pairs, services and applications: listed, obeyed by live flows and without "
          "a daemon, kept over its restart, lifted", seconds=90)
def blocks(lab):
    lab.need("nginx", "curl", "openssl")
    net = lab.net(lan=["c1", "c2"], wan=["s1"])
    web = Web(net.s1).start()
    random_file(net.s1, "small", 1000)
    weir = lab.weir(net, swarm.MONITOR).start()
    refused(net, weir)
    networks(net, weir)
    pairs(net, weir)
    applications(net, weir, web)
    weir.check_conservation()
    without_daemon(net, weir)
    weir.stop()


def opens(client, server, port, version=4, seconds=1):
    """Whether a connection comes about."""
    with streams.listener(server, server.ip(version), port) as waiting:
        try:
            near = streams.connect(client, server.ip(version), port, seconds)
        except OSError:
            return False
        far, _ = waiting.accept()
        with near, far:
            streams.exchange(near, far, 2, 100)
        return True


def refused(net, weir):
    for words, expected in ((("10.0.0.1/8",), "beyond its length"),
                            (("10.0.0.0/8", "--to", "nowhere"), "--to: nowhere"),
                            (("10.0.0.0/8", "--app", "nosuch"), "no application nosuch")):
        status, _, err = weir.cli("block", *words)
        check(status != 0 and expected in err, f"{words}: {err!r} says {expected!r}")
    status, _, err = weir.cli("unblock", "10.0.0.0/8")
    check(status == 1 and "not blocked like this" in err, f"unblock: {err!r}")
    check_equal(weir.json("blocks")["blocks"], [], "what is blocked")


def networks(net, weir):
    """The clients' addresses are 10.77.0.11 and 12."""
    near, far = streams.pair(net.c1, net.s1, 4, PORT)
    with near, far:
        streams.exchange(near, far, 12, 200)
        before = weir.dropped("blocked")
        weir.must("block", "10.77.0.8/29")
        block, = weir.json("blocks")["blocks"]
        check_equal((block["address"], block["port"], block["to"], block["application"],
                     block["expires_in_seconds"]), ("10.77.0.8/29", 0, None, None, None), "it is listed")
        near.sendall(b"message")
        far.settimeout(0.5)
        try:
            check(False, f"{far.recv(100)!r} arrived although its network is blocked")
        except TimeoutError:
            far.settimeout(10)
        check(weir.dropped("blocked") > before, "counted as blocked")
        check(not opens(net.c2, net.s1, PORT), "no connection of the other client")
        check(opens(net.c2, net.s1, PORT, 6), "but by IPv6")
        weir.must("unblock", "10.77.0.8/29")
        check_equal(streams.receive(far, 7), b"message", "what arrives after all")
    weir.must("block", "fd77::/64", "--port", str(PORT), "--for", "1s")
    check(not opens(net.c1, net.s1, PORT, 6, 0.5), "the service is shut, by IPv6")
    wait_for(lambda: weir.json("blocks")["blocks"] == [], "its time is over", 5)
    check(opens(net.c1, net.s1, PORT, 6), "and open again")


def pairs(net, weir):
    words = (f"{net.c1.ip4}/32", "--to", "10.77.0.96/27", "--port", str(PORT))
    weir.must("block", *words, "--for", "10m")
    block, = weir.json("blocks")["blocks"]
    check_equal((block["address"], block["to"], block["port"]), (net.c1.ip4, "10.77.0.96/27", PORT),
                "the pair is listed")
    check(590 < block["expires_in_seconds"] <= 600, "its time")
    check(not opens(net.c1, net.s1, PORT), "from one to the other")
    check(opens(net.c1, net.s1, OTHER), "another port")
    check(opens(net.c2, net.s1, PORT), "another client")
    check(opens(net.s1, net.c1, PORT), "the other way round")
    weir.must("unblock", *words)
    check(opens(net.c1, net.s1, PORT), "after it was lifted")


def applications(net, weir, web):
    weir.must("block", "10.77.0.0/24", "--app", "http")
    check(fetch(net.c1, web.url("small"), "http", seconds=3)[0] != 0, "no HTTP")
    request_stays(net, weir)
    check_equal(fetch(net.c1, web.url("small", tls=True), "tls", seconds=5)[0], 0, "TLS")
    check(any(flow["app_proto"] == "http" and flow["action"] == "drop" for flow in weir.flows()),
          "the flow was identified, then dropped")
    weir.must("unblock", "10.77.0.0/24", "--app", "http")
    check_equal(fetch(net.c1, web.url("small"), "again", seconds=5)[0], 0, "HTTP again")


def request_stays(net, weir):
    """The very frame that tells the application does not arrive."""
    near, far = streams.pair(net.c1, net.s1, 4, OTHER)
    with near, far:
        before = weir.dropped("blocked")
        near.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        far.settimeout(0.5)
        try:
            check(False, f"{far.recv(100)!r} arrived although HTTP is blocked")
        except TimeoutError:
            pass
        check(weir.dropped("blocked") > before, "the request counts as blocked")


def without_daemon(net, weir):
    weir.must("block", net.c1.ip4, "--to", "10.77.0.0/24")
    weir.must("block", "10.77.0.12/31", "--for", "6s")
    until = time.time() + 6
    weir.kill()
    check(not opens(net.c1, net.s1, PORT) and not opens(net.c2, net.s1, PORT), "both hold alone")
    wait_for(lambda: time.time() > until, "the time of one is over", 10)
    check(opens(net.c2, net.s1, PORT), "which the gate knows by itself")
    check(not opens(net.c1, net.s1, PORT), "the other holds on")
    weir.start(at_rest=False)
    check_equal([block["address"] for block in weir.json("blocks")["blocks"]], [net.c1.ip4],
                "what is blocked after the restart")
    check(not opens(net.c1, net.s1, PORT), "and still is")
    weir.must("unblock", net.c1.ip4, "--to", "10.77.0.0/24")
    check(opens(net.c1, net.s1, PORT), "until it is lifted")
