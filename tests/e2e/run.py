#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Runs the end-to-end scenarios: run.py [--list] [--hook native|tc|both] [-j N] [-v] [SCENARIO...]

Every scenario runs in a process of its own on namespaces of its own. One line each, logs on failure,
and a closing line. With CI=true in the environment a skipped scenario is a failure.
"""
import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import lab as labs  # noqa: E402
from harness import scenario  # noqa: E402
from harness.check import Failure, Skip  # noqa: E402
from harness.proc import die_with_parent  # noqa: E402

EXIT_SKIPPED = 77


def run_one(name, hook):
    """The scenario itself, in the process made for it. Its output is shown by the parent."""
    def ended(*_):
        raise Failure("ended from outside")
    signal.signal(signal.SIGTERM, ended)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    status = 0
    lab = labs.Lab(hook)
    try:
        scenario.load(name)(lab)
    except Skip as reason:
        print(reason)
        status = EXIT_SKIPPED
    except Failure as failure:
        where = traceback.extract_tb(failure.__traceback__)
        lines = [f"{os.path.basename(f.filename)}:{f.lineno}" for f in where
                 if "/e2e/" in f.filename]
        print(f"{failure}\nat {' > '.join(lines)}\n{lab.logs()}")
        status = 1
    except Exception as bug:  # in the scenario: report it like a failure, and clean up
        print(f"{type(bug).__name__}: {bug}\n{traceback.format_exc()}\n{lab.logs()}")
        status = 1
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for text in lab.close():
        print(f"while cleaning up:\n{text}")
        status = status or 1
    return status


class Run:
    """One scenario on one hook, under way."""

    def __init__(self, name, hook, seconds):
        self.name, self.hook = name, hook
        self.output = tempfile.TemporaryFile("w+")
        self.started = time.monotonic()
        self.deadline = self.started + seconds
        self.late = False
        self.popen = subprocess.Popen(
            ["/usr/bin/python3", os.path.abspath(__file__), "--one", "--hook", hook, name],
            stdout=self.output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            start_new_session=True, preexec_fn=lambda: die_with_parent(signal.SIGTERM))

    def poll(self):
        """Exit status once it is over, else None. A scenario that takes too long is ended."""
        status = self.popen.poll()
        if status is None and time.monotonic() > self.deadline:
            self.end()
            self.late = True
            status = 1
        return status

    def end(self):
        """Asks it to clean up; what does not is killed and cleaned up after."""
        self.popen.terminate()
        try:
            self.popen.wait(30)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        labs.sweep()

    def text(self):
        self.output.seek(0)
        return self.output.read().rstrip()


class Suite:
    def __init__(self, wanted, jobs, verbose):
        self.wanted, self.jobs, self.verbose = wanted, jobs, verbose
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self.skips_fail = os.environ.get("CI") == "true"
        self.running = []
        self.failures = []  # (which, why), told again at the end

    def go(self):
        waiting = list(self.wanted)
        try:
            while waiting or self.running:
                while waiting and len(self.running) < self.jobs:
                    name, hook, seconds = waiting.pop(0)
                    self.running.append(Run(name, hook, seconds))
                for run in list(self.running):
                    status = run.poll()
                    if status is not None:
                        self.running.remove(run)
                        self.report(run, status)
                time.sleep(0.05)
        finally:
            for run in self.running:
                run.end()
        print(", ".join(f"{number} {what}" for what, number in self.counts.items()))
        for which, why in self.failures:
            print(f"failed: {which}: {why}")
        return 1 if self.counts["failed"] else 0

    def report(self, run, status):
        took = time.monotonic() - run.started
        text = run.text()
        verdict = {0: "passed", EXIT_SKIPPED: "skipped"}.get(status, "failed")
        if verdict == "skipped" and self.skips_fail:
            verdict = "failed"
        self.counts[verdict] += 1
        print(f"{verdict:8} {run.name} ({run.hook}) {took:.1f} s"
              f"{': ' + text if status == EXIT_SKIPPED else ''}", flush=True)
        if verdict == "failed" and status == EXIT_SKIPPED:
            self.failures.append((f"{run.name} ({run.hook})", f"skipped: {text}"))
        elif verdict == "failed":
            late = "took too long\n" if run.late else ""
            print("".join(f"  | {line}\n" for line in (late + text).splitlines()), flush=True)
            self.failures.append((f"{run.name} ({run.hook})", " / ".join((late + text).splitlines()[:2])))
        elif self.verbose and text:
            print("".join(f"  | {line}\n" for line in text.splitlines()), flush=True)


def choose(names, hook):
    """[(name, hook, seconds)] in the order to run: the longest first."""
    known = scenario.names()
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"no such scenario: {', '.join(unknown)} (run.py --list)")
    wanted = []
    for name in names or known:
        about = scenario.load(name).scenario
        if names or not about["long"]:
            wanted += [(name, one, about["seconds"]) for one in about["hooks"]
                       if hook in ("both", one)]
    return wanted if names else sorted(wanted, key=lambda item: -item[2])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="name the scenarios")
    parser.add_argument("--hook", choices=("native", "tc", "both"), default="both")
    parser.add_argument("-j", "--jobs", type=int, default=1, help="scenarios at a time")
    parser.add_argument("-v", "--verbose", action="store_true",
                        help="show what scenarios print when they pass")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO")
    options = parser.parse_args()
    if options.list:
        for name in scenario.names():
            about = scenario.load(name).scenario
            long = " (only by name)" if about["long"] else ""
            print(f"{name:16} {'/'.join(about['hooks']):10} {about['summary']}{long}")
        return 0
    if options.one:
        return run_one(options.scenarios[0], options.hook)
    if os.geteuid() != 0:
        sys.exit("run.py: needs root: it makes network namespaces")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    labs.sweep()
    try:
        return Suite(choose(options.scenarios, options.hook), options.jobs, options.verbose).go()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
