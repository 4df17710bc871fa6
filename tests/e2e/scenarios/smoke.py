# SPDX-License-Identifier: GPL-2.0-only
import hashlib

from harness import streams, swarm
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario

DHT_QUERY = b"d1:ad2:id20:" + b"a" * 20 + b"e1:q4:ping1:t2:aa1:y1:qe"
TRANSFER_BYTES = 2_000_000


@scenario("the shortest way through everything: forwarded, judged, redirected, dropped, detached",
          seconds=60)
def smoke(lab):
    net = lab.net(lan=["c1"], wan=["s1"])
    weir = lab.weir(net, swarm.DROP).start(seconds=30)
    for version in (4, 6):
        out = net.c1.must(["ping", f"-{version}", "-c", "3", "-i", "0.2", "-W", "5",
                           net.s1.ip(version)])
        check(" 0% packet loss" in out, f"ping over IPv{version}: {out}")
        transfer(net, version)
    drop(net, weir)
    for name, port in weir.ports().items():
        check(port["redirected"] > 0, f"port {name} redirected nothing: {port}")
        check_equal(port["hook"], lab.hook, f"hook of port {name}")
    weir.check_conservation()
    check_equal({port["in_flight"] for port in weir.ports().values()}, {0}, "frames in flight")
    weir.stop()


def transfer(net, version):
    """Both directions of one connection, as much as takes it to the fast path and well past."""
    data = b"".join(hashlib.sha256(b"%d" % step).digest() for step in range(TRANSFER_BYTES // 32))
    near, far = streams.pair(net.c1, net.s1, version, 5001)
    with near, far:
        streams.exchange(near, far, 12, 2000)
        for one, other in ((near, far), (far, near)):
            for at in range(0, len(data), 50_000):
                block = data[at:at + 50_000]
                one.sendall(block)
                check(streams.receive(other, len(block)) == block, "the transfer arrived changed")


def drop(net, weir):
    """What the slow path knows by its payload it drops, and from then on the gate does."""
    with streams.udp(net.c1, 4) as one, streams.udp(net.s1, 4, 5002) as other:
        def dropped():
            one.sendto(DHT_QUERY, other.getsockname())
            return weir.dropped("verdict") > 1
        wait_for(dropped, "DHT queries are dropped", 10)
    check_equal({flow["app_proto"] for flow in weir.flows() if flow["action"] == "drop"},
                {"bittorrent"}, "applications of dropped flows")
