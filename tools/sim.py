"""Runs the firmware, as it is, on the simulated wallbox: this process is the hardware, the car and the mains.

    python3 tools/sim.py [--runtime mpy64|mpy32|cpython] [--heap 104K] [--state DIR] [--bind ADDR] ...

It prints `ready ...` once the firmware serves, then a line whenever something changed. The control port in the
ready line takes what the hardware and the car should do (tools/control.py; README). Ctrl-C ends everything.
"""

import argparse
import asyncio
import fcntl
import json
import os
import signal
import sys
import time

import image
import provision
import runtimes
import setup
from runtimes import ROOT

sys.path[:0] = [ROOT, os.path.join(ROOT, "firmware"), os.path.join(ROOT, "lib")]

from boards.sim.plant import Plant  # noqa: E402
from control_port import ControlPort  # noqa: E402
from plant_server import PlantServer  # noqa: E402
from wallbox.board import Ratings  # noqa: E402

_READY_S = 60  # a firmware that does not serve by then will not
_RESTART = 5  # exit status of a firmware that wants to start again (boards/sim)
_POWER_ON, _RESET, _WATCHDOG = 1, 2, 3  # why it starts, as machine.reset_cause() says
_PARTS = ("contactor", "lock", "rcm", "thermal", "meter", "watchdog")  # of the plant, with parameters
_HEAPS = {"mpy64": "416K", "mpy32": "208K", "cpython": "-"}  # 64-bit words take twice the room


class Failed(Exception):
    """The simulation cannot go on; the text is the one sentence a person needs."""


class Simulator:
    """The firmware's process, the plant and the control port of one simulated wallbox."""

    def __init__(self, given):
        self._given = given
        self._heap = given.heap or _HEAPS[given.runtime]
        settings, ratings, parameters = _split(given)
        self._settings = settings
        self._ratings = ratings
        self._state = given.state
        self.plant = Plant(_ratings(ratings))
        watchdog = {name: parameters.pop(name) for name in list(parameters) if name.startswith("watchdog.")}
        _adjust(self.plant, parameters)
        self._server = PlantServer(self.plant, self._bitten)
        _adjust(self._server, watchdog)
        self._control = ControlPort(self.plant, self._server.ask, self._again)
        self._process = None
        self._forwarders = ()
        self._ready = None
        self._turn = asyncio.Lock()  # of restarts
        self._ended = asyncio.get_running_loop().create_future()
        self._begun = time.monotonic()
        self._changed = None

    async def run(self):
        """Serve until `end` or until the firmware ends by itself; raises Failed then."""
        self._load_counter()
        try:
            await self._server.start()
            try:
                await self._control.start(self._given.control)
            except OSError as error:
                raise Failed("the control port %d cannot be used: %s" % (self._given.control, error.strerror)) from None
            async with self._turn:
                await self._start()
            status = asyncio.create_task(self._tell())
            try:
                await self._ended
            finally:
                status.cancel()
        finally:
            await self._stop()
            await self._control.close()
            await self._server.close()
            self._save_counter()

    def end(self, failure=None):
        """End `run`, with Failed when something failed."""
        if not self._ended.done():
            if failure:
                self._ended.set_exception(Failed(failure))
            else:
                self._ended.set_result(None)

    # the firmware's process

    async def _start(self, cause=_POWER_ON):
        given = self._given
        provision.ensure(self._state)
        folder = image.build(given.runtime, board=given.board, linked=True)
        # Under a short name, as on a device: every module's path is kept in the firmware's heap.
        link = os.path.join(self._state, "fw")
        if os.path.islink(link):
            os.unlink(link)
        os.symlink(folder, link)
        path = ["fw", "fw/lib"]
        environment = {name: os.environ[name] for name in os.environ if not name.startswith(("PYTHON", "MICROPY"))}
        environment.update(WALLBOX_PLANT=self._server.address, WALLBOX_RATINGS=json.dumps(self._ratings),
                           WALLBOX_RESET=str(cause))
        command = runtimes.command(given.runtime)
        if given.runtime == "cpython":
            environment.update(PYTHONPATH=":".join(path), PYTHONNOUSERSITE="1", PYTHONDONTWRITEBYTECODE="1",
                               PYTHONUNBUFFERED="1")
        else:
            environment["MICROPYPATH"] = ":".join(path + [".frozen"])
            command = command + ["-X", "heapsize=" + self._heap]
        self._ready = asyncio.get_running_loop().create_future()
        self._process = process = await asyncio.create_subprocess_exec(
            *command, "-c", "import boot, main", cwd=self._state, env=environment, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, start_new_session=True)
        self._forwarders = (asyncio.create_task(self._forward(process.stdout, sys.stdout)),
                            asyncio.create_task(self._forward(process.stderr, sys.stderr)))
        asyncio.create_task(self._watch(process))
        ended = asyncio.ensure_future(process.wait())
        await asyncio.wait((self._ready, ended, self._ended), timeout=_READY_S, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if self._ended.done():
            return
        if not self._ready.done():
            if process.returncode is None:
                self.end("the firmware did not serve within %d s" % _READY_S)
            return
        print(self._ready.result(), flush=True)

    async def _stop(self):
        process, self._process = self._process, None
        if process is not None:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await asyncio.wait(self._forwarders, timeout=1)

    async def _watch(self, process):
        status = await process.wait()
        if process is self._process:
            await asyncio.wait(self._forwarders, timeout=1)
            if status == _RESTART:
                try:
                    await self._again(None)
                except ValueError:  # `run` ends and says why
                    pass
                return
            how = "by signal %d" % -status if status < 0 else "with status %d" % status
            self.end("the firmware ended by itself, %s" % how)

    async def _forward(self, stream, to):
        while True:
            try:
                line = await stream.readline()
            except ValueError:  # longer than the reader's limit
                continue
            if not line:
                return
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if text.startswith("ready ") and not self._ready.done():
                text += " control=127.0.0.1:%d runtime=%s heap=%s" % (
                    self._control.port, self._given.runtime, self._heap)
                self._ready.set_result(text)
            else:
                print(text, file=to, flush=True)

    def _bitten(self):
        print("the watchdog bites", flush=True)
        self._restarting = asyncio.create_task(self._again(None, _WATCHDOG))

    async def _again(self, off_ms, cause=_RESET):
        """Start the firmware anew: a reset, or a cut of the supply for `off_ms`. Returns the new ready line."""
        async with self._turn:
            await self._stop()
            if off_ms is not None:
                self.plant.power(False)
                await asyncio.sleep(off_ms / 1000)
                self.plant.power(True)
                cause = _POWER_ON
            await self._start(cause)
            if self._ready.done():
                return self._ready.result()
            raise ValueError("the firmware did not start again")

    # what a person reads

    async def _tell(self):
        while not self._given.quiet:
            await asyncio.sleep(1)
            if self._turn.locked():
                continue
            truth = self.plant.truth()
            mark = (truth["pilot"]["state"], truth["pilot"]["duty_permille"], truth["contactor"]["poles"],
                    truth["ev"] is None, [each // 100 for each in truth["current_ma"]], list(truth["injected"]))
            if mark == self._changed:
                continue
            facts = await self._server.ask({"op": "state"}, 1.0)
            self._changed = mark
            print(self._line(truth, facts if isinstance(facts, dict) else {}), flush=True)

    def _line(self, truth, facts):
        pilot = truth["pilot"]
        duty = pilot["duty_permille"]
        offer = facts.get("offer_ma")
        words = [
            "%7.1f s" % (time.monotonic() - self._begun),
            "pilot %s%d" % (pilot["state"], 2 if pilot["x2"] else 1),
            "duty %5.1f %%" % (duty / 10),
            "offer %s" % ("?" if offer is None else "%.1f A" % (offer / 1000)),
            "current %s A" % "/".join("%.1f" % (each / 1000) for each in truth["current_ma"]),
            "%.2f kW" % (truth["power_w"] / 1000),
            "contactor %s" % ("closed" if truth["contactor"]["closed"] else "open"),
            "binding %s" % (facts.get("binding") or "-"),
        ]
        if facts.get("faults"):
            words.append("faults %s" % facts["faults"])
        if truth["injected"]:
            words.append("injected %s" % " ".join(truth["injected"]))
        return "  ".join(words)

    # the meter's own memory

    def _load_counter(self):
        try:
            with open(os.path.join(self._state, "meter.json")) as file:
                self.plant.meter.energy_mwh = int(json.load(file)["energy_mwh"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        with open(os.path.join(self._state, "settings.json"), "w") as file:
            json.dump(self._settings, file, indent=1, sort_keys=True)

    def _save_counter(self):
        with open(os.path.join(self._state, "meter.json"), "w") as file:
            json.dump({"energy_mwh": self.plant.meter.energy_mwh}, file)


def _split(given):
    """Settings of the firmware, ratings of the board and parameters of the plant, from the command line."""
    settings = {"bind": given.bind, "multicast_if": given.multicast_if, "ship_port": given.ship_port,
                "profile": given.profile, "accept_any": given.accept_any}
    if given.trust:
        settings["trust"] = given.trust
    all_of = {"settings": settings, "ratings": {}, "plant": {}}
    for text in given.set:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Failed("--set takes KEY=VALUE, not %s" % text)
        try:
            value = json.loads(value)
        except ValueError:
            pass  # a text without quotes
        group, dot, inner = name.partition(".")
        if dot and group in ("ratings", "plant"):
            all_of[group][inner] = value
        else:
            settings[name] = value
    return settings, all_of["ratings"], all_of["plant"]


def _ratings(given):
    ratings = Ratings()
    ratings.name = "sim"
    for name, value in given.items():
        usual = getattr(ratings, name, None)
        if usual is None:
            raise Failed("there is no rating %s; there are %s" % (name, " ".join(sorted(vars(ratings)))))
        if type(value) is not type(usual):
            raise Failed("the rating %s is like %r, not %r" % (name, usual, value))
        setattr(ratings, name, value)
    if not 1 <= ratings.phases <= 3:
        raise Failed("phases are 1 to 3, not %d" % ratings.phases)
    return ratings


def _adjust(plant, given):
    """Parameters like contactor.close_ms, rcm.answer_ms, lock.travel_ms, thermal.settle_s, meter.energy_mwh."""
    for name, value in given.items():
        part, _, parameter = name.partition(".")
        owner = getattr(plant, part, None) if part in _PARTS else None
        if not parameter or parameter.startswith("_") or type(getattr(owner, parameter, None)) is not int:
            raise Failed("the plant has no parameter %s" % name)
        if type(value) is not int:
            raise Failed("the plant's %s is an integer, not %r" % (name, value))
        setattr(owner, parameter, value)


def _state_folder(path):
    """Make the folder and keep it to ourselves; returns the open lock."""
    os.makedirs(path, exist_ok=True)
    lock = open(os.path.join(path, ".lock"), "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Failed("another simulator uses the state folder %s; choose one with --state" % path) from None
    return lock


def _arguments():
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    parser = argparse.ArgumentParser(description="Run the firmware on the simulated wallbox.")
    parser.add_argument("--runtime", choices=runtimes.NAMES, default="mpy64")
    parser.add_argument("--heap", help="MicroPython's heap, e.g. 104K (default: 208K on mpy32, twice that on mpy64)")
    parser.add_argument("--state", default=os.path.join(home, "wallbox-sim"), help="folder of everything persistent")
    parser.add_argument("--bind", default="127.0.0.1", help="address the firmware serves on")
    parser.add_argument("--multicast-if", default="", help="address of the interface for multicast")
    parser.add_argument("--ship-port", type=int, default=4712)
    parser.add_argument("--control", type=int, default=0, help="port of the control port (default: a free one)")
    parser.add_argument("--profile", choices=("core", "full"), default="core")
    parser.add_argument("--board", default="sim")
    parser.add_argument("--trust", action="append", default=[], metavar="SKI")
    parser.add_argument("--accept-any", action="store_true", help="trust whoever connects")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE",
                        help="a setting of the firmware; ratings.KEY of the board; plant.PART.KEY of the plant")
    parser.add_argument("--quiet", action="store_true", help="no status lines")
    given = parser.parse_args()
    given.state = os.path.abspath(given.state)
    return given


async def _run(given):
    simulator = Simulator(given)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, simulator.end)
    await simulator.run()


def main():
    given = _arguments()
    setup.inside("run", *(["mpy32"] if given.runtime == "mpy32" else []))
    try:
        with _state_folder(given.state):
            asyncio.run(_run(given))
    except (Failed, runtimes.Missing, OSError) as error:
        sys.exit("sim: %s" % error)


if __name__ == "__main__":
    main()
