# SPDX-License-Identifier: GPL-2.0-only
"""What hosts send, as a pcap file: what arrives may have been merged by GRO."""
import socket
import struct
import threading

from .frames import ETH_P_ALL, PACKET_OUTGOING

LINK_ETHERNET = 1
FRAME_MAX = 1 << 16
SO_TIMESTAMPNS = 35


class Capture:
    def __init__(self, path, *hosts):
        self.path, self.frames, self.done = path, [], threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(host.inside(_open),))
                        for host in hosts]

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def _run(self, sock):
        while True:
            try:
                frame, aux, _, address = sock.recvmsg(FRAME_MAX, 64)
            except TimeoutError:
                if self.done.is_set():
                    break
                continue
            if address[2] == PACKET_OUTGOING:
                seconds, nanos = struct.unpack("qq", aux[0][2][:16])
                self.frames.append((seconds, nanos, frame))
        sock.close()

    def stop(self):
        """The file's path; frames are in the order in which they were sent."""
        self.done.set()
        for thread in self.threads:
            thread.join()
        with open(self.path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, FRAME_MAX, LINK_ETHERNET))
            for seconds, nanos, frame in sorted(self.frames):
                file.write(struct.pack("<IIII", seconds, nanos, len(frame), len(frame)) + frame)
        return self.path


def _open():
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    sock.bind(("eth0", ETH_P_ALL))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.settimeout(0.1)
    return sock
