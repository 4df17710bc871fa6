# SPDX-License-Identifier: GPL-2.0-only
from harness import streams, swarm
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario

DHT_QUERY = b"d1:ad2:id20:" + b"a" * 20 + b"e1:q4:ping1:t2:aa1:y1:qe"
PORT = 6881


@scenario("a datagram dropped by what it says is shown and reported, a blocked sender only once",
          hooks=("native",), seconds=40)
def drop_events(lab):
    net = lab.net(lan=["c1"])
    weir = lab.weir(net, swarm.DROP).start()
    for version in (4, 6):
        net.c1.must(["ping", f"-{version}", "-c1", "-W2", net.s1.ip(version)])
        one_datagram(weir, net, version)
        blocked(weir, net, version)
    weir.check_conservation()
    weir.stop()


def drops(weir, address):
    return [event for event in weir.events("drop") if event["dest_ip"] == address]


def one_datagram(weir, net, version):
    """The gate sees no other packet of the flow that it could take the verdict over with."""
    address = net.s1.ip(version)
    with streams.udp(net.c1, version) as sender:
        sender.sendto(DHT_QUERY, (address, PORT))
        wait_for(lambda: drops(weir, address), "an event tells of the drop", 3)
        event, = drops(weir, address)
        check_equal((event["app_proto"], event["drop"]["reason"], event["weir"]["reason"],
                     event["weir"]["rule"]), ("bittorrent", "rules", "verdict", "no-bittorrent"),
                    "what it tells")
        flow, = [flow for flow in weir.flows("--app", "bittorrent") if flow["dest_ip"] == address]
        check_equal((flow["action"], flow["flow_id"]), ("drop", event["flow_id"]),
                    "the flow as it is shown")


def blocked(weir, net, version):
    address = net.s1.ip(version)
    weir.must("block", address)
    before = weir.dropped("blocked")
    with streams.udp(net.c1, version) as sender:
        for _ in range(500):
            sender.sendto(b"whatever", (address, PORT))
        wait_for(lambda: weir.dropped("blocked") >= before + 500, "all were dropped", 5)
    wait_for(lambda: len(drops(weir, address)) > 1, "an event tells of the block", 3)
    told = [event for event in drops(weir, address) if event["weir"]["reason"] == "blocked"]
    check(1 <= len(told) <= 4, f"{len(told)} events for one blocked sender")
    weir.must("unblock", address)
