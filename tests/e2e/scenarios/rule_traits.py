# SPDX-License-Identifier: GPL-2.0-only
import os

from harness.check import check, check_equal, wait_for
from harness.scenario import scenario
from harness.services import Web, fetch, random_file

NAME, OTHER = "www.example.org", "www.example.net"
NOTHING = "default: pass"
BY_NAME = """
rules:
  - { name: no-example, hostname: "*.example.org", action: drop }
default: pass
"""
BY_PORT = """
rules:
  - { name: no-web, port: 80, proto: tcp, direction: %s, action: drop }
default: pass
"""
ALONE = """
rules:
  - { name: allowed, hostname: "*.example.net", action: pass }
  - { name: no-tls, port: 443, action: drop }
default: pass
"""
MORE = """
rules:
  - { name: one-more, hostname: [nobody.test, "*.nowhere.test"], port: 443, action: drop }
  - { name: no-example, hostname: "*.example.org", action: drop }
default: pass
"""


@scenario("rules by port and by host name: new connections, and downloads that run when the rule is loaded",
          seconds=90)
def rule_traits(lab):
    lab.need("nginx", "curl", "openssl")
    net = lab.net(lan=["c1", "c2"], wan=["s1"])
    web = Web(net.s1).start()
    random_file(net.s1, "large", 40 << 20)
    random_file(net.s1, "small", 1000)
    weir = lab.weir(net, NOTHING).start()
    names(net, weir)
    ports(net, weir, web)
    weir.check_conservation()
    weir.stop()


class Download:
    """curl that takes a second for each 400 kB, and gives up after four without any."""

    def __init__(self, client, name, url, words=()):
        self.path = client.path(name)
        self.curl = client.spawn(["curl", "-sSk", "-y", "4", "-Y", "1",
                                  "-o", self.path, *words, url], log=name)

    def size(self):
        return os.path.getsize(self.path) if os.path.exists(self.path) else 0

    def grows(self, seconds=5):
        before = self.size()
        wait_for(lambda: self.size() > before + 200000, f"{self.path} grows", seconds)

    def ends(self):
        """Of itself, for nothing comes any more."""
        check_equal(self.curl.popen.wait(15), 28, "curl's exit status (28: too slow)")


def tls(net, client, name, path, file):
    return fetch(client, f"https://{name}/{path}", file, seconds=4,
                 words=["--resolve", f"{name}:443:{net.s1.ip4}"])[0]


def running(net, client, name, file):
    download = Download(client, file, f"https://{name}/slow/large",
                        ["--resolve", f"{name}:443:{net.s1.ip4}"])
    download.grows()
    return download


def named(weir, name):
    wait_for(lambda: any(flow["hostname"] == name and flow["decision"] == "decided"
                         for flow in weir.flows()), f"a decided flow to {name}", 5)


def names(net, weir):
    check_equal(tls(net, net.c1, NAME, "small", "before"), 0, "curl before the rule")
    cut, kept = running(net, net.c1, NAME, "cut"), running(net, net.c2, OTHER, "kept")
    for name in (NAME, OTHER):
        named(weir, name)
    before = weir.dropped("verdict")
    weir.load(BY_NAME)
    cut.ends()
    check(weir.dropped("verdict") > before, "its segments were dropped")
    kept.grows()
    check(tls(net, net.c1, NAME, "small", "after") != 0, "no new connection to the name")
    check_equal(tls(net, net.c1, OTHER, "small", "other"), 0, "curl to another name")
    # A condition keeps its number when others come before it.
    weir.load(MORE)
    kept.grows()
    check(tls(net, net.c1, NAME, "small", "again") != 0, "nor after another reload")
    check(any((flow["rule"], flow["action"]) == ("no-example", "drop") for flow in weir.flows()
              if flow["hostname"] == NAME), "its flow shows the rule")
    # What is allowed by its name is not dropped before the name is known.
    weir.load(ALONE)
    kept.grows()
    check_equal(tls(net, net.c1, OTHER, "small", "allowed"), 0, "curl to the name that is allowed")
    check(tls(net, net.c1, NAME, "small", "else") != 0, "no connection to any other")
    weir.load(NOTHING)
    check_equal(tls(net, net.c1, NAME, "small", "released"), 0, "curl without the rule")
    kept.curl.signal(15)
    kept.curl.popen.wait(5)


def ports(net, weir, web):
    client = net.c1
    cut = Download(client, "plain", web.url("slow/large"))
    cut.grows()
    weir.load(BY_PORT % net.s1.port)
    cut.grows()
    weir.load(BY_PORT % client.port)
    cut.ends()
    check(fetch(client, web.url("small"), "new", seconds=4)[0] != 0, "no new connection to port 80")
    check_equal(fetch(client, web.url("small", tls=True), "tls", seconds=4)[0], 0, "port 443")
    check_equal(fetch(net.c2, web.url("small"), "beside", seconds=4)[0], 0,
                "port 80 from another port of the bridge")
    weir.load(NOTHING)
    check_equal(fetch(client, web.url("small"), "free", seconds=8)[0], 0, "port 80 without the rule")
