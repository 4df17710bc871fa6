# SPDX-License-Identifier: GPL-2.0-only
"""
Pairs of BitTorrent clients through one gateway: every seeding client has a host and a torrent of its own, every
downloading client a host and all these torrents, so that a flow's two addresses name the pair.

How a client finds the seed: "aside" (a tracker that the gateway does not see), "tracker" (one behind the
gateway), "local" (announced to the local network, BEP 14), "told" (qbittorrent's addPeers), "dht" (aria2; one seed).
"""
from . import swarm
from .check import Failure, check, hold_for, wait_for
from .clients import ALL
from .services import DhtNode, Tracker
from .torrent import Torrent

SEED_PORT, LEECH_PORT, TRACKER_PORT, DHT_PORT = 7001, 7100, 6969, 6770
SIZE = 1 << 20
# aria2 and rtorrent break each encrypted connection off after some 90 kB, also without weir between them.
UNFINISHED = {("aria2", "rtorrent")}
DATA_BYTES = SIZE // 20  # a flow that carried this much carried the download


class Pairs:
    """seeds, leeches: names of clients. utp: datagrams alone."""

    def __init__(self, lab, seeds, leeches, how="aside", utp=False, version=4):
        self.lab, self.how, self.utp, self.version = lab, how, utp, version
        lan, wan = [f"c-{name}" for name in leeches], [f"s-{name}" for name in seeds]
        self.net = lab.net(lan=lan, wan=wan + ["far"], side=how == "aside")
        self.hosts = {host.name: host for host in self.net.hosts}
        self.torrents = {name: self._torrent(name, number) for number, name in enumerate(seeds)}
        self.seeds = [self._client(name, "s-", self.torrents[name], SEED_PORT, seed=True)
                      for name in seeds]
        self.leeches = [self._client(name, "c-", list(self.torrents.values()), LEECH_PORT)
                        for name in leeches]
        for host in self.net.hosts:
            host.must(["ip", "route", "add", "224.0.0.0/4", "dev", "eth0"])
            if utp:
                host.drop_output(f"oifname eth0 tcp dport {{ {SEED_PORT}, {LEECH_PORT} }}")

    def _seed_host(self, name):
        return self.hosts[f"s-{name}"]

    def _tracker_host(self):
        return self.net.side if self.how == "aside" else self.hosts["far"]

    def _torrent(self, name, number):
        url = "http://127.0.0.1:9/announce"  # answers nobody; rtorrent takes no torrent without one
        if self.how in ("aside", "tracker"):
            url = self._tracker(name, number).url
        return Torrent(f"{self.lab.dir}/{name}", f"{name}.bin", SIZE, url)

    def _tracker(self, name, number):
        peer = (self._seed_host(name).ip(self.version), SEED_PORT)
        version = {} if self.how == "aside" else {"version": self.version}
        return Tracker(self._tracker_host(), TRACKER_PORT + number, fixed=True, peers=[peer], **version)

    def _client(self, name, prefix, torrent, port, seed=False):
        nodes = [(self.hosts["far"].ip4, DHT_PORT)] if self.how == "dht" else ()
        return ALL[name](self.hosts[prefix + name], torrent, seed=seed, port=port,
                         encryption="require", utp="only" if self.utp else "off",
                         version=self.version, local=self.how == "local", nodes=nodes)

    def start(self):
        """Trackers, seeds, and those who download, in this order."""
        for number, name in enumerate(self.torrents):
            if self.how in ("aside", "tracker"):
                self._tracker(name, number).start()
        if self.how == "dht":
            DhtNode(self.hosts["far"], [(self._seed_host(name).ip4, SEED_PORT)
                                        for name in self.torrents], DHT_PORT).start()
        swarm.start(self.seeds)
        for seed in self.seeds:
            wait_for(seed.serves, f"{seed.name} has its torrent", 20)
        swarm.start(self.leeches)
        if self.how == "told":
            for leech in self.leeches:
                for name, torrent in self.torrents.items():
                    leech.add_peer(self._seed_host(name).ip(self.version), SEED_PORT, torrent)

    def of_pair(self, flow):
        """(the one who downloads, the seed) of a flow between two of them, else None."""
        names = {host.ip(self.version): name for name, host in self.hosts.items()}
        ends = sorted((names.get(flow["src_ip"], "far"), names.get(flow["dest_ip"], "far")))
        return (ends[0][2:], ends[1][2:]) if ends[0][:2] + ends[1][:2] == "c-s-" else None

    def payload_flows(self, weir, least=1):
        """[(pair, flow)] that carried so many bytes each way of TCP or UDP."""
        return [(self.of_pair(flow), flow) for flow in weir.flows()
                if self.of_pair(flow) and flow["proto"] in ("TCP", "UDP")
                and flow["bytes_toserver"] + flow["bytes_toclient"] >= least]

    def missing(self):
        """Downloads that are not there: (who downloads, whose seed)."""
        return [(leech.name, name) for leech in self.leeches for parts in [leech.parts()]
                for name, torrent in self.torrents.items()
                if parts.get(torrent.infohash, 0) < 1 and
                not ((leech.name, name) in UNFINISHED and parts.get(torrent.infohash, 0) > 0)]

    def text(self, flows):
        """One line a flow: the pair, what it is, how that is known, after how many packets."""
        return "\n".join(
            f"{self.how} IPv{self.version} {flow['proto']} {pair[0]} from {pair[1]}: "
            f"{flow['app_proto']} ({flow['method']} {flow['source']} {flow['confidence']}) after "
            f"{flow['decided_after_payload']}, {flow['action']}, {flow['bytes_toserver']} + "
            f"{flow['bytes_toclient']} bytes"
            for pair, flow in sorted(flows, key=lambda item: item[0]))

    def run(self, seconds=60):
        """Under a drop nothing arrives; under pass all does. Both under a weir that knows nothing yet."""
        self.blocked()
        self.stop()
        self.passed(seconds)
        self.stop()

    def stop(self):
        self.net.stop_hosts()
        self.weir.check_conservation()
        self.weir.stop()
        # The next bridge starts empty: without a question for their addresses it would flood.
        for host in self.net.hosts:
            host.must(["ip", "neigh", "flush", "dev", "eth0"])

    def passed(self, seconds=60):
        """All pairs complete; each has a flow that was named within the packets inspected."""
        self.weir = self.lab.weir(self.net, swarm.MONITOR).start()
        self.start()
        try:
            wait_for(lambda: not self.missing(), "all downloads complete", seconds, 0.5)
        except Failure as late:
            raise Failure(f"{late}; missing: {self.missing()}\n{self.text(self.payload_flows(self.weir))}"
                          ) from None
        flows = self.payload_flows(self.weir, DATA_BYTES)
        print(self.text([item for item in flows if item[1]["method"] != "reconnection"]))
        wrong = [flow for _, flow in flows if flow["app_proto"] != "bittorrent"
                 or flow["decided_after_payload"] > swarm.PACKETS_MOST]
        check(not wrong, f"not named as bittorrent in time: {wrong}")
        seen = {pair for pair, _ in flows}
        wanted = {(leech.name, seed.name) for leech in self.leeches for seed in self.seeds}
        if self.how == "local":  # those who download find each other, too
            check(seen, "no pair has a flow that carried a download")
        else:
            check(seen == wanted, f"pairs without a flow that carried the download: {wanted - seen}")

    def blocked(self, seconds=3):
        """No pair's download starts, after each client was dropped; few packets arrive."""
        self.weir = self.lab.weir(self.net, swarm.DROP).start()
        sniffers = swarm.watch(self.net.hosts, SEED_PORT, LEECH_PORT)
        self.start()
        swarm.wait_blocked(self.weir, self.leeches)
        hold_for(lambda: not any(part for leech in self.leeches for part in leech.parts().values()),
                 "a blocked client downloads nothing", seconds, 0.5)
        swarm.check_few_packets(sniffers)
        if self.how == "aside":
            swarm.check_identified(self.weir, self.leeches)
