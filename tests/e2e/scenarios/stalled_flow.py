# SPDX-License-Identifier: GPL-2.0-only
from harness.check import check, check_equal, hold_for, wait_for
from harness.scenario import scenario
from harness.segments import Sender, begin, reassembly, waiting
from harness.services import Web, fetch, random_file

WAITING = """
workers: 1
inspect: { packets: 64 }
reassembly: { fast_pass: false, hold: %s }
default: pass
"""


@scenario("without fast pass a flow with a gap waits, through a policy load too, and nobody waits with it", seconds=60)
def stalled_flow(lab):
    lab.need("nginx", "curl")
    net, weir = begin(lab, WAITING % "5s")
    web = Web(net.s1).start()
    random_file(net.s1, "page", 3_000_000)
    stalled = Sender(net, 40001)
    stalled.send(1100, b"b" * 100)
    wait_for(lambda: waiting(weir) == 1, "a segment waits", 5)
    check_equal(fetch(net.c1, web.url("page"), "page")[0], 0, "curl's exit status meanwhile")
    check_equal((waiting(weir), stalled.arrived()), (1, b""), "the stalled flow after that")
    stalled.send(1000, b"a" * 100)
    wait_for(lambda: stalled.arrived() == b"a" * 100 + b"b" * 100, "both arrive, in order", 5)
    check_equal((waiting(weir), reassembly(weir, "tcp-held")), (0, 1), "segments that wait and did")
    stays_over_a_reload(weir, stalled)
    let_go_by_time(weir, stalled)
    dropped_by_block(weir, net, stalled)
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()


def stays_over_a_reload(weir, stalled):
    stalled.send(1210, b"c" * 10)
    wait_for(lambda: waiting(weir) == 1, "a segment waits", 5)
    check_equal(sum(port["in_flight"] for port in weir.ports().values()), 1,
                "frames in flight while one waits")
    (flow,) = [flow for flow in weir.flows() if flow["parked"]]
    (parked,) = flow["parked"]
    check_equal((parked["direction"], parked["reasons"], parked["answer"]),
                ("toserver", ["out_of_order"], "pass"), "what the flow waits for")
    check(1 < parked["seconds_left"] <= 5, f"and how long: {parked}")
    check(", parked " in weir.must("flows"), "the table shows it")
    weir.load(WAITING % "300ms")
    hold_for(lambda: waiting(weir) == 1, "it waits for its own deadline", 1)
    stalled.send(1210, b"c" * 10)
    wait_for(lambda: weir.dropped("parked") == 1, "a copy of what waits is dropped", 5)
    stalled.send(1200, b"g" * 10)
    wait_for(lambda: stalled.arrived().endswith(b"g" * 10 + b"c" * 10), "the gap closes", 2)
    check(not any(flow["parked"] for flow in weir.flows()), "nothing is parked any more")


def let_go_by_time(weir, stalled):
    stalled.send(1240, b"e" * 10)
    stalled.send(1230, b"d" * 10)
    wait_for(lambda: stalled.arrived().endswith(b"d" * 10 + b"e" * 10),
             "what waited too long goes on in order", 5)
    wait_for(lambda: reassembly(weir, "tcp-hold-expired") >= 1, "and it is counted", 5)


def dropped_by_block(weir, net, stalled):
    """What waits when its host is blocked does not go on later."""
    weir.load(WAITING % "5s")
    before, dropped = stalled.arrived(), weir.dropped("blocked")
    stalled.send(1310, b"g" * 10)
    wait_for(lambda: waiting(weir) == 1, "a segment waits", 5)
    weir.must("block", net.c1.ip4)
    wait_for(lambda: waiting(weir) == 0, "it waits no more", 2)
    check_equal((weir.dropped("blocked"), stalled.arrived()), (dropped + 1, before),
                "it was dropped")
