# SPDX-License-Identifier: GPL-2.0-only
"""Torrents to share (BEP 3)."""
import hashlib
import os
import random


def bencode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(bencode(item) for item in value) + b"e"
    return b"d" + b"".join(bencode(key) + bencode(value[key]) for key in sorted(value)) + b"e"


class Torrent:
    """A file of random bytes in folder and its .torrent; announce: the tracker's URL or None."""

    def __init__(self, folder, name, size, announce=None, piece=65536):
        os.makedirs(folder, exist_ok=True)
        self.name, self.size, self.announce = name, size, announce
        self.data_path = os.path.join(folder, name)
        self.path = self.data_path + ".torrent"
        data = random.Random(name).randbytes(size)
        self.sha256 = hashlib.sha256(data).hexdigest()
        with open(self.data_path, "wb") as file:
            file.write(data)
        pieces = b"".join(hashlib.sha1(data[at:at + piece]).digest()
                          for at in range(0, size, piece))
        info = {"name": name, "piece length": piece, "length": size, "pieces": pieces}
        self.infohash = hashlib.sha1(bencode(info)).hexdigest()
        meta = {"info": info, "creation date": 1700000000}
        if announce:
            meta["announce"] = announce
        with open(self.path, "wb") as file:
            file.write(bencode(meta))

    @property
    def magnet(self):
        tracker = f"&tr={self.announce}" if self.announce else ""
        return f"magnet:?xt=urn:btih:{self.infohash}&dn={self.name}{tracker}"


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
