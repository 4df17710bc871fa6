# SPDX-License-Identifier: GPL-2.0-only
import socket
import time

from harness import frames
from harness.check import check, check_equal, wait_for
from harness.gaps import EARLY, Gaps
from harness.scenario import scenario
from harness.segments import begin, waiting

STRANGERS, ROUNDS, GROUP, PORT = 10000, 5, 100, 7000
PARKED, PARTS = 200, 10
# So few slots that hundreds of the others share one with a flow that waits.
POLICY = """
workers: 1
inspect: { packets: 2 }
limits: { slots: 8192 }
reassembly: { fast_pass: false, hold: 5s }
default: pass
"""


@scenario("a flow waits, and ten thousand others on its slots do not: nothing is dropped, their hand-over ends", seconds=90)
def parked_strangers(lab):
    net, weir = begin(lab, POLICY)
    strangers = Strangers(net)
    before = lost(weir)
    for part in range(PARTS):
        gaps = Gaps(net, PARKED, first=20000 + PARKED * part)
        gaps.early()
        wait_for(lambda: waiting(weir) >= PARKED, "flows wait", 3)
        strangers.send(STRANGERS // PARTS)
        check_equal((waiting(weir) >= PARKED, gaps.arrivals(EARLY)), (True, []), "they wait all the while")
    # Flows that share an element of weir_done take turns.
    left = strangers.handing_over(weir)
    check(len(left) < STRANGERS // 10, f"{len(left)} are in hand-over after {ROUNDS} frames")
    for _ in range(16):
        if left:
            strangers.again(left)
            left = strangers.handing_over(weir)
    check_equal(left, [], "flows in hand-over")
    check_equal(lost(weir), before, "frames dropped, by reason")
    gaps.close()
    wait_for(lambda: len(gaps.arrivals(EARLY)) == PARKED, "they go on", 3)
    wait_for(lambda: waiting(weir) == 0, "nothing waits", 6)
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()


def lost(weir):
    return {(has["port"], has["reason"]): value for name, has, value in weir.metrics()
            if name == "weir_dropped_frames_total" and value}


class Strangers:
    """Datagrams of many flows, at a rate that the slow path keeps up with."""

    def __init__(self, net):
        self.net = net
        self.arrived = []
        frames.Sniffer(net.s1, self._note).start()
        self._raw = net.c1.inside(self._open)
        self._sent = 0
        self._frames = [frames.ethernet(net.s1.mac, net.c1.mac, frames.udp_packet(
            net.c1.ip4, 10000 + i, net.s1.ip4, PORT, b"x" * 20)) for i in range(STRANGERS)]
        net.s1.drop_output("icmp type destination-unreachable")

    @staticmethod
    def _open():
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        raw.bind(("eth0", 0))
        return raw

    def _note(self, seen):
        if seen.proto == frames.UDP and seen.dport == PORT:
            self.arrived.append(seen.sport)
        return False

    def handing_over(self, weir):
        """Source ports of those whose hand-over has not ended."""
        flows = [flow for flow in weir.flows("--limit", "20000") if flow["dest_port"] == PORT]
        check_equal(len(flows), STRANGERS, "flows of theirs")
        return [flow["src_port"] for flow in flows if flow["decision"] != "decided"]

    def again(self, ports):
        for port in ports:
            self._raw.send(self._frames[port - 10000])
            time.sleep(0.002)

    def send(self, count):
        """The next so many flows: each round when the one before has left."""
        for first in range(self._sent, self._sent + count, GROUP):
            for _ in range(ROUNDS):
                before = len(self.arrived)
                for frame in self._frames[first:first + GROUP]:
                    self._raw.send(frame)
                wait_for(lambda: len(self.arrived) == before + GROUP, "a round arrives", 5, 0.001)
        self._sent += count
