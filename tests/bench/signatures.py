#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Signatures: nanoseconds per message, and what ten times the signatures cost.

usage: signatures.py [--build DIR] [--runs N] [--messages N] [--captures DIR] [--rounds N]

The sets: the built-in one; the built-in one amid nine likenesses of it; a made one and one ten times its size. A likeness has
every feature and rule of the built-in set with other bytes, texts and ports, so that it says as much and looks as
deep, but of other applications. Made features are of all kinds that signature files can hold, with more of those that the built-in
set has few of: bytes deep in a message and texts anywhere in it. The sets take turns on the same messages (tests/bench/signatures.c).
What a user pays is measured beside it: the whole slow path over captures (tests/bench/classify.c: decoding, flows, assembly, signatures,
modules) with the built-in set and amid its likenesses, ROUNDS times in turn.
Writes DIR/bench/signatures.json and prints a table. CAPTURES in the environment names a folder as well.
"""
import argparse
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys

from classify import captures

SMALL = 300
MORE = "built-in and 9 likenesses"
NAME = r"(?m)^  ([a-z0-9.+_-]+):"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
STARTS = [0, 0, 0, 1, 1, 2, 3, 4, 5, 16, 0x16, 0x20, 0x30, 0x40, 0x60, 0x80, 0x81, 0xc0, 0xe3, 0xf0, 0xff]


class Maker:
    """Features of the kinds that people write, with words that no two of them share."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def word(self, low=4, high=9):
        return "".join(self.random.choice(LETTERS) for _ in range(self.random.randint(low, high)))

    def bytes(self, count, start=None):
        values = [self.random.choice(STARTS) if start is None else start]
        values += [self.random.choice([0, 0, 1, self.random.randrange(256), self.random.randrange(256)]) for _ in range(count - 1)]
        return " ".join(f"{v:02x}" for v in values)

    def transport(self):
        return self.random.choice(["transport: tcp, ", "transport: udp, "])

    def mask(self):
        return f"{self.transport()}mask: {{ offset: 0, bytes: '{self.bytes(self.random.randint(3, 8))}' }}"

    def masked_bits(self):
        low = " ".join(f"{self.random.randrange(256):02x}" for _ in range(3))
        return (f"{self.transport()}length: {{ min: {self.random.randint(12, 60)} }}, "
                f"mask: [{{ offset: 0, bytes: '{self.bytes(2)}', mask: 'f0 ff' }}, {{ offset: {self.random.randint(4, 24)}, bytes: '{low}' }}]")

    def deep_mask(self):
        deep = " ".join(f"{self.random.randrange(256):02x}" for _ in range(self.random.randint(3, 6)))
        return f"{self.transport()}mask: {{ offset: {self.random.randint(2, 40)}, bytes: '{deep}' }}"

    def length_field(self):
        return (f"{self.transport()}length_field: {{ offset: 2, bytes: 2, add: 4, min: 4 }}, "
                f"mask: [{{ offset: 0, bytes: '{self.bytes(2)}' }}, {{ offset: 4, bytes: '{self.bytes(2)}' }}]")

    def exact_length(self):
        return f"transport: udp, length: {self.random.randint(8, 400)}, mask: {{ offset: 0, bytes: '{self.bytes(3)}' }}"

    def anchored(self):
        word = self.word(3, 7)
        word = word.upper() if self.random.random() < 0.6 else word
        tail = self.random.choice([r" [\x21-\x7e]{1,80} [A-Z]+/[0-9]", r"[ :][\x20-\x7e]{2,200}\r?\n", r"(?:-ext|\.v[0-9]) ", r"\x00.{4}[\x00-\x0f]"])
        return f"transport: tcp, regex: '^{word}{tail}'"

    def choice(self):
        words = "|".join(self.word(3, 6).upper() for _ in range(self.random.randint(2, 6)))
        return f"transport: tcp, direction: origin, regex: '^(?:{words}) [^\\r\\n]{{1,100}}\\r\\n'"

    def binary_regex(self):
        start = self.random.choice(STARTS)
        return (f"{self.transport()}regex: '^\\x{start:02x}[\\x00-\\x{self.random.randint(1, 40):02x}]"
                f".{{{self.random.randint(1, 6)}}}\\x{self.random.randrange(256):02x}\\x{self.random.randrange(256):02x}'")

    def unanchored(self):
        return f"{self.transport()}regex: '{self.word(6, 10)}[-_/:=][0-9a-z]{{2,20}}'"

    def folded(self):
        """As the files of l7-filter have them: caseless, one of several words, anywhere."""
        return f"transport: tcp, regex: {{ pattern: '(?:{self.word(6)}|{self.word(6)}).*{self.word(5)}', caseless: true, within: 2048 }}"

    def port(self):
        return f"transport: tcp, dport: [{self.random.randint(1024, 30000)}]"

    def feature(self):
        kinds = [(18, self.mask), (8, self.masked_bits), (8, self.deep_mask), (8, self.length_field), (8, self.exact_length),
                 (20, self.anchored), (10, self.choice), (10, self.binary_regex), (4, self.unanchored), (2, self.folded), (4, self.port)]
        return self.random.choices([k for _, k in kinds], [w for w, _ in kinds])[0]


# Bytes of a kind are exchanged for each other: letters by how common they are, digits, small numbers, control and high bytes.
# Zeros, spaces, line ends and punctuation are what protocols have in common.
KINDS = [list(kind) for kind in (b"etaoin", b"shrdlu", b"cmfgyp", b"wbvkxjqz", b"0123456789", [*range(1, 9), 11, 12, 14, 15],
                                 range(16, 32), range(0x80, 0x100))]
PORTS_ALIKE = 1000  # wider ranges stay as they are


class Likeness:
    """Another set of the same making."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.suffix = f"-{seed}"
        self.ports = {}
        self.byte = list(range(256))
        for kind in KINDS:
            ring = self.random.sample(kind, len(kind))
            for a, b in zip(ring, ring[1:] + ring[:1]):
                self.byte[a] = b
        for lower in LETTERS.encode():
            self.byte[lower - 32] = self.byte[lower] - 32

    def text(self, s):
        return "".join(chr(self.byte[ord(c)]) for c in s)

    def hexadecimal(self, m):
        values = [self.byte[int(x, 16)] for x in m[2].split()]
        if m[4]:
            values = [v & int(x, 16) for v, x in zip(values, m[4].split())]
        return m[1] + " ".join(f"{v:02x}" for v in values) + m[3]

    def port(self, m):
        first, last = int(m[1]), int(m[2] or m[1])
        if last - first > PORTS_ALIKE:
            return m[0]
        low, high = (1, 1024) if first < 1024 else (1024, 65536 - PORTS_ALIKE)
        to = self.ports.setdefault(first, self.random.randrange(low, high))
        return f"{to}-{to + last - first}" if m[2] else str(to)

    def pattern(self, p):
        """Ranges of bytes within brackets stay."""
        out, inside = [], False
        for m in re.finditer(r"\\x[0-9a-fA-F]{2}|\\.|\{\d*,?\d*\}|\[\^?|.", p):
            token, beside = m[0], (p[m.start() - 1:m.start()], p[m.end():m.end() + 1])
            if inside and token == "]":
                inside = False
            elif not inside and token[0] == "[":
                inside = True
            elif inside and "-" in beside:
                pass
            elif token[:2] == "\\x":
                token = f"\\x{self.byte[int(token[2:], 16)]:02x}"
            elif len(token) == 1 and token.isalnum():
                token = self.text(token)
            out.append(token)
        return "".join(out)

    def of(self, features, applications):
        names = set(re.findall(NAME, features))
        features = re.sub(r"'([^']*)'", lambda m: f"'{self.pattern(m[1])}'", features)
        features = re.sub(r'text: "([^"]*)"', lambda m: f'text: "{self.text(m[1])}"', features)
        features = re.sub(r'(bytes: ")([0-9a-f ]+)("(?:, mask: "([0-9a-f ]+)")?)', self.hexadecimal, features)
        features = re.sub(r"port: (\[[^]]*\]|[0-9-]+)", lambda m: re.sub(r"(\d+)(?:-(\d+))?", self.port, m[0]), features)
        features = re.sub(NAME, rf"  \1{self.suffix}:", features)
        applications = re.sub(NAME, rf"  \1{self.suffix}:", applications)
        return features, re.sub(r"[a-z0-9.+_-]+", lambda m: m[0] + self.suffix * (m[0] in names), applications)


def write_likenesses(path, builtin, count):
    """The set in their middle: what comes first in a file is found first."""
    features, applications = re.sub(r"(?m)^ *#.*\n", "", builtin).split("\napplications:\n")
    parts = [Likeness(i + 1).of(features.split("features:\n")[1], applications) for i in range(count)]
    parts.insert(count // 2, (features.split("features:\n")[1], applications))
    with open(path, "w", encoding="utf-8") as f:
        f.write("features:\n" + "\n".join(p[0] for p in parts) + "\napplications:\n" + "\n".join(p[1] for p in parts))


def write_set(path, count, seed):
    """count features, four to an application."""
    maker = Maker(seed)
    features, applications = [], []
    for i in range(count):
        kind = maker.feature()
        features.append(f"  made-{i}: {{ {kind()} }}\n")
        if i % 4 == 0:
            applications.append([maker.random.randint(60, 99), []])
        applications[-1][1].append(f"made-{i}" if kind != maker.port else f"made-{i} and not made-{maker.random.randrange(count)}")
    rules = "".join(f"  app-{i}: {{ confidence: {c}, when: [{', '.join(whens)}] }}\n" for i, (c, whens) in enumerate(applications))
    with open(path, "w", encoding="utf-8") as f:
        f.write("features:\n" + "".join(features) + "\napplications:\n" + rules)


def make_sets(folder):
    with open("policies/signatures.yaml", encoding="utf-8") as f:
        builtin = f.read()
    count = len(re.findall(NAME, builtin.split("\napplications:\n")[0]))
    os.makedirs(folder, exist_ok=True)
    sets = {"built-in": "-", MORE: f"{folder}/built-in-10.yaml", f"{SMALL} made": f"{folder}/made-1.yaml",
            f"{10 * SMALL} made": f"{folder}/made-10.yaml"}
    write_likenesses(f"{folder}/built-in-10.yaml", builtin, 9)
    write_set(f"{folder}/made-1.yaml", SMALL, 2)
    write_set(f"{folder}/made-10.yaml", 10 * SMALL, 2)
    return sets, count


def measure(o, sets):
    """{kind: {set: ([nanoseconds], share identified)}}, without the round that warms up."""
    names = {path: name for name, path in sets.items()}
    out = subprocess.run([f"{o.build}/bench/signatures", str(o.runs), str(o.messages), o.captures, *sets.values()],
                         stdout=subprocess.PIPE, text=True, check=True).stdout
    seen = {}
    for line in out.split("warm\n")[1].splitlines():
        kind, path, ns, share = line.split("\t")
        runs = seen.setdefault(kind, {}).setdefault(names[path], ([], float(share)))
        runs[0].append(float(ns))
    return seen


SLOW_PATH_LOOPS = "4"


def measure_slow_path(o, sets):
    """{(set, what): [nanoseconds per packet of each round]}"""
    paths, _ = captures(None if o.captures == "-" else o.captures, o.build)
    seen = {}
    for _ in range(o.rounds):
        for name in ("built-in", MORE):
            options = [] if sets[name] == "-" else ["--signatures", sets[name]]
            out = subprocess.run([f"{o.build}/bench/classify", "--weir", "--loops", SLOW_PATH_LOOPS, *options, *paths],
                                 stdout=subprocess.PIPE, text=True, check=True).stdout
            for line in out.splitlines():
                case, _, value = line.split("\t")
                seen.setdefault((name, case.split(", ")[1]), []).append(float(value))
    return seen


def add_slow_path(result, seen):
    for (name, what), runs in seen.items():
        result["cases"].append({"case": f"{name}, slow path, {what}", "unit": "ns per packet", "runs": runs, "median": statistics.median(runs)})
        if name == MORE:
            result["ratio"][f"{MORE} / built-in, slow path, {what}"] = round(
                statistics.median(runs) / statistics.median(seen["built-in", what]), 3)


def report(seen, count):
    cases, ratio = [], {}
    for kind, by_set in seen.items():
        for name, (runs, share) in by_set.items():
            cases.append({"case": f"{name}, {kind} messages", "runs": runs, "median": statistics.median(runs), "identified": share})
        pairs = [(MORE, "built-in"), (f"{10 * SMALL} made", f"{SMALL} made")]
        for more, less in pairs:
            ratio[f"{more} / {less}, {kind} messages"] = round(
                statistics.median(a / b for a, b in zip(by_set[more][0], by_set[less][0])), 3)
    return {"name": "signatures", "unit": "ns per message", "cases": cases, "ratio": ratio, "features_built_in": count,
            "machine": {"cpus": os.cpu_count(), "kernel": platform.release(), "arch": platform.machine()},
            "command": "make bench BENCH=signatures"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--messages", type=int, default=50000)
    parser.add_argument("--captures", default=os.environ.get("CAPTURES", "-"))
    parser.add_argument("--rounds", type=int, default=3, help="of the whole slow path")
    o = parser.parse_args()
    sets, count = make_sets(f"{o.build}/bench/signature-sets")
    result = report(measure(o, sets), count)
    add_slow_path(result, measure_slow_path(o, sets))
    with open(f"{o.build}/bench/signatures.json", "w", encoding="utf-8") as f:
        json.dump(result, f, indent=2)
    for case in result["cases"]:
        share = f", {100 * case['identified']:.1f} % identified" if "identified" in case else ""
        print(f"{case['case']:70} {case['median']:8.1f} ns{share}")
    for name, value in result["ratio"].items():
        print(f"{name:80} {value:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
