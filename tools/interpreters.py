"""Brings the MicroPython runtimes: Debian's unpacked into `.build/micropython/`, or the user's own.

`MICROPYTHON=/path` names a 64-bit and `MICROPYTHON32=/path` a 32-bit unix build of 1.25 or newer; a machine's own
`micropython` of that age serves as the 64-bit one. Each runtime is run once before it is trusted.
"""

import os
import shutil
import subprocess
import sys

import debian
from runtimes import BUILD, Missing

_ARCHES = {"x86_64": "amd64", "amd64": "amd64"}  # machines whose Debian runtimes are known to work here
_LIBRARIES = ["libc6", "libffi8", "libmbedcrypto16", "libmbedtls21", "libmbedx509-7"]
_LAUNCHER = """\
#!/bin/sh
R=$(dirname "$(readlink -f "$0")")/../%(arch)s/usr; L=$R/lib/%(triplet)s
exec "$L/%(loader)s" --library-path "$L" --argv0 micropython "$R/bin/micropython" "$@"
"""
_LOADER = {
    "amd64": ("x86_64-linux-gnu", "ld-linux-x86-64.so.2"),
    "i386": ("i386-linux-gnu", "ld-linux.so.2"),
}
_PROBE = "import sys, asyncio, socket, tls; print(sys.implementation[1][:2] >= (1, 25), sys.maxsize > 1 << 32)"


def mpy64(private):
    """Make the 64-bit runtime available; `private` unpacks Debian's packages."""
    own = os.environ.get("MICROPYTHON")
    if own:
        _probe(own, "MICROPYTHON", "True True")
        return
    found = shutil.which("micropython")
    if found and answer([found, "-c", _PROBE]) == "True True":
        _launcher("mpy64", '#!/bin/sh\nexec "%s" "$@"\n' % found)
        return
    _unpack_micropython(private, "mpy64", native_arch(), "True True", "MICROPYTHON")


def mpy32(private):
    """Make the 32-bit runtime available; `private` unpacks Debian's packages."""
    own = os.environ.get("MICROPYTHON32")
    if own:
        _probe(own, "MICROPYTHON32", "True False")
        return
    native_arch("MICROPYTHON32")
    _unpack_micropython(private, "mpy32", "i386", "True False", "MICROPYTHON32")


def _unpack_micropython(private, name, arch, expected, variable):
    if not debian.available():
        raise Missing("MicroPython 1.25 or newer is needed and this machine has no apt of Debian to bring it: "
                      "name a %s-bit unix build with %s=/path." % (name[-2:], variable))
    folder = os.path.join(BUILD, "micropython", arch)
    private.unpack(arch, ["micropython"] + _LIBRARIES, folder + ".new")
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(folder + ".new", folder)
    triplet, loader = _LOADER[arch]
    path = _launcher(name, _LAUNCHER % {"arch": arch, "triplet": triplet, "loader": loader})
    if answer([path, "-c", _PROBE]) != expected:
        os.remove(path)
        raise Missing("The %s MicroPython does not run here (does this kernel execute %s programs?): name one "
                      "that does with %s=/path." % (arch, arch, variable))


def _launcher(name, text):
    folder = os.path.join(BUILD, "micropython", "bin")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, 0o755)
    return path


def _probe(path, variable, expected):
    if answer([path, "-c", _PROBE]) != expected:
        raise Missing("%s=%s is not a %s-bit MicroPython 1.25 or newer with asyncio, socket and tls."
                      % (variable, path, "64" if variable == "MICROPYTHON" else "32"))


def native_arch(variable="MICROPYTHON"):
    """Debian's name of this machine; Missing names `variable` where no ready runtime exists for it."""
    arch = _ARCHES.get(os.uname().machine.lower()) if sys.platform == "linux" else None
    if arch is None:
        raise Missing("There is no ready MicroPython for this kind of machine (%s): name a unix build of 1.25 or "
                      "newer with %s=/path." % (os.uname().machine, variable))
    return arch


def answer(command):
    """What `command` prints, without the newline; None when it is missing, fails or hangs."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, universal_newlines=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def works(command):
    """Whether `command` runs and ends well."""
    return answer(command) is not None
