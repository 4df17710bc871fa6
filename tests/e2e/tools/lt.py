# SPDX-License-Identifier: GPL-2.0-only
"""
A BitTorrent client on python3-libtorrent: lt.py JSON

    {"listen": "10.0.0.1:6881", "torrent": FILE or "magnet": URI, "path": FOLDER, "seed": bool,
     "encryption": "off" | "allow" | "require", "transport": "tcp" | "utp" | "both", "dht": bool,
     "peers": [[ADDRESS, PORT]...], "nodes": [[ADDRESS, PORT]...], "upload": bytes per second}

Prints its state as one JSON line every half second. Peers and nodes are tried again every second, each
attempt from a new source port.
"""
import json
import sys
import time

import libtorrent as lt


def settings(o):
    utp, tcp = o["transport"] != "tcp", o["transport"] != "utp"
    policy = {"require": 0, "allow": 1, "off": 2}[o["encryption"]]
    return {
        "listen_interfaces": o["listen"], "enable_dht": o["dht"], "enable_lsd": False,
        "enable_upnp": False, "enable_natpmp": False, "enable_ip_notifier": False,
        "dht_bootstrap_nodes": "", "dht_restrict_routing_ips": False,
        "dht_restrict_search_ips": False, "dht_prefer_verified_node_ids": False,
        "enable_outgoing_utp": utp, "enable_incoming_utp": utp,
        "enable_outgoing_tcp": tcp, "enable_incoming_tcp": tcp,
        "in_enc_policy": policy, "out_enc_policy": policy, "prefer_rc4": True,
        "allowed_enc_level": 2 if o["encryption"] == "require" else 3,
        "min_reconnect_time": 1, "max_failcount": 100, "peer_connect_timeout": 3,
        "handshake_timeout": 2,
        "allow_multiple_connections_per_ip": True, "announce_to_all_trackers": True,
        "alert_mask": 0, "connection_speed": 50,
    }


def add(session, o):
    if o.get("magnet"):
        params = lt.parse_magnet_uri(o["magnet"])
    else:
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(o["torrent"])
    params.save_path = o["path"]
    if o["seed"]:
        params.flags |= lt.torrent_flags.seed_mode
    params.flags &= ~lt.torrent_flags.auto_managed
    params.flags &= ~lt.torrent_flags.paused
    handle = session.add_torrent(params)
    # The session's limit spares peers with private addresses; the torrent's does not.
    handle.set_upload_limit(o["upload"])
    return handle


def main():
    o = json.loads(sys.argv[1])
    session = lt.session(settings(o))
    handle = add(session, o)
    tick = 0
    while True:
        status = handle.status()
        if tick % 2 == 0:
            for address, port in o["nodes"]:
                session.add_dht_node((address, port))
            if o["dht"] and tick % 6 == 0:
                handle.force_dht_announce()
            for address, port in o["peers"] if not status.is_seeding else []:
                handle.connect_peer((address, port))
        print(json.dumps({"state": str(status.state), "progress": status.progress,
                          "peers": status.num_peers, "done": status.total_wanted_done,
                          "nodes": session.status().dht_nodes if o["dht"] else 0}), flush=True)
        tick += 1
        time.sleep(0.5)


main()
