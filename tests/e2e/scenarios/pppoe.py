# SPDX-License-Identifier: GPL-2.0-only
import struct

from harness import frames, swarm
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario

PORT = 5400
DHT_QUERY = b"d1:ad2:id20:" + b"a" * 20 + b"e1:q4:ping1:t2:aa1:y1:qe"
# By name: PPPoE session, VLAN tags, whether the PPP protocol is in one byte.
WAYS = {"session": (1, (), False), "session, short protocol": (2, (), True),
        "session in a VLAN": (3, ((0x8100, 7),), False),
        "session in QinQ": (0xfffe, ((0x88a8, 9), (0x8100, 7)), False)}


@scenario("PPPoE sessions between a client and its concentrator: judged, redirected, apart",
          seconds=60)
def pppoe(lab):
    net = lab.net()
    weir = lab.weir(net, swarm.RESET).start()
    net.meet(net.c1, net.s1)
    for name, way in WAYS.items():
        for version in (4, 6):
            numbered(net, weir, f"{name}, IPv{version}", way, version)
    control(net, weir)
    for version in (4, 6):
        sessions_are_apart(net, weir, version)
        reset_in_the_session(net, version)
    weir.check_conservation()
    weir.stop()


def put(here, there, way, packet):
    session, tags, short = way
    frames.send(here, frames.pppoe(there.mac, here.mac, session, packet, tags, short))


def watch(host, *ports):
    return frames.Sniffer(host, lambda s: s.sport in ports or s.dport in ports).start()


def numbered(net, weir, name, way, version, number=20):
    """Datagrams each way; each arrives once, in order, in its session; the last are redirected."""
    ends = ((net.c1, net.s1), (net.s1, net.c1))
    sniffers = [watch(there, PORT) for _, there in ends]
    before = redirected(weir)
    for step in range(number):
        for (here, there), sniffer in zip(ends, sniffers):
            put(here, there, way, frames.udp_packet(here.ip(version), PORT, there.ip(version), PORT,
                                                    b"number %d" % step))
            wait_for(lambda: len(sniffer.seen) > step, f"{name}: frame {step} arrives", 2, 0.005)
    for sniffer in sniffers:
        sniffer.stop()
        check_equal([seen.data for seen in sniffer.seen],
                    [b"number %d" % step for step in range(number)], f"frames that arrived, {name}")
        check_equal({seen.vlan for seen in sniffer.seen},
                    {way[1] + ((frames.PPPOE_SESSION, way[0]),)}, f"their tags, {name}")
    check(redirected(weir) >= before + number, f"decided frames are redirected, {name}")


def redirected(weir):
    return weir.metric("weir_verdict_frames_total", verdict="redirect")


def control(net, weir, number=5):
    """Discovery and the link's own protocols are the stack's."""
    before = weir.metric("weir_stack_frames_total", reason="pppoe")
    arrived = net.s1.counters()["rx"]
    discovery = frames.link_header(net.s1.mac, net.c1.mac, frames.PPPOE_DISCOVERY) \
        + struct.pack(">BBHH", 0x11, 0x19, 0, 4) + bytes(4) + bytes(36)
    echo = frames.link_header(net.s1.mac, net.c1.mac, frames.PPPOE_SESSION) \
        + struct.pack(">BBHHHBBHI", 0x11, 0, 1, 10, 0xc021, 9, 0, 8, 0) + bytes(30)
    for _ in range(number):
        frames.send(net.c1, discovery, echo)
    wait_for(lambda: weir.metric("weir_stack_frames_total", reason="pppoe") == before + 2 * number,
             "they are counted", 5)
    wait_for(lambda: net.s1.counters()["rx"] >= arrived + 2 * number, "they arrive", 5)


def sessions_are_apart(net, weir, version):
    """Equal addresses and ports: what is dropped in one session passes in another."""
    port = PORT + version
    sniffer = watch(net.s1, port)

    def query(session, payload):
        put(net.c1, net.s1, (session, (), False),
            frames.udp_packet(net.c1.ip(version), port, net.s1.ip(version), port, payload))
    for step in range(6):
        before = weir.dropped("verdict", "reset")
        query(11, DHT_QUERY)
        wait_for(lambda: weir.dropped("verdict", "reset") > before, f"query {step} is dropped", 5)
        query(12, b"something else")
        wait_for(lambda: len(sniffer.seen) > step, f"datagram {step} arrives", 5)
    sniffer.stop()
    check_equal({(seen.data, seen.vlan) for seen in sniffer.seen},
                {(b"something else", ((frames.PPPOE_SESSION, 12),))}, f"what arrived, IPv{version}")


def reset_in_the_session(net, version):
    """The reset of a connection in a session is in the session too, both ways."""
    port, way = PORT + 10 + version, (21, (), False)
    ends = [watch(host, port) for host in (net.c1, net.s1)]
    handshake = b"\x13BitTorrent protocol" + bytes(8) + b"i" * 20 + b"p" * 20

    def segment(here, there, seq, ack, flags, payload=b""):
        put(here, there, way, frames.tcp_packet(here.ip(version), port, there.ip(version), port,
                                                seq, ack, flags, payload))
    segment(net.c1, net.s1, 1000, 0, frames.SYN)
    wait_for(lambda: ends[1].seen, "the SYN arrives", 5)
    segment(net.s1, net.c1, 5000, 1001, frames.SYN | frames.ACK)
    wait_for(lambda: ends[0].seen, "its answer arrives", 5)
    segment(net.c1, net.s1, 1001, 5001, frames.ACK, handshake)
    for sniffer in ends:
        wait_for(lambda: any(seen.flags & frames.RST for seen in sniffer.seen), "a reset comes", 5)
        sniffer.stop()
        check_equal({seen.vlan for seen in sniffer.seen}, {((frames.PPPOE_SESSION, 21),)},
                    "sessions seen")
        check(not any(seen.payload for seen in sniffer.seen), "no payload arrives")
