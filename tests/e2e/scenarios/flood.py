# SPDX-License-Identifier: GPL-2.0-only
import random
import socket
import struct
import threading
import time

from harness import frames, streams, swarm
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario

PORT, UNDECIDED, FRAMES = 8000, 2048, 30000
GREETING = b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"
LIMITS = f"limits: {{ undecided: {UNDECIDED} }}\n"
RESIDENT_MOST = 64 << 20  # what the slow path's own table may add


@scenario("a flood of new flows evicts undecided ones, never a decided one, and weir stays bounded",
          seconds=90)
def flood(lab):
    net = lab.net(lan=["c1", "c2"])
    weir = lab.weir(net, swarm.DROP, header=LIMITS).start()
    before = resident(weir)
    near, far = greeted(net)
    with near, far:
        wait_for(lambda: ssh_flow(weir), "the connection is identified", 5)
        flow_id = ssh_flow(weir)["flow_id"]
        for name, make in (("UDP", datagram), ("SYN", syn)):
            blast(net, name, [frames.ethernet(net.s1.mac, net.c2.mac, make(net))
                              for _ in range(FRAMES)], near, far)
            check_equal(ssh_flow(weir)["flow_id"], flow_id, f"the connection's entry after {name}")
        status = weir.status()
        check(status["heartbeat_age_seconds"] < 0.5, f"the workers live: {status}")
        wait_for(lambda: weir.metric("weir_flows", state="undecided") <= UNDECIDED,
                 "undecided flows are within their limit", 3)
        check(resident(weir) - before < RESIDENT_MOST, f"memory: {before} became {resident(weir)}")
    weir.check_conservation()
    weir.stop()


def resident(weir):
    """Bytes of memory the daemon holds."""
    with open(f"/proc/{weir.process.popen.pid}/statm") as file:
        return int(file.read().split()[1]) * 4096


def greeted(net):
    near, far = streams.pair(net.c1, net.s1, 4, PORT)
    for one, other in ((far, near), (near, far)):
        one.sendall(GREETING)
        streams.receive(other, len(GREETING))
    streams.exchange(near, far, 4, 100)
    return near, far


def ssh_flow(weir):
    found = [flow for flow in weir.flows("--app", "ssh") if flow["decision"] == "decided"]
    return found[0] if found else None


def anybody():
    return f"10.77.{random.randrange(1, 250)}.{random.randrange(1, 250)}"


def datagram(net):
    return frames.udp_packet(anybody(), random.randrange(1024, 65000), net.s1.ip4,
                             random.randrange(1, 65000), random.randbytes(40))


def syn(net):
    source = anybody()
    head = struct.pack(">HHIIBBHHH", random.randrange(1024, 65000), random.randrange(1, 65000),
                       random.getrandbits(32), 0, 5 << 4, frames.SYN, 65535, 0, 0)
    value = frames.checksum(frames.pseudo_header(source, net.s1.ip4, frames.TCP, 20) + head)
    return frames.ip_packet(source, net.s1.ip4, frames.TCP,
                            head[:16] + struct.pack(">H", value) + head[18:])


def blast(net, name, burst, near, far):
    """Sends the burst from c2 while the connection of c1 goes on, message by message."""
    sender = threading.Thread(target=net.c2.inside, args=(lambda: send_all(burst),))
    sender.start()
    slowest = 0
    while sender.is_alive():
        began = time.monotonic()
        streams.exchange(near, far, 1, 4000)
        slowest = max(slowest, time.monotonic() - began)
    sender.join()
    check(slowest < 1, f"a message took {slowest:.2f} s during the {name} flood")


def send_all(burst):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind(("eth0", 0))
        for frame in burst:
            raw.send(frame)
