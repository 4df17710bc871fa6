# SPDX-License-Identifier: GPL-2.0-only
import collections
import json
import os
import time

from harness import streams
from harness.capture import Capture
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario
from harness.services import Dns, Web, fetch

NAME = "web.example.org"
POLICY = """
timeouts: { tcp: 4s, tcp_new: 4s, tcp_closed: 4s, udp: 3s, udp_new: 3s, icmp: 3s }
rules:
  - { name: no-bittorrent, application: bittorrent, action: drop }
  - { name: names, application: dns, action: pass }
default: pass
"""
DHT_QUERY = b"d1:ad2:id20:" + b"a" * 20 + b"e1:q4:ping1:t2:aa1:y1:qe"
COMPARED = ("flow", "identified", "drop", "anomaly", "tls", "quic", "http", "dns", "fileinfo")
# Of another clock, or a number of one run.
OWN = ("timestamp", "flow_id", "parent_id", "start", "end", "age")


@scenario("the events of a capture are those of the live frames", seconds=90)
def replay(lab):
    lab.need("nginx", "curl", "dnsmasq", "dig", "openssl")
    net = lab.net()
    web = Web(net.s1).start()
    dns = Dns(net.s1, net.s1.ip4).start()
    with open(net.s1.path("www", "page"), "w") as file:
        file.write("page" * 5000)
    weir = lab.weir(net, POLICY, protocols=("tls", "quic", "http", "dns", "files")).start()
    net.meet(net.c1, net.s1)
    time.sleep(6)  # what the hosts said to each other so far is told
    before = len(weir.events())
    capture = Capture(os.path.join(weir.dir, "hosts.pcap"), net.c1, net.s1).start()
    traffic(net, web, dns)
    quiet(weir)
    live = kinds(weir.events()[before:])
    net.c1.must(["ping", "-c1", net.s1.ip4])  # moves the capture's clock on
    path = capture.stop()
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()
    summary, replayed = replay_capture(lab, weir, net, path)
    check_equal(summary["captures"], 1, "captures of the summary")
    check({"flow", "identified", "drop", "tls", "http", "dns"} <= set(live), f"types: {set(live)}")
    for kind in COMPARED:
        same(kind, live.get(kind, []), replayed.get(kind, []))


def traffic(net, web, dns):
    net.c1.must(["ping", "-c3", "-i0.2", net.s1.ip4])
    net.c1.must(["ping", "-c2", "-i0.2", net.s1.ip6])
    for words in ([], ["-H", "Host: WWW.Example.ORG"]):
        check_equal(fetch(net.c1, web.url("page"), "page", words=words)[0], 0, "curl")
    for words in (["--tls-max", "1.2"], []):
        status, _ = fetch(net.c1, f"https://{NAME}/page", "page",
                          words=words + ["--resolve", f"{NAME}:443:{net.s1.ip4}"])
        check_equal(status, 0, "curl with TLS")
    for tcp in (False, True):
        check_equal(dns.query(net.c1, tcp=tcp), net.s1.ip4, "the answer")
    with streams.udp(net.c1, 4) as sender:
        for _ in range(3):
            sender.sendto(DHT_QUERY, (net.s1.ip4, 6881))
            time.sleep(0.2)
    with streams.udp(net.c1, 6) as sender:
        sender.sendto(b"nobody listens, nothing is known of it", (net.s1.ip6, 7777))
    near, far = streams.pair(net.c1, net.s1, 4, 5001)
    with near, far:
        streams.exchange(near, far, 12, 200)


def quiet(weir):
    """No flow of the traffic is left untold: the longest timeout has passed, and no event came."""
    def still():
        count = len(weir.events())
        time.sleep(7)
        return len(weir.events()) == count
    wait_for(still, "no more events come", 40)


def replay_capture(lab, weir, net, path):
    events = os.path.join(weir.dir, "replayed.json")
    out = net.c1.must([lab.binary, "replay", path, "-c", weir.policy, "--events", events, "--json",
                       "--ports", f"{net.c1.port}={net.c1.ip4},{net.c1.port}={net.c1.ip6}"])
    with open(events) as file:
        told = [json.loads(line) for line in file]
    weir.events_path = events
    weir.check_events()
    last = {event["flow_id"] for event in told if event.get("flow", {}).get("reason") == "shutdown"}
    check_equal(len(last), 1, "flows that had not ended with the capture: the last ping's")
    return json.loads(out), kinds(event for event in told if event.get("flow_id") not in last)


def kinds(events):
    """Events by type, without what belongs to one run."""
    by_type = collections.defaultdict(list)
    for event in events:
        event = stripped(event)
        if event["event_type"] == "identified":
            # Live it is known when the daemon has read what the worker said meanwhile.
            event["weir"].pop("hostname", None)
        by_type[event["event_type"]].append(event)
    return by_type


def stripped(event):
    if not isinstance(event, dict):
        return event
    return {key: stripped(value) for key, value in event.items() if key not in OWN}


def same(kind, live, replayed):
    live, replayed = (collections.Counter(json.dumps(event, sort_keys=True) for event in events)
                      for events in (live, replayed))
    only = "".join(f"\n  {where}: {event}" for where, events in
                   (("live", live - replayed), ("capture", replayed - live)) for event in events)
    check(not only, f"`{kind}` events that only one of both has:{only}")
