# SPDX-License-Identifier: GPL-2.0-only
"""
BitTorrent clients without a screen, each with one way to start and one to ask how far it is.

Common arguments: torrent (torrent.Torrent, or a list where the client can), seed (the data is there), port, encryption ("off" speaks
plain first, "require" accepts MSE with RC4 alone), utp ("off", "on", "only"; where the client can),
version (4 or 6: what it listens on, where it can be told), upload (bytes per second at most, 0 = all
it can; transmission and libtorrent), local (peers of the local network are asked for, BEP 14; not
rtorrent), nodes (of the DHT; aria2).
"""
import json
import os
import re
import shutil
import socket
import xmlrpc.client

from .check import Failure, check, wait_for
from .net import bracket, parse_json

LT_TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "lt.py")


class Client:
    """process: what runs; folder: where the download goes."""

    name = ""
    programs = ()

    def __init__(self, host, torrent, seed=False, port=51413, encryption="off", utp="off",
                 version=4, upload=0, local=False, nodes=()):
        self.torrents = torrent if isinstance(torrent, list) else [torrent]
        self.host, self.torrent, self.seed, self.port = host, self.torrents[0], seed, port
        self.encryption, self.utp, self.version, self.upload = encryption, utp, version, upload
        self.local, self.nodes = local, nodes
        self.dir = host.path(f"{self.name}-{port}")
        self.folder = os.path.join(self.dir, "data")
        self.process = None

    def start(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.folder)
        if self.seed:
            for torrent in self.torrents:
                os.link(torrent.data_path, os.path.join(self.folder, torrent.name))
        self.launch()
        return self

    def restart(self):
        """From nothing again, as a new user would."""
        self.stop()
        return self.start()

    def stop(self):
        self.process.stop()
        if self.process in self.host.processes:
            self.host.processes.remove(self.process)

    def launch(self):
        raise NotImplementedError

    def parts(self):
        """0.0 to 1.0 of each download, by infohash."""
        raise NotImplementedError

    def progress(self):
        """Of the download that is least far."""
        parts = self.parts()
        return min(parts.get(torrent.infohash, 0.0) for torrent in self.torrents)

    def serves(self):
        """Whether it has everything and takes connections for it."""
        return self.progress() == 1

    def announce_again(self):
        """Asks the tracker again, where the client can be told to."""

    def wait_complete(self, seconds=30.0):
        wait_for(lambda: self.progress() >= 1.0, f"{self.name} on {self.host.name} completes",
                 seconds, 0.3)

    def downloaded_path(self):
        return os.path.join(self.folder, self.torrent.name)


class Transmission(Client):
    name = "transmission"
    programs = ("transmission-daemon", "transmission-remote")
    rpc = "127.0.0.1:9091"

    def launch(self):
        settings = {
            "encryption": 2 if self.encryption == "require" else 0,
            "utp-enabled": self.utp != "off", "dht-enabled": False, "lpd-enabled": self.local,
            "pex-enabled": False, "peer-port": self.port, "rpc-port": 9091,
            "rpc-bind-address": "127.0.0.1", "rpc-authentication-required": False,
            "rpc-whitelist-enabled": False, "rpc-host-whitelist-enabled": False,
            "port-forwarding-enabled": False, "download-dir": self.folder,
            "incomplete-dir-enabled": False, "preallocation": 0, "message-level": 2,
            "scrape-paused-torrents-enabled": False, "watch-dir-enabled": False,
            "speed-limit-up-enabled": self.upload > 0, "speed-limit-up": self.upload // 1000,
        }
        with open(os.path.join(self.dir, "settings.json"), "w") as file:
            json.dump(settings, file)
        self.process = self.host.spawn(["transmission-daemon", "-f", "-g", self.dir])
        wait_for(lambda: self._remote("-si")[0] == 0, "transmission answers", 15)
        for torrent in self.torrents:
            status, out, err = self._remote("-w", self.folder, "-a", torrent.path)
            check(status == 0, f"transmission takes the torrent: {out}{err}")

    def _remote(self, *words):
        return self.host.run(["transmission-remote", self.rpc, *words], 10)

    def announce_again(self):
        self._remote("-t", "all", "--reannounce")

    def parts(self):
        found = re.findall(r"Hash: (\w+).*?Percent Done: ([\d.]+)%",
                           self._remote("-t", "all", "-i")[1], re.DOTALL)
        return {infohash: float(percent) / 100 for infohash, percent in found}


class Aria2(Client):
    """No uTP. Tries MSE first and plain after it, unless encryption is required."""

    name = "aria2"
    programs = ("aria2c", "curl")

    def launch(self):
        crypto = "true" if self.encryption == "require" else "false"
        level = "arc4" if self.encryption == "require" else "plain"
        words = ["aria2c", "--no-conf=true", "-d", self.folder, f"--listen-port={self.port}",
                 f"--bt-require-crypto={crypto}", f"--bt-min-crypto-level={level}",
                 "--seed-ratio=0.0", "--enable-rpc=true", "--rpc-listen-port=6800",
                 f"--enable-dht={'true' if self.nodes else 'false'}", "--enable-dht6=false",
                 f"--bt-enable-lpd={'true' if self.local else 'false'}", "--bt-lpd-interface=eth0",
                 f"--dht-listen-port={self.port}", f"--dht-file-path={self.dir}/dht.dat",
                 "--enable-peer-exchange=false", "--bt-tracker-interval=3",
                 "--file-allocation=none", "--summary-interval=0", "--bt-max-peers=4"]
        if self.seed:
            words.append("--bt-seed-unverified=true")
        if self.version == 4:
            words.append("--disable-ipv6=true")
        words += [f"--dht-entry-point={bracket(*node)}" for node in self.nodes]
        with open(os.path.join(self.dir, "list"), "w") as file:
            file.write("\n".join(torrent.path for torrent in self.torrents) + "\n")
        self.process = self.host.spawn(words + ["-j", "16", "-i", os.path.join(self.dir, "list")])

    def parts(self):
        query = json.dumps({"jsonrpc": "2.0", "id": "p", "method": "aria2.tellActive"})
        status, out, _ = self.host.run(["curl", "-s", "-m", "5", "http://127.0.0.1:6800/jsonrpc",
                                        "-d", query], 10)
        if status != 0:
            return {}
        return {item["infoHash"]: int(item["completedLength"]) / max(1, int(item["totalLength"]))
                for item in parse_json(out, "aria2's answer")["result"]}


class QBittorrent(Client):
    name = "qbittorrent"
    programs = ("qbittorrent-nox", "curl")
    web = "http://127.0.0.1:8080/api/v2/"

    def launch(self):
        protocol = {"off": "TCP", "on": "Both", "only": "UTP"}[self.utp]
        encryption = {"require": 1, "off": 2}[self.encryption]
        config = os.path.join(self.dir, "qBittorrent", "config")
        os.makedirs(config)
        with open(os.path.join(config, "qBittorrent.conf"), "w") as file:
            file.write(
                "[LegalNotice]\nAccepted=true\n\n"
                "[BitTorrent]\n"
                f"Session\\Encryption={encryption}\nSession\\BTProtocol={protocol}\n"
                f"Session\\DHTEnabled=false\nSession\\LSDEnabled={str(self.local).lower()}\n"
                "Session\\PeXEnabled=false\n"
                f"Session\\Port={self.port}\nSession\\DefaultSavePath={self.folder}\n"
                "Session\\QueueingSystemEnabled=false\nSession\\Preallocation=false\n"
                "Session\\MultiConnectionsPerIp=true\n\n"
                "[Network]\nPortForwardingEnabled=false\n\n"
                "[Preferences]\nWebUI\\Enabled=true\nWebUI\\Port=8080\n"
                "WebUI\\LocalHostAuth=false\nWebUI\\CSRFProtection=false\n"
                "WebUI\\HostHeaderValidation=false\nConnection\\UPnP=false\n")
        self.process = self.host.spawn(["qbittorrent-nox", f"--profile={self.dir}",
                                        "--webui-port=8080"])
        wait_for(lambda: self._api("app/version").startswith("v"), "qbittorrent answers", 20)
        words = ["-F", f"savepath={self.folder}"]
        for torrent in self.torrents:
            words += ["-F", f"torrents=@{torrent.path}"]
        if self.seed:
            words += ["-F", "skip_checking=true"]
        answer = self._api("torrents/add", *words)
        check(answer == "Ok.", f"qbittorrent takes the torrent: {answer!r}")

    def _api(self, path, *words):
        return self.host.run(["curl", "-s", "-m", "5", *words, self.web + path], 10)[1]

    def _torrents(self):
        answer = self._api("torrents/info")
        return parse_json(answer, "qbittorrent's answer") if answer else []

    def announce_again(self):
        for item in self._torrents():
            self._api("torrents/reannounce", "-d", f"hashes={item['hash']}")

    def add_peer(self, address, port, torrent=None):
        """Tells it a peer, for one torrent or for all."""
        for item in wait_for(self._torrents, "qbittorrent lists the torrent"):
            if torrent is None or item["hash"] == torrent.infohash:
                self._api("torrents/addPeers", "-d", f"hashes={item['hash']}",
                          "--data-urlencode", f"peers={bracket(address, port)}")

    def parts(self):
        return {item["hash"]: item["progress"] for item in self._torrents()}

    def serves(self):
        """What it need not check is all there at once, but whoever calls before it is loaded is turned away."""
        states = {item["state"] for item in self._torrents()}
        return bool(states) and states <= {"uploading", "stalledUP", "forcedUP"}


class RTorrent(Client):
    """No uTP."""

    name = "rtorrent"
    programs = ("rtorrent",)

    def launch(self):
        encryption = "allow_incoming,try_outgoing,require,require_RC4" \
            if self.encryption == "require" else "none"
        session = os.path.join(self.dir, "session")
        os.makedirs(session)
        self.socket = os.path.join(self.dir, "scgi")
        config = os.path.join(self.dir, "rc")
        with open(config, "w") as file:
            file.write("\n".join([
                f"network.port_range.set = {self.port}-{self.port}",
                "network.port_random.set = no", f"protocol.encryption.set = {encryption}",
                f"directory.default.set = {self.folder}", f"session.path.set = {session}",
                "dht.mode.set = disable", "protocol.pex.set = no", "system.daemon.set = true",
                f"network.scgi.open_local = {self.socket}", "trackers.use_udp.set = yes",
                *[f'schedule2 = load{number}, 0, 0, "load.start={torrent.path}"'
                  for number, torrent in enumerate(self.torrents)], ""]))
        self.process = self.host.spawn(["rtorrent", "-n", "-o", f"import={config}"])
        wait_for(lambda: os.path.exists(self.socket) and self._call("download_list", ""),
                 "rtorrent has the torrent", 15)

    def _call(self, method, *words):
        body = xmlrpc.client.dumps(words, method).encode()
        head = b"CONTENT_LENGTH\0%d\0SCGI\0001\0" % len(body)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(self.socket)
            connection.sendall(b"%d:%s,%s" % (len(head), head, body))
            answer = b""
            while block := connection.recv(65536):
                answer += block
        return xmlrpc.client.loads(answer[answer.index(b"<?xml"):])[0][0]

    def announce_again(self):
        for item in self._call("download_list", ""):
            self._call("d.tracker_announce", item)

    def parts(self):
        return {item.lower(): self._call("d.completed_bytes", item) /
                max(1, self._call("d.size_bytes", item))
                for item in self._call("download_list", "")}


class LibTorrent(Client):
    """Also without a tracker: peers and DHT nodes are told by the scenario."""

    name = "libtorrent"
    programs = ()

    def __init__(self, host, torrent, dht=False, magnet=False, peers=(), nodes=(), listen=None,
                 **common):
        super().__init__(host, torrent, **common)
        self.launches = 0
        self.options = {
            "dht": dht, "peers": [list(peer) for peer in peers],
            "nodes": [list(node) for node in nodes], "upload": self.upload, "seed": self.seed,
            "transport": {"off": "tcp", "on": "both", "only": "utp"}[self.utp],
            "listen": listen or bracket(host.ip(self.version), self.port),
            "encryption": self.encryption, "path": self.folder,
            ("magnet" if magnet else "torrent"): torrent.magnet if magnet else torrent.path,
        }

    def launch(self):
        self.launches += 1  # a log of its own each time: the state is read from it
        self.process = self.host.spawn(["/usr/bin/python3", LT_TOOL, json.dumps(self.options)],
                                       log=f"libtorrent-{self.port}-{self.launches}")
        self.process.wait_log('"state"', 15)

    def status(self):
        lines = [line for line in self.process.log().splitlines() if line.startswith('{"state')]
        if not self.process.running() or not lines:
            raise Failure(f"libtorrent on {self.host.name} ended:\n{self.process.log()[-1000:]}")
        return json.loads(lines[-1] if lines[-1].endswith("}") else lines[-2])

    def parts(self):
        return {self.torrent.infohash: self.status()["progress"]}


ALL = {kind.name: kind for kind in (Transmission, Aria2, QBittorrent, RTorrent, LibTorrent)}
