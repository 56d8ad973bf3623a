"""Compiles firmware, lib and one board into the folder a device would carry, for the simulator and the tests.

    python3 tools/image.py [--arch x64|x86|xtensawin|...] [--board sim] [--optimise 0..3]

The image is `.build/image/<arch>-O<n>-<board>/`: boot.py and main.py as they are, everything else as .mpy in
`wallbox/`, `lib/<package>/` and `boards/<board>/`. Only files that changed are compiled again. A file that does
not compile is carried as source, so that importing it shows the error where it is.
With -O3 asserts and line numbers are gone, as on a device, and names are shortened (shorten.py); `optimise=0` keeps
all three.
"""

import argparse
import contextlib
import hashlib
import json
import os
import subprocess

import runtimes
import shorten
from runtimes import BUILD, ROOT

_AS_SOURCE = ("boot.py", "main.py")
_NOT_ON_DEVICE = ("manifest.py", "cpython.py")

# Modules that only the profile `full` loads: patterns of paths inside an image, without suffix.
# A profile never loads what its board does not list; this table is for leaving them out of an image and of `make size`.
FULL_ONLY = ()


def build(arch="mpy64", board="sim", optimise=3, without=()):
    """Bring the image up to date and return its folder.

    arch: a runtime of tools/runtimes.py (mpy64, mpy32), an architecture of mpy-cross, or cpython for plain
    source. without: prefixes of paths in the image, such as `wallbox/spine_map`, that it leaves out."""
    march = runtimes.MARCH.get(arch, arch)
    name = "%s-O%d-%s" % (march, optimise, board)
    if without:
        name += "-" + hashlib.sha256("\n".join(without).encode()).hexdigest()[:8]
    folder = os.path.join(BUILD, "image", name)
    os.makedirs(folder, exist_ok=True)
    with _locked(folder):
        _update(folder, march, board, optimise, tuple(without))
    return folder


def sources(board="sim", host=False):
    """What goes into an image: a dictionary from the path in the image to the path of the source."""
    found = {}
    for top, prefix in (("firmware", ""), ("lib", "lib"), ("boards/" + board, "boards/" + board)):
        base = os.path.join(ROOT, top)
        for folder, folders, files in os.walk(base):
            folders[:] = [each for each in folders if each != "__pycache__"]
            for file in files:
                if file.endswith(".py") and (host or file not in _NOT_ON_DEVICE):
                    path = os.path.join(folder, file)
                    found[os.path.join(prefix, os.path.relpath(path, base))] = path
    outer = os.path.join(ROOT, "boards", "__init__.py")
    if os.path.exists(outer):
        found["boards/__init__.py"] = outer
    return found


def _update(folder, march, board, optimise, without):
    record = os.path.join(folder, ".record.json")
    try:
        with open(record) as file:
            old = json.load(file)
    except (OSError, ValueError):
        old = {}
    compiler = None if march == "cpython" else runtimes.mpy_cross()
    kept = frozenset(shorten.kept_names(BUILD)) if optimise == 3 and compiler else None
    with open(shorten.__file__, "rb") as file:
        made_by = hashlib.sha256(repr((compiler and os.stat(compiler[0]).st_mtime_ns, sorted(kept or ()))).encode())
        made_by.update(file.read())
    made_by = made_by.hexdigest()
    if old.pop("", made_by) != made_by:
        old = dict.fromkeys(old)
    new, jobs = {}, []
    for target, source in sources(board, march == "cpython").items():
        if target.startswith(without):  # by an empty tuple nothing starts
            continue
        status = os.stat(source)
        stamp = [status.st_mtime_ns, status.st_size]
        new[target] = stamp
        if old.get(target) != stamp:
            jobs.append((target, source))
    for target in set(old) - set(new):
        _remove(folder, target)
    if not jobs and old == new:
        return
    for target, source in jobs:
        _put(folder, target, source, compiler, march, optimise, kept)
    new[""] = made_by
    with open(record + ".new", "w") as file:
        json.dump(new, file)
    os.replace(record + ".new", record)


def _put(folder, target, source, compiler, march, optimise, kept):
    path = os.path.join(folder, target)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    compiled = path[:-3] + ".mpy"
    if compiler and target not in _AS_SOURCE:
        # The name in tracebacks is RAM on the device: with -O3 it is the module's, which exists there anyway.
        label = target if optimise == 0 else _module_word(target)
        if kept is not None:
            source = _shortened(compiled, source, kept)
        done = subprocess.run(compiler + ["-march=" + march, "-O%d" % optimise, "-s", label, "-o", compiled + ".new",
                                          source], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _unlink(compiled + ".py")
        if done.returncode == 0:
            os.replace(compiled + ".new", compiled)
            _unlink(path)
            return
    with open(source, "rb") as file:
        text = file.read()
    with open(path + ".new", "wb") as file:
        file.write(text)
    os.replace(path + ".new", path)
    _unlink(compiled)


def _shortened(compiled, source, kept):
    """The path of a temporary file with the source shortened; the source itself where it is no Python."""
    with open(source, encoding="utf-8") as file:
        text = file.read()
    try:
        text = shorten.shorten(text, kept)
    except SyntaxError:
        return source
    with open(compiled + ".py", "w", encoding="utf-8") as file:
        file.write(text)
    return compiled + ".py"


def _module_word(target):
    folder, file = os.path.split(target)
    return os.path.basename(folder) if file == "__init__.py" else file[:-3]


def _remove(folder, target):
    path = os.path.join(folder, target)
    _unlink(path)
    _unlink(path[:-3] + ".mpy")


def _unlink(path):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


@contextlib.contextmanager
def _locked(folder):
    """Two builds of one image at once wait for each other."""
    import fcntl

    with open(folder + ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main():
    parser = argparse.ArgumentParser(description="Compile firmware, lib and a board into an image folder.")
    parser.add_argument("--arch", default="mpy64")
    parser.add_argument("--board", default="sim")
    parser.add_argument("--optimise", type=int, default=3, choices=range(4))
    given = parser.parse_args()
    import setup

    setup.ensure("run")
    print(build(given.arch, given.board, given.optimise))


if __name__ == "__main__":
    main()
