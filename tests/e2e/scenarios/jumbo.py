# SPDX-License-Identifier: GPL-2.0-only
import os
import threading

from harness import proc, streams, swarm
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario

PORT, SIZE = 8000, 8 << 20


@scenario("ports of MTU 9000: XDP says what to do instead, TC carries and decides them", seconds=60)
def jumbo(lab):
    net = lab.net(mtu=9000)
    weir = lab.weir(net, swarm.DROP)
    if lab.hook == "native":
        refused(weir)
        return
    weir.start()
    for version in (4, 6):
        carried(weir, net, version)
    # The stack got merged frames, whose segments weir counts: sums of hosts' frames say nothing.
    weir.snapshot()
    weir.stop()


def refused(weir):
    status, _, err = proc.run(weir.command(*weir.run_words()))
    check_equal(status, 1, f"exit status, with the message {err!r}")
    check("MTU" in err and "hook: tc" in err, f"cause and remedy in {err!r}")
    weir.check_no_trace()


def carried(weir, net, version):
    """A stream whose every frame is beyond the slow path, until it is decided all the same."""
    blob = os.urandom(SIZE)
    near, far = streams.pair(net.c1, net.s1, version, PORT)
    with near, far:
        near.settimeout(20)
        far.settimeout(20)
        sender = threading.Thread(target=far.sendall, args=(blob,))
        sender.start()
        check(streams.receive(near, SIZE) == blob, "the stream arrived changed")
        sender.join()
        wait_for(lambda: any(flow["decision"] == "decided" and flow["dest_ip"] == net.s1.ip(version)
                             for flow in weir.flows()), "the connection is decided", 3)
        before = weir.metric("weir_verdict_frames_total", verdict="redirect")
        streams.exchange(near, far, 4, 8000)
        check(weir.metric("weir_verdict_frames_total", verdict="redirect") >= before + 4,
              "what follows takes the redirect")
