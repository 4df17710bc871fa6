# SPDX-License-Identifier: GPL-2.0-only
from harness import swarm
from harness.clients import Aria2, LibTorrent, QBittorrent, RTorrent, Transmission
from harness.net import bracket
from harness.scenario import scenario
from harness.services import Tracker
from harness.torrent import Torrent

SEED_PORT, LEECH_PORT = 7001, 7100


@scenario("five clients, TCP and uTP, IPv4 and IPv6: blocked within 8 packets, complete without",
          seconds=120)
def bt_block(lab):
    lab.need("transmission-daemon", "aria2c", "qbittorrent-nox", "rtorrent", "curl", "nft")
    net = lab.net(lan=["c1", "c2", "c3", "c4", "c5"], wan=["s1"], side=True)
    seed, leeches = peers(lab, net)
    weir = lab.weir(net, swarm.DROP).start()
    sniffers = swarm.watch(net.hosts, SEED_PORT)
    swarm.start([seed] + leeches)
    swarm.wait_blocked(weir, leeches)
    swarm.hold_at_zero(leeches)
    swarm.check_identified(weir, leeches)
    swarm.check_few_packets(sniffers)
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()
    net.make_bridge()
    swarm.start([seed] + leeches)
    swarm.wait_complete(leeches)


def peers(lab, net):
    """The seed and five clients, who know it from a tracker that the gateway does not see."""
    v4 = Tracker(net.side, 6969, fixed=True, peers=[(net.s1.ip4, SEED_PORT)]).start()
    v6 = Tracker(net.side, 6970, fixed=True, peers=[(net.s1.ip6, SEED_PORT)]).start()
    data4 = Torrent(lab.dir + "/v4", "shared.bin", 2 << 20, v4.url)
    data6 = Torrent(lab.dir + "/v6", "shared.bin", 2 << 20, v6.url)
    listen = ",".join(bracket(net.s1.ip(version), SEED_PORT) for version in (4, 6))
    # The seed refuses MSE, so that aria2, which tries that first, has to speak plain.
    seed = LibTorrent(net.s1, data4, seed=True, port=SEED_PORT, utp="on", listen=listen)
    utp = {"port": LEECH_PORT, "utp": "only"}
    for host in (net.c3, net.c5):
        host.drop_output(f"tcp dport {SEED_PORT}")
    return seed, [
        Transmission(net.c1, data4, port=LEECH_PORT),
        Aria2(net.c2, data6, port=LEECH_PORT, version=6),
        QBittorrent(net.c3, data4, **utp),
        RTorrent(net.c4, data4, port=LEECH_PORT),
        LibTorrent(net.c5, data6, version=6, peers=[(net.s1.ip6, SEED_PORT)], **utp)]
