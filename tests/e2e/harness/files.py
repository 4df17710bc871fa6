# SPDX-License-Identifier: GPL-2.0-only
"""Files that are transferred over FTP and HTTP, and what is told of them."""
import os
import sys

from .check import check_equal, wait_for
from .line import Line
from .net import bracket
from .services import Web, random_file
from .torrent import sha256

TOOLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools")
SIZE = 3_000_000
CHUNKED = 8080


def begin(lab, lossy=False):
    lab.need("nginx", "curl")
    net = lab.net(**({"wire": True} if lossy else {}))
    if lossy:
        net.line = Line(lab, net, net.s1)
    weir = lab.weir(net, "reassembly: { flow: 1MiB }\ndefault: pass", protocols=("files",)).start()
    net.s1.web = Web(net.s1).start()
    page = random_file(net.s1, "page", SIZE)
    random_file(net.s1, "other", 70_001)
    random_file(net.c1, "up", SIZE, seed=3)
    # What can be under way fits the reassembly.
    net.c1.must(["sysctl", "-qw", "net.ipv4.tcp_rmem=4096 65536 131072"])
    for address in (net.s1.ip4, net.s1.ip6):
        serve(net.s1, "ftp.py", address, os.path.dirname(page))
    serve(net.s1, "chunked.py", net.s1.ip4, str(CHUNKED), os.path.dirname(page))
    return net, weir


def serve(host, tool, *words):
    process = host.spawn([sys.executable, os.path.join(TOOLS, tool), *words], log=f"{tool}-{len(host.processes)}")
    process.wait_log("ready")


def chunked(net, name):
    return f"http://{bracket(net.s1.ip4, CHUNKED)}/{name}"


def told(weir, name, path, count=1, state="CLOSED"):
    """The events of a file that was transferred so often; all that were told before are forgotten."""
    def new():
        events = [e for e in weir.events("fileinfo") if e["fileinfo"]["filename"] == name]
        return events[weir.told.get(name, 0):]
    weir.__dict__.setdefault("told", {})
    events = wait_for(lambda: len(new()) >= count and new(), f"{count} events of {name}", 10)
    weir.told[name] = weir.told.get(name, 0) + len(events)
    check_equal(len(events), count, f"events of {name}")
    for event in events:
        info = event["fileinfo"]
        check_equal((info["state"], info["gaps"], info["stored"]), (state, False, False), f"{name}: {info}")
        if state == "CLOSED":
            check_equal((info["size"], info["sha256"]), (os.path.getsize(path), sha256(path)), name)
    return events
