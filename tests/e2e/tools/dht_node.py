# SPDX-License-Identifier: GPL-2.0-only
"""
A node of the BitTorrent DHT (BEP 5) that knows nobody and answers every get_peers with the peers given.

    dht_node.py ADDRESS PORT --peer ADDRESS PORT [--peer ADDRESS PORT]...

One JSON line per get_peers on standard output.
"""
import argparse
import ipaddress
import json
import os
import random
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.torrent import bencode  # noqa: E402


def bdecode(data, at=0):
    """The value at a place, and the place behind it; texts are bytes."""
    kind = data[at:at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1:end]), end + 1
    if kind in (b"l", b"d"):
        items, at = [], at + 1
        while data[at:at + 1] != b"e":
            item, at = bdecode(data, at)
            items.append(item)
        return (items if kind == b"l" else dict(zip(items[::2], items[1::2]))), at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1:end], end


def answer(query, me, values):
    """What to say to a query, as bytes."""
    said = {"id": me}
    if query[b"q"] == b"get_peers":
        said.update(token=b"token", values=values)
    elif query[b"q"] == b"find_node":
        said["nodes"] = b""
    return bencode({"r": said, "t": query[b"t"], "y": b"r"})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("--peer", nargs=2, action="append", default=[])
    o = parser.parse_args()
    values = [ipaddress.ip_address(address).packed + struct.pack(">H", int(port))
              for address, port in o.peer]
    me = random.randbytes(20)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((o.address, o.port))
    print("ready", flush=True)
    while True:
        data, sender = sock.recvfrom(2048)
        try:
            query = bdecode(data)[0]
            reply = answer(query, me, values)
        except (ValueError, KeyError, TypeError, IndexError):
            continue
        sock.sendto(reply, sender)
        if query[b"q"] == b"get_peers":
            print(json.dumps({"address": sender[0], "told": len(values)}), flush=True)


main()
