# SPDX-License-Identifier: GPL-2.0-only
"""One side of a TCP connection by hand, and what weir says of its segments."""
from . import frames

PORT = 9999


class Sender:
    """One side of a TCP connection, by hand: segments in whatever order, numbered from 1000."""

    def __init__(self, net, sport):
        self.net, self.sport = net, sport
        self.seen = frames.Sniffer(net.s1, lambda seen: seen.sport == sport and seen.payload).start()
        self.send(999, flags=frames.SYN)

    def send(self, seq, payload=b"", flags=frames.ACK):
        net = self.net
        packet = frames.tcp_packet(net.c1.ip4, self.sport, net.s1.ip4, PORT, seq, 1, flags, payload)
        frames.send(net.c1, frames.ethernet(net.s1.mac, net.c1.mac, packet))

    def arrived(self):
        return b"".join(seen.data for seen in list(self.seen.seen))


def begin(lab, body):
    net = lab.net()
    # The server knows nothing of the connection, and would say so.
    net.s1.drop_output("tcp flags & rst == rst")
    weir = lab.weir(net, body).start()
    net.meet(net.c1, net.s1)
    return net, weir


def reassembly(weir, event):
    return weir.metric("weir_reassembly_total", event=event)


def waiting(weir):
    return weir.metric("weir_slowpath_waiting_frames")
