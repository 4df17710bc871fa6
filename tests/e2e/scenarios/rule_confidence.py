# SPDX-License-Identifier: GPL-2.0-only
from harness.check import check, wait_for
from harness.clients import LibTorrent
from harness.scenario import scenario
from harness.torrent import Torrent

POLICY = """
rules:
  - {{ name: sure, application: bittorrent, confidence: {}, action: drop }}
default: pass
"""


@scenario("a rule that asks for confidence: plain BitTorrent is cut, an encrypted guess only where "
          "the rule asks for less", seconds=60)
def rule_confidence(lab):
    net = lab.net(lan=["c1", "c2"], wan=["s1"])
    shared = Torrent(lab.dir + "/shared", "shared.bin", 4 << 20)
    plain = LibTorrent(net.s1, shared, seed=True, port=7001)
    hidden = LibTorrent(net.s1, shared, seed=True, port=7002, encryption="require")
    cut = LibTorrent(net.c1, shared, port=7100, peers=[(net.s1.ip4, 7001)])
    guessed = LibTorrent(net.c2, shared, port=7100, encryption="require",
                         peers=[(net.s1.ip4, 7002)])
    weir = lab.weir(net, POLICY.format(90)).start()
    for client in (plain, hidden, cut, guessed):
        client.start()
    guessed.wait_complete(20)
    check(any(flow["app_proto"] == "bittorrent" and flow["method"] == "statistics"
              and flow["confidence"] < 90 and flow["rule"] == "default"
              for flow in weir.flows("--address", net.c2.ip4)), "the guess is shown as one")
    wait_for(lambda: weir.dropped("verdict", "reconnection") > 0, "plain BitTorrent is dropped", 15)
    check(cut.progress() == 0, "the plain client has nothing")
    cut.stop()
    before = weir.dropped("verdict", "reconnection", "endpoint")
    weir.load(POLICY.format(80))
    guessed.restart()
    wait_for(lambda: weir.dropped("verdict", "reconnection", "endpoint") > before,
             "the guess is dropped", 20)
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()
