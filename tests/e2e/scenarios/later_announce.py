# SPDX-License-Identifier: GPL-2.0-only
import socket
import struct

from harness import streams, swarm
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario

HASH, PEER = "%01%02%03abcdefghijklmno%fe%FF", "-XX0001-abcdefghijkl"
ASKED = f"announce?info_hash={HASH}&peer_id={PEER}&port=51413&uploaded=0"
TAIL = " HTTP/1.1\r\nHost: tracker.example\r\n\r\n"
PAGE = "GET /page HTTP/1.1\r\nHost: site.example\r\n\r\n"
# What a connection carries before, and the announce.
KINDS = [("persistent", PAGE, "GET /" + ASKED + TAIL),
         ("proxied", "GET http://site.example/" + TAIL, "GET http://tracker.example/" + ASKED + TAIL),
         ("after a body", "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 70\r\n\r\n" + "GET /x " * 10,
          "GET /" + ASKED + TAIL),
         ("scrape", PAGE, f"GET /scrape?info_hash={HASH}" + TAIL)]
LARGE = 3_000_000
PEER_PORT = 51999


@scenario("a later announce on an HTTP connection is found, and its peer; downloads take the fast path",
          seconds=60)
def later_announce(lab):
    net = lab.net(lan=["c1"], wan=["s1", "s2"])
    weir = lab.weir(net, swarm.MONITOR, protocols=("http",)).start()
    transactions(net, weir)
    weir.protocols = ""  # in the policies from here on: nobody wants the answers for events
    weir.load(swarm.MONITOR)
    told(net, weir)
    weir.load(swarm.DROP)
    for number, (name, before, ask) in enumerate(KINDS):
        refused(net, weir, 8000 + number, name, before, ask)
    tunnel(net, weir)
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()


def ask(near, far, text):
    """Sends a request in two segments; the server gets all of it."""
    near.sendall(text[:25].encode())
    near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    near.sendall(text[25:].encode())
    check_equal(streams.receive(far, len(text)), text.encode(), "the request")


def answer(near, far, body, size=None):
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
    far.settimeout(20)
    for at in range(0, len(body) or 1, 65536):
        far.sendall((head.encode() if at == 0 else b"") + body[at:at + 65536])
        streams.receive(near, (len(head) if at == 0 else 0) + len(body[at:at + 65536]))


def transactions(net, weir):
    """One event for each request of a connection, with what answered it."""
    near, far = streams.pair(net.c1, net.s1, 4, 8080)
    with near, far:
        for size in (3, 100_000):
            ask(near, far, PAGE)
            answer(near, far, bytes(size))
    wait_for(lambda: len(weir.events("http")) == 2, "an event for each transaction", 5)
    first, second = (event["http"] for event in weir.events("http"))
    check_equal((first["hostname"], first["url"], first["status"], first["length"]),
                ("site.example", "/page", 200, 3), "the first transaction")
    check_equal(second["length"], 100_000, "the length of the second answer")


def told(net, weir):
    """Nobody looks at large answers; the announce behind them is found, and its answer is read."""
    near, far = streams.pair(net.c1, net.s1, 4, 8081)
    with near, far:
        ask(near, far, PAGE)
        before = weir.metric("weir_punted_frames_total")
        answer(near, far, bytes(LARGE))
        punted = weir.metric("weir_punted_frames_total") - before
        check(punted < 400, f"{punted} frames of a download of {LARGE} bytes were punted")
        ask(near, far, KINDS[0][2])
        peer = socket.inet_aton(net.s2.ip4) + struct.pack("!H", PEER_PORT)
        answer(near, far, b"d8:intervali1800e5:peers6:" + peer + b"e")
        wait_for(lambda: found(weir, 8081), "the connection is BitTorrent", 5)
    wait_for(lambda: connects(net, weir), "a connection to the peer is BitTorrent by its address", 5)


def found(weir, port):
    return any(flow["app_proto"] == "bittorrent" and flow.get("dest_port") == port
               for flow in weir.flows())


def connects(net, weir):
    near, far = streams.pair(net.c1, net.s2, 4, PEER_PORT)
    with near, far:
        near.sendall(b"x")
        streams.receive(far, 1)
        return found(weir, PEER_PORT)


def refused(net, weir, port, name, before, text):
    near, far = streams.pair(net.c1, net.s1, 4, port)
    with near, far:
        ask(near, far, before)
        answer(near, far, bytes(50_000))
        near.sendall(text.encode())
        check_broken(near, f"the client ({name})")
        check_broken(far, f"the server ({name})")
    wait_for(lambda: any(event.get("app_proto") == "bittorrent" and port in (event["src_port"],
                                                                             event["dest_port"])
                         for event in weir.events("drop")), f"the announce is dropped ({name})", 5)


def tunnel(net, weir):
    """What a proxy's tunnel carries is judged like a connection of its own."""
    near, far = streams.pair(net.c1, net.s1, 4, 3128)
    with near, far:
        ask(near, far, f"CONNECT {net.s2.ip4}:51413 HTTP/1.1\r\nHost: {net.s2.ip4}:51413\r\n\r\n")
        far.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        streams.receive(near, 39)
        near.sendall(b"\x13BitTorrent protocol" + bytes(48))
        check_broken(near, "the client (tunnel)")
        check_broken(far, "the proxy (tunnel)")


def check_broken(sock, who):
    """The connection is reset, and nothing more came."""
    sock.settimeout(3)
    try:
        data = sock.recv(4096)
    except ConnectionResetError:
        return
    check(False, f"{who} got {data!r} instead of a reset")
