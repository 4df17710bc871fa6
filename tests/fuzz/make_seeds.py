#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writes the seeds of frame_fuzz, pcap_fuzz, fragments_fuzz, neighbour_fuzz, stream_fuzz,
http_fuzz, ftp_fuzz, irc_fuzz, smtp_fuzz, pop3_fuzz, imap_fuzz, sip_fuzz, rtsp_fuzz and peer_fuzz to tests/fuzz/corpus/.

usage: make_seeds.py [FOLDER]

The seeds are small, made here from the formats' documents, and the same on every run.
"""
import os
import struct
import sys

RAW, PUNT, FIX, LATE, CUT = 1, 2, 4, 8, 16
SYN, ACK, FIN = 2, 16, 1


def ethernet(payload, kind=0x0800, tags=()):
    out = bytes.fromhex('020000000002020000000001')
    for tag_type, tci in tags:
        out += struct.pack('>HH', tag_type, tci)
    return out + struct.pack('>H', kind) + payload


def pppoe(payload, ppp=b'\0\x21'):
    return ethernet(struct.pack('>BBHH', 0x11, 0, 1, len(payload) + len(ppp)) + ppp + payload, 0x8864)


def checksum(data):
    data += b'\0' * (len(data) % 2)
    total = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(proto, payload, src='0a000001', dst='0a000002', fragment=0, options=b''):
    head = struct.pack('>BBHHHBBH', 0x40 | 5 + len(options) // 4, 0, 20 + len(options) + len(payload), 1, fragment, 64,
                       proto, 0) + bytes.fromhex(src + dst) + options
    return head[:10] + struct.pack('>H', checksum(head)) + head[12:] + payload


def ipv6(proto, payload, chain=b'', first=None):
    addresses = bytes.fromhex('20010db8' + '00' * 11 + '01' + '20010db8' + '00' * 11 + '02')
    return struct.pack('>IHBB', 6 << 28, len(chain) + len(payload), proto if first is None else first, 64) + addresses + chain + payload


def tcp(seq, flags, payload=b'', back=False, ack=0, options=b''):
    ports = (80, 4000) if back else (4000, 80)
    return struct.pack('>HHIIBBHHH', *ports, seq, ack, (5 + len(options) // 4) << 4, flags, 8192, 0, 0) + options + payload


def udp(payload, sport=4000, dport=6881):
    return struct.pack('>HHHH', sport, dport, 8 + len(payload), 0) + payload


def there(seq, flags, payload=b'', how=FIX):
    return ethernet(ipv4(6, tcp(seq, flags, payload, ack=500))), how


def back(seq, flags, payload=b'', how=FIX):
    return ethernet(ipv4(6, tcp(seq, flags, payload, True, 100), '0a000002', '0a000001')), how


def handshake():
    return [there(99, SYN), back(499, SYN | ACK), there(100, ACK)]


def client_hello(name):
    server_name = struct.pack('>HHHBH', 0, len(name) + 5, len(name) + 3, 0, len(name)) + name
    body = b'\3\3' + bytes(32) + b'\0' + b'\0\2\x13\1' + b'\1\0' + struct.pack('>H', len(server_name)) + server_name
    hello = b'\1' + struct.pack('>I', len(body))[1:] + body
    return b'\x16\3\1' + struct.pack('>H', len(hello)) + hello


def sequence(frames):
    out = b''
    for frame, how in frames:
        units = -(-len(frame) // 8)
        out += bytes([units, how]) + frame.ljust(units * 8, b'\0')
    return out


def frame_seeds():
    bittorrent = b'\x13BitTorrent protocol' + bytes(8) + b'I' * 20 + b'-TR3000-abcdefghijkl'
    hello = client_hello(b'www.example.org')
    dht = b'd1:ad2:id20:' + b'N' * 20 + b'9:info_hash20:' + b'I' * 20 + b'e1:q9:get_peers1:t2:aa1:y1:qe'
    values = b'd1:rd2:id20:' + b'M' * 20 + b'5:token4:abcd6:valuesl6:\xc0\0\2\1\x1a\xe1ee1:t2:aa1:y1:re'
    tracker = b'GET /announce?info_hash=%01' + b'A' * 19 + b'&peer_id=-TR3000-abcdefghijkl&port=6881 HTTP/1.1\r\nHost: t.example\r\n\r\n'
    answer = b'HTTP/1.1 200 OK\r\n\r\nd8:intervali900e5:peers6:\xc0\0\2\1\x1a\xe1e'
    connect = struct.pack('>QII', 0x41727101980, 0, 7)
    chlo = b'\x0d' + bytes(8) + b'Q043' + bytes(17) + b'CHLO' + struct.pack('<HH4sI4sI', 2, 0, b'PAD', 1, b'SNI', 6) + b'-a.org'
    # Protected with whatever these bytes mean: the headers lead to the key derivation and to garbage.
    initial = b'\xc0\0\0\0\1\x08\x83\x94\xc8\xf0\x3e\x51\x57\x08\0\0\x40\x40' + bytes(range(64))
    hop = bytes([17, 0, 1, 4, 0, 0, 0, 0])
    return {
        'bittorrent': handshake() + [there(100, ACK, bittorrent), back(500, ACK, bittorrent)],
        'out-of-order': handshake() + [there(120, ACK, bittorrent[20:]), there(100, ACK, bittorrent[:20])],
        'tls-split': handshake() + [there(100, ACK, hello[:40]), there(140, ACK, hello[40:])],
        'http': handshake() + [there(100, ACK, b'GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n'), back(500, ACK, b'HTTP/1.1 200 OK\r\n\r\n')],
        'http-tracker': handshake() + [there(100, ACK, tracker), back(500, ACK, answer)],
        'dht': [(ethernet(ipv4(17, udp(dht))), FIX), (ethernet(ipv4(17, udp(values, 6881, 4000), '0a000002', '0a000001')), FIX)],
        'udp-tracker': [(ethernet(ipv4(17, udp(connect))), FIX),
                        (ethernet(ipv4(17, udp(struct.pack('>IIQ', 0, 7, 9), 6881, 4000), '0a000002', '0a000001')), FIX)],
        'quic': [(ethernet(ipv4(17, udp(chlo, 4000, 443))), FIX), (ethernet(ipv4(17, udp(initial, 4001, 443))), FIX)],
        'punted': [(f, h | PUNT) for f, h in handshake() + [there(100, ACK, bittorrent)]],
        'reopened': handshake() + [there(100, ACK | FIN), back(500, ACK | FIN), there(9, SYN), there(10, ACK, hello, FIX | LATE)],
        'links': [(ethernet(ipv4(17, udp(b'x')), tags=[(0x88a8, 5), (0x8100, 6)]), FIX), (pppoe(ipv4(17, udp(b'x'))), FIX), (pppoe(ipv6(17, udp(b'x')), b'\x57'), FIX), (ipv6(17, udp(b'x')), RAW | FIX)],
        'extensions': [(ethernet(ipv6(17, udp(b'x'), hop, 0), 0x86dd), FIX), (ethernet(ipv6(17, udp(b'x'), bytes([17, 0, 0, 1, 0, 0, 0, 1]), 44), 0x86dd), 0)],
        'others': [(ethernet(ipv4(1, bytes([8, 0, 0, 0, 0, 7, 0, 1]))), FIX), (ethernet(ipv4(47, bytes(8), fragment=0x2000)), 0), (ethernet(ipv4(50, bytes(16), options=bytes(4))), 0)],
        'tunnels': [(ethernet(ipv4(47, struct.pack('>HHHHI', 0x2000, 0x800, 0, 7, 0)[:8] + ipv4(17, udp(dht)))), FIX),
                    (ethernet(ipv4(4, ipv4(41, ipv6(17, udp(b'x'))))), FIX),
                    (ethernet(ipv4(17, udp(b'\x08' + bytes(5) + b'\x07\0' + ethernet(ipv4(17, udp(dht))), 4000, 4789))), FIX),
                    (ethernet(ipv4(17, udp(struct.pack('>BBHI', 0x34, 255, 8 + 28 + 8, 9) + b'\0\0\0\x85\1\0\0\0' + ipv4(17, udp(b'user')), 2152, 2152))), FIX),
                    (ethernet(ipv4(17, udp(bytes([0, 1, 0, 0]) + bytes(9) + bytes(8) + ipv6(17, udp(b'x')), 4000, 3544))), FIX)],
        'icmp-errors': [(ethernet(ipv4(1, bytes([3, 3]) + bytes(6) + ipv4(17, udp(dht))[:28])), FIX),
                        (ethernet(ipv6(58, bytes([1, 4]) + bytes(6) + ipv6(17, udp(b'x'))), 0x86dd), FIX)],
        'fragments': [(ethernet(ipv4(17, udp(dht)[:40], fragment=0x2000)), FIX), (ethernet(ipv4(17, udp(dht)[40:], fragment=5)), FIX)],
        'cut': [(ethernet(ipv4(17, udp(dht)))[:60], CUT)],
    }


def pcap(link, frames, magic=0xa1b2c3d4, order='<'):
    out = struct.pack(order + 'IHHIIII', magic, 2, 4, 0, 0, 65535, link)
    for frame in frames:
        out += struct.pack(order + 'IIII', 1, 2, len(frame), len(frame)) + frame
    return out


def block(kind, body, order='<'):
    body += b'\0' * (-len(body) % 4)
    return struct.pack(order + 'II', kind, len(body) + 12) + body + struct.pack(order + 'I', len(body) + 12)


def pcapng(interfaces, frames, order='<'):
    out = block(0x0a0d0d0a, struct.pack(order + 'IHHq', 0x1a2b3c4d, 1, 0, -1), order)
    for link, snaplen in interfaces:
        out += block(1, struct.pack(order + 'HHI', link, 0, snaplen) + struct.pack(order + 'HHBxxxHH', 9, 1, 9, 0, 0), order)
    for interface, frame in frames:
        out += block(6, struct.pack(order + 'IIIII', interface, 0, 1, len(frame), len(frame)) + frame, order)
    return out


def capture_seeds():
    datagram = ipv4(17, udp(b'hello'))
    heads = {'ethernet': (1, bytes.fromhex('0200000000020200000000010800')), 'raw': (101, b''), 'null': (0, b'\2\0\0\0'),
             'loop': (108, b'\0\0\0\2'), 'sll': (113, bytes(14) + b'\x08\0'), 'sll2': (276, b'\x08\0' + bytes(18)),
             'ppp': (9, b'\xff\3\0\x21'), 'hdlc': (104, b'\x0f\0\x08\0'), 'pppoe': (51, b'\x11\0\0\1\0\x23\0\x21'),
             'ppi': (192, b'\0\0\x08\0\x68\0\0\0\x0f\0\x08\0')}
    seeds = {name: pcap(link, [head + datagram]) for name, (link, head) in heads.items()}
    seeds['nanoseconds'] = pcap(101, [datagram], 0xa1b23c4d)
    seeds['big-endian'] = pcap(101, [datagram], order='>')
    seeds['broken-off'] = pcap(101, [datagram, datagram])[:-3]
    seeds['ng'] = pcapng([(1, 65535)], [(0, ethernet(datagram))])
    seeds['ng-big-endian'] = pcapng([(101, 0)], [(0, datagram)], '>')
    seeds['ng-two-interfaces'] = pcapng([(1, 65535), (101, 100)], [(0, ethernet(datagram)), (1, datagram)])
    return seeds


def fragment(offset, length, more=True, ident=1, flags=0, vary=0):
    """A step of fragments_fuzz."""
    return struct.pack('>BHHB', ident | (0x10 if more else 0) | flags, offset, length, vary)


def fragments_seeds():
    v6, late, chain, option = 0x08, 0x20, 0x40, 0x80
    return {
        'in-order': fragment(0, 64) + fragment(64, 64) + fragment(128, 9, False),
        'out-of-order': b''.join(fragment(o, 800, o < 1600, flags=v6 | chain) for o in (1600, 0, 800)),
        'overlap': fragment(0, 64) + fragment(56, 64) + fragment(120, 8, False),
        'duplicate': fragment(0, 64, flags=option) + fragment(0, 64, flags=option) + fragment(64, 8, False),
        'late': fragment(0, 64, flags=v6) + fragment(64, 8, False, flags=v6 | late),
        'large': b''.join(fragment(o, 2040, o < 63240) for o in range(0, 65280, 2040)),
        'several': b''.join(fragment(0, 1000, ident=i) for i in range(8)) + fragment(1000, 5, False, ident=3),
    }


def discovery(kind, body, how=3):
    return bytes([how]) + ethernet(ipv6(58, bytes([kind, 0, 0, 0]) + body), 0x86dd)


def neighbour_seeds():
    station, target = bytes([2, 0, 0, 0, 0, 1]), bytes.fromhex('20010db8' + '00' * 11 + '02')
    arp = struct.pack('>HHBBH', 1, 0x0800, 6, 4, 1) + station + bytes([10, 0, 0, 1]) + bytes(6) + bytes([10, 0, 0, 2])
    source, told = b'\1\1' + station, b'\2\1' + station
    return {
        'arp': b'\0' + ethernet(arp, 0x0806),
        'arp-tagged': b'\0' + ethernet(arp, 0x0806, [(0x8100, 7)]),
        'router-solicitation': discovery(133, bytes(4) + source),
        'router-advertisement': discovery(134, bytes(12) + source + b'\5\1\0\0\0\0\5\xdc'),
        'solicitation': discovery(135, bytes(4) + target + source),
        'advertisement': discovery(136, b'\xe0\0\0\0' + target + told),
        'redirect': discovery(137, bytes(4) + target + target + told),
    }


def segment(place, quads, flags=0, vary=0):
    """A step of stream_fuzz."""
    return struct.pack('>BHBB', flags, place, quads, vary)


def stream_seeds():
    far, follow, acked, odd = 1, 2, 4, 8
    return {
        'in-order': b''.join(segment(i * 100, 25) for i in range(20)),
        'backwards': b''.join(segment(900 - i * 100, 25) for i in range(10)),
        'contradiction': segment(0, 25) + segment(40, 25, odd, 3),
        'islands': b''.join(segment(8 + i * 8, 1) for i in range(40)) + segment(0, 255),
        'window': segment(0, 25) + b''.join(segment(100 + i * 1000, 250, follow) for i in range(12)),
        'gap': segment(0, 25) + b''.join(segment(500 + i * 1000, 250, follow) for i in range(8)) + segment(100, 100),
        'strays': segment(0, 25, follow) + b''.join(segment(9 + i, 25, far, i) for i in range(12)),
        'acked': segment(0, 25) + segment(100, 0, acked) + segment(99, 1, odd),
    }


def say(side, text):
    return b''.join(bytes([side | 0x70, len(text[at:at + 255])]) + text[at:at + 255] for at in range(0, len(text), 255))


def gap(side, count):
    return bytes([side | 4, count])


def ftp_seeds():
    return {
        'passive': say(0, b'USER me\r\nPASV\r\n') + say(1, b'220-Hi\r\n220 Hi\r\n331 x\r\n227 Go (10,0,0,1,4,1)\r\n') +
                   say(0, b'EPSV\r\nRETR a b\r\n') + say(1, b'229 Go (|||99|)\r\n') + gap(1, 9) + say(1, b'x\r\n226 done\r\n'),
        'active': say(0, b'PORT 10,0,0,1,4,1\r\nEPRT |2|2001:db8::1|77|\r\nEPRT !1!10.0.0.1!5!\r\nSTOR x\r\n') + gap(0, 3) + say(0, b'\nAPPE y\n'),
        'secure': say(0, b'AUTH TLS\r\n\x16\x03\x01') + say(1, b'234 go\r\n') + bytes([14, 0]),
    }


def mail_seeds():
    """Of smtp, pop3 and imap."""
    hello = b'\x16\x03\x01\x04\x04\x01'
    smtp = {
        'message': say(1, b'220 hi\r\n') + say(0, b'EHLO x\r\nMAIL FROM:<a>\r\nDATA\r\n') + say(1, b'250-a\r\n250 b\r\n250 \r\n354 go\r\n') +
                   say(0, b'S: x\r\n\r\n..a\r\n.\rb\r\n.\r\nQUIT\r\n'),
        'chunks': say(0, b'BDAT 5\r\na\r\n.\rBDAT 9 LAST\r\nabc') + gap(0, 4) + say(0, b'deRSET\r\n'),
        'refused': say(1, b'220 \r\n503 no\r\n354 go\r\n') + say(0, b'DATA\r\nDATA\r\nx\r\n') + gap(0, 2),
        'secure': say(0, b'STARTTLS\r\n') + say(1, b'220 go\r\n\x16') + say(0, hello),
    }
    pop3 = {
        'messages': say(1, b'+OK hi\r\n') + say(0, b'CAPA\r\nLIST 1\r\nRETR 1\r\n') + say(1, b'+OK\r\nTOP\r\n.\r\n+OK 1\r\n+OK\r\n..a\r\n+OK b\r\n.\r\n'),
        'dialogue': say(1, b'+OK\r\n') + say(0, b'AUTH PLAIN\r\n') + say(1, b'+ \r\n') + say(0, b'AGE=\r\n') + say(1, b'-ERR\r\n') + gap(1, 3),
        'secure': say(1, b'+OK\r\n') + say(0, b'STLS\r\n') + say(1, b'+OK\r\n') + say(0, hello),
    }
    imap = {
        'literals': say(1, b'* OK hi {3}\r\n') + say(0, b'a LOGIN {2}\r\nme {3+}\r\nxyz\r\n') + say(1, b'a OK in\r\n* 1 FETCH (BODY[] {7}\r\na {9}\r\n X {0}\r\n)\r\n'),
        'refused': say(0, b'a APPEND x {99}\r\n') + say(1, b'a NO\r\n') + say(0, b'b COMPRESS DEFLATE\r\n') + say(1, b'b OK\r\n'),
        'gap': say(1, b'* 1 FETCH ({9}\r\nabc') + gap(1, 4) + say(1, b'de)\r\n') + gap(1, 1),
        'secure': say(0, b'a STARTTLS\r\n') + say(1, b'a OK\r\n') + say(0, hello),
    }
    return {'smtp': smtp, 'pop3': pop3, 'imap': imap}


def irc_seeds():
    return {
        'talk': say(0, b'NICK a\r\nUSER a 0 * :A B\r\n@k=v :p  join   #a,#b  k\r\n') + say(1, b':s.x 001 a :Hi\r\n') + gap(1, 5) + say(1, b'x\r\nPING\r\n'),
        'dcc': say(0, b'PRIVMSG b :\x01DCC SEND x 1 2\x01\r\nNOTICE b \x01PING\r\nA 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n'),
        'secure': say(0, b'STARTTLS\r\n') + say(1, b':s 670 a :go\r\n') + bytes([14, 0]),
    }


def message_seeds():
    """Of sip and rtsp."""
    media = b'$\x01\x00\x03\n$\n'
    sip = {
        'invite': say(0, b'INVITE sip:b@x SIP/2.0\r\nl : 7\r\nX:y\r\n\r\nv=0\r\no=BYE a SIP/2.0\r\nContent-Length: 9\r\n\r\nabc') + gap(0, 4) + say(0, b'w='),
        'loose': say(1, b'SIP/2.0 200 OK\r\n\r\nv=0\r\na=rtcp:9\r\nSIP/2.0 180 Ringing\r\n') + gap(1, 3) + say(1, b'x\r\nA: b\r\n'),
    }
    rtsp = {
        'setup': say(0, b'SETUP rtsp://h/1 RTSP/1.0\r\nTransport:a\r\n\r\n' + media + b'PLAY u RTSP/1.0\r\n'),
        'media': say(1, media + b'RTSP/1.0 200 OK\r\nContent-length: 2\r\n\r\n$a$\x02\x00\x09ab') + gap(1, 7) + say(1, media),
    }
    return {'sip': sip, 'rtsp': rtsp}


def http_seeds():
    get = b'GET /a HTTP/1.1\r\nHost: example.org\r\n\r\n'
    ok = b'HTTP/1.1 200 OK\r\n'
    end, reset = bytes([7, 0]), bytes([14, 0])
    chunks = b'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: x\r\n\r\n'
    return {
        'pipeline': say(0, get + b'HEAD /b HTTP/1.1\r\n\r\n' + get) +
                    say(1, (ok + b'Content-Length: 3\r\n\r\n') + b'abc' + ok + b'Content-Length: 9\r\n\r\n' + ok + chunks) + end,
        'post': say(0, b'POST /p HTTP/1.1\r\n' + chunks + b'POST /q HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd') +
                say(1, b'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\nab') + gap(1, 9) + say(1, b'c') + end,
        'gap': say(0, get) + say(1, ok + b'Content-Length: 9\r\n\r\na') + gap(1, 3) + say(1, b'abcde' + ok) + gap(1, 2) +
               say(1, ok + chunks) + gap(0, 0) + say(0, get) + reset,
        'connect': say(0, b'CONNECT h:443 HTTP/1.1\r\n\r\n') + say(1, b'HTTP/1.1 407 -\r\nContent-Length: 0\r\n\r\n') +
                   say(0, b'CONNECT h:443 HTTP/1.1\r\n\r\n\x16\x03') + say(1, ok + b'\r\nx') + gap(1, 5) + end,
        'upgrade': say(0, b'GET /w HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: w\r\n\r\nGE') + say(1, b'HTTP/1.1 101 -\r\n\r\n') +
                   say(0, b'T /') + reset,
        'odd': say(0, b'\r\nGET /a\r\nHost: x\r\n folded\r\n\r\nGET/ HTTP/1.1\nContent-Length: 1, 2\n\n'),
    }


def peer_seeds():
    def say(side, data):
        return bytes([side, len(data)]) + data

    def packet(side, kind, connection, seq, ack, data=b''):
        return bytes([side | kind << 1, connection, seq, ack, 0, len(data)]) + data

    hello = b'\x13BitTorrent protocol' + b'\0\0\0\0\0\x10\0\1' + b'h' * 20 + b'p' * 20
    extension = b'\0\0\0\x15\x14\0d1:md6:ut_pexi3eee'
    rest = b'\0\0\0\0\0\0\0\5\4\0\0\0\7\0\0\0\x0d\6\0\0\0\1\0\0\2\0\0\0\x40\0\0\0\0\x0e\7\0\0\0\1\0\0\2\0'
    opens = packet(0, 4, 8, 3, 0) + packet(1, 2, 8, 9, 3)
    return {
        'wire': b'\0' + say(0, hello + extension) + say(1, hello + rest) + say(1, b'block') + say(0, b'\0\0\0\3\x09\x1a\xe1'),
        'wire-gap': b'\0' + say(0, hello) + say(1, hello + rest) + bytes([13, 4]) + say(1, b'k' + extension) + bytes([14, 0]) + say(0, hello),
        'utp': b'\1' + opens + packet(0, 0, 9, 5, 8, b'two') + packet(0, 0, 9, 4, 8, b'one') + packet(0, 1, 9, 6, 8) + packet(1, 3, 8, 9, 4),
        'utp-gap': b'\1' + opens + packet(0, 0, 9, 4, 8, b'a') + packet(0, 0, 9, 6, 8, b'c') + packet(1, 2, 8, 9, 6) + packet(0, 0, 9, 7, 8, b'd'),
        'utp-late': b'\1' + packet(0, 0, 9, 63, 8, b'a') + packet(1, 0, 8, 9, 63, b'x') + opens,
    }


def edits_seeds():
    def step(kind, at, size):
        return bytes([kind]) + at.to_bytes(2, 'big') + size.to_bytes(2, 'big')
    first = b'\xff\xff\xff\x00'
    grown = step(5, 100, 20) + step(2, 120, 0)
    return {
        'edits-grown': first + grown + step(11, 90, 60) + step(3, 135, 0) + step(4, 110, 40),
        'edits-removed': first + step(0, 100, 20) + step(2, 120, 0) + step(1, 100, 20) + step(3, 100, 0),
        'edits-many': first + b''.join(step(5 * i, 100 * i, 100) + step(2, 100 * i + 100, 0) for i in range(40)) + step(3, 4000, 0),
    }


def main():
    top = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), 'corpus')
    for target, seeds in (('frame', {k: sequence(v) for k, v in frame_seeds().items()}), ('capture', capture_seeds()),
                          ('fragments', fragments_seeds()), ('neighbour', neighbour_seeds()),
                          ('stream', stream_seeds()), ('http', http_seeds()), ('ftp', ftp_seeds()),
                          ('peer', peer_seeds()), ('edits', edits_seeds()), ('irc', irc_seeds()),
                          *mail_seeds().items(), *message_seeds().items()):
        folder = os.path.join(top, target)
        os.makedirs(folder, exist_ok=True)
        for name, data in seeds.items():
            with open(os.path.join(folder, name), 'wb') as f:
                f.write(data)


if __name__ == '__main__':
    main()
