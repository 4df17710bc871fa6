# SPDX-License-Identifier: GPL-2.0-only
from harness import swarm
from harness.check import wait_for
from harness.clients import LibTorrent
from harness.scenario import scenario
from harness.torrent import Torrent


@scenario("a trackerless magnet: no metadata and no data with the drop, complete without",
          seconds=110)
def bt_dht(lab):
    net = lab.net(lan=["c1", "c2"], wan=["s1"])
    shared = Torrent(lab.dir + "/shared", "shared.bin", 1 << 20)
    router = LibTorrent(net.s1, Torrent(lab.dir + "/other", "other.bin", 65536), seed=True, dht=True,
                        port=7000)
    seed = LibTorrent(net.s1, shared, seed=True, dht=True, utp="on", port=7001,
                      nodes=[(net.s1.ip4, 7000)])
    leeches = [LibTorrent(host, shared, magnet=True, dht=True, utp=utp, port=7100,
                          nodes=[(net.s1.ip4, 7000)])
               for host, utp in ((net.c1, "off"), (net.c2, "on"))]
    weir = lab.weir(net, swarm.DROP).start()
    sniffers = swarm.watch(net.hosts, 7000, 7001, 7100)
    swarm.start([router, seed] + leeches)
    swarm.wait_blocked(weir, leeches)
    swarm.hold_at_zero(leeches)
    swarm.check_identified(weir, leeches)
    swarm.check_few_packets(sniffers)
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()
    net.make_bridge()
    swarm.start([router, seed])
    wait_for(lambda: seed.status()["nodes"] > 0, "the seed knows the DHT", 20)
    swarm.start(leeches)
    swarm.wait_complete(leeches, 60)
