# SPDX-License-Identifier: GPL-2.0-only
import json
import os

from harness import proc
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario
from harness.services import Web, fetch
from harness.taps import Program, counts

POLICY = """
taps:
  t: { timeout: 500ms }
  mirror: { copy: true }
rules:
  - { name: web, application: http, action: pass, tap: %s }
default: pass
"""
PAGE = "<p>Hello, " + "world! The world is round.</p>\n" * 200


@scenario("the example programs: curl gets a page in which a text is replaced; a tap's frames are a capture", seconds=60)
def taps_examples(lab):
    lab.need("nginx", "curl")
    net = lab.net()
    weir = lab.weir(net, POLICY % "t").start()
    net.s1.write("www/page", PAGE)
    web = Web(net.s1).start()
    for text, other in (("world", "earth"), ("round", "an ellipsoid"), ("The world is round.", "")):
        rewritten(net, weir, web, text, other)
    fed(net, weir, web)
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()


def rewritten(net, weir, web, text, other):
    program = Program(weir, text, other, tool=lab_tool(weir, "rewrite"), waits=False).start()
    # Segments are full, so a longer text has no room in them: smaller ones.
    words = ["--limit-rate", "2M"]
    net.ip(net.s1.ns, f"route replace {net.c1.ip4} dev eth0 advmss 1000")
    net.ip(net.c1.ns, f"route replace {net.s1.ip4} dev eth0 advmss 1000")
    status, path = fetch(net.c1, web.url("page"), "page", 15, words=["-H", "Accept-Encoding: identity", "--http1.0", "--ignore-content-length", *words])
    with open(path) as file:
        got = file.read()
    left, wanted = got.count(text), PAGE.count(text)
    check(left < wanted / 4, f"{text!r} -> {other!r}: {left} of {wanted} are left (curl: {status})")
    print(f"{text!r} -> {other!r}: {left} of {wanted} left where segments end, {len(PAGE)} bytes became {len(got)}, curl {status}")
    if len(other) == len(text):
        check_equal((status, len(got)), (0, len(PAGE)), "curl's exit status, and bytes")
    program.stop()


def lab_tool(weir, name):
    return weir.lab.built(f"weir-tap-{name}")


def fed(net, weir, web):
    weir.load(POLICY % "mirror")
    capture = net.s1.path("capture.pcap")
    program = proc.Process(["sh", "-c", f"exec {lab_tool(weir, 'feed')} -s {weir.dir}/tap.sock mirror > {capture}"],
                           os.path.join(weir.dir, "feed.log"))
    weir.lab.on_close(lambda: program.signal(9))
    wait_for(lambda: weir.metric("weir_tap_connected", tap="mirror") == 1, "it serves", 3)
    check_equal(fetch(net.c1, web.url("page"), "page", 15)[0], 0, "curl's exit status")
    wait_for(lambda: counts(weir, "mirror")["given"] > 5, "frames are copied", 3)

    def read():
        # Not whole until the program has written out what it has.
        status, out, _ = proc.run([weir.binary, "classify", capture, "--json"], cwd=weir.lab.top)
        return [json.loads(flow) for flow in out.splitlines()] if status == 0 else []
    wait_for(lambda: any(flow["bytes"] > len(PAGE) for flow in read()), "the page is in the capture", 5)
    program.stop()
