# SPDX-License-Identifier: GPL-2.0-only
"""
A small eDonkey server ("The eMule Protocol Specification", Kulbak and Bickson, 3 and 6.2): ed2k_server.py ADDRESS PORT
[--network A.B.C]

Whoever has logged in is a source of every file. --network: sources are told with this beginning in place of
that of the address they logged in from. One line per message on standard output.
"""
import argparse
import socket
import socketserver
import struct
import threading

PROTOCOL = 0xe3
LOGIN, OFFER, GET_SOURCES, GET_SOURCES_OBFUSCATED = 0x01, 0x15, 0x19, 0x23
STATUS, MESSAGE, ID_CHANGE, SOURCES, SOURCES_OBFUSCATED = 0x34, 0x38, 0x40, 0x42, 0x44
TAKES_OBFUSCATION = 0x0400  # of ID_CHANGE: sources with what they support are answered
SUPPORTS, REQUESTS, HAS_HASH = 0x01, 0x02, 0x80
MESSAGE_MAX = 1 << 20


class Session(socketserver.BaseRequestHandler):
    def read(self, length):
        data = b""
        while len(data) < length:
            part = self.request.recv(length - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def say(self, opcode, body):
        self.request.sendall(struct.pack("<BIB", PROTOCOL, len(body) + 1, opcode) + body)

    def handle(self):
        me = None
        try:
            while True:
                protocol, length = struct.unpack("<BI", self.read(5))
                if not 0 < length <= MESSAGE_MAX:
                    return
                message = self.read(length)
                print(f"{self.client_address[0]}: {protocol:#x} {message[0]:#x}", flush=True)
                if protocol == PROTOCOL:
                    me = self.answer(message[0], message[1:], me)
        except (EOFError, OSError):
            return

    def address(self):
        """As the sources of others are told it."""
        own = self.client_address[0]
        if self.server.network:
            own = f"{self.server.network}.{own.rpartition('.')[2]}"
        return socket.inet_aton(own)

    def answer(self, opcode, body, me):
        if opcode == LOGIN:
            me = (self.address(), struct.unpack_from("<H", body, 20)[0])
            with self.server.lock:
                self.server.clients[me] = body[:16]
            self.say(ID_CHANGE, me[0] + struct.pack("<I", TAKES_OBFUSCATION))
            text = b"welcome"
            self.say(MESSAGE, struct.pack("<H", len(text)) + text)
            self.say(STATUS, struct.pack("<II", len(self.server.clients), 1))
        elif opcode in (GET_SOURCES, GET_SOURCES_OBFUSCATED):
            self.sources(opcode == GET_SOURCES_OBFUSCATED, body[:16], me)
        return me

    def sources(self, obfuscated, file, me):
        with self.server.lock:
            others = [(key, user) for key, user in self.server.clients.items() if key != me]
        body = file + bytes([len(others)])
        for (address, port), user in others:
            body += address + struct.pack("<H", port)
            if obfuscated:
                body += bytes([SUPPORTS | REQUESTS | HAS_HASH]) + user
        self.say(SOURCES_OBFUSCATED if obfuscated else SOURCES, body)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("--network")
    options = parser.parse_args()
    with Server((options.address, options.port), Session) as server:
        server.clients, server.lock, server.network = {}, threading.Lock(), options.network
        print("ready", flush=True)
        server.serve_forever()


main()
