# SPDX-License-Identifier: GPL-2.0-only
import time

from harness import streams, swarm
from harness.check import check, wait_for
from harness.frames import RST, TCP, Sniffer
from harness.scenario import scenario

HANDSHAKE = b"\x13BitTorrent protocol" + bytes(8) + b"i" * 20 + b"-XX0001-" + b"p" * 12
PORT = 7001


@scenario("policy reset: an RST tells both ends at once, over IPv4 and IPv6", seconds=40)
def reset(lab):
    net = lab.net()
    weir = lab.weir(net, swarm.RESET).start()
    sniffers = [Sniffer(host, lambda s: s.proto == TCP and s.flags & RST).start()
                for host in net.hosts]
    for version in (4, 6):
        near, far = streams.pair(net.c1, net.s1, version, PORT)
        with near, far:
            near.sendall(HANDSHAKE)
            for sock, name in ((near, "client"), (far, "server")):
                check_reset(sock, f"the {name} over IPv{version}")
    for host, sniffer in zip(net.hosts, sniffers):
        wait_for(lambda: len({seen.src for seen in list(sniffer.seen)}) == 2,
                 f"{host.name} got an RST over both IP versions", 3)
        sniffer.stop()
        for seen in sniffer.seen:
            check(PORT in (seen.sport, seen.dport), f"an RST of another flow: {seen}")
    check(weir.dropped("reset") > 0, "frames were dropped as reset")
    check(weir.metric("weir_made_frames_total") >= 4, "weir counts what it made")
    weir.check_conservation()
    weir.stop()


def check_reset(sock, who, seconds=1.0):
    """The connection is torn down, not silent, and soon."""
    started = time.monotonic()
    try:
        data = sock.recv(4096)
        check(False, f"{who} got {data!r} instead of a reset")
    except ConnectionResetError:
        pass
    except TimeoutError:
        check(False, f"{who} heard nothing")
    took = time.monotonic() - started
    check(took < seconds, f"{who} was reset only after {took:.1f} s")
