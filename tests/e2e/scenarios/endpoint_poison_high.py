# SPDX-License-Identifier: GPL-2.0-only
from harness import swarm
from harness.check import check, check_equal, wait_for
from harness.clients import LibTorrent
from harness.scenario import scenario
from harness.services import DhtNode, Dns, Tracker, fetch, random_file, wait_listening
from harness.torrent import Torrent, sha256

KNOWN, LATE, RESOLVER = 8080, 8081, 53


@scenario("a tracker and a DHT node that name web servers on high ports and a resolver: who used the "
          "servers before or after keeps them for all", seconds=90)
def endpoint_poison_high(lab):
    lab.need("dnsmasq", "dig", "curl")
    net = lab.net(lan=["c1", "c2"], wan=["s1", "s2"])
    victims = [(net.s1.ip4, KNOWN), (net.s1.ip4, LATE), (net.s1.ip4, RESOLVER)]
    liar = DhtNode(net.s2, victims)
    tracker = Tracker(net.s2, peers=victims, fixed=True)
    shared = Torrent(lab.dir + "/shared", "shared.bin", 1 << 20, tracker.url)
    told = LibTorrent(net.c1, shared, port=7100, dht=True, nodes=[(net.s2.ip4, liar.port)])
    page = random_file(net.s1, "page", 1 << 20)
    for port in (KNOWN, LATE):
        net.s1.spawn(["/usr/bin/python3", "-m", "http.server", str(port), "--directory",
                      net.s1.path("www")], log=f"web-{port}")
        wait_listening(net.s1, net.s1.ip4, port)
    dns = Dns(net.s1, net.s1.ip4).start()
    weir = lab.weir(net, swarm.MONITOR).start()

    def get(client, port):
        status, path = fetch(client, f"http://{net.s1.ip4}:{port}/page", "page", 10)
        return status == 0 and sha256(path) == sha256(page)

    check(get(net.c2, KNOWN), "a page before anybody lies")
    tracker.start()
    liar.start()
    told.start()
    tracker.wait_announce(net.c1.ip4)
    liar.wait_asked(net.c1.ip4)
    weir.load(swarm.DROP)
    # The lie about a server that nobody is known to have used holds for the host that was told.
    wait_for(lambda: weir.dropped("endpoint") > 0, "what was learned is dropped", 20)
    check(get(net.c2, LATE), "the other host's page")
    wait_for(lambda: get(net.c1, LATE), "the page of the host that was told, now that it is known",
             20, 0.5)
    check(get(net.c1, KNOWN), "a page from the server that was known")
    for client in (net.c1, net.c2):
        for tcp in (False, True):
            check_equal(dns.query(client, tcp=tcp), net.s1.ip4,
                        f"answer to {client.name}, TCP {tcp}")
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()
