# SPDX-License-Identifier: GPL-2.0-only
import time

from harness.check import check, check_equal, hold_for, wait_for
from harness.gaps import EARLY, Gaps
from harness.scenario import scenario
from harness.segments import begin, waiting

FLOWS, HOLD = 50, 5.0
POLICY = f"""
workers: 1
inspect: {{ packets: 64 }}
reassembly: {{ fast_pass: false, hold: {HOLD:.0f}s }}
default: pass
"""


@scenario("killed while frames wait: they are counted, and the gate keeps their flows shut until the deadline", seconds=70)
def parked_kill(lab):
    net, weir = begin(lab, POLICY)
    restarted(net, weir)
    left_alone(net, weir)
    net.stop_hosts()
    weir.baseline = weir.snapshot()
    weir.check_conservation()
    weir.stop()


def park(net, weir, first):
    gaps = Gaps(net, FLOWS, first)
    gaps.early()
    wait_for(lambda: waiting(weir) == FLOWS, "all wait", 3)
    return gaps, time.monotonic()


def ended(weir):
    """Frames by port that the slow path has ended."""
    return {name: port["punted"] - port["in_flight"] for name, port in weir.ports().items()}


def send_copies(gaps):
    """What the sender does until it hears something."""
    gaps.early()
    return len(gaps.ports)


def until(moment):
    time.sleep(max(0.0, moment - time.monotonic()))


def restarted(net, weir):
    first = weir.baseline
    gaps, parked = park(net, weir, 20000)
    before = ended(weir)
    weir.kill()
    copies = send_copies(gaps)
    weir.start(at_rest=False)
    check(weir.status()["adopted"], "the pinned gate is adopted")
    check_equal(weir.dropped("stale"), FLOWS, "frames that died with the daemon")
    check_equal(weir.dropped("parked"), copies, "copies dropped while nobody was there")
    check_equal(sum(bool(flow["parked"]) for flow in weir.flows()), FLOWS, "flows told as parked")
    send_copies(gaps)
    wait_for(lambda: weir.dropped("parked") == 2 * copies, "the next daemon drops them too", 2)
    check(time.monotonic() < parked + HOLD - 0.2, "all that before the deadline")
    check_equal(len(gaps.arrivals(EARLY)), 0, "segments that arrived so far")
    balance(net, weir, first, before)
    until(parked + HOLD + 0.3)
    check(not any(flow["parked"] for flow in weir.flows()), "nothing is parked any more")
    send_copies(gaps)
    # They are behind the gap as ever, and wait anew.
    wait_for(lambda: waiting(weir) == FLOWS, "copies after the deadline are judged", 2)
    gaps.close()
    wait_for(lambda: len(gaps.arrivals(EARLY)) == FLOWS, "they arrive", 2)


def balance(net, weir, first, before):
    """What the hosts sent is what came in: less what the first daemon ended, of which the second has a number alone."""
    now = weir.snapshot()
    for host in net.hosts:
        sent = now["hosts"][host.port]["tx"] - first["hosts"][host.port]["tx"]
        received = now["rx"][host.port] - first["rx"][host.port]
        check_equal(received + before[host.port], sent, f"frames of port {host.port}")


def left_alone(net, weir):
    gaps, parked = park(net, weir, 21000)
    weir.kill()
    until(parked + HOLD - 1)
    send_copies(gaps)
    hold_for(lambda: len(gaps.arrivals(EARLY)) == 0, "copies are dropped", 0.5)
    until(parked + HOLD + 0.1)
    send_copies(gaps)
    wait_for(lambda: len(gaps.arrivals(EARLY)) == FLOWS, "then the answer applies: they pass", 2)
    weir.start(at_rest=False)
    check_equal(weir.dropped("stale"), FLOWS, "frames that died with the second daemon")
    check(not any(flow["parked"] for flow in weir.flows()), "the next daemon finds nothing parked")
