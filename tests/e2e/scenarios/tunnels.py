# SPDX-License-Identifier: GPL-2.0-only
import socket
import struct

from harness import frames, streams, swarm
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario

DHT_QUERY = b"d1:ad2:id20:" + b"a" * 20 + b"e1:q4:ping1:t2:aa1:y1:qe"
INSPECT = swarm.DROP + "tunnels: inspect\n"
NEAR, FAR = "192.168.99.1", "192.168.99.2"
NEAR_MAC, FAR_MAC = "02:00:00:00:99:01", "02:00:00:00:99:02"
VXLAN_PORT, GRE = 4789, 47
NETWORK = struct.pack(">II", 0x08 << 24, 7 << 8)
KEYED = struct.pack(">HHI", 0x2000, 0x0800, 9)


@scenario("BitTorrent inside of VXLAN and GRE is dropped, the tunnel's other flows go on",
          seconds=60)
def tunnels(lab):
    net = lab.net()
    for policy, passes in ((swarm.DROP, True), (INSPECT, False)):
        weir = lab.weir(net, policy).start()
        check_equal(weir.json("policy", "show")["tunnels"], "outer" if passes else "inspect",
                    "the policy's word")
        for host, other in ((net.c1, net.s1), (net.s1, net.c1)):
            host.must(["ping", "-c1", "-W2", other.ip4])  # the gate hears where both are
        for tunnel in (over_vxlan(net), over_gre(net)):
            goes(*tunnel, 5001, b"nothing in particular", True, weir)
            goes(*tunnel, 6881, DHT_QUERY, passes, weir)
            goes(*tunnel, 5001, b"and more of it", True, weir)
            for end in tunnel[:2]:
                end.close()
        if not passes:
            check_equal({(e["app_proto"], e["src_ip"], e["dest_ip"], e["weir"]["reason"])
                         for e in weir.events("drop")},
                        {("bittorrent", NEAR, FAR, "tunnel")}, "the drops that are told of")
        weir.check_conservation()
        weir.stop()


def over_vxlan(net):
    """Both ends' sockets, and what makes a packet of them."""
    def wrap(packet):
        return NETWORK + frames.ethernet(FAR_MAC, NEAR_MAC, packet)
    near, far = streams.udp(net.c1, 4, 40000), streams.udp(net.s1, 4, VXLAN_PORT)
    near.connect((net.s1.ip4, VXLAN_PORT))
    return near, far, wrap


def raw_socket(host):
    def make():
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, GRE)
        sock.bind((host.ip4, 0))
        return sock
    return host.inside(make)


def over_gre(net):
    near, far = raw_socket(net.c1), raw_socket(net.s1)
    near.connect((net.s1.ip4, 0))
    return near, far, lambda packet: KEYED + packet


def goes(near, far, wrap, port, payload, passes, weir):
    """Sends datagrams inside of the tunnel: three, so that none depends on being the first."""
    packet = wrap(frames.udp_packet(NEAR, 4000, FAR, port, payload))
    before = weir.dropped("tunnel")
    for _ in range(3):
        near.send(packet)
        if passes:
            far.settimeout(5)
            check(far.recv(4096).endswith(payload), f"{payload} arrives")
    if passes:
        check_equal(weir.dropped("tunnel"), before, "none was dropped")
        return
    wait_for(lambda: weir.dropped("tunnel") == before + 3, f"{payload} is dropped", 5)
    far.settimeout(0.2)
    try:
        check(False, f"{far.recv(4096)} arrived")
    except TimeoutError:
        pass
