#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The events of `weir replay` against those of Suricata 7 over the same captures, type by type and
field by field. No part of `make test`: Suricata is not among what the tests need.

	scripts/eve_compare.py [--weir PATH] [--suricata COMMAND] [--schema FILE] CAPTURE...

--schema: Suricata's etc/schema.json (needs python3-jsonschema); weir's events are held against it
without the object `weir` and without the types that are weir's own. Prints a table; exit 1 when the
schema refuses an event."""
import argparse
import collections
import ipaddress
import json
import os
import shlex
import subprocess
import sys
import tempfile

POLICY = """version: 1
ports:
  lan: { interface: eth1 }
  wan: { interface: eth0 }
forward:
  - { mode: bridge, bridge: br0, create: true, ports: [lan, wan] }
default: pass
"""
CONFIG = """%YAML 1.1
---
vars: { address-groups: { HOME_NET: "any", EXTERNAL_NET: "any" } }
default-log-dir: DIR
outputs:
  - eve-log:
      enabled: yes
      filetype: regular
      filename: eve.json
      community-id: true
      community-id-seed: 0
      types: [flow, http: { extended: yes }, tls: { extended: yes, ja4: on }, dns, quic, files: { force-hash: [sha256] },
              anomaly: { enabled: yes, types: { decode: no, stream: yes, applayer: no } }]
app-layer: { protocols: { tls: { enabled: yes, ja4-fingerprints: yes, detection-ports: { dp: "443" } }, http: { enabled: yes, libhtp: { default-config: { request-body-limit: 0, response-body-limit: 0 } } },
             dns: { tcp: { enabled: yes }, udp: { enabled: yes } }, ftp: { enabled: yes }, quic: { enabled: yes, ja4-fingerprints: yes } } }
stream: { midstream: true }
logging: { default-log-level: error }
"""
# Differ by what they are: clocks, numbers of one run, of the capture as a file.
OWN = {"timestamp", "flow_id", "pcap_cnt", "pcap_filename", "in_iface", "parent_id", "weir", "host",
       "metadata", "pkt_src"}
WEIR_TYPES = {"identified", "policy", "port"}


def events(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


def run_weir(weir, capture, folder):
    policy, out = os.path.join(folder, "weir.yaml"), os.path.join(folder, "weir.json")
    with open(policy, "w") as file:
        file.write(POLICY)
    done = subprocess.run([weir, "replay", capture, "-c", policy, "--events", out],
                          capture_output=True, text=True)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
    return events(out)


def run_suricata(command, capture, folder):
    config = os.path.join(folder, "suricata.yaml")
    with open(config, "w") as file:
        file.write(CONFIG.replace("DIR", folder))
    done = subprocess.run(shlex.split(command) + ["-c", config, "-r", capture, "-l", folder, "-S",
                                                  "/dev/null", "-k", "none"],
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"suricata: exit status {done.returncode}: {done.stderr[-2000:]}")
    return events(os.path.join(folder, "eve.json"))


def flat(value, path=""):
    """Fields by path; lists are values."""
    if not isinstance(value, dict):
        return {path: value}
    out = {}
    for key, inner in value.items():
        if path or key not in OWN:
            out.update(flat(inner, f"{path}.{key}" if path else key))
    return out


def key_of(event):
    """What the event is about, whoever tells it: the n-th of its type and conversation."""
    ends = sorted((str(ipaddress.ip_address(event[f"{side}_ip"])), event.get(f"{side}_port", 0))
                  for side in ("src", "dest"))
    detail = event["dns"]["type"] + str(event["dns"].get("id")) if "dns" in event else ""
    return event["event_type"], event.get("proto"), str(ends), detail


def grouped(list_of_events):
    out = collections.defaultdict(list)
    for event in list_of_events:
        if event["event_type"] not in WEIR_TYPES:
            out[key_of(event)].append(event)
    return out


class Table:
    """Per type and field: pairs in which both say the same, differ, only one has it."""

    def __init__(self):
        self.fields = collections.defaultdict(collections.Counter)
        self.examples = {}
        self.pairs = collections.defaultdict(collections.Counter)

    def pair(self, ours, theirs):
        kind = ours["event_type"]
        self.pairs[kind]["both"] += 1
        ours, theirs = flat(ours), flat(theirs)
        for field in ours.keys() | theirs.keys():
            if field in ours and field in theirs:
                how = "same" if same_value(field, ours[field], theirs[field]) else "differs"
            else:
                how = "weir only" if field in ours else "suricata only"
            self.fields[kind, field][how] += 1
            if how != "same":
                self.examples.setdefault((kind, field, how),
                                         (ours.get(field), theirs.get(field)))

    def add(self, ours, theirs):
        ours, theirs = grouped(ours), grouped(theirs)
        for key in ours.keys() | theirs.keys():
            mine, other = ours.get(key, []), theirs.get(key, [])
            for a, b in zip(mine, other):
                self.pair(a, b)
            self.pairs[key[0]]["weir only"] += max(0, len(mine) - len(other))
            self.pairs[key[0]]["suricata only"] += max(0, len(other) - len(mine))

    def print(self):
        for kind, counts in sorted(self.pairs.items()):
            print(f"{kind}: " + ", ".join(f"{n} {how}" for how, n in sorted(counts.items())))
            for (of, field), how in sorted(self.fields.items()):
                if of != kind or set(how) == {"same"}:
                    continue
                print(f"    {field:28} " + ", ".join(f"{n} {what}" for what, n in sorted(how.items())))
                for what in sorted(how):
                    if what != "same":
                        ours, theirs = self.examples[kind, field, what]
                        print(f"        {what}: weir {json.dumps(ours)[:90]}, suricata {json.dumps(theirs)[:90]}")


def same_value(field, ours, theirs):
    """IPv6 addresses are the same whatever their zeros look like."""
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return all(same_value(field, a, b) for a, b in zip(ours, theirs))
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same_value(k, ours[k], theirs[k]) for k in ours)
    try:
        return ipaddress.ip_address(ours) == ipaddress.ip_address(theirs)
    except ValueError:
        return ours == theirs


def refused(schema, told):
    """Events that Suricata's schema does not take, without what is weir's own."""
    import jsonschema
    validator = jsonschema.Draft202012Validator(schema)
    bad = collections.Counter()
    for event in told:
        if event["event_type"] in WEIR_TYPES:
            continue
        for error in validator.iter_errors({k: v for k, v in event.items() if k != "weir"}):
            bad[f"{event['event_type']}: {'/'.join(map(str, error.path))}: {error.message[:100]}"] += 1
            break
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--weir", default="build/weir")
    parser.add_argument("--suricata", default="suricata")
    parser.add_argument("--schema")
    parser.add_argument("captures", nargs="+", metavar="CAPTURE")
    words = parser.parse_args()
    table, told = Table(), []
    for capture in words.captures:
        with tempfile.TemporaryDirectory() as folder:
            ours = run_weir(words.weir, capture, folder)
            table.add(ours, run_suricata(words.suricata, capture, folder))
            told += ours
    table.print()
    if not words.schema:
        return 0
    with open(words.schema) as file:
        bad = refused(json.load(file), told)
    checked = sum(event["event_type"] not in WEIR_TYPES for event in told)
    print(f"{checked} events against {words.schema}: {sum(bad.values())} refused")
    for what, count in bad.most_common(20):
        print(f"    {count} {what}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
