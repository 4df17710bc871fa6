# SPDX-License-Identifier: GPL-2.0-only
import os
import threading

from harness import streams, swarm
from harness.check import check, check_equal
from harness.scenario import scenario

STREAMS, SIZE = 16, 2 << 20


@scenario("two receive queues a port and two workers: every stream arrives whole, nothing is lost",
          seconds=60)
def queues(lab):
    net = lab.net()
    for host in net.hosts:
        host.must(["ethtool", "-L", "eth0", "rx", "2", "tx", "2"])
        net.gw.must(["ethtool", "-L", host.interface, "rx", "2", "tx", "2"])
    weir = lab.weir(net, swarm.DROP, header="workers: 2\n").start()
    blob = os.urandom(SIZE)
    failures = []
    threads = [threading.Thread(target=carry, args=(net, 8000 + at, 4 if at % 2 else 6, blob,
                                                    failures)) for at in range(STREAMS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(not failures, f"streams that failed: {failures}")
    workers = weir.status()["workers"]
    check_equal(len(workers), 2, "workers")
    for worker in workers:
        check(worker["decided"] > 0, f"worker {worker['worker']} had a share: {workers}")
    weir.check_conservation()
    weir.stop()


def carry(net, port, version, blob, failures):
    """The blob from the server to the client."""
    try:
        near, far = streams.pair(net.c1, net.s1, version, port)
        with near, far:
            near.settimeout(20)
            far.settimeout(20)
            sender = threading.Thread(target=far.sendall, args=(blob,))
            sender.start()
            same = streams.receive(near, len(blob)) == blob
            sender.join()
            check(same, "the stream arrived changed")
    except Exception as failure:  # in a thread of its own: for the scenario to show
        failures.append(f"port {port}: {failure!r}")
