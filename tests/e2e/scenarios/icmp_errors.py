# SPDX-License-Identifier: GPL-2.0-only
import errno
import socket

from harness import frames, streams, swarm
from harness.check import check, wait_for
from harness.scenario import scenario

PORT, CLOSED = 5500, 5501
DHT_QUERY = b"d1:ad2:id20:" + b"a" * 20 + b"e1:q4:ping1:t2:aa1:y1:qe"
UNREACHABLE = {4: (3, 3), 6: (1, 4)}  # type and code: port unreachable


@scenario("ICMP errors reach who they concern, except those of a dropped flow", seconds=60)
def icmp_errors(lab):
    net = lab.net()
    weir = lab.weir(net, swarm.DROP).start()
    net.meet(net.c1, net.s1)
    for version in (4, 6):
        answered(net, version)
        passing(net, version)
        dropped(net, weir, version)
    weir.check_conservation()
    weir.stop()


def refused(sock):
    """Whether an error was told to the socket."""
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED


def connected(net, version, port):
    """The client's socket towards the server's port."""
    sock = streams.udp(net.c1, version)
    sock.connect((net.s1.ip(version), port))
    return sock


def answered(net, version):
    """The server's own errors; the kernel bounds how many it sends to one host."""
    with connected(net, version, CLOSED) as sock:
        for step in range(4):
            wait_for(lambda: asks(sock), f"datagram {step} is refused, IPv{version}", 5, 0.2)


def asks(sock):
    """Sends a datagram; whether an error was told of an earlier one instead."""
    try:
        sock.send(b"anybody?")
    except ConnectionRefusedError:
        return True
    return False


def passing(net, version):
    """An error made by hand, about a flow that passes."""
    with streams.udp(net.s1, version, PORT) as server, connected(net, version, PORT) as sock:
        for _ in range(12):
            sock.send(b"hello")
            server.recv(100)
        error(net, sock, b"hello", version)
        wait_for(lambda: refused(sock), f"an error of a passing flow, IPv{version}", 5)


def dropped(net, weir, version, number=3):
    with connected(net, version, PORT) as sock:
        for step in range(3):
            before = weir.dropped("verdict")
            sock.send(DHT_QUERY)
            wait_for(lambda: weir.dropped("verdict") > before, f"query {step} is dropped", 5)
        before = weir.dropped("icmp_error")
        for _ in range(number):
            error(net, sock, DHT_QUERY, version)
        wait_for(lambda: weir.dropped("icmp_error") == before + number, "the errors are dropped", 5)
        check(not refused(sock), f"no error of a dropped flow comes through, IPv{version}")


def error(net, sock, payload, version):
    """What the server would answer to a datagram from this socket."""
    there, here = net.s1.ip(version), net.c1.ip(version)
    about = frames.udp_packet(here, sock.getsockname()[1], there, PORT, payload)
    frames.send(net.s1, frames.ethernet(net.c1.mac, net.s1.mac, frames.icmp_error(
        there, here, *UNREACHABLE[version], about)))
