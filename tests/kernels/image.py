# SPDX-License-Identifier: GPL-2.0-only
"""An initramfs: this machine's programs with the libraries they load, and a kernel's modules."""
import os
import re
import shutil
import stat
import subprocess
import sysconfig

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What the tests run. /bin/sh is not busybox: its shell would take its own applets for ip and tc.
PROGRAMS = ["ip", "tc", "ethtool", "nsenter", "ping", "sysctl", "mount", "umount", "python3",
            "bpftool"]
APPLETS = ["basename", "cat", "chmod", "cp", "cut", "dmesg", "false", "grep", "head", "insmod", "ls", "mkdir",
           "mv", "poweroff", "rm", "rmdir", "sed", "sleep", "sort", "tail", "tr", "timeout", "touch",
           "true", "uname"]
FOLDERS = ["dev", "etc", "proc", "root", "run", "sys", "tmp", "var/tmp"]
PYTHON_UNUSED = re.compile(r"/(config-|test$|lib2to3$|pydoc_data$|distutils$|idlelib$|tkinter$|"
                           r"ensurepip$|site-packages$|dist-packages$)")
MODULES = ["dummy"]
# What weir needs of the kernel and a kernel may lack; loaded one by one (lacking.sh).
WITHHELD = ["bridge", "veth", "sch_ingress", "cls_bpf"]


class Missing(Exception):
    """Something the image needs is not there; the text names it."""


class Image:
    """Files by their path in the guest, written as the cpio archive (newc) that a kernel unpacks."""

    def __init__(self):
        self.entries = {}

    def folder(self, path):
        path = path.strip("/")
        if path and path not in self.entries:
            self.folder(os.path.dirname(path))
            self.entries[path] = (stat.S_IFDIR | 0o755, 0, b"")

    def data(self, path, data, mode=0o644, mtime=0):
        self.folder(os.path.dirname(path))
        self.entries[path.strip("/")] = (stat.S_IFREG | mode, mtime, data)

    def link(self, path, target):
        self.folder(os.path.dirname(path))
        self.entries[path.strip("/")] = (stat.S_IFLNK | 0o777, 0, target.encode())

    def file(self, path, source, mode=None):
        """The time is kept: compiled Python is valid by it."""
        about = os.stat(source)
        with open(source, "rb") as file:
            self.data(path, file.read(), mode or stat.S_IMODE(about.st_mode), int(about.st_mtime))

    def tree(self, path, source, skip=None):
        for folder, folders, files in os.walk(source):
            folders[:] = [name for name in folders
                          if not (skip and skip.search(os.path.join(folder, name)))]
            below = os.path.join(path, os.path.relpath(folder, source))
            for name in files:
                self.file(os.path.normpath(os.path.join(below, name)), os.path.join(folder, name))

    def program(self, path, source):
        self.file(path, source)
        for library in libraries(source):
            if library.strip("/") not in self.entries:
                self.file(library, library)

    def write(self, path):
        with open(path, "wb") as out:
            for number, (name, entry) in enumerate(self.entries.items(), 1):
                write_entry(out, number, name, *entry)
            write_entry(out, 0, "TRAILER!!!", 0, 0, b"")


def write_entry(out, number, name, mode, mtime, data):
    """Thirteen fields of eight hexadecimal digits, name and data, each padded to four bytes."""
    name = name.encode() + b"\0"
    fields = [number, mode, 0, 0, 1, mtime, len(data), 0, 0, 0, 0, len(name), 0]
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
    out.write(head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4))


def libraries(program):
    """Shared libraries as the loader finds them; none for a static program."""
    done = subprocess.run(["ldd", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, check=False)
    if "not found" in done.stdout:
        raise Missing(f"{program} lacks a library: {done.stdout}")
    return re.findall(r"(/\S+) \(0x", done.stdout)


def find(program):
    path = shutil.which(program, path=PATH)
    if not path:
        raise Missing(f"{program} is not installed (sh scripts/deps.sh --kernels)")
    return os.path.realpath(path)


def add_programs(image):
    image.program("bin/busybox", find("busybox"))
    for applet in APPLETS:
        image.link(f"bin/{applet}", "busybox")
    image.program("bin/sh", find("dash"))
    for program in PROGRAMS:
        image.program(f"usr/bin/{program}", find(program))


def add_python(image):
    folder = sysconfig.get_path("stdlib")
    image.tree(folder, folder, PYTHON_UNUSED)
    loaded = os.path.join(folder, "lib-dynload")
    for name in os.listdir(loaded):
        image.program(os.path.join(loaded, name), os.path.join(loaded, name))


def module_path(folder, name):
    for spelled in (name, name.replace("-", "_"), name.replace("_", "-")):
        path = os.path.join(folder, f"{spelled}.ko")
        if os.path.exists(path):
            return path
    return None


def builtin(folder):
    with open(os.path.join(folder, "modules.builtin"), encoding="utf-8") as file:
        return {os.path.basename(line.strip())[:-3].replace("-", "_") for line in file}


def module_order(folder, names):
    """Paths of the modules and of those they depend on, the latter first."""
    order, inside = [], builtin(folder)

    def add(name):
        path = module_path(folder, name)
        if not path and name.replace("-", "_") in inside:
            return
        if not path:
            raise Missing(f"the kernel of {folder} has no module {name}")
        if path in order:
            return
        with open(path, "rb") as file:
            depends = re.search(rb"\0depends=([^\0]*)\0", file.read()).group(1).decode()
        for other in filter(None, depends.split(",")):
            add(other)
        order.append(path)
    for name in names:
        add(name)
    return order


def add_modules(image, folder):
    """modules/NAME/: a module with what it depends on, to be loaded in the order of their names."""
    for name in MODULES + WITHHELD:
        image.folder(f"modules/{name}")
        for number, path in enumerate(module_order(folder, [name])):
            image.file(f"modules/{name}/{number:02}-{os.path.basename(path)}", path)


def build(path, kernel_folder, top, build_folder, tests):
    """tests: names of the programs in BUILD/tests/bpf to run, in this order."""
    image = Image()
    for folder in FOLDERS:
        image.folder(folder)
    image.data("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    image.data("etc/hosts", b"127.0.0.1 localhost\n")
    add_programs(image)
    add_python(image)
    add_modules(image, kernel_folder)
    image.program("weir/build/weir", os.path.join(build_folder, "weir"))
    # What scenarios check the events with.
    image.program("weir/build/tests/tools/evecheck",
                  os.path.join(build_folder, "tests", "tools", "evecheck"))
    image.file("weir/docs/events.schema.json", os.path.join(top, "docs", "events.schema.json"))
    image.tree("weir/tests/e2e", os.path.join(top, "tests", "e2e"), re.compile("/__pycache__$"))
    for test in tests:
        image.program(f"weir/build/tests/bpf/{test}",
                      os.path.join(build_folder, "tests", "bpf", test))
    image.data("weir/order", "".join(f"{test}\n" for test in tests).encode())
    for script, where in (("init.sh", "init"), ("lacking.sh", "weir/tests/kernels/lacking.sh")):
        image.file(where, os.path.join(top, "tests", "kernels", script), 0o755)
    image.write(path)
