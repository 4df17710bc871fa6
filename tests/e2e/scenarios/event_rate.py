# SPDX-License-Identifier: GPL-2.0-only
import struct
import time

from harness import frames
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario

FLOWS, BURST, PAUSE = 20000, 500, 0.02
DROP = """
workers: 1
rules:
  - { name: no-dns, application: dns, action: drop }
default: pass
"""


@scenario("thousands of drops a second are told one by one", hooks=["native"], seconds=60)
def event_rate(lab):
    net = lab.net()
    weir = lab.weir(net, DROP).start()
    net.meet(net.c1, net.s1)
    questions = [question(net, sport) for sport in range(20000, 20000 + FLOWS)]
    began = time.monotonic()
    net.c1.inside(lambda: bursts(questions))
    took = time.monotonic() - began
    # What the worker was too busy for went past it (`on_overload: pass`).
    dropped = wait_for(lambda: settled(weir), "all frames are dealt with", 10)
    rate = dropped / took
    print(f"{dropped:.0f} drops in {took:.2f} s: {rate:.0f} a second")
    check(rate > 5120, f"more drops than were told of before: {rate:.0f} a second")
    wait_for(lambda: len(weir.events("drop")) >= dropped, "as many events", 10)
    check_equal(weir.metric("weir_news_lost_total", record="drop"), 0, "events that were lost")
    ports = {event["src_port"] for event in weir.events("drop")}
    check_equal(len(ports), dropped, "flows that the events are of")
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()


def question(net, sport):
    """A first packet by which a flow is identified."""
    payload = struct.pack(">HHHHHH", sport, 0x0100, 1, 0, 0, 0) \
        + b"\3web\7example\3org\0" + struct.pack(">HH", 1, 1)
    packet = frames.udp_packet(net.c1.ip4, sport, net.s1.ip4, 53, payload)
    return frames.ethernet(net.s1.mac, net.c1.mac, packet)


def bursts(questions):
    """Fast, and yet never more at once than a ring holds."""
    with frames.socket.socket(frames.socket.AF_PACKET, frames.socket.SOCK_RAW) as raw:
        raw.bind(("eth0", 0))
        for at in range(0, len(questions), BURST):
            for frame in questions[at:at + BURST]:
                raw.send(frame)
            time.sleep(PAUSE)


def settled(weir):
    """How many were dropped, once that number stays."""
    before = weir.dropped("verdict")
    time.sleep(0.3)
    return before if before and before == weir.dropped("verdict") else 0
