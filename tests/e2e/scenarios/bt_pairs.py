# SPDX-License-Identifier: GPL-2.0-only
from harness.pairs import Pairs
from harness.scenario import scenario


@scenario("encryption required, peers told aside: pairs of clients are named within 8 packets, blocked "
          "by a drop, complete without", seconds=180)
def bt_pairs(lab):
    lab.need("transmission-daemon", "aria2c", "qbittorrent-nox", "rtorrent", "curl", "nft")
    Pairs(lab, ["qbittorrent", "rtorrent"], ["transmission", "aria2"]).run()
