#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
The demonstration behind `make demo`: two people share a film with real BitTorrent clients; weir looks
on, then stops them, while the web goes on. Everything lives in network namespaces of its own and
is gone at the end. Exit status 0 only if everything it tells was observed. HOLD=1 leaves it up.
"""
import os
import signal
import sys
import time

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))
from harness import swarm  # noqa: E402
from harness.check import Failure, Skip, check, hold_for, wait_for  # noqa: E402
from harness.clients import Aria2, QBittorrent, Transmission  # noqa: E402
from harness.lab import Lab  # noqa: E402
from harness.services import OpenTracker, Web, fetch, random_file  # noqa: E402
from harness.torrent import Torrent  # noqa: E402

PICTURE = """
    alice ───┐                            ┌─── outside
             ├── gateway (bridge br0) ────┤    a seed (transmission), a tracker (opentracker),
    bob ─────┘          weir              │    a web server (nginx)
"""
COLOUR = sys.stdout.isatty()


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def title(text):
    print("\n" + paint("1", text), flush=True)


def say(text):
    print("  " + text, flush=True)


def seen(text):
    """Something the demo promises, and has just observed."""
    say(f"{paint('32', '✓')} {text}")


def quote(command, text, most=9):
    """What a user would type, and what it prints."""
    say(paint("36", "$ " + command))
    lines = text.rstrip().splitlines()
    for line in lines[:most]:
        say("  " + line)
    if len(lines) > most:
        say(f"  ... ({len(lines) - most} more lines)")


class Demo:
    def __init__(self, lab):
        self.lab = lab
        lab.need("opentracker", "transmission-daemon", "aria2c", "qbittorrent-nox", "nginx", "curl")
        self.net = lab.net(lan=["alice", "bob"], wan=["outside"])
        outside = self.net.outside
        tracker = OpenTracker(outside)
        self.film = Torrent(lab.dir + "/film", "film.mkv", 24 << 20, tracker.url)
        self.tracker = tracker.start(self.film)
        self.web = Web(outside).start()
        random_file(outside, "page.html", 200_000)
        self.seed = Transmission(outside, self.film, seed=True, port=51413, upload=3_000_000)
        self.alice = Aria2(self.net.alice, self.film, port=6900)
        self.bob = QBittorrent(self.net.bob, self.film, port=6881)
        self.net.make_bridge()
        self.weir = lab.weir(self.net, swarm.MONITOR)

    def run(self):
        print(PICTURE, end="")
        self.without()
        self.watching()
        self.dropping()
        self.switched_off()

    def leave(self):
        """weir stops; the gateway must be as it was."""
        self.net.stop_hosts()
        self.weir.check_conservation()
        seen("every frame is accounted for: received = forwarded + dropped for a named reason")
        self.weir.stop()
        seen("weir has stopped, and the gateway is as it was before")

    def without(self):
        title("1. The gateway without weir: a plain Linux bridge")
        self.seed.start()
        wait_for(lambda: self.tracker.peers(self.film) == 1, "the tracker knows the seed", 15)
        started = time.monotonic()
        self.alice.start()
        self.alice.wait_complete(45)
        seen(f"alice downloads film.mkv (24 MB) with aria2 in {time.monotonic() - started:.0f} s")
        self.alice.stop()

    def watching(self):
        title("2. weir runs, and lets everything pass")
        self.weir.start()
        say(f"{self.weir_command('run', '-c', 'weir.yaml')}   with the policy: default: pass")
        self.alice.start()
        self.bob.start()
        for client in (self.alice, self.bob):
            wait_for(lambda: client.progress() > 0.2, f"{client.host.name} downloads", 40)
            wait_for(lambda: self.flows(client), f"{client.host.name}'s download is named", 10)
        seen("both downloads run, and weir says what they are:")
        quote("weir flows --app bittorrent", self.weir.must("flows", "--app", "bittorrent"))

    def dropping(self):
        title("3. A rule is loaded: { application: bittorrent, action: drop }")
        before = self.weir.dropped("verdict", "endpoint", "reconnection")
        self.weir.load(swarm.DROP)
        stopped = self.settled()
        check(min(stopped) < 1, f"a download was cut in the middle: {stopped}")
        shares = " and ".join(f"{share:.0%}" for share in stopped)
        seen(f"the running downloads stop, at {shares}")
        self.bob.restart()
        wait_for(lambda: self.weir.dropped("verdict", "endpoint", "reconnection") > before,
                 "drops are counted", 10)
        hold_for(lambda: self.bob.progress() == 0 and self.alice.progress() == stopped[0],
                 "no download moves", 6, 0.5)
        seen("bob starts his client anew: nothing moves for six seconds")
        self.load_pages()
        quote("weir top --once", self.weir.must("top", "--once"), 16)
        drops = {has["reason"]: int(value) for name, has, value in self.weir.metrics()
                 if name == "weir_dropped_frames_total" and value}
        say("frames dropped so far: " + ", ".join(f"{number} by {reason}"
                                                  for reason, number in sorted(drops.items())))

    def load_pages(self):
        for host, tls in ((self.net.alice, False), (self.net.bob, True)):
            started = time.monotonic()
            status, _ = fetch(host, self.web.url("page.html", tls=tls), "page.html", 10)
            check(status == 0, f"{host.name} loads a page")
            seen(f"{host.name} loads a page by {'https' if tls else 'http'} in "
                 f"{(time.monotonic() - started) * 1000:.0f} ms")

    def switched_off(self):
        title("4. The ports are switched off: the kernel's bridge alone")
        for host in self.net.hosts:
            self.weir.must("port", "disable", host.port)
        say(paint("36", "$ weir port disable alice; weir port disable bob; "
                        "weir port disable outside"))
        self.bob.restart()
        self.bob.wait_complete(60)
        seen("bob's download completes")
        for host in self.net.hosts:
            self.weir.must("port", "enable", host.port)

    def flows(self, client):
        return self.weir.flows("--app", "bittorrent", "--address", client.host.ip4)

    def settled(self):
        """Shares of the two downloads once they have stood still for two seconds."""
        clients = (self.alice, self.bob)
        last, since = None, time.monotonic()
        deadline = since + 10
        while time.monotonic() < deadline:
            now = [client.progress() for client in clients]
            if now != last:
                last, since = now, time.monotonic()
            elif time.monotonic() - since > 2:
                return now
            time.sleep(0.2)
        raise Failure(f"downloads still move ten seconds after the rule was loaded: {last}")

    def weir_command(self, *words):
        return paint("36", "$ weir " + " ".join(words))

    def hold(self):
        title("The network stays up until you press Ctrl-C. BitTorrent is being dropped. Try:")
        enter = f"nsenter --net=/run/netns/{self.net.gw.ns}"
        socket = f"--socket {self.weir.socket}"
        for verb in ("status", "top", "flows --app bittorrent", "events --follow"):
            say(f"{self.weir.binary} {verb} {socket}")
        say(f"{enter} bash                      # the gateway")
        for host in self.net.hosts:
            say(f"nsenter --net=/run/netns/{host.ns} bash    # {host.name}, {host.ip4}")
        say(f"curl http://{self.net.outside.ip4}/page.html   # from alice or bob")
        awaited = {signal.SIGINT, signal.SIGTERM}
        signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
        signal.sigwait(awaited)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, awaited)
        print()


def ended(*_):
    raise KeyboardInterrupt


def main():
    if os.geteuid() != 0:
        sys.exit("the demo needs root: it makes network namespaces and loads BPF programs")
    signal.signal(signal.SIGTERM, ended)
    hold = os.environ.get("HOLD") == "1"
    lab, status = Lab("tc"), 1
    try:
        demo = Demo(lab)
        demo.run()
        if hold:
            demo.hold()
        demo.leave()
        status = 0
    except (Failure, Skip) as reason:
        print(f"\n{paint('31', '✗')} {reason}\n\n{lab.logs(800)}")
    except KeyboardInterrupt:
        print("\nstopped")
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        failures = lab.close()
    for text in failures:
        print(f"while cleaning up:\n{text}")
    if status == 0 and not failures:
        title("All of it was observed, and nothing is left on this machine.")
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
