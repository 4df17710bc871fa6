# SPDX-License-Identifier: GPL-2.0-only
"""Programs of taps, and connections whose bytes they may change."""
import hashlib
import itertools
import os
import socket
import threading
import time

from . import proc, streams
from .check import check_equal, wait_for

REQUEST = b"GET /file HTTP/1.1\r\nHost: www.example.org\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n"
STARTS = itertools.count()


class Program:
    """tests/tools/tapclient, which says when it is connected, or one of the examples (waits=False)."""

    def __init__(self, weir, *words, tool=None, user=None, waits=True):
        self.waits = waits
        self.weir, self.tool = weir, tool or weir.lab.built("tests", "tools", "tapclient")
        self.words = [str(word) for word in words]
        self.prefix = ["setpriv", "--reuid", user, "--clear-groups"] if user else []

    @property
    def socket(self):
        return os.path.join(self.weir.dir, "tap.sock")

    def start(self, tap="t"):
        before = tap_of(self.weir, tap)["client"]
        self.process = proc.Process([*self.prefix, self.tool, *([self.socket, tap] if self.waits else ["-s", self.socket, tap]), *self.words],
                                    os.path.join(self.weir.dir, f"program-{next(STARTS)}.log"))
        self.weir.lab.on_close(lambda: self.process.signal(9))
        check_equal(before, None, "who served the tap before")
        if self.waits:
            self.process.wait_log("connected", 3)
        else:
            wait_for(lambda: tap_of(self.weir, tap)["client"], "the program serves", 3)
        return self

    def stop(self, sig=15, tap="t"):
        self.process.signal(18)
        self.process.signal(sig)
        self.process.popen.wait(5)
        wait_for(lambda: tap_of(self.weir, tap)["client"] is None, "weir notices that it is gone", 3)


def tap_of(weir, name="t"):
    return next(tap for tap in weir.json("tap", "list")["taps"] if tap["name"] == name)


def counts(weir, name="t"):
    return tap_of(weir, name)["counts"]


class Connection:
    """A TCP connection that is HTTP by its first messages, and then whatever is sent."""

    def __init__(self, net, client, server, port, version=4):
        self.near, self.far = streams.pair(client, server, version, port)
        self.near.settimeout(15)
        self.far.settimeout(15)
        self.near.sendall(REQUEST)
        self.request = self.far.recv(4096)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.near.close()
        self.far.close()

    def transfer(self, data, towards_client=True, piece=None):
        """Sends data one way, in segments of `piece` bytes, while reading at the other end, up to the end of the stream."""
        source, sink = (self.far, self.near) if towards_client else (self.near, self.far)
        failed = []

        def send():
            try:
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, piece is not None)
                for at in range(0, len(data), piece or len(data)):
                    source.sendall(data[at:at + (piece or len(data))])
                    time.sleep(0.0005 if piece else 0)
                source.shutdown(1)
            except OSError as error:
                failed.append(error)
        sender = threading.Thread(target=send)
        sender.start()
        got = bytearray()
        try:
            while part := sink.recv(65536):
                got += part
        finally:
            sender.join(20)
        check_equal(failed, [], "errors of the sender")
        return bytes(got)


def digest(data):
    return hashlib.sha256(data).hexdigest()
