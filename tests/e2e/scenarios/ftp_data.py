# SPDX-License-Identifier: GPL-2.0-only
import os
import sys

from harness import streams, swarm
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario
from harness.services import fetch, random_file
from harness.torrent import sha256

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "ftp.py")
NO_DATA = """
rules:
  - { name: no-data, application: ftp-data, action: drop }
default: pass
"""
# What curl is told, and the way that its data connection goes then.
WAYS = [("passive", ["--disable-epsv"]), ("extended passive", []),
        ("active", ["--disable-eprt", "-P", "-"]), ("extended active", ["-P", "-"])]


@scenario("FTP's data connections are known before their first byte, whoever makes them",
          seconds=60)
def ftp_data(lab):
    lab.need("curl")
    net = lab.net(lan=["c1"], wan=["s1", "s2"])
    page = random_file(net.s1, "page", 300_000)
    for address in (net.s1.ip4, net.s1.ip6):
        serve(net.s1, address, page)
    serve(net.s2, net.s2.ip4, page, "--tell", "192.0.2.77")
    weir = lab.weir(net, swarm.MONITOR).start()
    for url in (f"ftp://{net.s1.ip4}/page", f"ftp://[{net.s1.ip6}]/page"):
        for name, words in WAYS:
            status, path = fetch(net.c1, url, "page", 10, words)
            check_equal(status, 0, f"curl, {name}, {url}")
            check_equal(sha256(path), sha256(page), f"the page, {name}, {url}")
    check_equal(fetch(net.c1, f"ftp://{net.s2.ip4}/page", "page", 10, ["--disable-epsv"])[0], 0,
                "curl, behind address translation")
    flows = [flow for flow in weir.flows() if flow["app_proto"] == "ftp-data"]
    check_equal(len(flows), 9, "data connections known")
    check_equal({flow["method"] for flow in flows}, {"endpoint"}, "how they were known")
    wait_for(lambda: weir.metric("weir_slowpath_events_total", event="expectation_refused") == 1,
             "the address of another host is counted as refused", 5)
    weir.load(NO_DATA)
    for name, words in WAYS:
        status, _ = fetch(net.c1, f"ftp://{net.s1.ip4}/page", "none", 3, words)
        check(status != 0, f"curl got the page although data are dropped, {name}")
    # The same port of a server that nobody was told of.
    port = next(flow["dest_port"] for flow in flows if flow["dest_ip"] == net.s1.ip4)
    near, far = streams.pair(net.c1, net.s2, 4, port)
    with near, far:
        streams.exchange(near, far, 4, 100)
    without_module(weir, net, page)
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()


def without_module(weir, net, page):
    """FTP is still FTP, and nobody hears any more where its data go."""
    weir.load("modules: { disable: [ftp] }\n" + NO_DATA)
    off = [module["name"] for module in weir.json("modules")["modules"] if not module["enabled"]]
    check_equal(off, ["ftp"], "modules that are disabled")
    status, path = fetch(net.c1, f"ftp://{net.s1.ip4}/page", "page", 10)
    check_equal(status, 0, "curl, with the module disabled")
    check_equal(sha256(path), sha256(page), "the page, with the module disabled")


def serve(host, address, page, *words):
    process = host.spawn([sys.executable, TOOL, address, os.path.dirname(page), *words],
                         log=f"ftp-{len(host.processes)}")
    process.wait_log("ready")
