# SPDX-License-Identifier: GPL-2.0-only
from harness import services
from harness.check import check, check_equal
from harness.scenario import scenario

SIZE = 3_000_000


@scenario("of a connection that is followed by its requests alone the answers take the fast path", seconds=60)
def one_side(lab):
    net = lab.net()
    weir = lab.weir(net, "default: pass\n").start()
    net.meet(net.c1, net.s1)
    web = services.Web(net.s1)
    services.random_file(net.s1, "page", SIZE)
    web.start()
    before = weir.ports()
    # One connection: the second request comes behind three megabytes of the first answer.
    urls = [word for name in ("a", "b") for word in ("-o", net.c1.path(name), web.url("page"))]
    net.c1.must(["curl", "-sS", "--fail", *urls], 30)
    flow, = [flow for flow in weir.flows("--app", "http") if flow["dest_port"] == 80]
    check(flow["bytes_toclient"] > 2 * SIZE, f"both answers came by one connection: {flow}")
    after = weir.ports()
    punted = {port: after[port]["punted"] - before[port]["punted"] for port in ("c1", "s1")}
    print(f"punted: {punted}, answers: {flow['pkts_toclient']} frames")
    check(punted["c1"] >= 3, f"both requests and the end were read: {punted}")
    check(punted["s1"] < flow["pkts_toclient"] / 10, f"the answers were not: {punted}")
    check_equal(weir.dropped("handover", "overload"), 0, "frames dropped on the way")
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()
