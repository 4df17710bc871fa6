# SPDX-License-Identifier: GPL-2.0-only
import time

from harness import streams
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario

POLICY = """
rules:
  - {{ name: closed, to: {server}, schedule: "{begins}-{ends} UTC", action: drop }}
  - {{ name: never, schedule: ["{ends}-{later} UTC"], application: irc, action: drop }}
default: pass
"""


def clock(seconds):
    return time.strftime("%H:%M", time.gmtime(seconds))


@scenario("rules by schedule: a live flow is cut when the window begins and goes on when it ends",
          hooks=("native",), seconds=220)
def rule_schedule(lab):
    net = lab.net()
    begins = (int(time.time()) + 15) // 60 * 60 + 60
    weir = lab.weir(net, POLICY.format(server=net.s1.ip4, begins=clock(begins),
                                       ends=clock(begins + 60), later=clock(begins + 120))).start()
    near, far = streams.pair(net.c1, net.s1, 4, 7001)
    with near, far:
        streams.exchange(near, far, 12, 200)
        wait_for(lambda: any(flow["decision"] == "decided" for flow in weir.flows()), "it is decided", 5)
        check_equal([rule["active"] for rule in weir.json("policy", "show")["rules"]],
                    [False, False], "rules before the window")
        schedule = weir.json("status")["policy"]["schedule"]
        check_equal((schedule["inactive"], schedule["next_change"]), (2, begins), "status")
        check("(inactive now)" in weir.must("policy", "show"), "policy show says so")
        generation = weir.json("policy", "show")["generation"]
        wait_for(lambda: weir.json("policy", "show")["rules"][0]["active"], "the window begins", 80)
        check(time.time() >= begins, "not too early")
        shown = weir.json("policy", "show")
        check(shown["generation"] > generation, "another generation")
        near.sendall(b"message")
        far.settimeout(1)
        try:
            check(False, f"{far.recv(100)!r} arrived in the window")
        except TimeoutError:
            pass
        check(weir.dropped("verdict") > 0, "it was dropped")
        wait_for(lambda: not weir.json("policy", "show")["rules"][0]["active"], "it ends", 80)
        check(time.time() >= begins + 60, "not too early either")
    near, far = streams.pair(net.c1, net.s1, 4, 7002)
    with near, far:
        streams.exchange(near, far, 12, 200)
    check(any(event["policy"]["change"] == "scheduled" for event in weir.events("policy")),
          "an event tells of it")
    weir.check_conservation()
    weir.stop()
