# SPDX-License-Identifier: GPL-2.0-only
from harness import swarm
from harness.check import check_equal
from harness.clients import LibTorrent
from harness.scenario import scenario
from harness.torrent import Torrent

SEED_PORT = 7001


@scenario("a port switched off at run time is the kernel's alone; switched on, weir's again",
          seconds=60)
def ports(lab):
    net = lab.net()
    shared = Torrent(lab.dir + "/shared", "shared.bin", 4 << 20)
    seed = LibTorrent(net.s1, shared, seed=True, port=SEED_PORT)
    peer = LibTorrent(net.c1, shared, port=7100, peers=[(net.s1.ip4, SEED_PORT)])
    weir = lab.weir(net, swarm.DROP).start()
    swarm.start([seed, peer])
    swarm.wait_blocked(weir, [peer])
    swarm.hold_at_zero([peer], 2)
    for host in net.hosts:
        weir.must("port", "disable", host.port)
        check_equal(weir.ports()[host.port]["enabled"], False, f"port {host.port} enabled")
    peer.wait_complete(30)
    for host in net.hosts:
        weir.must("port", "enable", host.port)
        check_equal(weir.ports()[host.port]["enabled"], True, f"port {host.port} enabled")
    before = swarm.dropped_on(weir, net.c1, "verdict", "reconnection")
    peer.restart()
    swarm.wait_blocked(weir, [peer], before + 2)
    swarm.hold_at_zero([peer], 2)
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()
