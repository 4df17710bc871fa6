# SPDX-License-Identifier: GPL-2.0-only
"""What the BitTorrent scenarios have in common."""
import collections

from .check import check, hold_for, wait_for
from .frames import Sniffer

DROP = """
rules:
  - { name: no-bittorrent, application: bittorrent, action: drop }
default: pass
"""
RESET = DROP.replace("drop }", "reset }")
MONITOR = "default: pass\n"
PACKETS_MOST = 8  # inspect.packets: a flow is decided by then


def start(clients):
    for client in clients:
        client.start()


def restart(clients):
    for client in clients:
        client.restart()


def wait_complete(clients, seconds=45):
    for client in clients:
        client.wait_complete(seconds)


def dropped_on(weir, host, *reasons):
    """Frames from the host that were dropped for one of the reasons."""
    return sum(value for name, has, value in weir.metrics()
               if name == "weir_dropped_frames_total" and has["port"] == host.port
               and has["reason"] in reasons)


def wait_blocked(weir, clients, times=2, seconds=40):
    """Until each client has tried, and weir has dropped what it sent."""
    for client in clients:
        wait_for(lambda: dropped_on(weir, client.host, "verdict", "reconnection", "endpoint",
                                    "reset") >= times,
                 f"{client.name} on {client.host.name} was dropped {times} times", seconds, 0.3)


def hold_at_zero(clients, seconds=3):
    hold_for(lambda: all(client.progress() == 0 for client in clients),
             "a blocked client downloads nothing", seconds, 0.5)


def watch(hosts, *ports):
    """Sniffers on the hosts for the flows of these ports."""
    return [Sniffer(host, lambda seen: seen.sport in ports or seen.dport in ports).start()
            for host in hosts]


def check_few_packets(sniffers, most=PACKETS_MOST):
    """Of every flow, both directions together, no more arrived than inspection lets through."""
    flows = collections.Counter()
    for sniffer in sniffers:
        sniffer.stop()
        for (proto, src, sport, dst, dport), number in sniffer.payload_packets().items():
            ends = tuple(sorted([(src, sport), (dst, dport)]))
            flows[(proto, ends)] += number
    for flow, number in flows.items():
        check(number <= most, f"{number} packets with payload of {flow} passed, at most {most} may")
    return flows


def check_identified(weir, clients, application="bittorrent"):
    """Every client has a flow that weir names and drops."""
    for client in clients:
        addresses = (client.host.ip4, client.host.ip6)
        flows = [flow for flow in weir.flows()
                 if flow["src_ip"] in addresses or flow["dest_ip"] in addresses]
        check(any(flow["app_proto"] == application and flow["action"] in ("drop", "reset")
                  for flow in flows),
              f"no dropped {application} flow of {client.name}: {flows}")
