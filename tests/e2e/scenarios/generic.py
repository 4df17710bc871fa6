# SPDX-License-Identifier: GPL-2.0-only
from harness import swarm
from harness.check import check_equal
from harness.clients import LibTorrent
from harness.scenario import scenario
from harness.services import Web, fetch, random_file
from harness.torrent import Torrent, sha256

SEED_PORT = 7001


@scenario("generic XDP on request, and what auto chooses", hooks=("native",), seconds=60)
def generic(lab):
    lab.need("nginx", "curl")
    net = lab.net()
    web = Web(net.s1).start()
    big = random_file(net.s1, "big", 8 << 20)
    shared = Torrent(lab.dir + "/shared", "shared.bin", 1 << 20)
    seed = LibTorrent(net.s1, shared, seed=True, port=SEED_PORT)
    peer = LibTorrent(net.c1, shared, port=7100, peers=[(net.s1.ip4, SEED_PORT)])
    for hook, chosen in (("generic", "generic"), ("auto", "tc")):
        weir = lab.weir(net, swarm.DROP, hook=hook).start()
        check_equal({port["hook"] for port in weir.ports().values()}, {chosen}, f"hook for {hook}")
        status, path = fetch(net.c1, web.url("big"), "big")
        check_equal(status, 0, "curl's exit status")
        check_equal(sha256(path), sha256(big), "the download")
        swarm.start([seed, peer])
        swarm.wait_blocked(weir, [peer])
        swarm.hold_at_zero([peer], 1)
        seed.stop()
        peer.stop()
        weir.check_conservation()
        weir.stop()
