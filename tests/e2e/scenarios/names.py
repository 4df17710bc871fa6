# SPDX-License-Identifier: GPL-2.0-only
from harness import streams
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario
from harness.services import Dns, Web, fetch

NAME = "web.example.org"


@scenario("what flows say of their hosts: TLS, certificates, HTTP, the DNS", seconds=60)
def names(lab):
    lab.need("nginx", "curl", "dnsmasq", "dig", "openssl")
    net = lab.net(lan=["c1", "c2"], wan=["s1"])
    web = Web(net.s1).start()
    dns = Dns(net.s1, net.s1.ip4).start()
    with open(net.s1.path("www", "page"), "w") as file:
        file.write("page")
    weir = lab.weir(net, "default: pass", protocols=("tls", "quic", "http", "dns")).start()
    http(net, weir, web)
    tls(net, weir)
    certificate(net, weir, web)
    by_dns(net, weir, dns)
    weir.check_conservation()
    weir.stop()


def event(weir, kind, wanted):
    wait_for(lambda: any(wanted(e) for e in weir.events(kind)), f"a `{kind}` event", 5)
    return [e for e in weir.events(kind) if wanted(e)][-1]


def shown(weir, event):
    """The flow of an event as it is listed."""
    flow, = [flow for flow in weir.flows() if flow["flow_id"] == event["flow_id"]]
    return flow


def http(net, weir, web):
    check_equal(fetch(net.c1, web.url("page"), "page", words=["-A", "weir-test"])[0], 0, "curl")
    told = event(weir, "http", lambda e: True)
    check_equal({key: told["http"].get(key) for key in ("hostname", "url", "http_method",
                                                        "http_user_agent", "status")},
                {"hostname": net.s1.ip4, "url": "/page", "http_method": "GET",
                 "http_user_agent": "weir-test", "status": 200}, "what the event tells")
    check_equal(told["src_ip"], net.c1.ip4, "who asked")
    flow = shown(weir, told)
    check_equal((flow["hostname"], flow["hostname_source"]), (net.s1.ip4, "http"), "its flow")


def tls(net, weir):
    status, _ = fetch(net.c1, f"https://{NAME}/page", "page",
                      words=["--resolve", f"{NAME}:443:{net.s1.ip4}"])
    check_equal(status, 0, "curl's exit status")
    told = event(weir, "tls", lambda e: e["tls"].get("sni") == NAME)
    check_equal(told["tls"]["version"], "TLS 1.3", "its version")
    check(told["tls"]["ja4"].startswith("t13d"), f"its fingerprint: {told}")
    flow = shown(weir, told)
    check_equal((flow["app_proto"], flow["hostname"], flow["hostname_source"]),
                ("tls", NAME, "sni"), "its flow")
    ended = event(weir, "flow", lambda e: e["flow_id"] == told["flow_id"])
    check_equal(ended["weir"].get("hostname"), NAME, "the host name in the flow's event")


def certificate(net, weir, web):
    """No name in the hello, since an address was asked for; TLS 1.2 shows the certificate."""
    status, _ = fetch(net.c1, web.url("page", tls=True), "page", words=["--tls-max", "1.2"])
    check_equal(status, 0, "curl's exit status")
    told = event(weir, "tls", lambda e: e["tls"].get("subject") == f"CN={NAME}")
    check_equal((told["tls"]["version"], told["tls"].get("sni")), ("TLS 1.2", None), "the event")
    check_equal(shown(weir, told)["hostname_source"], "certificate", "where the name comes from")


def by_dns(net, weir, dns):
    """What was told to one host names its flows, and nobody else's."""
    for tcp in (False, True):
        check_equal(dns.query(net.c1, tcp=tcp), net.s1.ip4, "the answer")
    for proto in ("TCP", "UDP"):
        asked = event(weir, "dns", lambda e: e["proto"] == proto and e["dns"]["type"] == "query")
        told = event(weir, "dns", lambda e: e["proto"] == proto and e["dns"]["type"] == "answer")
        check_equal((asked["flow_id"], asked["dns"]["id"], asked["dns"]["rrname"]),
                    (told["flow_id"], told["dns"]["id"], NAME), "the question of the answer")
    check_equal((told["dns"]["rrname"], told["dns"]["rrtype"], told["dns"]["rcode"],
                 [answer["rdata"] for answer in told["dns"]["answers"]]),
                (NAME, "A", "NOERROR", [net.s1.ip4]), "what the event tells")
    for client, wanted in ((net.c2, ""), (net.c1, NAME)):
        near, far = streams.pair(client, net.s1, 4, 5001)
        with near, far:
            streams.exchange(near, far, 12, 200)
            port = near.getsockname()[1]
            wait_for(lambda: [f for f in weir.flows() if f["src_port"] == port
                              and f["decision"] == "decided"], "the flow is decided", 5)
            flow, = [f for f in weir.flows() if f["src_port"] == port]
            check_equal(flow["hostname"], wanted, f"host name of {client.name}'s flow")
            check_equal(flow.get("hostname_source"), "dns" if wanted else None, "its source")
