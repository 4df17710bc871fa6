#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Boots Debian's kernels in QEMU (emulated, no KVM, no root) and runs the BPF tests and one end-to-end scenario on each.
Prints what failed, the verifier's work per program and kernel, and `KERNEL: N passed, N failed`.
"""
import argparse
import glob
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import image  # noqa: E402
import packages  # noqa: E402

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
MEMORY_MIB, CPUS = 2048, 2
PASSED = re.compile(r"^\[  PASSED  \] (\d+) test|^(\d+) passed, \d+ failed", re.MULTILINE)
FAILED = re.compile(r"^\[  FAILED  \] (\d+) test|^\d+ passed, (\d+) failed", re.MULTILINE)
VERIFIED = re.compile(r"^(\w+) (\w+): (\d+) instructions, (\d+) verified$", re.MULTILINE)


class Step:
    """One test program in the guest."""

    def __init__(self, name):
        self.name, self.lines, self.status, self.uptime = name, [], None, 0.0

    @property
    def text(self):
        return "\n".join(self.lines) + "\n"

    def count(self):
        """(passed, failed): what the program says itself, but never a failure without one."""
        passed = sum(int(a or b) for a, b in PASSED.findall(self.text))
        failed = sum(int(a or b) for a, b in FAILED.findall(self.text))
        if self.status == 0:
            return max(passed, 1), failed
        return passed, max(failed, 1)


class Guest:
    """What a kernel's console said."""

    def __init__(self, text):
        self.release, self.steps, self.done, self.other = "?", [], False, []
        step = None
        for line in text.replace("\r", "").splitlines():
            words = line.split()
            if words[:2] == ["@@", "kernel"]:
                self.release = words[2]
            elif words[:2] == ["@@", "begin"]:
                step = Step(words[2])
                self.steps.append(step)
            elif words[:2] == ["@@", "end"]:
                step.status, step.uptime, step = int(words[3]), float(words[4]), None
            elif words[:2] == ["@@", "done"]:
                self.done = True
            else:
                (step.lines if step else self.other).append(line)

    def count(self):
        counts = [step.count() for step in self.steps]
        passed, failed = (sum(column) for column in zip(*counts)) if counts else (0, 0)
        return passed, failed if self.done else max(failed, 1)

    def verified(self):
        """{object and program: (instructions, verified)}"""
        return {f"{obj} {program}": (int(own), int(work)) for step in self.steps
                for obj, program, own, work in VERIFIED.findall(step.text)}


def boot(kernel, initramfs, log, seconds):
    """Runs a guest to its end, or to the end of its time. Returns its console."""
    # The plainest processor is the one that is emulated fastest, by a third.
    command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "qemu64",
               "-m", str(MEMORY_MIB), "-smp", str(CPUS), "-nodefaults", "-no-user-config",
               "-display", "none", "-no-reboot", "-serial", f"file:{log}", "-kernel", kernel,
               "-initrd", initramfs, "-append", "console=ttyS0 panic=-1 quiet"]
    late = ""
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, timeout=seconds, check=True)
    except subprocess.TimeoutExpired:
        late = f"\nended after {seconds} s\n"
    with open(log, encoding="utf-8", errors="replace") as file:
        return file.read() + late


def report(kernel, guest, took):
    before = 0.0
    for step in guest.steps:
        passed, failed = step.count()
        print(f"  {'failed' if failed else 'passed'} {step.name:18} {passed:3} passed, {failed} "
              f"failed, {max(0.0, step.uptime - before):.1f} s")
        before = step.uptime or before
        if failed:
            print("".join(f"    | {line}\n" for line in step.lines), end="")
    if not guest.done:
        print("  the guest did not reach its end; its console's last lines:")
        print("".join(f"    | {line}\n" for line in guest.other[-30:]), end="")
    passed, failed = guest.count()
    print(f"{kernel} ({guest.release}): {passed} passed, {failed} failed in {took:.0f} s",
          flush=True)


def report_verifier(guests):
    """Instructions that the verifier walked, a column for each kernel."""
    table = {kernel: guest.verified() for kernel, guest in guests.items()}
    programs = sorted({program for column in table.values() for program in column})
    if not programs:
        return
    width = max(map(len, programs))
    print("\ninstructions verified (of the program itself)")
    print(f"  {'program':{width}}" + "".join(f"{kernel:>18}" for kernel in table))
    for program in programs:
        cells = [table[kernel].get(program) for kernel in table]
        print(f"  {program:{width}}" + "".join(
            f"{f'{cell[1]} ({cell[0]})' if cell else '-':>18}" for cell in cells))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=os.path.join(TOP, "build"), help="the build folder")
    parser.add_argument("--mirror", help="address of a Debian archive (the machine's own)")
    parser.add_argument("--refresh", action="store_true", help="fetch the newest packages again")
    parser.add_argument("--seconds", type=int, default=240, help="most that one guest may take")
    parser.add_argument("--kernel", action="append", choices=sorted(packages.SUITES),
                        help="6.1, 6.12; both when absent")
    parser.add_argument("tests", nargs="*", help="programs in BUILD/tests/bpf")
    options = parser.parse_args()
    wanted = options.kernel or sorted(packages.SUITES)
    cache = os.path.join(options.build, "kernels")
    os.makedirs(cache, exist_ok=True)
    guests = {}
    try:
        folders = packages.fetch(cache, wanted, options.mirror, options.refresh)
        for kernel, folder in folders.items():
            started = time.monotonic()
            initramfs = os.path.join(cache, f"{kernel}.cpio")
            image.build(initramfs, folder, TOP, options.build, options.tests)
            vmlinuz = glob.glob(os.path.join(glob.escape(folder), "vmlinuz-*"))[0]
            print(f"{kernel}: booting {os.path.basename(vmlinuz)[8:]}", flush=True)
            text = boot(vmlinuz, initramfs, os.path.join(cache, f"{kernel}.log"), options.seconds)
            guests[kernel] = Guest(text)
            report(kernel, guests[kernel], time.monotonic() - started)
    except (packages.Unavailable, image.Missing) as error:
        sys.exit(f"kernels: {error}")
    report_verifier(guests)
    return 1 if any(guest.count()[1] for guest in guests.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
