# SPDX-License-Identifier: GPL-2.0-only
import time

from harness import order as orders
from harness import swarm
from harness.check import check, check_equal
from harness.scenario import scenario
from harness.services import wait_listening

TCP_PORT = 5201


@scenario("bulk TCP and numbered UDP keep their order through the hand-over, which is soon",
          seconds=70)
def order(lab):
    lab.need("iperf3")
    net = lab.net()
    net.keep_order()
    net.s1.spawn(["iperf3", "-s"])
    wait_listening(net.s1, net.s1.ip4, TCP_PORT)
    weir = lab.weir(net, swarm.DROP).start()
    net.meet(net.c1, net.s1)
    hand_over_soon(net, weir)
    bulk_tcp(lab, net)
    for version in (4, 6):
        for sender, receiver in ((net.c1, net.s1), (net.s1, net.c1)):
            seen = orders.UdpStream(lab, sender, receiver, 6000 + version, version).result()
            check_equal(seen["reordered"], 0, f"reordered datagrams, IPv{version}")
            check_equal(seen["duplicated"], 0, f"duplicated datagrams, IPv{version}")
            check(seen["received"] > 5000, f"the stream arrived: {seen}")
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()


def hand_over_soon(net, weir, seconds=2.0):
    """Under bulk traffic the slow path sees nothing more two seconds after it saw the first."""
    bulk = net.c1.spawn(["iperf3", "-c", net.s1.ip4, "-t", "6"])
    samples = []
    started = time.monotonic()
    while time.monotonic() - started < seconds + 1.5:
        asked = time.monotonic() - started
        ports = weir.ports().values()
        samples.append((asked, sum(port["punted"] for port in ports),
                        sum(port["redirected"] for port in ports)))
    after = [sample for sample in samples if sample[0] >= seconds]
    check(len(after) >= 2, f"too few samples: {samples}")
    check(after[0][1] > 0, "the flow went through the slow path at first")
    check_equal(after[-1][1], after[0][1], f"frames punted {seconds} s on ({samples})")
    check(after[-1][2] > after[0][2] + 1000, f"redirected frames grow: {samples}")
    check_equal(bulk.wait(10), 0, "iperf3's exit status")


def bulk_tcp(lab, net):
    """100 MB each way, watched where it arrives. IPv4, whose identification tells what was sent again
    from what was overtaken."""
    for reverse, receiver in ((False, net.s1), (True, net.c1)):
        watch = orders.TcpOrder(lab, receiver, TCP_PORT, source=reverse)
        net.c1.must(["iperf3", "-c", net.s1.ip4, "-n", "100M"]
                    + (["-R"] if reverse else []), 40)
        seen = watch.result()
        check(seen["segments"] > 1000, f"segments were seen: {seen}")
        check_equal(seen["reordered"], 0, f"reordered segments ({seen})")
