# SPDX-License-Identifier: GPL-2.0-only
from harness import swarm
from harness.check import check, check_equal
from harness.clients import LibTorrent
from harness.scenario import scenario
from harness.torrent import Torrent

GATEWAY = "10.77.0.1"
SEED_PORT = 7001


@scenario("a bridge that was there, with an address: weir leaves it and its own traffic alone",
          seconds=60)
def own_bridge(lab):
    net = lab.net(bridge="br0")
    net.ip(net.gw.ns, f"addr add {GATEWAY}/24 dev br0")
    shared = Torrent(lab.dir + "/shared", "shared.bin", 1 << 20)
    seed = LibTorrent(net.s1, shared, seed=True, port=SEED_PORT)
    peer = LibTorrent(net.c1, shared, port=7100, peers=[(net.s1.ip4, SEED_PORT)])
    weir = lab.weir(net, swarm.DROP).start()
    swarm.start([seed, peer])
    swarm.wait_blocked(weir, [peer])
    for host in net.hosts:
        out = host.must(["ping", "-c", "3", "-i", "0.1", "-W", "2", GATEWAY])
        check(" 0% packet loss" in out, f"{host.name} reaches the gateway: {out}")
    check_equal(peer.progress(), 0, "progress of the blocked client")
    check(weir.metric("weir_stack_frames_total", reason="local") >= 6, "local frames are counted")
    weir.stop()
    peer.wait_complete(30)
