# SPDX-License-Identifier: GPL-2.0-only
"""TCP and UDP between two hosts from within the scenario: sockets made inside the namespaces."""
import socket

from .check import check


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def listener(host, address, port):
    def make():
        sock = socket.create_server((address, port), family=family(address))
        sock.settimeout(5)
        return sock
    return host.inside(make)


def connect(host, address, port, seconds=5):
    def make():
        return socket.create_connection((address, port), seconds)
    return host.inside(make)


def pair(client, server, version, port):
    """A TCP connection between two hosts: (the client's socket, the server's)."""
    with listener(server, server.ip(version), port) as waiting:
        near = connect(client, server.ip(version), port)
        far, _ = waiting.accept()
    far.settimeout(5)
    return near, far


def udp(host, version, port=0, broadcast=False, address=None):
    """A bound UDP socket of the host."""
    def make():
        where = host.ip(version) if address is None else address
        sock = socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET,
                             socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, int(broadcast))
        sock.bind((where, port))
        sock.settimeout(5)
        return sock
    return host.inside(make)


def receive(sock, size):
    """Exactly size bytes of a stream."""
    data = b""
    while len(data) < size:
        block = sock.recv(size - len(data))
        check(block, f"the stream ended after {len(data)} of {size} bytes")
        data += block
    return data


def exchange(near, far, number, size):
    """number messages of size bytes each way over a TCP pair, each checked on arrival."""
    for step in range(number):
        for one, other in ((near, far), (far, near)):
            message = bytes((step + at) % 251 for at in range(size))
            one.sendall(message)
            check(receive(other, size) == message, f"message {step} arrived changed")


def exchange_udp(one, other, number, size=200):
    """number datagrams each way; every one must arrive, unchanged and in order."""
    for step in range(number):
        for here, there in ((one, other), (other, one)):
            message = f"datagram {step} ".encode() + bytes(size)
            here.sendto(message, there.getsockname())
            check(there.recv(65536) == message, f"datagram {step} arrived changed")
