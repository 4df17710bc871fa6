# SPDX-License-Identifier: GPL-2.0-only
"""aMule without a screen, and the small server (tools/ed2k_server.py) that tells it of others."""
import hashlib
import os
import shutil
import socket
import struct

from .check import wait_for
from .services import random_file
from .talk import TOOLS

SERVER_TOOL = os.path.join(TOOLS, "ed2k_server.py")
LOGIN = "0xe3 0x1"


class Server:
    """On a host, or on net.side, where the gateway does not see it."""

    def __init__(self, host, port=4661):
        self.host, self.port, self.process = host, port, None
        self.address = getattr(host, "ip4", None) or host.side

    def start(self):
        words = ["/usr/bin/python3", SERVER_TOOL, self.address, str(self.port)]
        if not hasattr(self.host, "ip4"):
            words += ["--network", "10.77.0"]
        self.process = self.host.spawn(words, log=f"ed2k-{self.port}")
        self.process.wait_log("ready")
        return self

    def logins(self, address):
        return self.process.log().count(f"{address}: {LOGIN}\n")


class Amule:
    """shares: bytes of the file it has, or None. obfuscation: supported and asked for; the server's own connection is plain."""

    programs = ("amuled", "openssl")

    def __init__(self, host, server, obfuscation, port=4700):
        self.host, self.server, self.obfuscation, self.port = host, server, obfuscation, port
        self.process, self.logins = None, 0

    def prepare(self):
        host, server = self.host, self.server
        shutil.rmtree(host.path("amule"), ignore_errors=True)
        os.makedirs(host.path("amule", "incoming"))
        os.makedirs(host.path("amule", "temp"))
        crypt = int(self.obfuscation)
        host.write("amule/amule.conf", f"""[eMule]
AppVersion=2.3.3
Nick={host.name}
Port={self.port}
UDPPort={self.port + 10}
UDPEnable=1
Autoconnect=1
Reconnect=1
FilterLanIPs=0
ConnectToKad=0
ConnectToED2K=1
TempDir={host.path("amule", "temp")}
IncomingDir={host.path("amule", "incoming")}
Serverlist=0
AddServerListFromServer=0
AddServerListFromClient=0
SafeServerConnect=0
SmartIdCheck=0
UPnPEnabled=0
SlotAllocation=50
[Obfuscation]
IsClientCryptLayerSupported={crypt}
IsCryptLayerRequested={crypt}
IsClientCryptLayerRequired=0
[ExternalConnect]
AcceptExternalConnections=1
ECAddress=127.0.0.1
ECPort=4712
ECPassword={hashlib.md5(b"pw").hexdigest()}
""")
        # One server of no name: address, port, no tags.
        host.write("amule/server.met", b"\xe0" + struct.pack("<I", 1) + socket.inet_aton(server.address)
                   + struct.pack("<HI", server.port, 0))
        return self

    def share(self, size, seed):
        """Has a file of random bytes, of one part at most (9,728,000: the MD4 of its bytes names it); returns its link."""
        path = random_file(self.host, "film.bin", size, seed)
        shared = shutil.copy(path, self.host.path("amule", "incoming", "film.bin"))
        digest = self.host.must(["openssl", "dgst", "-md4", "-provider", "legacy", "-provider", "default",
                                 path]).split()[-1]
        self.know(shared, bytes.fromhex(digest))
        return f"ed2k://|file|film.bin|{size}|{digest}|/"

    def know(self, path, digest):
        """Spares it the hashing, before whose end it denies that it has the file. One file that it knows by name,
        time and size: hash, no parts, tags for name and size."""
        name, about = os.path.basename(path).encode(), os.stat(path)
        self.host.write("amule/known.met", struct.pack("<BII", 0x0e, 1, int(about.st_mtime)) + digest
                        + struct.pack("<HI", 0, 2)
                        + struct.pack("<BHBH", 0x02, 1, 0x01, len(name)) + name
                        + struct.pack("<BHBI", 0x03, 1, 0x02, about.st_size))

    def start(self, link=None):
        """link: what to download; read from a file that other programs leave links in."""
        if link:
            self.host.write("amule/ED2KLinks", link + "\n")
        self.logins = self.server.logins(self.host.ip4)
        self.process = self.host.spawn(["amuled", "-c", self.host.path("amule"), "-o"])
        return self

    def wait_login(self, seconds=30):
        """Until the server tells others of it: whoever asks before asks again in half an hour."""
        wait_for(lambda: self.server.logins(self.host.ip4) > self.logins,
                 f"aMule on {self.host.name} logs in", seconds)

    def has_file(self):
        return os.path.exists(self.host.path("amule", "incoming", "film.bin"))

    def wait_file(self, seconds=150):
        wait_for(self.has_file, f"aMule on {self.host.name} has the file", seconds, 0.5)
