# SPDX-License-Identifier: GPL-2.0-only
import time

from harness import swarm
from harness.check import check, hold_for, wait_for
from harness.clients import Aria2, LibTorrent, QBittorrent
from harness.frames import SYN, Sniffer
from harness.scenario import scenario
from harness.services import Tracker
from harness.torrent import Torrent

SEED_PORT, LEECH_PORT = 7001, 7100


@scenario("encryption required: learned from the tracker, cut in mid-flow by a policy load",
          seconds=90)
def bt_encrypted(lab):
    lab.need("aria2c", "qbittorrent-nox", "curl")
    net = lab.net(lan=["c1", "c2", "c3"], wan=["s1"])
    tracker = Tracker(net.s1)
    shared = Torrent(lab.dir + "/shared", "shared.bin", 16 << 20, tracker.url)
    words = {"encryption": "require", "port": LEECH_PORT}
    leeches = [Aria2(net.c1, shared, **words), QBittorrent(net.c2, shared, **words),
               LibTorrent(net.c3, shared, **words)]
    seed = LibTorrent(net.s1, shared, seed=True, port=SEED_PORT, encryption="require",
                      upload=1 << 20)
    weir = lab.weir(net, swarm.MONITOR).start()
    tracker.start()
    seed.start()
    tracker.wait_announce(net.s1.ip4)
    swarm.start(leeches)
    for leech in leeches:
        wait_for(lambda: leech.progress() > 0, f"{leech.name} downloads", 25)
        wait_for(lambda: endpoint_flow(weir, leech), f"{leech.name}'s encrypted flow is named")
    weir.load(swarm.DROP)
    stopped_at = settle(leeches)
    check(all(part < 1 for part in stopped_at), f"the download was still under way: {stopped_at}")
    syns = Sniffer(net.s1, lambda s: s.dport == SEED_PORT and s.flags & SYN).start()
    again = leeches.pop()
    again.options["peers"] = [(net.s1.ip4, SEED_PORT)]
    again.restart()
    wait_for(lambda: weir.dropped("endpoint") > 0, "a new connection is dropped at its SYN", 15)
    hold_for(lambda: [c.progress() for c in leeches] == stopped_at[:-1] and again.progress() == 0,
             "progress stays where it was", 3, 0.5)
    syns.stop()
    check(not syns.seen, f"no SYN reaches the seed: {syns.seen}")
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()


def endpoint_flow(weir, leech):
    """Whether weir names the client's flow with the seed by what the tracker said, for an hour."""
    return any(flow["app_proto"] == "bittorrent" and flow["method"] == "endpoint"
               and flow["source"] == "http-tracker" and 3300 < flow["source_expires_in_seconds"] <= 3600
               and SEED_PORT in (flow["src_port"], flow["dest_port"])
               for flow in weir.flows("--address", leech.host.ip4))


def settle(leeches, seconds=5):
    """Progress of every client once none has moved for a second; within the given time."""
    deadline = time.monotonic() + seconds
    seen, since = None, 0.0
    while time.monotonic() < deadline:
        now = [leech.progress() for leech in leeches]
        if now != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > 1.5:
            return seen
        time.sleep(0.2)
    check(False, f"downloads go on after the policy load: {seen}")
    return None
