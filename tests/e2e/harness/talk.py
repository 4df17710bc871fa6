# SPDX-License-Identifier: GPL-2.0-only
"""Chat and file sharing other than BitTorrent: the servers, the clients, and how a flow is judged."""
import os

from . import swarm
from .check import check, wait_for
from .net import bracket
from .services import Web, fetch, random_file, wait_listening
from .terminal import Terminal

TOOLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools")


def drop(application):
    return f"""
rules:
  - {{ name: no-{application}, application: {application}, action: drop }}
default: pass
"""


def check_named(weir, application, wanted, least=1):
    """The TCP flows that are wanted carried payload, are the application's, and were decided in time."""
    def carried():
        found = [flow for flow in weir.flows() if flow["proto"] == "TCP" and wanted(flow)
                 and flow["bytes_toserver"] + flow["bytes_toclient"] > 400]
        return found if len(found) >= least else None
    for flow in wait_for(carried, f"{least} flows to be named {application}", 15, 0.5):
        check(flow["app_proto"] == application, f"not named {application}: {flow}")
        print(f"{application}: {flow['proto']} port {flow['dest_port']}, {flow['method']} {flow['confidence']}, after "
              f"{flow['decided_after_payload']} packets with payload, {flow['action']}")
        check(flow["decided_after_payload"] <= swarm.PACKETS_MOST, f"decided late: {flow}")


def to_port(port):
    return lambda flow: flow["dest_port"] == port


def between(one, other):
    """Flows of two hosts with each other, over IPv4."""
    return lambda flow: {flow["src_ip"], flow["dest_ip"]} == {one.ip4, other.ip4}


class Bystander:
    """A web server and a client whom no drop concerns."""

    def __init__(self, server, client):
        self.server, self.client = server, client
        self.page = random_file(server, "page", 100_000)

    def start(self):
        self.web = Web(self.server).start()
        return self

    def check(self):
        for version in (4, 6):
            status, _ = fetch(self.client, self.web.url("page", version), "page", 10)
            check(status == 0, f"curl's exit status for a page beside the drop: {status}")


class Ngircd:
    programs = ("ngircd",)

    def __init__(self, host, port=6667):
        self.host, self.port = host, port

    def start(self):
        host = self.host
        config = host.write("ngircd.conf", f"[Global]\nName = irc.example.org\nInfo = test\n"
                            f"Listen = {host.ip4},{host.ip6}\nPorts = {self.port}\nServerUID = root\n"
                            "ServerGID = root\nMotdPhrase = hello\n[Options]\nIdent = no\nDNS = no\n"
                            "PAM = no\n[Limits]\nMaxPenaltyTime = 0\nMaxConnectionsIP = 0\n", 0o600)
        host.spawn(["ngircd", "-n", "-f", config])
        wait_listening(host, host.ip4, self.port)
        return self


class Irssi:
    programs = ("irssi", "tmux")

    def __init__(self, host, nick, server, version=4):
        self.host, self.nick, self.server, self.version = host, nick, server, version
        self.terminal = None

    def start(self):
        host = self.host
        host.write("irssi/config", "settings = { core = { real_name = \"x\"; }; };\n")
        self.terminal = Terminal(host, ["irssi", f"--home={host.path('irssi')}", "-c",
                                        self.server.host.ip(self.version), "-p",
                                        str(self.server.port), "-n", self.nick])
        return self

    def type(self, text):
        self.terminal.type(text)

    def close(self):
        self.terminal.close()


class Prosody:
    """An XMPP server (RFC 6120) for alice and bob at example.org; without TLS unless told."""

    programs = ("prosody", "prosodyctl")

    def __init__(self, host, tls=False):
        self.host, self.tls = host, tls

    def start(self):
        host, folder = self.host, self.host.path("prosody")
        os.makedirs(folder, exist_ok=True)
        host.must(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj",
                   "/CN=example.org", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"])
        tls = '"tls";' if self.tls else ""
        off = "" if self.tls else '"tls";'
        config = host.write("prosody/prosody.cfg.lua", f"""
run_as_root = true
pidfile = "{folder}/pid"
data_path = "{folder}"
interfaces = {{ "{host.ip4}", "{host.ip6}" }}
modules_enabled = {{ "roster"; "saslauth"; {tls} "disco"; "ping"; "posix" }}
modules_disabled = {{ "s2s"; {off} }}
c2s_require_encryption = {str(self.tls).lower()}
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
log = {{ info = "*console" }}
VirtualHost "example.org"
ssl = {{ key = "{folder}/key.pem"; certificate = "{folder}/cert.pem" }}
""")
        for user in ("alice", "bob"):
            host.must(["prosodyctl", "--root", "--config", config, "register", user, "example.org", "pw"])
        host.spawn(["prosody", "--root", "--config", config, "-F"])
        wait_listening(host, host.ip4, 5222)
        return self


def xmpp(host, server, user, peer, version=4, log="xmpp"):
    """A client (tools/xmpp.py) that greets its peer until it is greeted."""
    return host.spawn(["/usr/bin/python3", os.path.join(TOOLS, "xmpp.py"), server.host.ip(version), user,
                       peer, "tls" if server.tls else "plain"], log=log)


class Uhub:
    """A hub of ADC."""

    programs = ("uhub",)

    def __init__(self, host, port=1511):
        self.host, self.port = host, port

    def start(self):
        host = self.host
        users = host.write("users.conf", "")
        config = host.write("uhub.conf", f"server_port={self.port}\nserver_bind_addr={host.ip4}\n"
                            f"file_acl={users}\nhub_name=hub\n")
        host.spawn(["uhub", "-c", config, "-v"])
        wait_listening(host, host.ip4, self.port)
        return self


class Ncdc:
    """A client of ADC that shares its folder."""

    programs = ("ncdc", "tmux")

    def __init__(self, host, nick, hub, port):
        self.host, self.nick, self.hub, self.port = host, nick, hub, port
        self.terminal = None

    def start(self):
        host = self.host
        os.makedirs(host.path("share"), exist_ok=True)
        self.terminal = Terminal(host, ["ncdc", "-c", host.path("ncdc")])
        self.terminal.wait_shown("ncdc")
        for text in (f"/set nick {self.nick}", f"/set active_ip {host.ip4}",
                     f"/set active_port {self.port}", "/set active true",
                     "/set tls_policy disabled", f"/share s {host.path('share')}"):
            self.terminal.type(text)
        return self

    def open(self):
        self.terminal.type(f"/open h adc://{bracket(self.hub.host.ip4, self.hub.port)}")

    def close(self):
        self.terminal.close()
