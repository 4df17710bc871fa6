# SPDX-License-Identifier: GPL-2.0-only
from harness.check import check, check_equal, hold_for, wait_for
from harness.gaps import EARLY, MISSING, Gaps
from harness.scenario import scenario
from harness.segments import Sender, begin, waiting

FLOWS, HOLD = 1000, 4.0
POLICY = """
workers: 1
inspect: { packets: 64 }
reassembly: { fast_pass: false, hold: %s, follow: all }
%s
default: pass
"""


@scenario("a thousand flows wait; policies are loaded meanwhile, and each goes on at its own deadline", seconds=60)
def parked_load(lab):
    net, weir = begin(lab, POLICY % (f"{HOLD:.0f}s", ""))
    gaps = Gaps(net, FLOWS)
    gaps.early()
    wait_for(lambda: waiting(weir) == FLOWS, "all wait", 3)
    check_equal(weir.metric("weir_parked_frames", reason="out_of_order"), FLOWS, "frames told as parked")
    for _ in range(3):
        weir.load(POLICY % ("100ms", ""))
    check_equal((waiting(weir), len(gaps.arrivals(EARLY))), (FLOWS, 0), "frames that wait, and went, after the loads")
    check_equal(sum(bool(flow["parked"]) for flow in weir.flows("--limit", "5000")), FLOWS, "flows told as parked")
    # Copies are dropped, acknowledgements pass.
    gaps.early()
    wait_for(lambda: weir.dropped("parked") == FLOWS, "copies of what waits are dropped", 3)
    before = weir.ports()["c1"]["reasons"]["no_payload"]
    gaps.acknowledge()
    wait_for(lambda: weir.ports()["c1"]["reasons"]["no_payload"] - before == FLOWS, "acknowledgements pass", 3)
    wait_for(lambda: waiting(weir) == 0, "the deadlines pass", HOLD)
    times = gaps.arrivals(EARLY)
    check_equal(len(times), FLOWS, "segments that went on")
    check(HOLD <= min(times) and max(times) < HOLD + 0.5, f"each after {HOLD} s: {min(times):.3f} to {max(times):.3f}")
    check_equal(weir.metric("weir_parking_timeouts_total", answer="pass"), FLOWS, "deadlines that passed")
    gaps.close()
    wait_for(lambda: len(gaps.arrivals(MISSING)) == FLOWS, "what was missing arrives", 3)
    bounded(weir, net)
    end_by_a_load(weir, net)
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()


def bounded(weir, net):
    """Beyond a share of the pool frames go on at once."""
    weir.load(POLICY % ("4s", "parking: { share: 1%, total: 1% }"))
    gaps = Gaps(net, 400, first=30000)
    gaps.early()
    wait_for(lambda: waiting(weir) + len(gaps.arrivals(EARLY)) == 400, "all wait or went on", 3)
    check(100 < waiting(weir) < 200, f"{waiting(weir)} frames wait: a hundredth of the pool")
    check(weir.metric("weir_parking_refused_total", reason="out_of_order") > 0, "the others are counted")
    gaps.close()
    wait_for(lambda: waiting(weir) == 0, "the gaps close", 2)


def end_by_a_load(weir, net):
    """What a load says of a flow holds for the frames of it that wait."""
    weir.load(POLICY % ("4s", ""))
    flow = Sender(net, 39999)
    request = b"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n"
    flow.send(1000, request)
    wait_for(lambda: flow.arrived() == request, "the request arrives", 3)
    flow.send(1000 + len(request) + 10, EARLY)
    wait_for(lambda: waiting(weir) == 1, "a segment of an inspected flow waits", 3)
    before = weir.dropped("verdict")
    weir.load(POLICY % ("4s", "rules:\n  - { name: no-web, application: http, action: drop }"))
    wait_for(lambda: waiting(weir) == 0, "it ends by the load", 1)
    check_equal(weir.dropped("verdict") - before, 1, "frames dropped by it")
    hold_for(lambda: flow.arrived() == request, "nothing more arrives", 1)
