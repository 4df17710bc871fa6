# SPDX-License-Identifier: GPL-2.0-only
from harness import proc, talk
from harness.check import Skip, check, hold_for, wait_for
from harness.scenario import scenario


@scenario("XMPP in the clear and with STARTTLS is named, passes, and is dropped on request",
          hooks=("native",), seconds=100)
def xmpp(lab):
    lab.need("prosody", "prosodyctl", "openssl", "nginx", "curl")
    if proc.run(["/usr/bin/python3", "-c", "import slixmpp"])[0] != 0:
        raise Skip("python3-slixmpp is not installed (make deps)")
    net = lab.net(lan=["c1", "c2", "c3"], wan=["s1", "s2"])
    servers = [talk.Prosody(net.s1).start(), talk.Prosody(net.s2, tls=True).start()]
    beside = talk.Bystander(net.s1, net.c3).start()
    weir = lab.weir(net, "default: pass").start()
    clients = [talk.xmpp(host, server, user, peer, version, f"xmpp-{server.host.name}")
               for server in servers for host, user, peer, version in
               ((net.c1, "alice", "bob", 4), (net.c2, "bob", "alice", 6))]
    for client in clients:
        client.wait_log("heard hello", 15)
    talk.check_named(weir, "xmpp", talk.to_port(5222), least=4)
    for host in (net.c1, net.c2):
        host.stop_all()
    weir.load(talk.drop("xmpp"))
    clients = [talk.xmpp(net.c1, server, "alice", "bob", 4, f"blocked-{server.host.name}")
               for server in servers]
    wait_for(lambda: weir.dropped("verdict", "reconnection", "endpoint") >= 2, "XMPP is dropped", 15)
    hold_for(lambda: not any("connected" in client.log() for client in clients), "no client gets in", 3)
    check(all(client.running() for client in clients), "the clients try")
    beside.check()
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()
