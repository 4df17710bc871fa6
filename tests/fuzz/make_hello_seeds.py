#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writes the seeds of hello_fuzz and dns_fuzz to tests/fuzz/corpus/.

usage: make_hello_seeds.py [FOLDER]

The seeds are small, made here from the formats' documents, and the same on every run.
"""
import os
import struct
import sys


def vector(width, data):
    return len(data).to_bytes(width, 'big') + data


def extension(kind, body):
    return struct.pack('>H', kind) + vector(2, body)


def client_hello(datagram=False):
    extensions = (extension(0, vector(2, b'\0' + vector(2, b'www.example.org'))) +
                  extension(0x0a0a, b'') + extension(16, vector(2, vector(1, b'h2') + vector(1, b'http/1.1'))) +
                  extension(13, vector(2, bytes.fromhex('04030804'))) + extension(43, vector(1, bytes.fromhex('0a0a0304'))))
    body = (b'\xfe\xfd' if datagram else b'\x03\x03') + bytes(32) + b'\0' + (b'\0' if datagram else b'')
    body += vector(2, bytes.fromhex('0a0a1301c02f')) + b'\1\0' + vector(2, extensions)
    return b'\1' + vector(3, body)


def der(tag, *parts):
    body = b''.join(parts)
    size = bytes([len(body)]) if len(body) < 128 else b'\x82' + struct.pack('>H', len(body))
    return bytes([tag]) + size + body


def certificate():
    def name(text):
        return der(0x30, der(0x31, der(0x30, bytes.fromhex('0603550403'), der(0x0c, text))))
    alternative = der(0x30, bytes.fromhex('0603551d11'), der(4, der(0x30, der(0x82, b'*.example.org'), der(0x87, bytes(4)))))
    return der(0x30, der(0x30, bytes.fromhex('a003020102020107'), der(0x30), name(b'issuer'), der(0x30), name(b'www.example.org'),
                         der(0x30), der(0xa3, der(0x30, alternative))), der(0x30), der(3, b'\0'))


def server_flight():
    hello = b'\3\3' + bytes(32) + b'\0\xc0\x2f\0' + vector(2, extension(0xff01, b'\0'))
    return b'\2' + vector(3, hello) + b'\x0b' + vector(3, vector(3, vector(3, certificate())))


def records(data, most):
    return b''.join(b'\x16\3\1' + vector(2, data[at:at + most]) for at in range(0, len(data), most))


def dtls(data, sequence, most):
    out = b''
    body = data[4:]
    for at in range(0, len(body), most):
        part = body[at:at + most]
        fragment = data[:4] + struct.pack('>H', sequence) + at.to_bytes(3, 'big') + vector(3, part)
        out += b'\x16\xfe\xfd' + bytes(8) + vector(2, fragment)
    return out


def qname(text):
    return b''.join(vector(1, label.encode()) for label in text.split('.')) + b'\0'


def message(how, data):
    return bytes([how]) + vector(2, data)


def dns(answers=(), response=False):
    out = struct.pack('>6H', 7, 0x8180 if response else 0x100, 1, len(answers), 0, 0) + qname('www.example.org') + b'\0\1\0\1'
    for owner, kind, data in answers:
        out += owner + struct.pack('>HHIH', kind, 1, 300, len(data)) + data
    return out


ANSWER = dns([(b'\xc0\x0c', 5, qname('a.example.net')), (qname('a.example.net'), 1, bytes([192, 0, 2, 1]))], True)
SEEDS = {
    'hello/client': b'\0' + client_hello(),
    'hello/datagram': b'\1' + client_hello(True),
    'hello/server': b'\2' + server_flight(),
    'hello/certificate': b'\3' + certificate(),
    'hello/certificate-cut': b'\x0b' + certificate()[:90],
    'hello/records': b'\4' + records(client_hello(), 50),
    'hello/dtls': b'\5' + dtls(client_hello(True), 0, 60),
    'hello/request': b'\6GET /a?b HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: x\r\n\r\n',
    'hello/response': b'\6HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n',
    # RFC 9001, appendix A.2: the head of the client's Initial.
    'hello/quic': b'\7' + bytes.fromhex('c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11'),
    'dns/udp': b'\0' + message(2, dns()) + message(1, ANSWER),
    'dns/tcp': b'\1' + message(2, vector(2, dns())) + message(1, vector(2, ANSWER)[:9]) + message(1, vector(2, ANSWER)[9:]),
}


def main():
    top = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), 'corpus')
    for name, data in SEEDS.items():
        path = os.path.join(top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as f:
            f.write(data)


if __name__ == '__main__':
    main()
