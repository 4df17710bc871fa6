# SPDX-License-Identifier: GPL-2.0-only
"""Many TCP flows by hand of which a segment is missing, and when their segments arrive."""
import socket
import time

from . import frames

PORT = 9998
MISSING, EARLY = b"m" * 10, b"e" * 10  # a flow's bytes are numbered from 1000


class Gaps:
    """Flows from c1 to s1, by source port."""

    def __init__(self, net, count, first=20000):
        self.net, self.ports = net, range(first, first + count)
        self.sent, self.arrived = {}, {}
        self._raw = net.c1.inside(self._open)
        self._seen = frames.Sniffer(net.s1, self._note).start()
        self._each(999, flags=frames.SYN)

    @staticmethod
    def _open():
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        raw.bind(("eth0", 0))
        return raw

    def _note(self, seen):
        if seen.proto == frames.TCP and seen.dport == PORT and seen.payload:
            self.arrived.setdefault((seen.sport, seen.data), []).append(time.monotonic())
        return False

    def _each(self, seq, payload=b"", flags=frames.ACK):
        for i, port in enumerate(self.ports):
            net = self.net
            packet = frames.tcp_packet(net.c1.ip4, port, net.s1.ip4, PORT, seq, 1, flags, payload)
            self.sent.setdefault((port, payload), time.monotonic())
            self._raw.send(frames.ethernet(net.s1.mac, net.c1.mac, packet))
            if i % 100 == 99:
                time.sleep(0.01)

    def early(self):
        """The segments behind the gap."""
        self._each(1000 + len(MISSING), EARLY)

    def close(self):
        self._each(1000, MISSING)

    def acknowledge(self):
        self._each(1000 + len(MISSING) + len(EARLY))

    def arrivals(self, payload):
        """When the segments first arrived, after they were sent: seconds by flow."""
        return [self.arrived[port, payload][0] - self.sent[port, payload] for port in self.ports
                if (port, payload) in self.arrived]
