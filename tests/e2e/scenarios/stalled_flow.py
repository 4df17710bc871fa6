# SPDX-License-Identifier: GPL-2.0-only
from harness.check import check_equal, hold_for, wait_for
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
    kept_by_reload(weir, stalled)
    let_go_by_time(weir, stalled)
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()


def kept_by_reload(weir, stalled):
    """A load takes nothing out of the queue, and what waits still goes on in its order."""
    before = stalled.arrived()
    stalled.send(1210, b"c" * 10)
    wait_for(lambda: waiting(weir) == 1, "a segment waits", 5)
    check_equal(sum(port["in_flight"] for port in weir.ports().values()), 1,
                "frames in flight while one waits")
    weir.load(WAITING % "4s")
    hold_for(lambda: waiting(weir) == 1 and stalled.arrived() == before, "it waits after a load", 1)
    stalled.send(1200, b"b" * 10)
    wait_for(lambda: stalled.arrived() == before + b"b" * 10 + b"c" * 10, "both arrive, in order", 2)
    check_equal(reassembly(weir, "tcp-hold-expired"), 0, "times that one waited too long")
    weir.load(WAITING % "300ms")


def let_go_by_time(weir, stalled):
    stalled.send(1240, b"e" * 10)
    stalled.send(1230, b"d" * 10)
    wait_for(lambda: stalled.arrived().endswith(b"d" * 10 + b"e" * 10),
             "what waited too long goes on in order", 5)
    wait_for(lambda: reassembly(weir, "tcp-hold-expired") >= 1, "and it is counted", 5)
