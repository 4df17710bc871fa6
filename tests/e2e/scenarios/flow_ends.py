# SPDX-License-Identifier: GPL-2.0-only
import collections
import socket
import struct
import threading
import time

from harness import frames, streams
from harness.check import check, check_equal, wait_for
from harness.scenario import scenario

POLICY = """
timeouts: { tcp: 6s, tcp_new: 6s, tcp_closed: 4s, udp: 4s, udp_new: 4s, icmp: 5s }
limits: { decided: 1024 }
rules:
  - { name: dns-is-fine, application: dns, action: pass }
default: pass
"""
WEB, RESET, IDLE, DNS = PORTS = 8080, 8081, 8082, 53
PING = 142  # bytes of a frame that others do not have
QUESTION = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"\3web\7example\3org\0" \
    + struct.pack(">HH", 1, 1)
ANSWER = struct.pack(">HHHHHH", 7, 0x8180, 1, 1, 0, 0) + QUESTION[12:] \
    + struct.pack(">HHHIH4B", 0xc00c, 1, 1, 60, 4, 192, 0, 2, 1)
ECHOES = 500
ECHO_IDS = 20000  # ping's own are random: others are possible, the same are not likely


@scenario("each flow that ends is told once, with what the hosts counted of it", seconds=90)
def flow_ends(lab):
    net = lab.net()
    weir = lab.weir(net, POLICY, protocols=("dns",)).start()
    net.meet(net.c1, net.s1)
    hosts = Counts(net)
    datagrams(net)
    net.c1.must(["ping", "-c3", "-i0.2", "-s100", net.s1.ip4])
    closed(net)
    reset(net)
    near, far = idle(net)
    told = wait_for(lambda: ended(weir, 5), "all five are told of", 20)
    by_port = {event.get("dest_port", "echo"): event for event in told}
    hosts.check(told)
    check_equal({port: (event["weir"]["reason"], event["flow"]["state"])
                 for port, event in by_port.items()},
                {DNS: ("idle", "established"), "echo": ("idle", "established"),
                 WEB: ("fin", "closed"), RESET: ("rst", "closed"), IDLE: ("idle", "established")},
                "how they ended")
    check_equal((by_port["echo"]["flow"]["pkts_toserver"], by_port["echo"]["flow"]["bytes_toclient"]),
                (3, 3 * PING), "the echoes")
    check_equal((by_port[DNS]["app_proto"], by_port[DNS]["weir"].get("rule"),
                 by_port[DNS]["flow"].get("action")), ("dns", "dns-is-fine", "pass"),
                "what two datagrams are judged as")
    check_equal(by_port[WEB]["tcp"]["tcp_flags"], "1b", "flags of the connection that closed")
    check(by_port[RESET]["tcp"]["rst"], "flags of the one that was reset")
    goes_on(net, weir, hosts, near, far, by_port[IDLE])
    evicted(net, weir)
    untold = weir.metric("weir_flows_untold_total")
    check_equal(untold, 0, "flows that nobody was told of")
    hosts.stop()
    net.stop_hosts()
    weir.check_conservation()
    weir.stop()


def ended(weir, count):
    """The flow events of this scenario's first flows, once there are so many."""
    found = [event for event in weir.events("flow") if event.get("dest_port") in PORTS
             or (event["proto"] == "ICMP" and event["flow"]["bytes_toserver"] % PING == 0)]
    return found if len(found) >= count else None


class Counts:
    """What arrived at each host, by the flow's tuple from its sender: frames and bytes."""

    def __init__(self, net):
        self.net, self.seen = net, collections.defaultdict(collections.Counter)
        self._stop = threading.Event()
        self._threads = []
        for host in net.hosts:
            raw = host.inside(frames.Sniffer._open)
            thread = threading.Thread(target=self._read, args=(raw,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _read(self, raw):
        while not self._stop.is_set():
            try:
                frame, address = raw.recvfrom(65600)
            except TimeoutError:
                continue
            except OSError:  # the interface went away
                break
            seen = frames.decode(frame) if address[2] != frames.PACKET_OUTGOING else None
            if seen:
                of = self.seen[seen.src, seen.sport, seen.dst, seen.dport]
                of["frames"] += 1
                of["bytes"] += len(frame)
        raw.close()

    def check(self, told):
        """The events of each flow add up to what was seen of it."""
        sums = collections.defaultdict(collections.Counter)
        for event in told:
            if "src_port" not in event:
                continue
            ends = (event["src_ip"], event["src_port"], event["dest_ip"], event["dest_port"])
            for side, name in ((ends, "toserver"), (ends[2:] + ends[:2], "toclient")):
                sums[side]["frames"] += event["flow"]["pkts_" + name]
                sums[side]["bytes"] += event["flow"]["bytes_" + name]
        for side, counted in sums.items():
            check_equal(dict(counted), dict(self.seen[side]), f"what was told of {side}")

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()


def datagrams(net):
    with streams.udp(net.c1, 4) as client, streams.udp(net.s1, 4, DNS) as server:
        client.sendto(QUESTION, (net.s1.ip4, DNS))
        _, sender = server.recvfrom(512)
        server.sendto(ANSWER, sender)
        client.recvfrom(512)


def closed(net):
    near, far = streams.pair(net.c1, net.s1, 4, WEB)
    with near, far:
        near.sendall(b"GET / HTTP/1.0\r\nHost: web.example.org\r\n\r\n")
        check(far.recv(100), "the request arrived")
        far.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello")
        far.shutdown(socket.SHUT_WR)
        while near.recv(100):
            pass
    time.sleep(0.2)


def reset(net):
    near, far = streams.pair(net.c1, net.s1, 4, RESET)
    with far:
        near.sendall(b"whatever")
        check(far.recv(100), "the bytes arrived")
        near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        near.close()


def idle(net):
    near, far = streams.pair(net.c1, net.s1, 4, IDLE)
    near.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    far.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    check(far.recv(100) and near.recv(100), "both have spoken")
    return near, far


def goes_on(net, weir, hosts, near, far, before):
    """One that was idle for too long goes on under its name, and is told again of the rest."""
    with near, far:
        near.sendall(b"more")
        check(far.recv(100), "it goes on")
    told = wait_for(lambda: ended(weir, 6), "it is told of again", 15)
    after, = [event for event in told if event.get("dest_port") == IDLE
              and event["timestamp"] != before["timestamp"]]
    check_equal((after["flow_id"], after["app_proto"], after["weir"]["reason"]),
                (before["flow_id"], before["app_proto"], "fin"), "its name and its end")
    hosts.check(told)
    check_equal(len(ended(weir, 6)), 6, "flows that were told of")


def evicted(net, weir):
    """More flows than the table holds: those that have to go are told of too."""
    echoes(net, 0)
    time.sleep(2.5)
    echoes(net, ECHOES)
    # A set may be full of flows that came a moment ago: what finds no place is no flow, and both
    # its frames, or more, are refused.
    refused = weir.metric("weir_flow_table_total", event="refused")
    least = 2 * ECHOES - refused / 2
    wait_for(lambda: len(echoes_told(weir)) >= least, f"{least} are told of", 20)
    time.sleep(3)
    told = echoes_told(weir)
    check(least <= len(told) <= 2 * ECHOES, f"{len(told)} ends of the many flows")
    check_equal(len({event["flow_id"] for event in told}), len(told), "flows that they are of")
    check_equal({(event["flow"]["pkts_toserver"], event["flow"]["pkts_toclient"])
                 for event in told}, {(1, 1)}, "what each has carried")
    how = collections.Counter(event["weir"]["reason"] for event in told)
    print(f"{how['evicted']} evicted, {how['idle']} idle, {refused:.0f} refused")
    check_equal(how["evicted"], weir.metric("weir_flow_table_total", event="evicted"),
                "those that were evicted")
    check(how["evicted"] > 0, "some were")


def echoes(net, first):
    net.c1.inside(lambda: send_slowly(
        [frames.ethernet(net.s1.mac, net.c1.mac, echo(net, ECHO_IDS + first + i))
         for i in range(ECHOES)]))


def send_slowly(packets):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind(("eth0", 0))
        for at, packet in enumerate(packets):
            raw.send(packet)
            if at % 50 == 49:
                time.sleep(0.01)


def echo(net, number):
    body = struct.pack(">BBHHH", 8, 0, 0, number, 1) + bytes(56)
    body = body[:2] + struct.pack(">H", frames.checksum(body)) + body[4:]
    return frames.ip_packet(net.c1.ip4, net.s1.ip4, 1, body)


def echoes_told(weir):
    return [event for event in weir.events("flow") if event["proto"] == "ICMP"
            and event["flow"]["bytes_toserver"] == 98]
