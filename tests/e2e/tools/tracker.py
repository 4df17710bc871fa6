# SPDX-License-Identifier: GPL-2.0-only
"""
A BitTorrent tracker over HTTP (BEP 3, 7, 23) and UDP (BEP 15), IPv4 and IPv6.

    tracker.py ADDRESS PORT [--peer ADDRESS PORT]... [--fixed] [--page TEXT]

Answers with who announced before and with the peers given; --fixed: with those given only. Any other
path than /announce is answered with the page, as a web front end would. One JSON line per announce
on standard output.
"""
import argparse
import http.server
import ipaddress
import json
import os
import random
import socket
import socketserver
import struct
import sys
import threading
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.torrent import bencode  # noqa: E402

UDP_PROTOCOL = 0x41727101980
INTERVAL = 15


class Swarms:
    """Who shares what: infohash to peers."""

    def __init__(self, peers, fixed):
        self.given = [(ipaddress.ip_address(address), int(port)) for address, port in peers]
        self.fixed = fixed
        self.known = {}
        self.lock = threading.Lock()

    def announce(self, infohash, address, port, event, how):
        """Notes the announcing peer; returns the others."""
        me = (ipaddress.ip_address(address), port)
        with self.lock:
            swarm = self.known.setdefault(infohash, [])
            others = self.given + ([] if self.fixed else swarm)
            others = [peer for peer in others if peer != me]
            if me in swarm:
                swarm.remove(me)
            if event != "stopped":
                swarm.append(me)
        print(json.dumps({"infohash": infohash.hex(), "address": address, "port": port,
                          "event": event, "how": how, "told": len(others)}), flush=True)
        return others


def compact(peers, version):
    return b"".join(address.packed + struct.pack(">H", port) for address, port in peers
                    if address.version == version)


class WebHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        body = self.server.page
        if url.path == "/announce":
            query = urllib.parse.parse_qs(url.query, encoding="latin-1")
            infohash = query["info_hash"][0].encode("latin-1")
            peers = self.server.swarms.announce(infohash, self.client_address[0],
                                                int(query["port"][0]),
                                                query.get("event", [""])[0], "http")
            body = bencode({"interval": INTERVAL, "min interval": INTERVAL, "complete": 1,
                            "incomplete": 1, "peers": compact(peers, 4),
                            "peers6": compact(peers, 6)})
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class WebServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    swarms = None
    page = b""


class UdpHandler(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        if len(data) < 16:
            return
        connection, action, transaction = struct.unpack(">QII", data[:16])
        if action == 0 and connection == UDP_PROTOCOL:
            answer = struct.pack(">IIQ", 0, transaction, random.getrandbits(63))
        elif action == 1 and len(data) >= 98:
            infohash = data[16:36]
            event, = struct.unpack(">I", data[80:84])
            port, = struct.unpack(">H", data[96:98])
            address = self.client_address[0]
            event = {1: "completed", 2: "started", 3: "stopped"}.get(event, "")
            peers = self.server.swarms.announce(infohash, address, port, event, "udp")
            version = ipaddress.ip_address(address).version
            answer = struct.pack(">IIIII", 1, transaction, INTERVAL, 1, 1) + compact(peers, version)
        else:
            return
        sock.sendto(answer, self.client_address)


class UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True
    swarms = None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("--peer", nargs=2, action="append", default=[])
    parser.add_argument("--fixed", action="store_true")
    parser.add_argument("--page", default="tracker\n")
    options = parser.parse_args()
    family = socket.AF_INET6 if ":" in options.address else socket.AF_INET
    swarms = Swarms(options.peer, options.fixed)
    servers = []
    for kind, handler in ((WebServer, WebHandler), (UdpServer, UdpHandler)):
        kind.address_family = family
        server = kind((options.address, options.port), handler)
        server.swarms = swarms
        server.page = options.page.encode()
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


main()
