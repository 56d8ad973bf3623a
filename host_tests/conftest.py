"""What every test session has: the runs under MicroPython, the peers that may be missing, the closing words.

Three processes share the work (Makefile), for those that wait leave two cores half idle. Where the machine allows it
each has a network of its own, so that tests with sockets do not meet; elsewhere one of them runs all of interop/.

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

# What takes 10 s or more, as measured
_LONG = {
    "interop/firmware_spine": 200, "interop/firmware_spine_ev": 150, "simulation/fault_pilot": 130,
    "interop/ems_tool": 100, "simulation/fault_supply": 95, "interop/update_board": 90,
    "interop/firmware_ship_charging": 85, "interop/firmware_health": 75, "interop/sim": 65,
    "interop/firmware_spine_setpoint": 65, "interop/deploy": 60, "interop/ship_abuse": 60, "simulation/day": 55,
    "simulation/fault_walk": 55, "interop/firmware_ship_network": 55, "interop/firmware_echonet_effects": 50,
    "interop/firmware_ship_reconnect": 50, "interop/page_server": 50, "interop/demo": 45, "interop/ship_server": 40,
    "interop/firmware_echonet_away": 40, "interop/dnssd": 35, "interop/firmware_spine_bill": 35,
    "interop/firmware_ship_pairing": 35, "interop/firmware_echonet_peers": 30, "interop/page_browser": 30,
    "interop/firmware_echonet_discharge": 30, "interop/firmware_echonet_robust": 25, "interop/sim_link": 25,
    "interop/firmware_echonet_maps": 25, "simulation/health": 25, "simulation/guard_allocation": 25,
    "simulation/discharge": 25, "simulation/station": 20, "pure/plant": 20, "interop/ems_peer": 20,
    "interop/ship_dial": 20, "simulation/fault_blips": 20, "interop/echonet_lib_peers": 15,
    "properties/spine_fuzz": 15, "interop/firmware_echonet_rules": 10, "simulation/guard": 15, "simulation/stall": 10,
    "interop/echonet_lib_wire": 10, "simulation/station_lease": 10, "pure/spine_map_ev_long": 10,
}

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
    """The long files first: what comes last keeps one process busy while the others have nothing to do. Those that
    reckon come evenly among those of interop/, which mostly wait, but not beside the longest ones of these, which have
    several wallboxes at once."""
    begin = {}
    for waits in (True, False):
        paths = {str(item.path) for item in items if str(item.path).startswith(_INTEROP) == waits}
        passed = 0
        for path in sorted(paths, key=lambda path: (-_seconds(path), path)):
            begin[path] = passed
            passed += _seconds(path)
        for path in paths:
            begin[path] = begin[path] / passed if waits else 0.3 + 0.7 * begin[path] / passed
    items.sort(key=lambda item: begin[str(item.path)])


def _seconds(path):
    """About how long a file of tests takes."""
    folder, name = path.split(os.sep)[-2:]
    return _LONG.get(folder + "/" + name[5:-3], 3)


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
