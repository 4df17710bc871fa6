# SPDX-License-Identifier: GPL-2.0-only
import os
import re
import struct

from harness import proc, swarm
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario
from harness.services import Web, fetch, random_file
from harness.weir import gateway_state

NOBODY = 65534


@scenario("what goes wrong ends with its own status and message, and leaves nothing behind",
          hooks=("native",), seconds=60)
def bad_input(lab):
    lab.need("setpriv", "nginx", "curl")
    net = lab.net(lan=["c1", "c2"])
    weir = lab.weir(net, swarm.DROP)
    command_line(weir)
    policies(weir)
    unknown_interface(weir)
    no_permission(weir)
    no_af_xdp(lab, weir)
    broken_captures(lab, weir)
    check_equal(gateway_state(net), weir.before, "the gateway after all that")
    weir.start()
    second_daemon(weir)
    vanishing_interface(net, weir)
    weir.check_conservation()
    weir.stop(trace=False)


def ends(result, status, *patterns):
    """Exit status, and what must stand in the message."""
    seen, out, err = result
    check_equal(seen, status, f"exit status, with the message {err.strip()!r}")
    for pattern in patterns:
        check(re.search(pattern, err, re.IGNORECASE), f"{pattern!r} is not in {err!r}")


def command_line(weir):
    ends(proc.run([weir.binary, "frobnicate"]), 2, "frobnicate")
    ends(proc.run([weir.binary, "status", "--nonsense"]), 2, "nonsense")
    ends(proc.run([weir.binary, "policy", "load"]), 2)
    ends(weir.cli("status"), 3, re.escape(weir.socket))


def run(weir, *words, policy=None, prefix=()):
    """weir run, which is expected to end by itself."""
    return proc.run([*weir.command()[:3], *prefix, weir.binary, *weir.run_words(policy), *words])


def policies(weir):
    """Each says file, line and column; `check` and `run` agree."""
    bad = {
        "broken.yaml": ("rules: [ { name: x", ""),
        "application.yaml": ("rules:\n  - { name: x, application: bittorent, action: drop }\n"
                             "default: pass", "bittorent"),
        "key.yaml": ("defualt: pass", "defualt"),
        "action.yaml": ("default: maybe", "maybe"),
    }
    for name, (body, word) in bad.items():
        path = weir.write_policy(body, name)
        place = re.escape(path) + r":\d+:\d+: "
        ends(proc.run([weir.binary, "policy", "check", path]), 1, place, re.escape(word))
        ends(run(weir, policy=path), 1, place, re.escape(word))
    ends(run(weir, policy=weir.dir + "/absent.yaml"), 1, "absent.yaml")


def unknown_interface(weir):
    path = weir.write_policy(swarm.DROP, "interface.yaml")
    with open(path) as file:
        text = file.read().replace("interface: vc1", "interface: nosuch0")
    with open(path, "w") as file:
        file.write(text)
    ends(run(weir, policy=path), 1, "nosuch0")
    with open(path, "w") as file:
        file.write(text.replace("interface: nosuch0", "interface: lo"))
    ends(run(weir, policy=path), 1, "lo into bridge", "Ethernet")


def no_permission(weir):
    drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    ends(run(weir, prefix=drop), 1, "permission|privilege|root|CAP_|not permitted")


def no_af_xdp(lab, weir):
    """A kernel without AF_XDP: the call that makes the socket fails as it would there."""
    shim = lab.built("tests", "e2e", "no_af_xdp.so")
    ends(run(weir, prefix=["env", f"LD_PRELOAD={shim}"]), 1, "AF_XDP")


def broken_captures(lab, weir):
    """Ends that are cut off, headers that are not, files that are not there."""
    header = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
    record = struct.pack("<IIII", 1, 0, 1000, 1000)
    for name, data, words in (("cut.pcap", header + record + b"x" * 10, "truncated|cut"),
                              ("head.pcap", header[:10], "truncated|not a|unknown"),
                              ("text.pcap", b"this is no capture at all, really\n", "not a|unknown")):
        path = os.path.join(lab.dir, name)
        with open(path, "wb") as file:
            file.write(data)
        ends(proc.run([weir.binary, "classify", path]), 1, re.escape(name), words)
    ends(proc.run([weir.binary, "classify", os.path.join(lab.dir, "absent.pcap")]), 1, "absent")


def second_daemon(weir):
    ends(run(weir), 1, re.escape(weir.socket))
    check(weir.process.running() and weir.status(), "the first daemon goes on")


def vanishing_interface(net, weir):
    """Status says so, nothing else changes, and it is a port again when it is back."""
    web = Web(net.s1).start()
    random_file(net.s1, "page", 10_000)
    net.ip(net.gw.ns, f"link del {net.c2.interface}")
    wait_for(lambda: not weir.ports()["c2"]["present"], "status says that vc2 is gone", 5)
    check_equal(fetch(net.c1, web.url("page"), "page", 5)[0], 0, "curl on the other client")
    net.connect(net.c2)
    wait_for(lambda: weir.ports()["c2"]["present"] and weir.ports()["c2"]["attached"],
             "vc2 is a port again", 10)
    check_equal(fetch(net.c2, web.url("page"), "page", 5)[0], 0, "curl on the client that is back")
    wait_for(lambda: any(flow["dest_port"] == 80 for flow in weir.flows("--address", net.c2.ip4)),
             "its flow is known", 5)
    net.stop_hosts()
    weir.baseline = weir.snapshot()
