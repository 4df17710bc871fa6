# SPDX-License-Identifier: GPL-2.0-only
import re
import urllib.request

from harness import streams
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario
from harness.services import Web, fetch, random_file

METRICS = "127.0.0.1:9477"
SETTINGS = f'metrics: {{ listen: "{METRICS}" }}\n'
STAFF_ONLY = SETTINGS + """
groups:
  staff: [10.77.0.11/32, "fd77::b/128"]
rules:
  - { name: staff, from: staff, action: pass }
  - { name: no-web, application: http, action: drop }
default: pass
"""


@scenario("an operator at work: blocks, groups, reload, events, metrics", seconds=60)
def operator(lab):
    lab.need("nginx", "curl")
    net = lab.net(lan=["c1", "c2"])
    web = Web(net.s1).start()
    random_file(net.s1, "page", 100_000)
    weir = lab.weir(net, SETTINGS + "default: pass\n").start()
    follower = net.gw.spawn(weir.command("events", "--follow", "--socket", weir.socket)[3:],
                            log="follow")
    blocks(net, weir, web)
    reload(net, weir, web)
    look(net, weir, follower)
    net.stop_hosts()
    weir.check_conservation()
    follower.stop()
    weir.stop()


def loads(client, web, version=4, tls=False):
    return fetch(client, web.url("page", version, tls), "page", 2)[0] == 0


def blocks(net, weir, web):
    """A host, a service, for a time, and back; live connections and new ones."""
    near, far = streams.pair(net.c1, net.s1, 4, 5001)
    with near, far:
        streams.exchange(near, far, 12, 1000)
        weir.must("block", net.s1.ip4)
        check_equal([b["address"] for b in weir.json("blocks")["blocks"]], [net.s1.ip4], "blocks")
        near.sendall(b"too late")
        wait_for(lambda: weir.dropped("blocked") > 0, "the live connection is dropped", 5)
    check(not loads(net.c1, web), "a page of a blocked host loads")
    check(loads(net.c1, web, 6), "its other address is not blocked")
    weir.must("unblock", net.s1.ip4)
    check(loads(net.c1, web), "a page loads after the block is lifted")
    weir.must("block", net.s1.ip4, "--port", "443", "--for", "2s")
    check(not loads(net.c1, web, tls=True), "a blocked service answers")
    check(loads(net.c1, web), "another service of the host answers")
    wait_for(lambda: loads(net.c1, web, tls=True), "the service is back when time is over", 6)
    wait_for(lambda: weir.json("blocks")["blocks"] == [], "no block is listed", 3)


def reload(net, weir, web):
    """A policy that does not load changes nothing; one that does re-decides by who and what."""
    # Not the generation: a block that ends steps it too.
    def live():
        policy = weir.status()["policy"]
        return policy["path"], policy["rules"], policy["loads_ok"]
    before = live()
    status, _, err = weir.cli("policy", "load", weir.write_policy("rules: 7\n", "bad.yaml"))
    check_equal(status, 1, "exit status of a bad load")
    check(re.search(r"bad\.yaml:\d+:\d+: ", err), f"file, line and column: {err!r}")
    check_equal(live(), before, "the policy after a bad load")
    weir.load(STAFF_ONLY)
    check(loads(net.c1, web) and loads(net.c1, web, 6), "staff load pages")
    check(not loads(net.c2, web) and not loads(net.c2, web, 6), "others load none")
    check(loads(net.c2, web, tls=True), "others use TLS")
    hits = {rule["name"]: rule["hits"] for rule in weir.json("policy", "show")["rules"]}
    check(hits["staff"] >= 2 and hits["no-web"] >= 2, f"rule hits: {hits}")


def look(net, weir, follower):
    """What the listings, the events and the metrics listener say about it."""
    def page():
        return urllib.request.urlopen(f"http://{METRICS}/metrics", timeout=5).read().decode()
    text = net.gw.inside(page)
    check('weir_application_flows_total{application="http"' in text, "the listener names http")
    check(all(line in text for line in ("# HELP weir_port_frames_total",
                                        "# TYPE weir_port_frames_total counter")), "help and type")
    flows = weir.flows("--app", "http", "--address", net.c2.ip4)
    check(flows and all(flow["action"] == "drop" and flow["rule"] == "no-web" for flow in flows),
          f"flows of c2: {flows}")
    check("http" in weir.must("top", "--once"), "weir top names http")
    kinds = {event["event_type"] for event in weir.events()}
    check({"identified", "policy"} <= kinds, f"events in the file: {kinds}")
    wait_for(lambda: '"event_type":"policy"' in follower.log().replace(": ", ":"),
             "the follower hears of the policy load", 5)
