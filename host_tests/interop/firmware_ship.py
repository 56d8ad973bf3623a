"""For tests of SHIP in the whole firmware: the simulated wallbox as a process on an address of its own, and
what of it the kernel shows (sockets)."""

import contextlib
import os
import time

import pytest
import runtimes
from sim_process import SimProcess

from host_tests.conftest import missing_peer
from host_tests.peers.ems import Ems, Identity
from host_tests.peers.until import until

HELLO, DATA = 4, 9  # states of a SHIP connection


class Box(SimProcess):
    """The firmware under 32-bit MicroPython with the simulator's usual heap; `ski`, `address` and `port` of SHIP."""

    def __init__(self, address, *arguments, port=4712, state=None):
        super().__init__("--runtime", "mpy32", "--bind", address, "--ship-port", str(port), "--quiet", *arguments,
                         state=state)
        self.address, self.port = address, port
        self.ski = self.ready["ski"]

    def ship(self):
        """What the firmware says of SHIP, as soon as it says anything."""
        return self.wait_ship(lambda ship: True)

    def wait_ship(self, predicate, timeout_s=30):
        """Poll until `predicate(ship)` holds; returns that."""
        return self.control.wait(lambda state: "ship" in state and predicate(state["ship"]), timeout_s)["ship"]

    def wait_sessions(self, *states, timeout_s=30):
        """Wait until there are just these sessions, by their states."""
        return self.wait_ship(lambda ship: sorted(each["state"] for each in ship["sessions"]) == sorted(states),
                              timeout_s)

    def firmware(self):
        """Process id of the firmware."""
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)) as file:
            return int(file.read())

    def sockets(self):
        """How many sockets the firmware's process holds."""
        folder = "/proc/%d/fd/" % self.firmware()
        found = 0
        for name in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):  # closed since
                found += os.readlink(folder + name).startswith("socket:")
        return found

    def wait_announced(self):
        """Wait until mDNS has announced it. What it has then, with nobody connected, is in `idle_sockets`."""
        self.wait_ship(lambda ship: ship["dnssd"] == "announced" and not ship["sessions"])
        self.idle_sockets = self.sockets()

    def wait_sockets(self, number):
        """Wait until it holds so many: a session leaves the list a moment before its socket is closed."""
        until(lambda: self.sockets() == number, lambda: "%d sockets, not %d" % (self.sockets(), number))

    def used(self):
        """Bytes of heap in use after a collection, the least of a few looks: work in progress is not counted."""
        return min(self._one_look() for _ in range(5))

    def _one_look(self):
        time.sleep(0.1)
        return self.control.call("memory", release=True)["used"]

    def charge(self, **car):
        """Plug a car in that follows at once and wait until it draws."""
        self.control.call("plug", ready=True, **dict({"reaction_ms": 100, "ramp_ma_s": 1000000}, **car))
        return self.control.wait(lambda state: state["current_ma"][0] > 5000, 30)

    def survived(self):
        """The firmware never lost a task and its loop went on; else says what it printed."""
        lines = [line for line in self.lines if line.startswith(("task ", "Traceback", "MemoryError", "SHIP "))]
        assert not lines, lines
        assert self.control.state()["firmware"] == "ok"


def known_to_each_other(folder, *names):
    """Identities of EMSs, as ship-go makes them."""
    try:
        runtimes.go_peer("ems_go")
    except runtimes.Missing as why:
        missing_peer("ems_go", str(why))
    return {name: Identity(os.path.join(str(folder), name)) for name in names}


def ems(box, identity, **more):
    """An EMS that dials `box`."""
    return Ems(box.ski, box.address, box.port, identity=identity, **more)


def obeys(ems, value, active=True, timeout_s=20):
    """The box takes a limit from `ems`; a write that comes before the first heartbeat may be refused."""
    ems.until(lambda: ems.call("lpc.write", value=value, active=active)["error"] == 0, timeout_s, "limit taken")


@pytest.fixture(scope="module")
def identities(tmp_path_factory):
    return known_to_each_other(tmp_path_factory.mktemp("ems"), "one", "two", "three")
