# SPDX-License-Identifier: GPL-2.0-only
import glob
import os

from harness import talk
from harness.check import hold_for, wait_for
from harness.scenario import scenario
from harness.services import random_file


@scenario("Direct Connect, hub and clients among each other, is named, passes, and is dropped on request",
          hooks=("native",), seconds=110)
def directconnect(lab):
    lab.need("uhub", "ncdc", "tmux", "nginx", "openssl", "curl")
    net = lab.net(lan=["c1"], wan=["c2", "s1"])
    hub = talk.Uhub(net.s1).start()
    beside = talk.Bystander(net.s1, net.c1).start()
    weir = lab.weir(net, "default: pass").start()
    alice, bob = (talk.Ncdc(host, nick, hub, port) for host, nick, port in
                  ((net.c1, "alice", 31001), (net.c2, "bob", 31002)))
    share(net.c1)
    for one in (alice, bob):
        one.start()
        one.open()
    wait_for(lambda: "Powered by" in alice.terminal.shown() and
             "2 users" in bob.terminal.shown(), "both are in the hub", 15)
    bob.terminal.type("/browse alice")
    listing = net.c2.path("ncdc", "fl", "*")
    wait_for(lambda: glob.glob(listing), "alice's list of files arrives", 20)
    talk.check_named(weir, "directconnect", talk.to_port(1511), least=2)
    talk.check_named(weir, "directconnect", talk.between(net.c1, net.c2))
    for one in (alice, bob):
        one.close()
    weir.load(talk.drop("directconnect"))
    alice.start()
    alice.open()
    wait_for(lambda: weir.dropped("verdict", "reconnection", "endpoint") > 0, "the hub is dropped", 15)
    hold_for(lambda: "Powered by" not in alice.terminal.shown(), "the hub says nothing", 3)
    beside.check()
    alice.close()
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()


def share(host):
    random_file(host, "music.bin", 200_000)
    os.makedirs(host.path("share"))
    os.link(host.path("www", "music.bin"), host.path("share", "music.bin"))
