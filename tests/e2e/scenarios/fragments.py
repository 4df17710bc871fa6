# SPDX-License-Identifier: GPL-2.0-only
import itertools
import socket

from harness import frames, streams
from harness import order as orders
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario

PORT, SIZE = 5300, 4000
MARK, MARK_AT = b"weir-large-datagram", 2500  # in the second fragment
SIGNATURES = f"""features:
  large: {{ transport: udp, length: {SIZE}, mask: {{ offset: {MARK_AT}, text: "{MARK.decode()}" }} }}
applications:
  large: {{ category: other, when: large }}
"""
POLICY = """
rules:
  - { name: no-large, application: large, action: drop }
default: pass
"""
MARKED = bytes(MARK_AT) + MARK + bytes(SIZE - MARK_AT - len(MARK))


@scenario("datagrams in fragments: whole and in order beside the stack, judged by their content",
          seconds=90)
def fragments(lab):
    net = lab.net()
    net.keep_order()
    signatures = net.gw.write("signatures.yaml", SIGNATURES)
    weir = lab.weir(net, POLICY, header=f"signatures: [{signatures}]\n").start()
    net.meet(net.c1, net.s1)
    for version in (4, 6):
        pass_beside_the_stack(net, weir, version)
        keep_order(lab, net, version)
        dropped_by_content(net, weir, version)
        first_fragment_last(net, weir, version)
    weir.check_conservation()
    weir.stop()


def redirected(weir):
    return weir.metric("weir_verdict_frames_total", verdict="redirect")


def pass_beside_the_stack(net, weir, version):
    """Through the slow path until they are decided, then all of them by the fast one."""
    one, other = streams.udp(net.c1, version), streams.udp(net.s1, version, PORT)
    with one, other:
        streams.exchange_udp(one, other, 2, 6000)
        settle(weir, one, other, version)
        before = redirected(weir)
        streams.exchange_udp(one, other, 4, 6000)
        check(redirected(weir) >= before + 4 * 2 * 5, f"five fragments each are redirected, "
                                                      f"IPv{version}")
    check_equal(weir.metric("weir_stack_frames_total", reason="fragment"), 0,
                "fragments that the stack got")


def settle(weir, one, other, version):
    """Until the flow is decided and its hand-over is at its end, which may cost datagrams."""
    seen = [redirected(weir)]

    def both_ways():
        now = redirected(weir)
        grown, seen[0] = now - seen[0], now
        if grown < 2 * 5:
            one.sendto(bytes(6000), other.getsockname())
            other.sendto(bytes(6000), one.getsockname())
        return grown >= 2 * 5
    wait_for(both_ways, f"datagrams are redirected both ways, IPv{version}", 10)
    for sock in (one, other):
        sock.settimeout(0.2)
        try:
            while True:
                sock.recv(65536)
        except socket.timeout:
            sock.settimeout(5)


def keep_order(lab, net, version):
    stream = orders.UdpStream(lab, net.c1, net.s1, PORT + version, version, count=2000, rate=1000,
                              size=SIZE)
    seen = stream.result()
    check(seen["received"] > 1000, f"the stream arrived, IPv{version}: {seen}")
    check_equal(seen["reordered"], 0, f"reordered datagrams, IPv{version}")
    check_equal(seen["duplicated"], 0, f"duplicated datagrams, IPv{version}")


def dropped_by_content(net, weir, version):
    """What is looked for lies beyond the first fragment, and the length is the datagram's."""
    near, far = streams.udp(net.c1, version), streams.udp(net.s1, version, PORT)
    with near, far:
        far.settimeout(0.5)
        for step in range(4):
            before = weir.dropped("verdict")
            near.sendto(MARKED, far.getsockname())
            # The first one's earlier fragments have gone before it was whole.
            wait_for(lambda: weir.dropped("verdict") >= before + (3 if step else 1),
                     f"datagram {step} is dropped, IPv{version}", 5)
        try:
            check(False, f"a marked datagram arrived: {far.recv(65536)[:100]!r}")
        except socket.timeout:
            pass
        flows = [flow for flow in weir.flows() if flow["app_proto"] == "large"
                 and flow["src_ip"] == net.c1.ip(version)]
        check_equal([flow["action"] for flow in flows], ["drop"], f"flows found, IPv{version}")


def first_fragment_last(net, weir, version):
    """In every order of three fragments the datagram is whole where it goes, now and decided."""
    near, far = streams.udp(net.c1, version), streams.udp(net.s1, version, PORT)
    before = weir.metric("weir_verdict_frames_total", verdict="redirect")
    with near, far:
        for number, order in enumerate(itertools.permutations(range(3))):
            payload = bytes([number]) * 1200
            packet = frames.udp_packet(net.c1.ip(version), near.getsockname()[1],
                                       net.s1.ip(version), PORT, payload)
            cut = frames.fragments(packet, 512, 100 + number)
            frames.send(net.c1, *(frames.ethernet(net.s1.mac, net.c1.mac, cut[at])
                                  for at in order))
            check(far.recv(65536) == payload, f"fragments in the order {order}, IPv{version}")
    check(redirected(weir) > before, "those before their first are redirected")
    check_equal(weir.metric("weir_stack_frames_total", reason="fragment"), 0,
                "fragments that the stack got")
