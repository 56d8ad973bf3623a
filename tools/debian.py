"""Debian packages unpacked into a private folder: no root needed, the machine's own apt state stays as it is.

Uses the mirror, proxy and keys that the machine's apt is configured with, and a package index of its own. A mirror
that is being updated has an index that fits no signature, sometimes for hours; then the exact packages of PINNED are
taken, each by its checksum.
`with Debian(folder) as debian: debian.unpack("i386", ["micropython", ...], target)`
"""

import glob
import os
import shutil
import subprocess

from runtimes import Missing

SUITE = "trixie"  # the release whose MicroPython is 1.25
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
HELPER = "/usr/lib/apt/apt-helper"

# The packages as they were verified by the index's signature: path in a mirror's pool without architecture, SHA-256.
PINNED = {
    "amd64": (
        ("g/glibc/libc6_2.41-12+deb13u4", "967aa62605721081c3eb2a17650611a792aa802d76a6511d1840242623d204c9"),
        ("libf/libffi/libffi8_3.4.8-2", "0ebdc340de33333639c3c63874cd4b15ac2e83dfa1ef3053b7eefaf4919f4f68"),
        ("m/mbedtls/libmbedcrypto16_3.6.6-0.1~deb13u1",
         "b38baf2ecaca7b28b3005d34b8108ee9b17681426b20662813995e939aea6dfa"),
        ("m/mbedtls/libmbedtls21_3.6.6-0.1~deb13u1",
         "9e280505afa5f5aa7034e494e7466c82d8e9af2eb3bf2edf46bab0bd7b62e1ac"),
        ("m/mbedtls/libmbedx509-7_3.6.6-0.1~deb13u1",
         "e0b6630efcf9eae2e05172496576bc3235be134a6bbf8da4cf3570fba65f65b8"),
        ("m/micropython/micropython_1.25.0+ds-1", "a2c8327c1005cbf0f15c83d1d3b94c20585135c29a97ab1483ada93b82d94a88"),
    ),
    "i386": (
        ("g/glibc/libc6_2.41-12+deb13u4", "67bb4b54cf4bb6a380449dfa1852cd9135659f85360caa0e41d312f4b30e573a"),
        ("libf/libffi/libffi8_3.4.8-2", "8bafefb38c320ca27796070c881595ce04d900c3b534ac142a494daf1fe1db13"),
        ("m/mbedtls/libmbedcrypto16_3.6.6-0.1~deb13u1",
         "aa4698ed436eebf77e3dc9f5c514073bd554109d857d887db5a367dde9a5c377"),
        ("m/mbedtls/libmbedtls21_3.6.6-0.1~deb13u1",
         "eb1b20154ce9008aca1d036698ffc12019020a54985d2c5ae3dc1c1c39c9e995"),
        ("m/mbedtls/libmbedx509-7_3.6.6-0.1~deb13u1",
         "fe6ba192c9227d30a4cd05a3bdeccdf9ff30d55b27d8ff488126c16dcf727cce"),
        ("m/micropython/micropython_1.25.0+ds-1", "a72799821cb45442150f8a7f0757bc8e4f9a4b64abccbd837d694a20d6900bb5"),
    ),
}
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
        self._ready = set()  # architectures whose index is there

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        shutil.rmtree(self._folder, ignore_errors=True)

    def unpack(self, arch, packages, target):
        """Unpack `packages` of architecture `arch` into the folder `target`."""
        at, environment = self._prepared(arch)
        try:
            if arch not in self._ready:
                _run(["apt-get", "-q", "update"], environment, at)
                self._ready.add(arch)
            _run(["apt-get", "-q", "download"] + packages, environment, at + "/packages")
        except Missing as no_index:
            try:
                _fetch_pinned(arch, packages, environment, at + "/packages")
            except Missing as no_package:
                raise Missing("%s\n%s" % (no_index, no_package)) from None
        os.makedirs(target, exist_ok=True)
        for name in packages:
            for package in glob.glob("%s/packages/%s_*.deb" % (at, name)):
                _run(["dpkg-deb", "-x", package, target], environment, at)

    def _prepared(self, arch):
        at = os.path.join(self._folder, arch)
        for part in ("lists/partial", "cache/archives/partial", "packages"):
            os.makedirs(os.path.join(at, part), exist_ok=True)
        open(at + "/status", "w").close()
        with open(at + "/sources.list", "w") as file:
            file.write("deb [signed-by=%s] %s %s main\n" % (KEYRING, _mirror(), SUITE))
        with open(at + "/apt.conf", "w") as file:
            file.write(_machine_settings() + _CONFIGURATION % {"arch": arch, "at": at})
        return at, dict(os.environ, APT_CONFIG=at + "/apt.conf", LC_ALL="C")


def _fetch_pinned(arch, packages, environment, folder):
    """Bring the exact files of PINNED; Missing when a package is not among them or does not arrive as it should."""
    pinned = {os.path.basename(path).split("_")[0]: (path, checksum) for path, checksum in PINNED.get(arch, ())}
    for name in packages:
        if name not in pinned:
            raise Missing("There is no known file of the package %s for %s." % (name, arch))
        path, checksum = pinned[name]
        file = "%s_%s.deb" % (path, arch)
        _run([HELPER, "download-file", "%s/pool/main/%s" % (_mirror().rstrip("/"), file), os.path.basename(file),
              "SHA256:" + checksum], environment, folder)


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
