"""Debian packages unpacked into a private folder: no root needed, the machine's own apt state stays as it is.

Uses the mirror, proxy and keys that the machine's apt is configured with, and a package index of its own.
`with Debian(folder) as debian: debian.unpack("i386", ["micropython", ...], target)`
"""

import glob
import os
import shutil
import subprocess

from runtimes import Missing

SUITE = "trixie"  # the release whose MicroPython is 1.25
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_KEPT = ("Acquire::http", "Acquire::https", "Acquire::Retries", "Acquire::ForceIPv")  # of the machine's settings

_CONFIGURATION = """\
APT::Architecture "%(arch)s";
APT::Architectures { "%(arch)s"; };
APT::Sandbox::User "";
APT::Get::AllowUnauthenticated "false";
Acquire::Languages "none";
Dir::State "%(at)s";
Dir::State::lists "%(at)s/lists";
Dir::State::status "%(at)s/status";
Dir::Cache "%(at)s/cache";
Dir::Etc::sourcelist "%(at)s/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
"""


def available():
    """Whether this machine can bring packages of Debian at all."""
    tools = ("apt-get", "apt-config", "dpkg-deb")
    return all(shutil.which(tool) for tool in tools) and os.path.exists(KEYRING)


class Debian:
    """One private package index per architecture, gone when the `with` block ends."""

    def __init__(self, folder):
        self._folder = folder
        self._ready = {}

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        shutil.rmtree(self._folder, ignore_errors=True)

    def unpack(self, arch, packages, target):
        """Unpack `packages` of architecture `arch` into the folder `target`."""
        at, environment = self._index(arch)
        _run(["apt-get", "-q", "download"] + packages, environment, at + "/packages")
        os.makedirs(target, exist_ok=True)
        for name in packages:
            for package in glob.glob("%s/packages/%s_*.deb" % (at, name)):
                _run(["dpkg-deb", "-x", package, target], environment, at)

    def _index(self, arch):
        if arch not in self._ready:
            at = os.path.join(self._folder, arch)
            for part in ("lists/partial", "cache/archives/partial", "packages"):
                os.makedirs(os.path.join(at, part), exist_ok=True)
            open(at + "/status", "w").close()
            with open(at + "/sources.list", "w") as file:
                file.write("deb [signed-by=%s] %s %s main\n" % (KEYRING, _mirror(), SUITE))
            with open(at + "/apt.conf", "w") as file:
                file.write(_machine_settings() + _CONFIGURATION % {"arch": arch, "at": at})
            environment = dict(os.environ, APT_CONFIG=at + "/apt.conf", LC_ALL="C")
            _run(["apt-get", "-q", "update"], environment, at)
            self._ready[arch] = at, environment
        return self._ready[arch]


def _mirror():
    """The machine's own mirror of Debian, as its apt sources name it."""
    listing = _run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(COMPONENT)"], None, "/")
    for line in listing.splitlines():
        uri, _, component = line.partition(" ")
        if component == "main" and "security" not in uri:
            return uri
    raise Missing("This machine's apt names no Debian mirror in its sources, so MicroPython cannot be "
                  "installed; name one with MICROPYTHON=/path (and a 32-bit one with MICROPYTHON32=/path).")


def _machine_settings():
    """Proxy, certificates and retries as the machine's apt is configured."""
    dump = _run(["apt-config", "dump"], None, "/")
    return "".join(line + "\n" for line in dump.splitlines() if line.startswith(_KEPT))


def _run(command, environment, folder):
    done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    if done.returncode:
        raise Missing("%s\nThe command above failed: %s" % (done.stdout.strip()[-2000:], " ".join(command)))
    return done.stdout
