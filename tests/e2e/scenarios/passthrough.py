# SPDX-License-Identifier: GPL-2.0-only
import collections

from harness import frames, streams, swarm
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario

PORT = 5000
TAGS = {"untagged": (), "VLAN 7": ((0x8100, 7),), "QinQ 9.7": ((0x88a8, 9), (0x8100, 7))}
DHT_QUERY = b"d1:ad2:id20:" + b"a" * 20 + b"e1:q4:ping1:t2:aa1:y1:qe"


@scenario("what weir does not judge arrives as it was: tags, fragments, broadcast, bad checksums",
          seconds=60)
def passthrough(lab):
    net = lab.net(lan=["c1"], wan=["s1", "s2"])
    weir = lab.weir(net, swarm.DROP).start()
    for name, tags in TAGS.items():
        send_tagged(net, name, tags)
    send_streams(net)
    send_pings(net)
    send_broadcasts(net)
    send_bad_checksums(net, weir)
    check_equal({flow["app_proto"] for flow in weir.flows() if flow["action"] == "drop"},
                {"bittorrent"}, "applications of dropped flows")
    weir.check_conservation()
    weir.stop()


def send_tagged(net, name, tags, number=20):
    """Numbered datagrams each way; each arrives once, in order, with the tags it was sent with."""
    ends = ((net.c1, net.s1), (net.s1, net.c1))
    sniffers = [frames.Sniffer(there, lambda s: PORT in (s.sport, s.dport)).start()
                for _, there in ends]
    for step in range(number):
        for (here, there), sniffer in zip(ends, sniffers):
            packet = frames.udp_packet(here.ip4, PORT, there.ip4, PORT, b"number %d" % step)
            frames.send(here, frames.ethernet(there.mac, here.mac, packet, tags))
            wait_for(lambda: len(sniffer.seen) > step, f"{name} frame {step} arrives", 2, 0.005)
    for sniffer in sniffers:
        sniffer.stop()
        check_equal([seen.data for seen in sniffer.seen],
                    [b"number %d" % step for step in range(number)], f"{name} frames that arrived")
        check_equal({seen.vlan for seen in sniffer.seen}, {tags}, f"their tags ({name})")


def send_streams(net):
    for version in (4, 6):
        near, far = streams.pair(net.c1, net.s1, version, 5001)
        with near, far:
            streams.exchange(near, far, 12, 40_000)
        one, other = streams.udp(net.c1, version), streams.udp(net.s1, version, 5002)
        with one, other:
            streams.exchange_udp(one, other, 12)
            streams.exchange_udp(one, other, 2, 6000)  # in fragments


def send_pings(net):
    net.c1.must(["ip", "neigh", "flush", "dev", "eth0"])  # ARP and ND again
    for version in (4, 6):
        for size in (56, 1472 if version == 4 else 1452, 8000):
            out = net.c1.must(["ping", f"-{version}", "-c", "3", "-i", "0.1", "-W", "2", "-s",
                               str(size), net.s1.ip(version)])
            check(" 0% packet loss" in out, f"ping with {size} bytes over IPv{version}: {out}")


def send_broadcasts(net):
    receivers = [streams.udp(host, 4, 5003, address="") for host in (net.s1, net.s2)]
    with streams.udp(net.c1, 4, broadcast=True) as sender:
        for step in range(3):
            sender.sendto(b"all %d" % step, ("10.77.0.255", 5003))
            sender.sendto(b"all %d" % step, ("255.255.255.255", 5003))
    for receiver in receivers:
        with receiver:
            got = collections.Counter(receiver.recv(100) for _ in range(6))
            check_equal(got, {b"all %d" % step: 2 for step in range(3)}, "broadcasts that arrived")


def send_bad_checksums(net, weir):
    """Passed on and never judged: the same bytes are dropped as soon as the checksum is right."""
    sniffer = frames.Sniffer(net.s1, lambda s: s.dport == 5004).start()

    def query(spoil):
        packet = frames.udp_packet(net.c1.ip4, 5004, net.s1.ip4, 5004, DHT_QUERY, spoil)
        frames.send(net.c1, frames.ethernet(net.s1.mac, net.c1.mac, packet))
    for number in range(5):
        query(spoil=1)
        wait_for(lambda: len(sniffer.seen) == number + 1, "a bad checksum passes", 2, 0.01)
    before = weir.dropped("verdict")
    for number in range(1, 3):
        query(spoil=0)
        wait_for(lambda: weir.dropped("verdict") >= before + number, "a right one is judged", 5)
    sniffer.stop()
    check_equal([seen.data for seen in sniffer.seen], [DHT_QUERY] * 5, "bad frames that arrived")
