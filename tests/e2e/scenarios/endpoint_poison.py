# SPDX-License-Identifier: GPL-2.0-only
from harness import swarm
from harness.check import check, check_equal, hold_for
from harness.clients import LibTorrent
from harness.scenario import scenario
from harness.services import Dns, Tracker, Web, fetch, random_file
from harness.torrent import Torrent, sha256


@scenario("a tracker that names web servers and a resolver as peers costs nobody their service",
          seconds=60)
def endpoint_poison(lab):
    lab.need("nginx", "dnsmasq", "dig", "curl")
    net = lab.net(lan=["c1", "c2"], wan=["s1", "s2"])
    victims = [(net.s1.ip4, 80), (net.s1.ip4, 443), (net.s1.ip4, 53)]
    tracker = Tracker(net.s2, peers=victims + [(net.s2.ip4, 7001)], fixed=True)
    shared = Torrent(lab.dir + "/shared", "shared.bin", 1 << 20, tracker.url)
    seed = LibTorrent(net.s2, shared, seed=True, port=7001, encryption="require")
    told = LibTorrent(net.c1, shared, port=7100, encryption="require")
    web = Web(net.s1).start()
    page = random_file(net.s1, "page", 1 << 20)
    dns = Dns(net.s1, net.s1.ip4).start()
    weir = lab.weir(net, swarm.MONITOR).start()
    tracker.start()
    swarm.start([seed, told])
    tracker.wait_announce(net.c1.ip4)
    told.wait_complete(20)
    weir.load(swarm.DROP)
    told.stop()
    for client in (net.c2, net.c1):
        for tls in (False, True):
            status, path = fetch(client, web.url("page", tls=tls), "page", 10)
            check_equal(status, 0, f"curl on {client.name}, TLS {tls}")
            check_equal(sha256(path), sha256(page), "the page")
        for tcp in (False, True):
            check_equal(dns.query(client, tcp=tcp), net.s1.ip4,
                        f"answer to {client.name}, TCP {tcp}")
    told.start()
    hold_for(lambda: told.progress() == 0, "the peer that was learned stays dropped", 3, 0.5)
    check(weir.dropped("endpoint", "verdict", "reconnection") > 0, "BitTorrent was dropped")
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()
