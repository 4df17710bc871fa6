# SPDX-License-Identifier: GPL-2.0-only
import os

from harness import talk
from harness.check import check, hold_for, wait_for
from harness.scenario import scenario
from harness.services import random_file
from harness.torrent import sha256

PORT = 7000  # not the port that IRC is known by


@scenario("IRC on another port and a file over DCC are named, pass, and are dropped on request",
          hooks=("native",), seconds=100)
def irc_dcc(lab):
    lab.need("ngircd", "irssi", "tmux", "nginx", "openssl", "curl")
    net = lab.net(lan=["c1", "c2"], wan=["s1"])
    server = talk.Ngircd(net.s1, PORT).start()
    beside = talk.Bystander(net.s1, net.c1).start()
    file = random_file(net.c1, "file.bin", 300_000)
    weir = lab.weir(net, "default: pass").start()
    alice, bob = (talk.Irssi(host, nick, server, version).start()
                  for host, nick, version in ((net.c1, "alice", 4), (net.c2, "bob", 6)))
    both_in(alice, bob)
    got = net.c2.path("file.bin")
    bob.type(f"/set dcc_download_path {net.c2.dir}")
    alice.type(f"/set dcc_own_ip {net.c1.ip4}")
    alice.type(f"/dcc send bob {file}")
    wait_for(lambda: arrived(bob, got), "the file arrives", 20, 1)
    check(sha256(got) == sha256(file), "the file is as it was sent")
    talk.check_named(weir, "irc", talk.to_port(PORT), least=2)
    talk.check_named(weir, "irc", talk.between(net.c1, net.c2))
    dropped(weir, (alice, bob), server, beside)
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()


def both_in(alice, bob):
    for one in (alice, bob):
        one.terminal.wait_shown("hello", 15)
        one.type("/join #weir")
    wait_for(lambda: "alice" in bob.terminal.shown() and "bob" in bob.terminal.shown(),
             "bob sees alice in the channel", 10)


def arrived(bob, path):
    """Takes what is offered by now."""
    bob.type("/dcc get alice")
    return os.path.exists(path) and os.path.getsize(path) == 300_000


def dropped(weir, clients, server, beside):
    for one in clients:
        one.close()
    weir.load(talk.drop("irc"))
    again = talk.Irssi(clients[0].host, "carol", server).start()
    wait_for(lambda: weir.dropped("verdict", "reconnection", "endpoint") > 0, "IRC is dropped", 15)
    hold_for(lambda: "hello" not in again.terminal.shown(), "nothing of the server arrives", 3)
    beside.check()
    again.close()
