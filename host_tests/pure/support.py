"""What pure tests may use: they run on CPython and on MicroPython, without pytest."""

import os
import sys


def own_number():
    """0, 1 ... for each of the processes that may run the same file at once: three runtimes, each pytest worker."""
    worker = int((os.getenv("PYTEST_XDIST_WORKER") or "gw0")[2:])
    runtime = 0 if sys.implementation.name == "cpython" else 1 if sys.maxsize >> 31 else 2
    return 3 * worker + runtime


def own_folder(name):
    """Path of a folder for files, of this process alone."""
    return ".build/test/%s-%d" % (name, own_number())


def raises(error, function, *arguments):
    """True when `function(*arguments)` raises `error`; any other exception passes through."""
    try:
        function(*arguments)
    except error:
        return True
    return False
