"""For tests of SPINE in the whole firmware: a charging simulated wallbox as a process, and EMSs on eebus-go."""

import atexit
import contextlib
import threading
import time

import runtimes
from sim_process import SimProcess

from host_tests.conftest import missing_peer
from host_tests.peers.ems import Ems, Failed, Identity

PORT = 4751
# As fast as it may: rises at once, no hold after a pause. The guard's own 5 s between two duty changes stay.
FAST = ("--set", "rise_ma_per_5s=80000", "--set", "resume_hold_s=0")
CAR = {"phases": 3, "max_ma": 32000, "min_ma": 6000, "ready": True, "reaction_ms": 100, "ramp_ma_s": 1000000}


def identities(folder, *names):
    """Identities of EMSs by name, as ship-go makes them."""
    try:
        runtimes.go_peer("ems_go")
    except runtimes.Missing as why:
        missing_peer("ems_go", str(why))
    return {name: Identity(folder / name) for name in names}


class Wallbox(SimProcess):
    """The firmware under 32-bit MicroPython, trusting `trusted` and with a car that follows at once."""

    def __init__(self, address, *arguments, trusted=(), car=CAR, state=None):
        for ski in trusted:
            arguments += ("--trust", ski)
        super().__init__("--runtime", "mpy32", "--bind", address, "--ship-port", str(PORT), "--quiet", *FAST,
                         *arguments, state=state)
        atexit.register(self.process.terminate)  # when a session of tests is broken off, its stories are too
        self.address = address
        self.ski = self.ready["ski"]
        if car:
            self.control.call("plug", **car)

    def ems(self, identity, **more):
        """An EMS that dials this box."""
        return Ems(self.ski, self.address, PORT, identity=identity, **more)

    @contextlib.contextmanager
    def guarded(self, identity, **more):
        """An EMS that dials this box and limits it to as much as 32 A: LPC is there, and bounds nothing."""
        with self.ems(identity, **more) as ems:
            ems.wait_ready()
            limited(ems, 22075)
            yield ems

    def amperes(self, offer_a, timeout_s=40):
        """Wait until so much is offered, the duty says so and the car draws it; 0 = paused. The state then."""
        offer_ma = round(offer_a * 1000)

        def reached(state):
            if state["offer_ma"] != offer_ma:
                return False
            if not offer_ma:
                return state["pilot"]["duty_permille"] == 1000 and not any(state["current_ma"])
            return (abs(state["pilot"]["duty_permille"] - offer_ma / 60) <= 1.1 and state["contactor"]["closed"]
                    and offer_ma - 400 <= state["current_ma"][0] <= offer_ma)

        return self.control.wait(reached, timeout_s)

    def kept(self):
        """Wait until what was set is in flash: the firmware looks twice a second, and it has when it answers later."""
        time.sleep(0.6)
        self.control.state()

    def used(self):
        """Bytes of heap in use without what is loaded on demand, the least of a few looks."""
        return min(self._used_once() for _ in range(6))

    def _used_once(self):
        time.sleep(0.1)
        return self.control.call("memory", release=True)["used"]

    def survived(self):
        """No task ever ended by an exception, and nothing in a connection either."""
        bad = [line for line in self.lines if line.startswith(("task ", "Traceback", "MemoryError", "spine: "))]
        assert not bad, list(self.lines)[-30:]
        assert self.control.state()["firmware"] == "ok"


def limited(ems, watts):
    """Written until it is taken: the EMS must have read what it writes to, and the box have heard a heartbeat (913)."""
    def taken():
        try:
            return ems.call("lpc.write", value=watts, active=True)["error"] == 0
        except Failed as why:
            if str(why) != "data not available":
                raise
            return False

    ems.until(taken)


def again(ems, how="announce"):
    """The same EMS leaves and comes back."""
    ems.call("disconnect", how=how)
    ems.wait_disconnected()
    ems.call("reconnect")
    ems.wait_ready()


class Feature:
    """A server feature of the box that eebus-go has no use case for: bound and subscribed, as soon as it is there, with
    the client that wrote the limits."""

    def __init__(self, ems, name, entity, feature):
        self._ems = ems
        self._name = name
        call = ems.messages("out", "nodeManagementBindingRequestCall")[0]["cmd"]["nodeManagementBindingRequestCall"]
        self._from = call["bindingRequest"]["clientAddress"]
        address = {"entity": entity, "feature": feature}
        for what in ("Binding", "Subscription"):
            ems.until(lambda: self._relate(what, address) == 0, what=what)

    def _relate(self, what, address):
        call = "nodeManagement%sRequestCall" % what
        request = {what.lower() + "Request": {"clientAddress": self._from, "serverAddress": address}}
        return self._ems.raw("NodeManagement", {call: request}, classifier="call")["error"]

    def write(self, cmd):
        """The error number."""
        return self._ems.raw(self._name, cmd, **{"from": self._from})["error"]

    def read(self, function):
        """The first row of a list."""
        answer = self._ems.raw(self._name, {function: {}}, classifier="read", **{"from": self._from})
        return _first(function, answer)

    def notified(self, function):
        """The first rows of what the box notified, oldest first."""
        return [_first(function, each) for each in self._ems.messages("in", function, "notify")]


def _first(function, message):
    return message["cmd"][function][function.replace("ListData", "Data")][0]


class Story(threading.Thread):
    """Runs `tell()` while other tests run; `end()` waits for it and raises what it raised."""

    def __init__(self, tell):
        super().__init__(daemon=True)
        self._tell = tell
        self._error = None
        self.start()

    def run(self):
        try:
            self._tell()
        except BaseException as error:  # noqa: BLE001 - raised again where the test is
            self._error = error

    def end(self, timeout_s):
        self.join(timeout_s)
        assert not self.is_alive(), "still not over"
        if self._error:
            raise self._error
