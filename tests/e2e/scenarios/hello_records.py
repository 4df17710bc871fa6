# SPDX-License-Identifier: GPL-2.0-only
from harness.check import Failure, check_equal, wait_for
from harness.services import wait_listening
from harness.scenario import scenario

POLICY = """
rules:
  - { name: no-p2p, application: "category:p2p", action: drop }
default: pass
"""
LONG = ".".join("abcd"[i] * 60 for i in range(4)) + ".example.org"


@scenario("TLS hellos over several records are blocked by ALPN as single ones are", seconds=60)
def hello_records(lab):
    lab.need("openssl")
    net = lab.net(lan=["c1", "c2"], wan=["s1"])
    serve(net.s1)
    weir = lab.weir(net, POLICY).start()
    for protocol, application in (("h2", "tls"), ("bep/1.0", "syncthing")):
        for records in ([], ["-max_send_frag", "512"]):
            connected = connect(net, protocol, records)
            check_equal(connected, application == "tls", f"{protocol} {records}: connected")
            wait_for(lambda: weir.flows(), "flows", 5)
    found = [f["app_proto"] for f in weir.flows() if f.get("dest_port") == 22000]
    check_equal(sorted(found), ["syncthing", "syncthing", "tls", "tls"], "what was found")
    weir.check_conservation()
    weir.stop()


def serve(host):
    host.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
              host.path("key.pem"), "-out", host.path("cert.pem"), "-days", "30", "-subj",
              "/CN=example"], 30)
    host.spawn(["openssl", "s_server", "-accept", "22000", "-key", host.path("key.pem"), "-cert",
                host.path("cert.pem"), "-alpn", "bep/1.0,h2", "-quiet"], log="s_server")
    wait_listening(host, host.ip4, 22000)


def connect(net, protocol, words):
    """The name makes the hello longer than one record of 512 bytes."""
    try:
        status = net.c1.run(["openssl", "s_client", "-connect", f"{net.s1.ip4}:22000",
                             "-servername", LONG, "-alpn", protocol, "-brief", *words], 4,
                            stdin="")[0]
    except Failure:
        return False
    return status == 0
