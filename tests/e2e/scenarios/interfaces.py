# SPDX-License-Identifier: GPL-2.0-only
import json
import os

from harness import swarm
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario
from harness.services import Web, fetch, random_file
from harness.torrent import sha256

SIZE, RATE = 24 << 20, 3 << 20


@scenario("an interface vanishes, returns, is renamed, unplugged, taken out of its bridge: the "
          "other ports do not notice, and status says what is wrong", seconds=90)
def interfaces(lab):
    lab.need("nginx", "curl")
    net = lab.net(lan=["c1", "c2"], bridge="br0")
    web = Web(net.s1).start()
    random_file(net.s1, "page", 10_000)
    random_file(net.s1, "big", SIZE)
    weir = lab.weir(net, swarm.DROP).start()
    port = Port(net, weir, web)
    port.check_serves("at first")
    target = net.c2.path("big")
    other = net.c2.spawn(["curl", "-sS", "--limit-rate", str(RATE), "-o", target, web.url("big")])
    wait_for(lambda: os.path.exists(target) and os.path.getsize(target) > RATE,
             "the download behind the other port is under way", 10)

    port.do("link del vc1")
    port.wait_reason("interface vc1 is gone", attached=False)
    net.connect(net.c1)
    port.wait_reason(None)
    check_equal(port.master(), "br0", "the bridge of the returned interface")
    port.check_serves("after the return")

    port.do("link set vc1 nomaster")
    port.wait_reason("not in bridge br0")
    check(not port.serves(1), "weir does not forward what the bridge would not")
    port.do("link set vc1 master br0")
    port.wait_reason(None)
    port.check_serves("back in the bridge")

    port.do("link set vc1 down")
    port.wait_reason("is down")
    port.do("link set vc1 up")
    port.wait_reason(None)
    net.ip(net.c1.ns, "link set eth0 down")
    port.wait_reason("no carrier")
    net.ip(net.c1.ns, "link set eth0 up")
    port.wait_reason(None)
    port.check_serves("plugged in again")

    weir.must("port", "disable", "c1")
    port.do("link set vc1 down")
    port.do("link set vc1 name elsewhere")
    port.wait_reason("interface vc1 is gone", attached=False)
    check_equal(port.master("elsewhere"), None, "the bridge of an interface that is not a port")
    port.do("link set elsewhere name vc1")
    port.do("link set vc1 up")
    port.wait_reason("disabled")
    weir.must("port", "enable", "c1")
    port.wait_reason(None)
    port.check_serves("under its own name")

    if lab.hook == "tc":
        strip(port, weir)
    check_equal(other.wait(30), 0, "exit status of the download behind the other port")
    check_equal(sha256(target), sha256(net.s1.path("www", "big")), "what it downloaded")
    net.stop_hosts()
    wait_for(lambda: not any(p["in_flight"] for p in weir.status()["ports"]),
             "every frame that was handed up has an end", 5)
    weir.stop(trace=False)
    check_equal(port.master(), None, "the bridge of the interface that came without one")
    for path in (weir.pins, weir.changes, weir.socket):
        check(not os.path.exists(path), f"weir left {path}")
    check_equal([link for link in net.ip(net.gw.ns, "-br link").split() if "weir" in link], [],
                "punt pairs that are left")


def strip(port, weir):
    """What belongs to a TC port besides its interface is taken away."""
    pair = f"weir{1 + [p['name'] for p in weir.status()['ports']].index('c1')}"
    port.do(f"link set {pair}n down")
    wait_for(lambda: "UP" in port.flags(f"{pair}n"), "the near end of the pair is up again", 5)
    port.check_serves("with the pair up again")
    port.do(f"link del {pair}f")
    wait_for(lambda: "UP" in port.flags(f"{pair}n"), "there is a pair again", 5)
    port.wait_reason(None)
    port.check_serves("over a new pair")
    port.net.gw.must(["tc", "qdisc", "del", "dev", "vc1", "clsact"])
    port.wait_reason("somebody took weir's program off")
    check(port.serves(2), "without its program the kernel forwards")
    weir.must("port", "enable", "c1")
    port.wait_reason(None)
    port.check_serves("with the program back")


class Port:
    """c1's port and what happens to its interface."""

    def __init__(self, net, weir, web):
        self.net, self.weir, self.web = net, weir, web

    def do(self, words):
        self.net.ip(self.net.gw.ns, words)

    def master(self, interface="vc1"):
        words = self.net.ip(self.net.gw.ns, f"-o link show {interface}").split()
        return words[words.index("master") + 1] if "master" in words else None

    def flags(self, interface):
        """Of an interface, none when there is no such."""
        status, out, _ = self.net.gw.run(["ip", "-j", "link", "show", interface])
        return json.loads(out)[0]["flags"] if status == 0 else []

    def wait_reason(self, text, attached=True):
        """Until status gives text as the reason for c1's port, or none, and the port is (not) attached."""
        def told():
            status = self.weir.status()
            port = next(p for p in status["ports"] if p["name"] == "c1")
            reasons = [line for line in status["degraded"] if line.startswith("port c1: ")]
            if port["attached"] != attached:
                return None
            if text is None:
                return not reasons
            return len(reasons) == 1 and text in reasons[0]
        wait_for(told, f"status says of port c1: {text}", 8)

    def serves(self, seconds):
        return fetch(self.net.c1, self.web.url("page"), "page", seconds)[0] == 0

    def check_serves(self, when):
        """A page loads, and its frames take the fast path both ways."""
        wait_for(lambda: self.serves(2), f"a page loads {when}", 8)
        before = self.weir.ports()["c1"]["redirected"]
        check(self.serves(5), f"another page loads {when}")
        check(self.weir.ports()["c1"]["redirected"] > before, f"redirects from port c1 {when}")
