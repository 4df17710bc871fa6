# SPDX-License-Identifier: GPL-2.0-only
import os
import signal
import time

from harness import swarm
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario
from harness.services import Web, fetch, random_file
from harness.torrent import sha256

SIZE, RATE = 72 << 20, 4 << 20


@scenario("the daemon killed, stopped, started again, detached: decided flows do not notice",
          seconds=110)
def failure(lab):
    lab.need("nginx", "curl")
    net = lab.net(lan=["c1", "c2"])
    web = Web(net.s1).start()
    random_file(net.s1, "page", 10_000)
    random_file(net.s1, "big", SIZE)
    weir = lab.weir(net, swarm.DROP).start()
    download = Download(net, web, weir)
    for on_failure in ("pass", "drop"):
        weir.load(f"on_failure: {on_failure}\n{swarm.DROP}")
        while_gone(weir, download, web, on_failure, signal.SIGSTOP)
        weir.process.signal(signal.SIGCONT)
        wait_for(lambda: page(net.c2, web, 2), "new flows pass after SIGCONT", 5)
    check(weir.dropped("failure") > 0, "the frames dropped meanwhile are counted as failure")
    known = Known(weir, download)
    while_gone(weir, download, web, "drop", signal.SIGKILL)
    weir.start(at_rest=False)
    known.check_kept(weir)
    download.check_complete()
    weir.baseline = weir.snapshot()
    check(page(net.c2, web, 2), "a new flow passes after the restart")
    weir.check_conservation()
    weir.stop()
    check(page(net.c1, web, 2) is False, "without weir's bridge nothing passes")
    weir.start()
    check(page(net.c1, web, 2), "with it a page loads")
    weir.kill()
    status, _, err = weir.detach()
    check_equal(status, 0, f"exit status of weir detach ({err.strip()})")
    weir.check_no_trace()


class Download:
    """A download under way, slow enough to last, decided before anything happens."""

    def __init__(self, net, web, weir):
        self.net, self.weir = net, weir
        self.target = net.c1.path("big")
        self.process = net.c1.spawn(["curl", "-sS", "--limit-rate", str(RATE), "-o", self.target,
                                     web.url("big")])
        self.source = net.s1.path("www", "big")
        wait_for(lambda: self.size() > RATE and self.flow(), "the download is decided", 10)

    def size(self):
        return os.path.getsize(self.target) if os.path.exists(self.target) else 0

    def flow(self):
        for flow in self.weir.flows("--address", self.net.c1.ip4):
            if 80 in (flow["src_port"], flow["dest_port"]) and flow["action"] == "pass":
                return flow
        return None

    def check_moves(self, when):
        before = self.size()
        wait_for(lambda: self.size() > before + (1 << 20), f"the download goes on {when}", 4)

    def check_complete(self):
        check_equal(self.process.wait(30), 0, "curl's exit status")
        check_equal(sha256(self.target), sha256(self.source), "the download")


class Known:
    """What a restart must keep."""

    def __init__(self, weir, download):
        self.download = download
        self.flow = download.flow()
        self.generation = weir.metric("weir_policy_generation")
        self.received = weir.counters()["rx"]

    def check_kept(self, weir):
        flow = self.download.flow()
        check(flow is not None, "the download's flow is still known")
        check_equal(flow["flow_id"], self.flow["flow_id"], "its id")
        check(weir.metric("weir_policy_generation") >= self.generation, "the generation goes on")
        for port, frames in weir.counters()["rx"].items():
            check(frames >= self.received[port], f"port {port} keeps its counters")


def page(client, web, seconds):
    """Whether a page loads over a new connection in the time given."""
    return fetch(client, web.url("page"), "page", seconds)[0] == 0


def take_away(weir, sig):
    """A signal takes effect when the last thread has been scheduled to obey it, not when sent."""
    weir.process.signal(sig)
    if sig == signal.SIGKILL:
        weir.process.popen.wait(5)
        return
    threads = f"/proc/{weir.process.pid}/task"

    def stopped():
        states = [open(f"{threads}/{thread}/stat").read().rpartition(")")[2].split()[0]
                  for thread in os.listdir(threads)]
        return set(states) == {"T"}
    wait_for(stopped, "every thread of weir has stopped", 5, 0.01)


def while_gone(weir, download, web, on_failure, sig):
    """Without a daemon: the download goes on; a new flow follows on_failure, within a second."""
    take_away(weir, sig)
    if on_failure == "pass":
        started = time.monotonic()
        wait_for(lambda: page(download.net.c2, web, 1), f"a new flow passes after {sig.name}", 1)
        took = time.monotonic() - started
        check(took < 2, f"a new flow took {took:.1f} s after {sig.name}")
    else:
        check(not page(download.net.c2, web, 1), f"a new flow is dropped after {sig.name}")
    download.check_moves(f"after {sig.name}")
