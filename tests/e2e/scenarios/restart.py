# SPDX-License-Identifier: GPL-2.0-only
import os
import signal

from harness import swarm
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario
from harness.services import Web, random_file

SIZE, RATE = 192 << 20, 4 << 20  # more than the scenario has time for


@scenario("started, stopped, killed and started again under a download over a bridge of others: no "
          "connection is cut, nothing is left", seconds=90)
def restart(lab):
    lab.need("nginx", "curl")
    net = lab.net(bridge="br0")
    web = Web(net.s1).start()
    random_file(net.s1, "big", SIZE)
    weir = lab.weir(net, swarm.DROP)
    download = Download(net, web)
    weir.start(at_rest=False)
    download.check_moves("when weir was started")
    weir.stop()
    download.check_moves("when weir was stopped")
    weir.start(at_rest=False)
    weir.kill()
    download.check_moves("when weir was killed")
    weir.start(at_rest=False)
    check(weir.status()["adopted"], "the pinned gate is adopted")
    download.check_moves("when weir was started again")
    refuse_reloads(weir)
    download.check_moves("after refused reloads")
    accept_reload(weir)
    download.check_moves("after a reload that changes only what may change")
    weir.stop()
    download.check_moves("when weir was stopped again")
    download.check_sound()


def refuse_reloads(weir):
    """A policy that does not fit the running one changes nothing."""
    before = weir.json("policy", "show")
    with open(weir.policy) as file:
        running = file.read()
    for change, expected in ((("hook: " + weir.hook, "hook: generic"), "restart weir"),
                             (("br0", "br7"), "`forward` is not the running one"),
                             (("version: 1\n", "version: 1\nrings: { frames: 256 }\n"),
                              "weir.yaml:2:10: `rings: frames` is not the running one; restart weir to change it"),
                             (("default: pass", "default: perhaps"), "weir.yaml")):
        check(change[0] in running, f"the policy has {change[0]!r}")
        path = os.path.join(weir.dir, "other", "weir.yaml")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(running.replace(*change))
        status, _, err = weir.cli("policy", "load", path)
        check_equal(status, 1, f"exit status of loading a policy with {change[1]!r}")
        check(expected in err, f"{err!r} says {expected!r}")
    after = weir.json("policy", "show")
    for key in ("path", "generation", "rules"):
        check_equal(after[key], before[key], f"{key} of the policy after refused reloads")


def accept_reload(weir):
    """Sections that are live are taken."""
    before = weir.json("policy", "show")["generation"]
    with open(weir.policy) as file:
        running = file.read()
    path = os.path.join(weir.dir, "live.yaml")
    with open(path, "w") as file:
        file.write(running.replace("version: 1\n", "version: 1\nlearned: { endpoints: 5m }\n"
                                   "on_overload: drop\n"))
    check_equal(weir.cli("policy", "load", path)[0], 0, "exit status of loading live changes")
    after = weir.json("policy", "show")
    check(after["generation"] > before, "the policy is another one")
    check_equal(after["on_overload"], "drop", "on_overload after the load")


class Download:
    """A download under way, slow enough to last."""

    def __init__(self, net, web):
        self.target, self.source = net.c1.path("big"), net.s1.path("www", "big")
        self.process = net.c1.spawn(["curl", "-sS", "--limit-rate", str(RATE), "-o", self.target,
                                     web.url("big")])
        wait_for(lambda: self.size() > 1 << 20, "the download is under way", 10)

    def size(self):
        return os.path.getsize(self.target) if os.path.exists(self.target) else 0

    def check_moves(self, when):
        """As far as the hosts' buffers alone would not bring it; curl keeps its rate by the second."""
        before = self.size()
        wait_for(lambda: self.size() > before + RATE, f"the download goes on {when}", 4)

    def check_sound(self):
        check(self.process.running(), "curl is still at it")
        self.process.signal(signal.SIGKILL)
        self.process.popen.wait(5)
        with open(self.target, "rb") as target, open(self.source, "rb") as source:
            check(target.read() == source.read(self.size()), "what came is what was sent")
