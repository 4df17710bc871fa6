#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Identification of labelled captures, and robustness on all of them.

usage: check.py --corpus DIR --weir PATH --asan PATH [--jobs N]

Scores `weir classify` on the sets train and live: a flow that is falsely called P2P, a capture that failed or a
score below floors.json is a failure. Then runs a sanitizer build of weir over every capture, the hostile ones
included: a crash, a sanitizer's report, an exit status other than done or failed, or a time-out is a failure.
"""
import argparse
import concurrent.futures
import json
import os
import subprocess
import sys

FLOORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'floors.json')
CAPTURES = ('.pcap', '.pcapng')
SECONDS = 60
# weir's own statuses: done, and failed (a file that is no capture). A sanitizer ends with 99.
STATUSES = (0, 1)
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS='exitcode=99:detect_leaks=1', UBSAN_OPTIONS='exitcode=99:print_stacktrace=1')


def score(corpus, name, weir, floors):
    """Prints the score of one set and returns what is wrong with it."""
    command = [sys.executable, os.path.join(corpus, 'score.py'), '--weir', weir, '--set', name, '--json']
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if not run.stdout.strip():
        return [f'{name}: score.py gave no result (status {run.returncode})']
    result = json.loads(run.stdout)
    print(f"{name}: P2P {result['p2p_recall']:.1%} of {result['p2p_flows']} flows, false P2P {result['false_p2p']} of "
          f"{result['negatives']}, common applications {result['app_exact']:.1%} of {result['app_flows']}, "
          f"captures failed {result['failed']} of {result['captures']}")
    wrong = [f'{name}: {key} {result[key]:.4f} is below {floor}' for key, floor in floors.items() if result[key] < floor]
    if result['false_p2p'] > 0:
        wrong.append(f"{name}: {result['false_p2p']} flows are falsely P2P (score.py --misses lists them)")
    if result['failed'] > 0:
        wrong.append(f"{name}: weir failed on {result['failed']} captures")
    return wrong


def files_of(corpus):
    for name in ('train', 'live', 'hostile'):
        for folder, _, files in os.walk(os.path.join(corpus, name)):
            for file in sorted(files):
                # Among the hostile files everything is worth a try, captures or not.
                if name == 'hostile' or file.endswith(CAPTURES):
                    yield os.path.join(folder, file)


def robust(weir, path):
    """None, or what happened."""
    try:
        run = subprocess.run([weir, 'classify', '--json', path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             timeout=SECONDS, env=ENVIRONMENT)
    except subprocess.TimeoutExpired:
        return f'{path}: not done after {SECONDS} s'
    report = run.stderr.decode(errors='replace')
    if run.returncode not in STATUSES or 'Sanitizer' in report or 'runtime error' in report:
        return f'{path}: status {run.returncode}\n{report[:4000]}'
    for line in run.stdout.splitlines():
        try:
            json.loads(line)
        except ValueError:
            return f'{path}: not JSON: {line[:200]!r}'
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--corpus', required=True)
    parser.add_argument('--weir', required=True)
    parser.add_argument('--asan', required=True)
    parser.add_argument('--jobs', type=int, default=2)
    options = parser.parse_args()
    wrong = []
    with open(FLOORS, encoding='utf-8') as f:
        for name, floors in json.load(f).items():
            wrong += score(options.corpus, name, options.weir, floors)
    files = list(files_of(options.corpus))
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        wrong += [what for what in pool.map(lambda path: robust(options.asan, path), files) if what]
    print(f'{len(files)} files under the sanitizers')
    if not files:
        wrong.append(f'no captures in {options.corpus}')
    for what in wrong:
        print(f'test-corpus: {what}', file=sys.stderr)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
