# SPDX-License-Identifier: GPL-2.0-only
from harness import order as orders
from harness import swarm
from harness.check import check, check_equal
from harness.scenario import scenario

ROUNDS, AT_ONCE, DATAGRAMS = 5, 4, 4000


@scenario("order holds when frames are lost on the way up: rings of 64 frames, bursts of new flows",
          seconds=60)
def order_rings(lab):
    net = lab.net()
    net.keep_order()
    weir = lab.weir(net, "rings: { frames: 64 }\n" + swarm.DROP).start()
    net.meet(net.c1, net.s1)
    arrived = 0
    for burst in range(ROUNDS):
        streams = [orders.UdpStream(lab, net.c1, net.s1, 6000 + burst * AT_ONCE + number,
                                    count=DATAGRAMS, rate=0) for number in range(AT_ONCE)]
        for stream in streams:
            seen = stream.result()
            check_equal(seen["reordered"], 0, f"reordered datagrams ({seen})")
            check_equal(seen["duplicated"], 0, f"duplicated datagrams ({seen})")
            arrived += seen["received"]
    check(arrived > ROUNDS * AT_ONCE * DATAGRAMS / 2, f"most datagrams arrived: {arrived}")
    lost = weir.dropped("overload", "punt_lost", "handover") \
        + weir.metric("weir_stack_frames_total", reason="overload")
    check(lost > 0, "the rings were too small for some frames")
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()
