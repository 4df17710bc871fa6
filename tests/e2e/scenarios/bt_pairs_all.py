# SPDX-License-Identifier: GPL-2.0-only
from harness.check import Failure
from harness.lab import Lab
from harness.pairs import Pairs
from harness.scenario import scenario

ALL = ["transmission", "qbittorrent", "rtorrent", "aria2"]
UTP = ["transmission", "qbittorrent"]
UTP6 = ["qbittorrent"]  # transmission 3.00 has uTP over IPv4 alone
LOCAL = ["transmission", "qbittorrent", "aria2"]
# How the seed is found, datagrams alone, IP's version, seeds, who downloads.
MATRIX = [
    ("aside", False, 4, ALL, ALL),
    ("aside", False, 6, ALL, ALL),
    ("aside", True, 4, UTP, UTP),
    ("aside", True, 6, UTP6, UTP6),
    ("tracker", False, 4, ALL, ALL),
    ("tracker", True, 4, UTP, UTP),
    ("told", False, 4, ALL, ["qbittorrent"]),
    ("local", False, 4, LOCAL, LOCAL),
    ("dht", False, 4, ["qbittorrent"], ["aria2"]),
]


@scenario("every pair of clients with encryption required, TCP and uTP, IPv4 and IPv6, with and without a "
          "tracker", hooks=("native",), seconds=1200, long=True)
def bt_pairs_all(lab):
    lab.need("transmission-daemon", "aria2c", "qbittorrent-nox", "rtorrent", "curl", "nft")
    failures = []
    for how, utp, version, seeds, leeches in MATRIX:
        part = Lab(lab.hook)
        print(f"-- {how}, {'uTP' if utp else 'TCP'}, IPv{version}", flush=True)
        try:
            Pairs(part, seeds, leeches, how, utp, version).run()
        except Failure as failure:
            failures.append(f"{how}, {'uTP' if utp else 'TCP'}, IPv{version}: {failure}\n{part.logs(500)}")
        finally:
            part.close()
    if failures:
        raise Failure("\n".join(failures))
