# SPDX-License-Identifier: GPL-2.0-only
import os
import signal
import threading
import time

from harness import proc
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario
from harness.taps import ANSWER, Connection, Program, counts, digest, tap_of

PORT = 8080
POLICY = """
workers: 1
taps:
  t: {{ timeout: 50ms, on_timeout: {timeout}, on_absent: {absent}, ring: 64KiB }}
  nobodys: {{ user: nobody }}
rules:
  - {{ name: web, to: [{to}], application: http, action: pass, tap: t }}
default: pass
"""


@scenario("a tap's program is killed, stopped, slow, or answers nonsense: its own flows follow the policy, others go on",
          seconds=180)
def taps_hostile(lab):
    net = lab.net(lan=("c1", "c2"), wan=("s1", "s2"))
    weir = lab.weir(net, policy(net)).start()
    data = os.urandom(400_000)
    beside = Beside(net).start()
    for how in (("pass",), ("slow", 2), ("twice",), ("strange",), ("idle",), ("broken",), ("drown",)):
        served_by(net, weir, data, how)
    late(weir)
    killed(net, weir, data)
    stopped(net, weir, data)
    closed(net, weir)
    not_allowed(net, weir)
    beside.check()
    wait_for(lambda: weir.metric("weir_parked_frames", reason="tap") == 0, "nothing is parked", 3)
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()


def policy(net, timeout="pass", absent="pass"):
    return POLICY.format(to=net.s1.ip4, timeout=timeout, absent=absent)


class Beside(threading.Thread):
    """A connection that no tap is for, all the while: how long its messages take at most."""

    def __init__(self, net):
        super().__init__(daemon=True)
        self.link = Connection(net, net.c2, net.s2, PORT)
        self.over, self.slowest, self.count, self.failure = threading.Event(), 0.0, 0, None

    def run(self):
        self.link.near.settimeout(5)
        try:
            while not self.over.is_set():
                started = time.monotonic()
                self.link.far.sendall(b"x" * 1000)
                got = 0
                while got < 1000:
                    got += len(self.link.near.recv(1000 - got))
                self.slowest = max(self.slowest, time.monotonic() - started)
                self.count += 1
                time.sleep(0.005)
        except OSError as error:
            self.failure = error

    def start(self):
        super().start()
        return self

    def check(self):
        self.over.set()
        self.join(10)
        print(f"beside: {self.count} messages, the slowest took {self.slowest * 1000:.1f} ms")
        check_equal(self.failure, None, "errors of the connection beside")
        check(self.count > 200 and self.slowest < 0.5, f"{self.count} messages, the slowest took {self.slowest:.3f} s")


def download(net, data):
    with Connection(net, net.c1, net.s1, PORT) as link:
        return link.transfer(ANSWER + data)


def served_by(net, weir, data, how):
    program = Program(weir, *how).start()
    started = time.monotonic()
    check_equal(digest(download(net, data)), digest(ANSWER + data), f"a download while the program is {how}")
    took = time.monotonic() - started
    print(f"{how}: {took:.2f} s, {({k: v for k, v in counts(weir).items() if v})}")
    check(took < 10, f"{how}: the download took {took:.1f} s")
    if how[0] in ("broken", "drown"):
        wait_for(lambda: tap_of(weir)["client"] is None, "it is disconnected", 2)
    program.stop()


def late(weir):
    seen = counts(weir)
    for name in ("timeout", "silent", "late", "unknown"):
        check(seen[name] > 0, f"{name} is counted: {seen}")
    check_equal(seen["dropped"], 0, "frames dropped by answers that did not count")


def killed(net, weir, data):
    """In the middle of a download, again and again."""
    result = {}
    with Connection(net, net.c1, net.s1, PORT) as link:
        thread = threading.Thread(target=lambda: result.update(got=link.transfer(ANSWER + data * 20)))
        thread.start()
        while thread.is_alive():
            program = Program(weir, "pass").start()
            program.stop(signal.SIGKILL)
        thread.join()
    check_equal(digest(result.get("got", b"")), digest(ANSWER + data * 20), "a download while programs are killed")


def stopped(net, weir, data):
    program = Program(weir, "pass").start()
    with Connection(net, net.c1, net.s1, PORT) as link:
        program.process.signal(signal.SIGSTOP)
        started = time.monotonic()
        check_equal(digest(link.transfer(ANSWER + data)), digest(ANSWER + data), "a download while the program is stopped")
        check(time.monotonic() - started < 5, f"it took {time.monotonic() - started:.1f} s")
    program.process.signal(signal.SIGCONT)
    before = counts(weir)["pass"]

    def asked():
        download(net, data)
        return counts(weir)["pass"] - before > 20
    wait_for(asked, "when it goes on it is asked again", 5)
    program.stop()


def closed(net, weir):
    """The same programs, where the policy says that nothing passes without an answer."""
    for how, key in ((("idle",), "timeout"), (None, "absent")):
        weir.load(policy(net))
        with Connection(net, net.c1, net.s1, PORT) as link:
            weir.load(policy(net, timeout="drop", absent="drop"))
            program = Program(weir, *how).start() if how else None
            before, dropped = counts(weir)[key], weir.dropped("tap")
            link.near.settimeout(1)
            link.far.sendall(ANSWER)
            try:
                check_equal(link.near.recv(10), None, f"what arrives without an answer ({key}: drop)")
            except TimeoutError:
                pass
            check(counts(weir)[key] > before and weir.dropped("tap") > dropped, f"dropped, and counted as {key}")
            if program:
                program.stop()
    weir.load(policy(net))


def not_allowed(net, weir):
    """Whom the policy does not name; and another one while there is one."""
    program = Program(weir, "pass").start()
    for tap, user, wanted in (("t", 65534, "not for this user"), ("t", None, "has a program already"), ("none", None, "no such tap")):
        other = Program(weir, "pass", user=user)
        status, _, err = proc.run([*other.prefix, other.tool, other.socket, tap, "pass"])
        check(status == 1 and wanted in err, f"refused with `{wanted}`: {status} {err}")
    program.stop()
    allowed = Program(weir, "pass", user="nobody").start("nobodys")
    allowed.stop(tap="nobodys")
