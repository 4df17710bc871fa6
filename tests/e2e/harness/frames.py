# SPDX-License-Identifier: GPL-2.0-only
"""Frames by hand: made, sent, and counted where they arrive, below the hosts' IP stacks."""
import collections
import ipaddress
import socket
import struct
import threading

ETH_P_ALL = 0x0003
SOL_PACKET = 263
PACKET_AUXDATA = 8
PACKET_OUTGOING = 4
PPPOE_DISCOVERY, PPPOE_SESSION = 0x8863, 0x8864
PPP = {4: 0x21, 6: 0x57}
TP_STATUS_VLAN_VALID = 1 << 4
TP_STATUS_VLAN_TPID_VALID = 1 << 6
TCP, UDP = 6, 17
SYN, RST, ACK = 0x02, 0x04, 0x10

Seen = collections.namedtuple("Seen", "proto src sport dst dport flags payload vlan data")


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def pseudo_header(src, dst, proto, length):
    src, dst = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    if src.version == 4:
        return src.packed + dst.packed + struct.pack(">BBH", 0, proto, length)
    return src.packed + dst.packed + struct.pack(">II", length, proto)


def ip_packet(src, dst, proto, body):
    """IPv4 or IPv6 by the addresses; with a right header checksum."""
    source, dest = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    if source.version == 6:
        return struct.pack(">IHBB", 6 << 28, len(body), proto, 64) + source.packed \
            + dest.packed + body
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0x4000, 64, proto, 0) \
        + source.packed + dest.packed
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + body


def udp_packet(src, sport, dst, dport, payload, spoil=0):
    """spoil: added to the checksum, to make it wrong."""
    head = struct.pack(">HHHH", sport, dport, 8 + len(payload), 0)
    value = checksum(pseudo_header(src, dst, UDP, 8 + len(payload)) + head + payload) or 0xffff
    head = head[:6] + struct.pack(">H", (value + spoil) & 0xffff)
    return ip_packet(src, dst, UDP, head + payload)


def tcp_packet(src, sport, dst, dport, seq, ack, flags, payload=b""):
    head = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 65535, 0, 0)
    value = checksum(pseudo_header(src, dst, TCP, 20 + len(payload)) + head + payload)
    return ip_packet(src, dst, TCP, head[:16] + struct.pack(">H", value) + head[18:] + payload)


def icmp_error(src, dst, kind, code, about):
    """The ICMP or ICMPv6 message of a kind from src to dst that quotes the packet `about`."""
    version = ipaddress.ip_address(src).version
    proto = 1 if version == 4 else 58
    body = struct.pack(">BBHI", kind, code, 0, 0) + about[:548 if version == 4 else 1232]
    pseudo = b"" if version == 4 else pseudo_header(src, dst, proto, len(body))
    body = body[:2] + struct.pack(">H", checksum(pseudo + body)) + body[4:]
    return ip_packet(src, dst, proto, body)


def fragments(packet, size, number):
    """An IP packet cut into fragments of at most size bytes of payload, a multiple of 8."""
    if packet[0] >> 4 == 6:
        head, body, proto = packet[:40], packet[40:], packet[6]
    else:
        head, body, proto = packet[:20], packet[20:], None
    cut = []
    for at in range(0, len(body), size):
        part, more = body[at:at + size], at + size < len(body)
        if proto is None:
            field = at // 8 | (0x2000 if more else 0)
            fresh = head[:2] + struct.pack(">HHH", 20 + len(part), number & 0xffff, field) \
                + head[8:10] + b"\0\0" + head[12:]
            fresh = fresh[:10] + struct.pack(">H", checksum(fresh)) + fresh[12:]
        else:
            fresh = head[:4] + struct.pack(">HB", 8 + len(part), 44) + head[7:] \
                + struct.pack(">BBHI", proto, 0, at | more, number)
        cut.append(fresh + part)
    return cut


def ethernet(dst, src, packet, tags=()):
    """tags: (protocol, VID) outer first."""
    proto = 0x86dd if packet[0] >> 4 == 6 else 0x0800
    return link_header(dst, src, proto, tags) + packet


def link_header(dst, src, proto, tags=()):
    words = b"".join(struct.pack(">HH", *tag) for tag in tags)
    return mac(dst) + mac(src) + words + struct.pack(">H", proto)


def pppoe(dst, src, session, packet, tags=(), short=False):
    """An IP packet in a PPPoE session; short: with the PPP protocol in one byte."""
    proto = struct.pack(">B" if short else ">H", PPP[packet[0] >> 4])
    return link_header(dst, src, PPPOE_SESSION, tags) \
        + struct.pack(">BBHH", 0x11, 0, session, len(proto) + len(packet)) + proto + packet


def send(host, *frames):
    """Sends frames out of the host's eth0 as they are."""
    def body():
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind(("eth0", 0))
            for frame in frames:
                raw.send(frame)
    host.inside(body)


def decode(frame, vlan=()):
    """
    Seen, or None for what is neither TCP nor UDP over an unfragmented IP packet. A PPPoE session is
    the last of its tags.
    """
    at, tags = 12, list(vlan)
    proto, = struct.unpack_from(">H", frame, at)
    while proto in (0x8100, 0x88a8) and len(frame) >= at + 6:
        tags.append((proto, struct.unpack_from(">H", frame, at + 2)[0] & 0xfff))
        at += 4
        proto, = struct.unpack_from(">H", frame, at)
    at += 2
    if proto == PPPOE_SESSION and len(frame) >= at + 8:
        tags.append((proto, struct.unpack_from(">H", frame, at + 2)[0]))
        size = 1 if frame[at + 6] & 1 else 2
        ppp = int.from_bytes(frame[at + 6:at + 6 + size], "big")
        proto = {PPP[4]: 0x0800, PPP[6]: 0x86dd}.get(ppp, 0)
        at += 6 + size
    if proto == 0x0800 and len(frame) >= at + 20:
        size, = struct.unpack_from(">H", frame, at + 2)
        next_header, end = frame[at + 9], at + size
        src, dst = frame[at + 12:at + 16], frame[at + 16:at + 20]
        if struct.unpack_from(">H", frame, at + 6)[0] & 0x3fff:
            return None
        at += (frame[at] & 15) * 4
    elif proto == 0x86dd and len(frame) >= at + 40:
        size, next_header = struct.unpack_from(">HB", frame, at + 4)
        src, dst = frame[at + 8:at + 24], frame[at + 24:at + 40]
        at += 40
        end = at + size
    else:
        return None
    return _transport(frame[at:end], next_header, src, dst, tuple(tags))


def _transport(body, proto, src, dst, tags):
    if proto == TCP and len(body) >= 20:
        start, flags = (body[12] >> 4) * 4, body[13]
    elif proto == UDP and len(body) >= 8:
        start, flags = 8, 0
    else:
        return None
    sport, dport = struct.unpack_from(">HH", body)
    return Seen(proto, str(ipaddress.ip_address(src)), sport, str(ipaddress.ip_address(dst)),
                dport, flags, len(body) - start, tags, body[start:])


class Sniffer:
    """Watches what arrives on a host's eth0 and keeps what `keep` says (a predicate over Seen)."""

    def __init__(self, host, keep=lambda seen: True):
        self.host, self.keep = host, keep
        self.seen = []
        self._stop = threading.Event()

    def start(self):
        self._socket = self.host.inside(self._open)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        return self

    @staticmethod
    def _open():
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        raw.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        raw.bind(("eth0", ETH_P_ALL))
        raw.settimeout(0.2)
        return raw

    def _read(self):
        while not self._stop.is_set():
            try:
                frame, extra, _, address = self._socket.recvmsg(65600, 128)
            except TimeoutError:
                continue
            except OSError:  # the interface went away
                return
            if address[2] == PACKET_OUTGOING:
                continue
            seen = decode(frame, self._tags(extra))
            if seen and self.keep(seen):
                self.seen.append(seen)

    @staticmethod
    def _tags(extra):
        for level, kind, data in extra:
            if level == SOL_PACKET and kind == PACKET_AUXDATA:
                status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", data[:20])
                if status & TP_STATUS_VLAN_VALID:
                    return ((tpid if status & TP_STATUS_VLAN_TPID_VALID else 0x8100, tci & 0xfff),)
        return ()

    def stop(self):
        self._stop.set()
        self._thread.join()
        self._socket.close()

    def payload_packets(self):
        """How many packets with payload came: by (proto, src, sport, dst, dport)."""
        return collections.Counter((s.proto, s.src, s.sport, s.dst, s.dport)
                                   for s in list(self.seen) if s.payload)
