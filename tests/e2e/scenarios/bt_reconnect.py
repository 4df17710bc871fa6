# SPDX-License-Identifier: GPL-2.0-only
from harness import swarm
from harness.check import check, check_equal, wait_for
from harness.clients import LibTorrent
from harness.scenario import scenario
from harness.services import Web, fetch, random_file
from harness.torrent import Torrent

SEED_PORT = 7001
METRIC = "weir_reconnection_drops_total"


@scenario("a blocked peer's new attempts die in the kernel at their first packet", seconds=60)
def bt_reconnect(lab):
    lab.need("nginx", "curl")
    net = lab.net()
    shared = Torrent(lab.dir + "/shared", "shared.bin", 1 << 20)
    seed = LibTorrent(net.s1, shared, seed=True, port=SEED_PORT)
    leech = LibTorrent(net.c1, shared, port=7100, peers=[(net.s1.ip4, SEED_PORT)])
    web = Web(net.s1).start()
    random_file(net.s1, "page", 100_000)
    weir = lab.weir(net, swarm.DROP).start()
    swarm.start([seed, leech])
    wait_for(lambda: weir.metric(METRIC) > 0, "a first retry is dropped", 20)
    punted, drops = weir.metric("weir_punted_frames_total"), weir.metric(METRIC)
    check(punted > 0, "the first attempt was inspected")
    wait_for(lambda: weir.metric(METRIC) >= drops + 5, "retries go on being dropped", 20)
    check_equal(weir.metric("weir_punted_frames_total"), punted, "frames punted meanwhile")
    ports = {event["src_port"] for event in weir.events("drop")
             if event["dest_port"] == SEED_PORT and event["src_ip"] == net.c1.ip4}
    check(len(ports) >= 2, f"retries came from new source ports: {ports}")
    check_equal(leech.progress(), 0, "progress")
    check_equal(fetch(net.c1, web.url("page"), "page")[0], 0,
                "curl's exit status for the same host's web server")
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()
