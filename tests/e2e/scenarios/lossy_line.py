# SPDX-License-Identifier: GPL-2.0-only
from harness.check import check, check_equal, wait_for
from harness.line import Line
from harness.scenario import scenario
from harness.segments import reassembly, waiting
from harness.services import Web, fetch, random_file
from harness.torrent import sha256

SIZE = 3_000_000
POLICY = """
reassembly: { fast_pass: %s, hold: 500ms, follow: all, flow: 1MiB }
default: pass
"""


@scenario("over a line that loses and reorders, downloads that are read to their end arrive whole, with fast "
          "pass and without", seconds=90)
def lossy_line(lab):
    lab.need("nginx", "curl")
    net = lab.net(wire=True)
    line = Line(lab, net, net.s1)
    weir = lab.weir(net, POLICY % "false").start()
    web = Web(net.s1).start()
    random_file(net.s1, "page", SIZE)
    expected = sha256(net.s1.path("www", "page"))
    # What can be under way fits the reassembly, so that every repetition can be compared.
    net.c1.must(["sysctl", "-qw", "net.ipv4.tcp_rmem=4096 65536 131072"])
    line.start()
    net.meet(net.c1, net.s1)
    line.stop()
    line.start(delay=2, loss=2, reorder=1, seed=7)
    for fast_pass, counted, idle in (("false", "tcp-held", "tcp-fast-passed"),
                                     ("true", "tcp-fast-passed", "tcp-held")):
        weir.load(POLICY % fast_pass)
        before = reassembly(weir, counted), reassembly(weir, idle)
        status, path = fetch(net.c1, web.url("page"), "page", 60)
        check_equal((status, sha256(path)), (0, expected), f"the page, fast_pass: {fast_pass}")
        check(reassembly(weir, counted) > before[0], f"{counted} counts")
        check_equal(reassembly(weir, idle), before[1], f"{idle} counts")
    wait_for(lambda: waiting(weir) == 0, "nothing waits", 5)
    wait_for(lambda: reassembly(weir, "tcp-out-of-order") >= 2, "segments came out of order", 5)
    check_equal(reassembly(weir, "tcp-contradiction"), 0, "contradictions among honest hosts")
    check(not weir.events("anomaly"), f"no anomaly: {weir.events('anomaly')[:3]}")
    done = line.stop()
    check(done["a_b"]["lost"] > 10 and done["a_b"]["late"] > 5, f"the line was bad: {done}")
    net.stop_hosts()
    wait_for(lambda: not any(port["in_flight"] for port in weir.ports().values()),
             "nothing is in flight", 10)
    weir.stop()
