# SPDX-License-Identifier: GPL-2.0-only
import os

from harness import streams
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario
from harness.taps import ANSWER, Connection, Program, counts, digest, tap_of

PORT = 8080
SIZE = 3_000_000
POLICY = """
workers: 2
taps:
  t: {{ timeout: 200ms, on_timeout: {timeout}, on_absent: {absent} }}
rules:
  - {{ name: web, to: [{to}], application: [http, bittorrent], action: pass, tap: t }}
default: pass
"""
QUERY = b"d1:ad2:id20:" + b"a" * 20 + b"e1:q4:ping1:t2:aa1:y1:qe"  # of the DHT of BitTorrent


def policy(net, timeout="pass", absent="pass"):
    return POLICY.format(to=net.s1.ip4, timeout=timeout, absent=absent)


@scenario("a tap's program passes, drops and changes frames, of the same length and another", seconds=120)
def taps(lab):
    net = lab.net(lan=("c1", "c2"), wan=("s1", "s2"))
    weir = lab.weir(net, policy(net)).start()
    data = os.urandom(SIZE)
    absent(net, weir, data)
    passes(net, weir, data)
    resized(net, weir, data)
    datagrams(net, weir)
    dropped(net, weir)
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()


def fetch(net, data, towards_client=True, client=None, server=None):
    with Connection(net, client or net.c1, server or net.s1, PORT) as link:
        return link.transfer(data, towards_client)


def absent(net, weir, data):
    check_equal(digest(fetch(net, data)), digest(data), "without a program it arrives as it was sent")
    check(counts(weir)["absent"] > 0, "frames without a program are counted")
    with Connection(net, net.c1, net.s1, PORT) as link:
        weir.load(policy(net, absent="drop"))
        link.near.settimeout(1)
        link.far.sendall(ANSWER)
        try:
            check_equal(link.near.recv(10), None, "what arrives without a program, on_absent: drop")
        except TimeoutError:
            pass
    check(weir.dropped("tap") > 0, "frames are dropped for the tap")
    weir.load(policy(net))


def passes(net, weir, data):
    program = Program(weir, "pass").start()
    check_equal(digest(fetch(net, ANSWER + data)), digest(ANSWER + data), "a download that a program passes")
    check_equal(digest(fetch(net, data, False)), digest(data), "an upload that a program passes")
    seen = counts(weir)
    check(seen["pass"] > 2 * SIZE / 1500, f"it answered: {seen}")
    check_equal((seen["timeout"], seen["late"], seen["unknown"], seen["dropped"] > 0), (0, 0, 0, True), "others")
    program.stop()


def resized(net, weir, data):
    for how, number in (("flip", 0), ("shrink", 3), ("grow", 5)):
        program = Program(weir, how, number).start()
        # Short segments, so that there is room to grow.
        small = data[:200_000]
        with Connection(net, net.c1, net.s1, PORT) as link:
            got = link.transfer(small, piece=700)
        seen = counts(weir)
        check(seen["change"] > 100, f"{how}: changed {seen}")
        check(seen["changed"] > 0, f"{how}: frames left changed")
        expected(how, number, small, got)
        program.stop()
        weir.load(policy(net))


def expected(how, number, sent, got):
    """Undoes what the program did, whatever the segments were."""
    if how == "flip":
        check_equal(len(got), len(sent), "bytes that arrive")
        changed = sum(a != b for a, b in zip(sent, got))
        check(changed > 100, f"{changed} bytes arrive changed")
        check(all(a == b or a ^ b == 1 for a, b in zip(sent, got)), "by one bit each")
    elif how == "grow":
        check((len(got) - len(sent)) % number == 0 and len(got) > len(sent), f"{len(got)} bytes of {len(sent)} arrive")
        check_equal(digest(unpad(got, sent, b"+" * number)), digest(sent), "what arrives, without the padding")
    else:
        check((len(sent) - len(got)) % number == 0 and len(got) < len(sent), f"{len(got)} bytes of {len(sent)} arrive")
        check(is_subsequence(got, sent, number), "in order")


def unpad(got, sent, pad):
    out, at = bytearray(), 0
    while at < len(got):
        if got[at:at + len(pad)] == pad and sent[len(out):len(out) + len(pad)] != pad:
            at += len(pad)
        out += got[at:at + 1]
        at += 1
    return out


def is_subsequence(got, sent, gap):
    at = 0
    for byte in range(len(got)):
        if at < len(sent) and got[byte] == sent[at] and got[byte:byte + 8] == sent[at:at + 8][:len(got) - byte]:
            at += 1
            continue
        if got[byte:byte + 8] == sent[at + gap:at + gap + 8]:
            at += gap + 1
            continue
        if at < len(sent) and got[byte] == sent[at]:
            at += 1
            continue
        return False
    return True


def datagrams(net, weir):
    for how, number, wanted in (("flip", 0, QUERY[:-1] + b"d"), ("grow", 4, b"++++" + QUERY), ("shrink", 2, QUERY[2:])):
        with streams.udp(net.c1, 4) as near, streams.udp(net.s1, 4, 5300) as far:
            far.settimeout(5)
            near.sendto(QUERY, far.getsockname())
            check_equal(far.recv(2000), QUERY, "the datagram that identifies its flow without a program")
            program = Program(weir, how, number).start()
            near.sendto(QUERY, far.getsockname())
            check_equal(far.recv(2000), wanted, f"datagram that a program changed ({how})")
            program.stop()


def dropped(net, weir):
    program = Program(weir, "drop").start()
    other = os.urandom(300_000)
    before = weir.dropped("tap")
    program.stop()
    with Connection(net, net.c1, net.s1, PORT) as link:
        program.start()
        link.far.sendall(ANSWER)
        check_equal(digest(fetch(net, other, client=net.c2, server=net.s2)), digest(other), "another flow meanwhile")
        link.near.settimeout(0.5)
        try:
            check_equal(link.near.recv(10), None, "what arrives of a flow that a program drops")
        except TimeoutError:
            pass
    check(weir.dropped("tap") > before, "frames are dropped for the tap")
    check(weir.metric("weir_tap_answers_total", tap="t", answer="drop") > 0, "and told by the metric")
    program.stop()
    check_equal(tap_of(weir)["waiting"], 0, "frames that wait")
    wait_for(lambda: weir.metric("weir_parked_frames", reason="tap") == 0, "nothing is parked", 2)
