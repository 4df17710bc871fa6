# SPDX-License-Identifier: GPL-2.0-only
"""Servers that have nothing to do with file sharing, and the trackers."""
import json
import os
import random
import shutil
import socket

from .check import check, wait_for
from .net import bracket

TRACKER_TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools",
                            "tracker.py")
DHT_TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools",
                            "dht_node.py")


def listening(host, address, port):
    """Whether something accepts TCP connections on the host itself."""
    def attempt():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family) as probe:
            probe.settimeout(2)
            return probe.connect_ex((address, port)) == 0
    return host.inside(attempt)


def wait_listening(host, address, port, seconds=10):
    wait_for(lambda: listening(host, address, port), f"{host.name} listens on {address}:{port}",
             seconds)


def random_file(host, name, size, seed=0):
    """A file of random bytes under the host's www folder."""
    return host.write(os.path.join("www", name), random.Random(seed or size).randbytes(size))


class Web:
    """nginx on port 80 of both addresses, and with TLS on 443; serves the host's www folder, as
    /slow/ at 400 kB/s."""

    def __init__(self, host):
        self.host = host

    def start(self):
        host = self.host
        folder = host.path("nginx")
        os.makedirs(folder, exist_ok=True)
        os.makedirs(host.path("www"), exist_ok=True)
        host.must(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                   "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj",
                   "/CN=web.example.org", "-keyout", f"{folder}/key.pem", "-out",
                   f"{folder}/cert.pem"])
        temp = "".join(f"{what}_temp_path {folder}/{what};" for what in
                       ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        listen = "".join(f"listen {bracket(address, 80)}; listen {bracket(address, 443)} ssl;"
                         for address in (host.ip4, host.ip6))
        config = host.write("nginx/nginx.conf", f"""daemon off; pid {folder}/pid; user root;
error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 256; }}
http {{ access_log off; {temp} server {{ {listen} root {host.path("www")};
ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate {folder}/cert.pem;
ssl_certificate_key {folder}/key.pem;
location /slow/ {{ alias {host.path("www")}/; limit_rate 400k; }} }} }}
""")
        host.spawn(["nginx", "-p", folder, "-c", config, "-e", f"{folder}/error.log"])
        wait_listening(host, host.ip4, 443)
        return self

    def url(self, path, version=4, tls=False, host_ip=None):
        scheme = "https" if tls else "http"
        address = host_ip or self.host.ip(version)
        return f"{scheme}://{'[' + address + ']' if ':' in address else address}/{path}"


def fetch(client, url, path, seconds=30, words=()):
    """Downloads with curl to a file in the client's folder; returns (exit status, path)."""
    target = client.path(path)
    status, _, _ = client.run(["curl", "-sSk", "-m", str(seconds), "-o", target, *words, url],
                              seconds + 5)
    return status, target


class Dns:
    """dnsmasq that knows web.example.org."""

    def __init__(self, host, answer):
        self.host, self.answer = host, answer

    def start(self):
        host = self.host
        host.spawn(["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv",
                    "--no-hosts", "--user=root", "--pid-file", "--bind-interfaces",
                    f"--listen-address={host.ip4},{host.ip6}",
                    f"--address=/web.example.org/{self.answer}"])
        wait_listening(host, host.ip4, 53)
        return self

    def query(self, client, version=4, tcp=False):
        """What client is answered: the address, or "" without an answer."""
        words = ["dig", "+short", "+time=2", "+tries=1", f"@{self.host.ip(version)}",
                 "web.example.org", "A"] + (["+tcp"] if tcp else [])
        return client.run(words, 10)[1].strip()


class Ssh:
    """sshd with keys made for the occasion, for root alone."""

    def __init__(self, host, port=2222):
        self.host, self.port = host, port

    def start(self, client):
        host = self.host
        os.makedirs("/run/sshd", exist_ok=True)
        for path in (host.path("host_key"), client.path("id")):
            host.must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path])
        shutil.copy(client.path("id.pub"), host.path("authorized"))
        config = host.write("sshd.conf", f"Port {self.port}\nListenAddress {host.ip4}\n"
                            f"ListenAddress {host.ip6}\nHostKey {host.path('host_key')}\n"
                            f"AuthorizedKeysFile {host.path('authorized')}\nStrictModes no\n"
                            "PermitRootLogin yes\nPidFile none\nUsePAM no\n"
                            "Subsystem sftp internal-sftp\n")
        host.spawn(["/usr/sbin/sshd", "-D", "-e", "-f", config])
        wait_listening(host, host.ip4, self.port)
        return self

    def copy(self, client, source, target, seconds=30):
        """scp of a file of the client to a path on the server; returns the exit status."""
        words = ["scp", "-q", "-F", "/dev/null", "-i", client.path("id"), "-P", str(self.port),
                 "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                 "-o", "ConnectTimeout=10", "-o", "LogLevel=ERROR", source,
                 f"root@{self.host.ip4}:{target}"]
        return client.run(words, seconds)


class Tracker:
    """Our own tracker (tools/tracker.py), on a host or on net.side."""

    def __init__(self, host, port=6969, version=4, peers=(), fixed=False):
        self.host, self.port = host, port
        self.address = host.ip(version) if hasattr(host, "ip") else host.side
        self.peers, self.fixed = peers, fixed
        self.process = None

    @property
    def url(self):
        return f"http://{bracket(self.address, self.port)}/announce"

    @property
    def udp_url(self):
        return f"udp://{bracket(self.address, self.port)}/announce"

    def start(self):
        words = ["/usr/bin/python3", TRACKER_TOOL, self.address, str(self.port)]
        for address, port in self.peers:
            words += ["--peer", address, str(port)]
        if self.fixed:
            words.append("--fixed")
        self.process = self.host.spawn(words, log=f"tracker-{self.port}")
        self.process.wait_log("ready")
        return self

    def announces(self):
        """Every announce that reached the tracker."""
        return [json.loads(line) for line in self.process.log().splitlines()
                if line.startswith("{") and line.endswith("}")]

    def wait_announce(self, address, seconds=15):
        wait_for(lambda: any(item["address"] == address for item in self.announces()),
                 f"an announce of {address} reaches the tracker", seconds)


class DhtNode:
    """A node that answers every get_peers with the peers given (tools/dht_node.py)."""

    def __init__(self, host, peers, port=6770):
        self.host, self.peers, self.port = host, peers, port
        self.process = None

    def start(self):
        words = ["/usr/bin/python3", DHT_TOOL, self.host.ip4, str(self.port)]
        for address, port in self.peers:
            words += ["--peer", address, str(port)]
        self.process = self.host.spawn(words, log=f"dht-{self.port}")
        self.process.wait_log("ready")
        return self

    def wait_asked(self, address, seconds=30):
        wait_for(lambda: f'"address": "{address}"' in self.process.log(),
                 f"{address} asks the DHT for peers", seconds)


class OpenTracker:
    """opentracker, as its users run it. IPv4 only; serves the torrents given."""

    programs = ("opentracker",)

    def __init__(self, host, port=6969):
        self.host, self.port = host, port

    @property
    def url(self):
        return f"http://{self.host.ip4}:{self.port}/announce"

    @property
    def udp_url(self):
        return f"udp://{self.host.ip4}:{self.port}/announce"

    def start(self, *torrents):
        # It gives up root and changes its root folder, so the list must be readable from "/".
        folder = self.host.path("opentracker")
        os.makedirs(folder, exist_ok=True)
        allowed = self.host.write("opentracker/allowed",
                                  "".join(torrent.infohash + "\n" for torrent in torrents))
        self.host.spawn(["opentracker", "-i", self.host.ip4, "-p", str(self.port), "-P",
                         str(self.port), "-w", allowed])
        wait_listening(self.host, self.host.ip4, self.port)
        return self

    def peers(self, torrent):
        """How many peers of the torrent it knows, asked on its own host."""
        digest = "".join(f"%{torrent.infohash[at:at + 2]}" for at in range(0, 40, 2))
        status, out, _ = self.host.run(
            ["curl", "-s", "-m", "5", "--output", "-",
             f"http://{self.host.ip4}:{self.port}/scrape?info_hash={digest}"])
        check(status == 0, f"opentracker answers a scrape: {out!r}")
        return sum(int(out.partition(f"{key}i")[2].partition("e")[0] or 0)
                   for key in ("8:complete", "10:incomplete"))
