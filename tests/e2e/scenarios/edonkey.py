# SPDX-License-Identifier: GPL-2.0-only
from harness import talk
from harness.check import hold_for, wait_for
from harness.edonkey import Amule, Server
from harness.scenario import scenario

SIZE = 300_000


@scenario("aMule in the clear and with obfuscation: named, passes, and is dropped on request",
          hooks=("native",), seconds=360)
def edonkey(lab):
    lab.need("amuled", "openssl", "nginx", "curl")
    net = lab.net(lan=["c1", "c2", "c3"], wan=["s1", "s2", "srv"])
    server = Server(net.srv).start()
    beside = talk.Bystander(net.srv, net.c3).start()
    pairs = [(Amule(net.c1, server, False), Amule(net.s1, server, False)),
             (Amule(net.c2, server, True), Amule(net.s2, server, True))]
    weir = lab.weir(net, "default: pass").start()
    begin(pairs, Amule.wait_login)
    for leech, _ in pairs:
        leech.wait_file()
    talk.check_named(weir, "edonkey", talk.to_port(server.port), least=4)
    for leech, seed in pairs:
        talk.check_named(weir, "edonkey", talk.between(leech.host, seed.host))
    for host in (net.c1, net.c2, net.s1, net.s2):
        host.stop_all()
    weir.load(talk.drop("edonkey"))
    begin(pairs)
    wait_for(lambda: weir.dropped("verdict", "reconnection", "endpoint") >= 4, "eDonkey is dropped", 30)
    hold_for(lambda: not any(leech.has_file() for leech, _ in pairs), "no file arrives", 10)
    beside.check()
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()


def begin(pairs, ready=lambda seed: None):
    links = []
    for number, (leech, seed) in enumerate(pairs):
        leech.prepare()
        links.append(seed.prepare().share(SIZE, 7 + number))
        seed.start()
    for (leech, seed), link in zip(pairs, links):
        ready(seed)
        leech.start(link)
