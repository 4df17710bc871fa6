#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Draws a benchmark's JSON as bars: plot.py FILE.json writes FILE.svg. A bar is the median, the dots are the runs.

A case may have a unit of its own; each unit has its own scale then.
"""
import json
import sys
from xml.sax.saxutils import escape

ROW, LABEL, BAR, MARGIN, VALUE = 26, 330, 440, 12, 90
TOP = 52


def text(x, y, what, anchor="start", size=13, color="#222"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{color}">{escape(what)}</text>'


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}"


def row(case, y, scale):
    left = MARGIN + LABEL
    color = "#2563a8" if case["case"].startswith("weir") else "#9aa5b1"
    parts = [text(left - 8, y + 16, case["case"], "end"),
             f'<rect x="{left}" y="{y + 4}" width="{max(case["median"] * scale, 1):.1f}" height="{ROW - 9}" fill="{color}"/>']
    parts += [f'<circle cx="{left + run * scale:.1f}" cy="{y + ROW / 2 - 0.5:.1f}" r="2.2" fill="#111" fill-opacity="0.55"/>'
              for run in case["runs"]]
    end = left + max(case["runs"] + [case["median"]]) * scale
    parts.append(text(end + 8, y + 16, number(case["median"])))
    return parts


def by_unit(report):
    """{unit: cases}, the report's own unit first."""
    groups = {report["unit"]: []}
    for case in report["cases"]:
        groups.setdefault(case.get("unit", report["unit"]), []).append(case)
    return {unit: cases for unit, cases in groups.items() if cases}


def draw(report):
    cases = report["cases"]
    if not cases:
        raise ValueError("no cases")
    groups = by_unit(report)
    width, height = 2 * MARGIN + LABEL + BAR + VALUE, TOP + ROW * (len(cases) + len(groups) - 1) + MARGIN
    machine = ", ".join(f"{k} {v}" for k, v in report.get("machine", {}).items())
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
             'font-family="sans-serif">', f'<rect width="{width}" height="{height}" fill="#fff"/>',
             text(MARGIN, 22, f"{report['name']}: {report['unit']}, median of {len(cases[0]['runs'])} runs", size=16),
             text(MARGIN, 40, machine, size=11, color="#555")]
    y = TOP
    for unit, group in groups.items():
        if y > TOP:
            parts.append(text(MARGIN + LABEL, y + 18, unit, size=12, color="#555"))
            y += ROW
        top = max(max(c["runs"] + [c["median"]]) for c in group)
        for case in group:
            parts += row(case, y, BAR / top if top > 0 else 0)
            y += ROW
    return "\n".join(parts + ["</svg>"]) + "\n"


def main():
    if len(sys.argv) != 2 or not sys.argv[1].endswith(".json"):
        print(__doc__, file=sys.stderr)
        return 2
    with open(sys.argv[1], encoding="utf-8") as f:
        svg = draw(json.load(f))
    with open(sys.argv[1][:-len(".json")] + ".svg", "w", encoding="utf-8") as f:
        f.write(svg)
    return 0


if __name__ == "__main__":
    sys.exit(main())
