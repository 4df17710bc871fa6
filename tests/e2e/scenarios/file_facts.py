# SPDX-License-Identifier: GPL-2.0-only
from harness.check import check, check_equal
from harness.files import SIZE, begin, chunked, told
from harness.net import bracket
from harness.scenario import scenario
from harness.services import fetch
from harness.torrent import sha256

# What curl is told, and the way that its data connection goes then.
WAYS = [("passive", ["--disable-epsv"]), ("extended passive", []),
        ("active", ["--disable-eprt", "-P", "-"]), ("extended active", ["-P", "-"])]


@scenario("files over FTP and HTTP are told with their names, sizes and hashes", seconds=90)
def file_facts(lab):
    net, weir = begin(lab)
    ftp(net, weir)
    web(net, weir)
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()


def ftp(net, weir):
    page, up = net.s1.path("www", "page"), net.c1.path("www", "up")
    for address in (net.s1.ip4, net.s1.ip6):
        for way, words in WAYS:
            url = f"ftp://{bracket(address, 21)}/page"
            status, path = fetch(net.c1, url, "page", 20, words)
            check_equal(status, 0, f"curl, {way}, {url}")
            check_equal(sha256(path), sha256(page), f"the page, {way}, {url}")
            event, = told(weir, "page", page)
            check_equal((event["app_proto"], event["src_ip"]), ("ftp-data", address), f"the event, {way}")
            check(event["parent_id"], "the control connection")
    for way, words in WAYS:
        status, _ = fetch(net.c1, f"ftp://{net.s1.ip4}/", "none", 20, [*words, "-T", up])
        check_equal(status, 0, f"curl, {way}, upload")
        event, = told(weir, "up", up)
        check_equal(event["src_ip"], net.c1.ip4, "who has sent it")
    listed = len(weir.events("fileinfo"))
    check_equal(fetch(net.c1, f"ftp://{net.s1.ip4}/", "list", 20)[0], 0, "curl, a listing")
    check_equal(len(weir.events("fileinfo")), listed, "a listing is no file")


def web(net, weir):
    page, other, up = net.s1.path("www", "page"), net.s1.path("www", "other"), net.c1.path("www", "up")
    for version in (4, 6):
        status, _ = fetch(net.c1, net.s1.web.url("page", version), "page", 20)
        check_equal(status, 0, "curl")
        event, = told(weir, "page", page)
        check_equal((event["http"]["url"], event["http"]["status"]), ("/page", 200), "the transaction")
    # Several on one connection, in chunks.
    urls = [chunked(net, name) for name in ("page", "other", "page")]
    outputs = [word for name in ("1", "2") for word in ("-o", net.c1.path(name))]
    check_equal(fetch(net.c1, urls[2], "3", 20, [*outputs, *urls[:2]])[0], 0, "curl, three files")
    events = told(weir, "told-page", page, 2) + told(weir, "told-other", other)
    check_equal(len({event["flow_id"] for event in events}), 1, "connections")
    check_equal({event["fileinfo"]["tx_id"] for event in events}, {0, 1, 2}, "transactions")
    check_equal(fetch(net.c1, chunked(net, "up"), "none", 20, ["-T", up])[0], 0, "curl, PUT")
    event, = told(weir, "up", up)
    check_equal(event["src_ip"], net.c1.ip4, "who has sent it")
    # Given up in the middle.
    check_equal(fetch(net.c1, net.s1.web.url("slow/page"), "part", 2)[0], 28, "curl's time is over")
    event, = told(weir, "page", page, state="TRUNCATED")
    check(0 < event["fileinfo"]["size"] < SIZE and "sha256" not in event["fileinfo"], "half a file")
