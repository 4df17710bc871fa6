# SPDX-License-Identifier: GPL-2.0-only
"""
Debian's kernel packages, by an apt whose lists and sources are its own: the machine's stay as they are.
Only the kernel, its configuration and the modules a gateway might need are kept of a package.
"""
import glob
import lzma
import os
import re
import shutil
import subprocess
import tarfile

SUITES = {"6.1": "bookworm", "6.12": "bookworm-backports"}
META = "linux-image-amd64"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
KEPT = re.compile(r"\./(boot/(vmlinuz|config)-[^/]*|lib/modules/[^/]*/modules\.builtin|"
                  r"(usr/)?lib/modules/[^/]*/kernel/(net|lib|crypto|arch/x86/crypto)/.*\.ko(\.xz)?|"
                  r"(usr/)?lib/modules/[^/]*/kernel/drivers/net/[^/]*\.ko(\.xz)?)$")


class Unavailable(Exception):
    """No package to be had; the text says why."""


def run(command, **words):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, **words)
    if done.returncode:
        raise Unavailable(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def machine_mirror():
    """The address from which this machine has its own release."""
    with open("/etc/os-release", encoding="utf-8") as file:
        fields = dict(line.rstrip().split("=", 1) for line in file if "=" in line)
    own = fields.get("VERSION_CODENAME", "").strip('"')
    targets = run(["apt-get", "indextargets", "--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)",
                   "Created-By: Packages"])
    for target in targets.splitlines():
        release, component, mirror = target.split(" ", 2)
        if fields.get("ID") == "debian" and component == "main" and \
           release in (own, "stable", "oldstable", "testing", "sid", "unstable"):
            return mirror
    raise Unavailable("no source of Debian packages on this machine: give one with MIRROR=URL")


class Apt:
    """An apt of its own in a folder."""

    def __init__(self, folder, mirror):
        self.folder = os.path.abspath(folder)
        for name in ("state/lists/partial", "cache/archives/partial"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        signed = f" signed-by={KEYRING}" if os.path.exists(KEYRING) else ""
        self._write("sources.list", "".join(f"deb [arch=amd64{signed}] {mirror} {suite} main\n"
                                            for suite in SUITES.values()))
        self._write("apt.conf", f'Dir::State "{self.folder}/state";\n'
                                'Dir::State::status "/dev/null";\n'
                                f'Dir::Cache "{self.folder}/cache";\n'
                                f'Dir::Etc::sourcelist "{self.folder}/sources.list";\n'
                                'Dir::Etc::sourceparts "/dev/null";\n'
                                'Dir::Etc::preferencesparts "/dev/null";\n'
                                'APT::Architecture "amd64";\n'
                                'APT::Sandbox::User "root";\n'
                                'Acquire::Languages "none";\n'
                                'Acquire::Retries "3";\n')
        self.environment = dict(os.environ, LC_ALL="C",
                                APT_CONFIG=os.path.join(self.folder, "apt.conf"))
        # Without the flag a mirror that does not answer is a warning.
        self.run("apt-get", "update", "-qq", "--error-on=any")

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def run(self, *command):
        return run(list(command), env=self.environment, cwd=self.folder)

    def image(self, suite):
        """Name of the package with the newest kernel of a suite."""
        versions = [line.split("|")[1].strip() for line in
                    self.run("apt-cache", "madison", META).splitlines() if f"/{suite}/" not in line
                    and f" {suite}/main " in line]
        if not versions:
            raise Unavailable(f"{suite} has no {META}")
        depends = self.run("apt-cache", "show", f"{META}={versions[0]}")
        return re.search(r"^Depends: (linux-image-\S+)", depends, re.MULTILINE).group(1)

    def download(self, package):
        """Path of the package's file."""
        self.run("apt-get", "download", package)
        return glob.glob(os.path.join(glob.escape(self.folder), f"{package}_*.deb"))[0]


def unpack(deb, folder):
    """Keeps what KEPT names, flat and with modules decompressed."""
    os.makedirs(folder)
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as stream:
        with tarfile.open(fileobj=stream.stdout, mode="r|") as tar:
            for member in tar:
                if not KEPT.match(member.name) or not member.isfile():
                    continue
                data = tar.extractfile(member).read()
                name = os.path.basename(member.name)
                if name.endswith(".xz"):
                    data, name = lzma.decompress(data), name[:-3]
                with open(os.path.join(folder, name), "wb") as file:
                    file.write(data)
    if stream.returncode:
        raise Unavailable(f"{deb} cannot be unpacked")


def fetch(folder, kernels, mirror=None, refresh=False):
    """{kernel: folder with its files}; what is there already is taken unless refresh is set."""
    missing = [kernel for kernel in kernels
               if refresh or not os.path.isdir(os.path.join(folder, kernel))]
    apt = Apt(os.path.join(folder, "apt"), mirror or machine_mirror()) if missing else None
    for kernel in missing:
        package = apt.image(SUITES[kernel])
        print(f"fetching {package} ({SUITES[kernel]})", flush=True)
        deb = apt.download(package)
        fresh, wanted = os.path.join(folder, f"{kernel}.new"), os.path.join(folder, kernel)
        shutil.rmtree(fresh, ignore_errors=True)
        unpack(deb, fresh)
        shutil.rmtree(wanted, ignore_errors=True)
        os.rename(fresh, wanted)
        os.unlink(deb)
    return {kernel: os.path.join(folder, kernel) for kernel in kernels}
