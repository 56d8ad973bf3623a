"""What every test session has: the runs under MicroPython, the peers that may be missing, the closing words.

Two processes share the work (Makefile). Where the machine allows it each has a network of its own, so that tests with
sockets do not meet; elsewhere one of the two runs all of interop/.

pure/ and simulation/ run three times (CPython, MicroPython 64-bit and 32-bit); properties/ and interop/ are
ordinary pytest. Whatever could not run is named at the end; in CI it fails instead.
"""

import ctypes
import os
import subprocess
import sys

import hypothesis
import pytest
import runtimes

from host_tests import on_micropython

_HERE = os.path.dirname(os.path.abspath(__file__))
_INTEROP = os.path.join(_HERE, "interop") + os.sep
_TRY = "import ctypes; raise SystemExit(ctypes.CDLL(None).unshare(0x40000000))"  # CLONE_NEWNET
_THRICE = tuple(os.path.join(_HERE, folder) + os.sep for folder in ("pure", "simulation"))

hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "here")


def missing_peer(name, why):
    """Call it where a test cannot run because `name` is not there: fails in CI, else skips and says so at the end."""
    words = "%s: %s" % (name, why)
    if os.environ.get("CI"):
        pytest.fail("missing peer " + words, pytrace=False)
    pytest.skip("missing peer " + words)


def pytest_addoption(parser):
    parser.addoption("--optimise", type=int, default=3, choices=range(4),
                     help="optimisation of the firmware under MicroPython; 0 keeps asserts and line numbers")


def _own_network():
    """Give this process, and those it starts, a loopback interface of their own; False where that is refused."""
    new_network = 0x40000000  # CLONE_NEWNET
    try:
        if ctypes.CDLL(None).unshare(new_network):
            return False
    except AttributeError:  # not Linux
        return False
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    for command in ("link set lo up", "route add 224.0.0.0/4 dev lo"):
        subprocess.run(["ip"] + command.split(), env=dict(os.environ, PATH=path), check=True)
    return True


def pytest_collection_modifyitems(items):
    """The long files of interop/ first: what comes last keeps one process busy while the other has nothing to do."""
    items.sort(key=lambda item: not str(item.path).startswith(_INTEROP))


def pytest_xdist_make_scheduler(config, log):
    """Files stay together; those of interop/ all do where the processes share a network."""
    from xdist.scheduler import LoadScopeScheduling

    shared = subprocess.run([sys.executable, "-c", _TRY], check=False).returncode != 0

    class Files(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            place = nodeid.split("::")[0]
            return "interop" if shared and "interop/" in place else place

    return Files(config, log)


def pytest_configure(config):
    os.environ["XDG_CONFIG_HOME"] = os.path.join(runtimes.BUILD, "test", "config")  # no key in the home of a person
    if os.environ.get("PYTEST_XDIST_WORKER"):
        _own_network()
    for runtime in on_micropython.RUNTIMES:
        config.pluginmanager.register(_Also(runtime), "on " + runtime)


class _Also:
    """Collects the files of pure/ and simulation/ for one more runtime."""

    def __init__(self, runtime):
        self._runtime = runtime

    @pytest.hookimpl(trylast=True)
    def pytest_collect_file(self, file_path, parent):
        if str(file_path).startswith(_THRICE) and file_path.match("test_*.py"):
            return on_micropython.MicroPythonFile.of(parent, file_path, self._runtime)
        return None


def pytest_terminal_summary(terminalreporter):
    reasons = {}
    for report in terminalreporter.stats.get("skipped", ()):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.replace("Skipped: ", "", 1)
        reasons[reason] = reasons.get(reason, 0) + 1
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line("NOT RUN: %d x %s" % (count, reason), yellow=True)
