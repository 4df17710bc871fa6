# SPDX-License-Identifier: GPL-2.0-only
from harness import swarm
from harness.check import check, check_equal
from harness.clients import LibTorrent
from harness.scenario import scenario
from harness.services import Dns, Ssh, Web, fetch, random_file
from harness.torrent import Torrent, sha256

POLICY = """
rules:
  - { name: no-p2p, application: "category:p2p", action: drop }
default: pass
"""
SEED_PORT = 7001


@scenario("web, TLS, ssh and DNS are untouched by a drop of file sharing, also beside it",
          seconds=60)
def negative(lab):
    lab.need("nginx", "openssl", "curl", "/usr/sbin/sshd", "scp", "dnsmasq", "dig")
    net = lab.net(lan=["c1", "c2"], wan=["s1"])
    shared = Torrent(lab.dir + "/shared", "shared.bin", 1 << 20)
    web, ssh = Web(net.s1).start(), Ssh(net.s1).start(net.c1)
    dns = Dns(net.s1, net.s1.ip4).start()
    big = random_file(net.s1, "big", 64 << 20)
    weir = lab.weir(net, POLICY).start()
    use_services(net, web, ssh, dns, big)
    seed = LibTorrent(net.s1, shared, seed=True, port=SEED_PORT).start()
    peer = LibTorrent(net.c2, shared, port=7100, peers=[(net.s1.ip4, SEED_PORT)]).start()
    swarm.wait_blocked(weir, [peer])
    use_services(net, web, ssh, dns, big)
    check_equal(peer.progress(), 0, "progress of the blocked client")
    check(weir.metric("weir_application_flows_total", application="http") > 0, "http was named")
    check_nothing_else_dropped(weir)
    del seed
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()


def use_services(net, web, ssh, dns, big):
    client = net.c1
    for version, tls in ((4, False), (6, False), (4, True)):
        status, path = fetch(client, web.url("big", version, tls), "got")
        check_equal(status, 0, f"curl's exit status, IPv{version}, TLS {tls}")
        check_equal(sha256(path), sha256(big), f"the download, IPv{version}, TLS {tls}")
    check_equal(ssh.copy(client, client.path("got"), net.s1.path("copied"))[0], 0, "scp")
    check_equal(sha256(net.s1.path("copied")), sha256(big), "the file copied by scp")
    for version, tcp in ((4, False), (6, False), (4, True)):
        check_equal(dns.query(client, version, tcp), net.s1.ip4, f"DNS, IPv{version}, TCP {tcp}")


def check_nothing_else_dropped(weir):
    """Every dropped flow is BitTorrent's, and every drop has to do with one."""
    for flow in weir.flows():
        check(flow["action"] in ("pass", "undecided") or flow["app_proto"] == "bittorrent",
              f"dropped: {flow}")
    reasons = {has["reason"] for name, has, value in weir.metrics()
               if name == "weir_dropped_frames_total" and value > 0}
    judged, busy = {"verdict", "reconnection", "endpoint"}, {"handover", "overload"}
    check(reasons <= judged | busy, f"frames were dropped for {reasons}")
