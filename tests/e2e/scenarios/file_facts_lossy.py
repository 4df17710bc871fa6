# SPDX-License-Identifier: GPL-2.0-only
from harness import files
from harness.check import check, check_equal
from harness.scenario import scenario
from harness.services import fetch
from harness.torrent import sha256


@scenario("over a line that loses and reorders, files are told as they arrive", seconds=90)
def file_facts_lossy(lab):
    net, weir = files.begin(lab, lossy=True)
    line = net.line
    line.start()
    net.meet(net.c1, net.s1)
    line.stop()
    line.start(delay=2, loss=1, reorder=1, seed=5)
    page = net.s1.path("www", "page")
    for url, name in ((f"ftp://{net.s1.ip4}/page", "page"), (files.chunked(net, "page"), "told-page")):
        status, path = fetch(net.c1, url, "page", 40)
        check_equal((status, sha256(path)), (0, sha256(page)), f"curl, {url}")
        files.told(weir, name, page)
    check(line.stop()["a_b"]["lost"] > 5, "the line was bad")
    net.stop_hosts()
    weir.stop()
