# SPDX-License-Identifier: GPL-2.0-only
from harness import swarm
from harness.check import check_equal, hold_for, wait_for
from harness.clients import Aria2, LibTorrent, Transmission
from harness.scenario import scenario
from harness.services import OpenTracker, Tracker, Web, fetch, random_file
from harness.torrent import Torrent, sha256

LEECH_PORT = 7100


@scenario("announces to opentracker (HTTP, UDP) and over IPv6 are blocked; their host's web is not",
          seconds=110)
def bt_tracker(lab):
    lab.need("opentracker", "transmission-daemon", "aria2c", "nginx", "curl")
    net = lab.net(lan=["c1", "c2", "c3"], wan=["s1"])
    outside = Outside(lab, net.s1)
    leeches = [Transmission(net.c1, outside.http, port=LEECH_PORT),
               LibTorrent(net.c2, outside.udp, port=LEECH_PORT),
               Aria2(net.c3, outside.v6, port=LEECH_PORT, version=6)]
    weir = lab.weir(net, swarm.DROP).start()
    outside.start()
    swarm.start(leeches)
    swarm.wait_blocked(weir, leeches, times=1)  # UDP's second attempt is 15 s away
    hold_for(lambda: outside.known() == 3, "no client's announce arrives", 3, 0.5)
    swarm.hold_at_zero(leeches, 1)
    swarm.check_identified(weir, [leech for leech in leeches if leech.torrent != outside.udp])
    load_pages(net, leeches)
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()
    net.make_bridge()
    outside.start()
    swarm.start(leeches)
    swarm.wait_complete(leeches)


class Outside:
    """On one host: opentracker for HTTP and UDP over IPv4, our own for IPv6, and a seed for each."""

    def __init__(self, lab, host):
        self.open = OpenTracker(host)
        self.own = Tracker(host, 6970, version=6)
        self.http = Torrent(lab.dir + "/http", "http.bin", 1 << 20, self.open.url)
        self.udp = Torrent(lab.dir + "/udp", "udp.bin", 1 << 20, self.open.udp_url)
        self.v6 = Torrent(lab.dir + "/v6", "v6.bin", 1 << 20, self.own.url)
        self.seeds = [LibTorrent(host, self.http, seed=True, port=7001),
                      LibTorrent(host, self.udp, seed=True, port=7002),
                      LibTorrent(host, self.v6, seed=True, port=7003, version=6)]

    def start(self):
        self.open.start(self.http, self.udp)
        self.own.start()
        swarm.start(self.seeds)
        wait_for(lambda: self.known() == 3, "every tracker knows its seed", 15)

    def known(self):
        """Peers that the trackers know."""
        return self.open.peers(self.http) + self.open.peers(self.udp) \
            + len({item["address"] for item in self.own.announces()})


def load_pages(net, leeches):
    web = Web(net.s1).start()
    page = random_file(net.s1, "page", 1 << 20)
    for leech, version in zip(leeches, (4, 4, 6)):
        status, path = fetch(leech.host, web.url("page", version), "page")
        check_equal(status, 0, f"{leech.host.name} loads a page from the trackers' host")
        check_equal(sha256(path), sha256(page), "the page")
