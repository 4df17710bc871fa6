# SPDX-License-Identifier: GPL-2.0-only
import time

from harness import streams, swarm
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario
from harness.services import Web, fetch, random_file
from harness.stall import stalled

PORT = 7001
PASS = "workers: 2\n" + swarm.MONITOR
DROP = """
workers: 2
rules:
  - { name: no-http, application: http, action: drop }
default: pass
"""


@scenario("a worker that hangs delays no policy load; it takes the newest policy when it goes on",
          seconds=60)
def stalled_worker(lab):
    lab.need("nginx", "curl")
    net = lab.net()
    weir = lab.weir(net, PASS).start()
    web = Web(net.s1).start()
    random_file(net.s1, "page", 100_000)
    check_equal(fetch(net.c1, web.url("page"), "page")[0], 0, "curl's exit status")
    near, far = streams.pair(net.c1, net.s1, 4, PORT)
    check_equal(policies(weir), 1, "policies in use")
    with stalled(weir.process.popen.pid, "weir-worker-0"):
        wait_for(lambda: weir.status()["heartbeat_age_seconds"] > 1, "its heartbeat is old", 5)
        loads_at_once(weir)
        # The one that hangs has the first, the other takes each.
        wait_for(lambda: policies(weir) == 2, "the others are freed", 5)
        near.sendall(b"message")
        check_equal(streams.receive(far, 7), b"message", "what arrives meanwhile")
    wait_for(lambda: policies(weir) == 1, "it lets go of the first", 5)
    wait_for(lambda: weir.status()["heartbeat_age_seconds"] < 0.5, "its heartbeat is young", 5)
    status = fetch(net.c1, web.url("page"), "again", seconds=3)[0]
    check(status != 0, "the newest policy drops a page")
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()


def policies(weir):
    return weir.metric("weir_policies_in_use")


def loads_at_once(weir):
    generation = weir.metric("weir_policy_generation")
    for body in (DROP, PASS, DROP):
        began = time.monotonic()
        weir.load(body)
        check(time.monotonic() - began < 2, "a load takes less than two seconds")
    check_equal(weir.metric("weir_policy_generation"), generation + 3, "the policy's generation")
