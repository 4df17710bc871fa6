# SPDX-License-Identifier: GPL-2.0-only
"""Whether what arrives on a host is in the order it was sent in (tests/tools/tcporder, udpseq)."""
import json
import signal

from .check import check, check_equal


class TcpOrder:
    """Watches the TCP segments that arrive on a host for, or from, a port."""

    def __init__(self, lab, host, port, source=False):
        words = [lab.built("tests", "tools", "tcporder"), "--idle", "30"]
        words += ["--from"] if source else []
        self.process = host.spawn(words + ["eth0", port], log=f"tcporder-{port}")
        self.process.wait_log("ready")

    def result(self):
        """Ends it; its JSON document."""
        self.process.signal(signal.SIGINT)
        self.process.wait(10)
        return last_document(self.process)


def last_document(process):
    lines = [line for line in process.log().splitlines() if line.startswith("{")]
    check(lines, f"no result from {process.command}:\n{process.log()[-1000:]}")
    return json.loads(lines[-1])


class UdpStream:
    """A numbered stream from one host to the other, under way."""

    def __init__(self, lab, sender, receiver, port, version=4, count=10000, rate=10000,
                 size=100):
        tool = lab.built("tests", "tools", "udpseq")
        self.receiving = receiver.spawn(
            [tool, "recv", "--count", str(count), "--idle", "1", str(port)], log=f"udprecv-{port}")
        self.receiving.wait_log("ready")
        self.sending = sender.spawn(
            [tool, "send", "--count", str(count), "--rate", str(rate), "--size", str(size),
             receiver.ip(version), str(port)], log=f"udpsend-{port}")

    def result(self, seconds=30):
        """What the receiver counted."""
        check_equal(self.sending.wait(seconds), 0, "udpseq's exit status")
        self.receiving.wait(10)
        return last_document(self.receiving)
