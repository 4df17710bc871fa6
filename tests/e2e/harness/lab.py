# SPDX-License-Identifier: GPL-2.0-only
"""What one run of one scenario owns: a name, a folder, a hook, and what is undone at the end."""
import os
import re
import shutil
import tempfile
import traceback

from . import proc
from .check import Skip, check
from .net import NETNS, Net, needs, remove_namespace
from .weir import Weir

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
PREFIX = "weir-e2e-"


class Lab:
    """hook: "native" (links are wires) or "tc" (all offloads on)."""

    def __init__(self, hook="native", hold_logs=False):
        self.run = f"{PREFIX}{os.getpid()}"
        self.hook, self.hold_logs = hook, hold_logs
        self.top = TOP
        self.binary = os.environ.get("WEIR", os.path.join(TOP, "build", "weir"))
        self.dir = tempfile.mkdtemp(prefix=f"{self.run}-")
        os.chmod(self.dir, 0o755)
        self._closers = []
        self._bpffs = None
        self._net = None

    def on_close(self, function):
        """Called at the end, last one first."""
        self._closers.append(function)

    def built(self, *parts):
        """Something the tests need from build/."""
        path = os.path.join(TOP, "build", *parts)
        if not os.path.exists(path):
            raise Skip(f"{os.path.relpath(path, TOP)} is not built (make e2e builds it)")
        return path

    def need(self, *programs):
        missing = needs(*programs)
        if missing:
            raise Skip(f"{missing} is not installed (make deps)")

    def net(self, **words):
        """A net as the hook needs it: native XDP sees frames as on a wire, TC sees offloads."""
        check(self._net is None, "one net a scenario")
        words.setdefault("wire", self.hook == "native")
        self._net = Net(self, **words)
        self.on_close(self._net.down)
        return self._net.up()

    def weir(self, net, body, hook=None, header="", protocols=()):
        """A daemon that is not started yet. protocols: of events."""
        return Weir(self, net, body, hook or self.hook, header, protocols)

    def bpffs(self):
        """A BPF file system of our own: two checkouts cannot meet in it, and it vanishes whole."""
        if not self._bpffs:
            path = os.path.join(self.dir, "bpf")
            os.makedirs(path)
            proc.must(["mount", "-t", "bpf", "bpf", path])
            self._bpffs = path
            self.on_close(lambda: proc.must(["umount", path]))
        return self._bpffs

    def logs(self, most=3000):
        """The ends of all logs, for a failure."""
        found = list(self._net.logs()) if self._net else []
        folder = os.path.join(self.dir, "weir")
        if os.path.isdir(folder):
            found += [(f"weir/{name}", os.path.join(folder, name)) for name in os.listdir(folder)
                      if name.endswith((".log", ".yaml"))]
        text = []
        for name, path in found:
            with open(path, errors="replace") as file:
                content = file.read()
            text.append(f"---- {name}\n{content[-most:].rstrip()}\n")
        return "".join(text)

    def close(self):
        """Undoes everything, going on where one step fails; returns the failures."""
        failures = []
        while self._closers:
            try:
                self._closers.pop()()
            except Exception:  # the rest must be undone all the same
                failures.append(traceback.format_exc())
        shutil.rmtree(self.dir, ignore_errors=True)
        return failures


def sweep():
    """Removes what scenarios left that were killed: all runs whose process is gone."""
    for name in os.listdir(NETNS) if os.path.isdir(NETNS) else []:
        if orphaned(name):
            remove_namespace(name)
    for name in filter(orphaned, os.listdir(tempfile.gettempdir())):
        folder = os.path.join(tempfile.gettempdir(), name)
        if os.path.ismount(os.path.join(folder, "bpf")):
            proc.must(["umount", os.path.join(folder, "bpf")])
        shutil.rmtree(folder)


def orphaned(name):
    """Whether a name starts as ours do, with the id of a process that is no more."""
    found = re.match(rf"{PREFIX}(\d+)-", name)
    return found is not None and not os.path.exists(f"/proc/{found.group(1)}")
