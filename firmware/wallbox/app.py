"""The wallbox, put together: read this file as the table of contents.

    build the board, the guard and the arbiter (station), the use case functions, the protocol nodes; run the tasks

A limit's way from packet to pilot: lib/echonet/udp -> lib/echonet/node -> echonet_map/<function> ->
functions/<function> -> station.arbitrate (limits/decide, limits/offer) -> evse/guard -> the board's pilot.
"""

import asyncio
import gc
import os
import sys

from bounded.compat import const
from bounded.on_demand import forget_stack, release, room
from wallbox import supervisor
from wallbox.clock import Clock
from wallbox.console import Console
from wallbox.functions.device_state import DeviceState
from wallbox.functions.ev_connected import EvConnected
from wallbox.functions.load_control import LoadControl
from wallbox.functions.measurement import Measurement
from wallbox.functions.operation_mode import OperationMode
from wallbox.functions.power_limit import PowerLimit
from wallbox.functions.session_summary import SessionSummary
from wallbox.health import Health
from wallbox.journal import NETWORK, SAFE_MODE, SETTINGS, STORE, Journal
from wallbox.station import Station

VERSION = "0.1.0"

# Heap for SHIP and SPINE on 32 bit, as measured: with so much left before they are loaded an EMS is served while a car
# charges (tools/heap.py), in the profile full over all use cases at once.
_EMS_ROOM = const(33792)
_EMS_ROOM_FULL = const(43264)
_ARBITRATE_MS = const(100)
_ECHONET_MS = const(100)
_SHIP_MS = const(100)
_LEASE_STEP_MS = const(1000)
_LOOK_MS = const(500)  # until a change is kept
_SAVES = const(8)  # in a burst, then one each
_REST_MS = const(10000)


class App:
    """Everything that runs on one station."""

    def __init__(self, board, settings, journal, safe=0):
        """`safe`: so many quick starts have led to safe mode (starts.py)."""
        self.board = board
        self.version = VERSION
        self.loop_gap_ms = 0  # longest time between two guard ticks of the last minute or so
        self.failures = 0  # of tasks, since the start
        self.failed = None  # the task that failed last
        self.online = None  # False: the board keeps a network, and it is not up
        self.updating = False  # or the Progress of the update under way
        self.update = None  # how far an update is, or how the last one ended
        self.trial_s = settings.update_trial_s
        self._requests = 0  # over ECHONET Lite, that were seen
        self._saves = _SAVES  # that flash bears now
        self._rest_ms = _REST_MS
        self.clock = Clock(board)
        self.station = station = Station(board, settings)
        self.journal = journal
        self.device_state = DeviceState(station)
        self.operation_mode = OperationMode(station)
        self.ev_connected = EvConnected(station)
        self.power_limit = PowerLimit(station)
        self.load_control = LoadControl(station)
        self.measurement = Measurement(station)
        self.session_summary = SessionSummary(station)
        self.phase_limits = self.charge_plan = self.identification = None
        if settings.profile == "full":
            from wallbox.functions.charge_plan import ChargePlan
            from wallbox.functions.identification import Identification
            from wallbox.functions.phase_limits import PhaseLimits

            self.identification = Identification()
            self.phase_limits = PhaseLimits(station, settings.opev_fallback_ma)
            self.charge_plan = ChargePlan(station)
        self.setpoint = None
        if self.charge_plan or station.ratings.discharge:
            from wallbox.functions.setpoint import Setpoint

            self.setpoint = Setpoint(station, self.load_control, self.operation_mode, self.device_state)
            if self.charge_plan:
                self.setpoint.expect(self.charge_plan, self.identification)
        station.on_session.append(self._session_changed)
        from wallbox.echonet_map import node

        self.echonet = node.build(self, settings)
        del node
        self.ship = self.spine = None
        if settings.ship_port and not safe:
            self._meet_ems(settings)
        self.page = None
        if settings.page_password:
            from wallbox.web.server import PageServer

            self.page = PageServer(self, settings)
        self.health = Health(self, settings.problem, safe)
        self.console = Console(self)

    def _meet_ems(self, settings):
        """SPINE over SHIP, where the platform has TLS and the device was given an identity."""
        if hasattr(gc, "mem_free"):
            release()
            room = _EMS_ROOM_FULL if settings.profile == "full" else _EMS_ROOM
            if sys.maxsize >> 32:
                room *= 2
            if gc.mem_free() < room:
                print("SHIP is off: %d bytes of heap left, %d needed" % (gc.mem_free(), room))
                return
        try:
            from ship import node as _  # noqa: F401 - needs the module tls
        except ImportError:
            print("SHIP is off: this Python has no TLS")
            return
        from wallbox import identity
        from wallbox.limits.failsafe import ConsumptionLimit
        from wallbox.ship_link import ShipLink
        from wallbox.spine_map.node import SpineNode

        own = identity.load(self.board.storage)
        if own is None:
            print("SHIP is off: no identity, see tools/provision.py")
            return
        self.power_limit.expect(
            ConsumptionLimit(0, settings.failsafe_w, settings.failsafe_s * 1000, settings.failsafe_hold)
        )
        self.spine = SpineNode(self, settings, VERSION, self.clock)
        self.ship = ShipLink(self.station, settings, own, self.board.storage, self.spine)

    def rounds(self):
        """Name and function of what is done again and again, and the period in ms."""
        yield "arbiter", self._arbitrate, _ARBITRATE_MS
        yield "memory", self._remember, _LOOK_MS
        if self.station.lease_ms is not None:
            yield "echonet lease", self._renew_echonet, _LEASE_STEP_MS
        yield "echonet", self.echonet.step, _ECHONET_MS
        if self.ship:
            yield "ship sessions", self.ship.node.step, _SHIP_MS
            yield "ship peers", self.ship.look, _LOOK_MS
            yield "spine", self.spine.step, _SHIP_MS
            yield "dns-sd", self.ship.announcer.step, _SHIP_MS

    def tasks(self):
        """Name of every task beside the guard's, the function that gives its coroutine, and the errors that are no
        failure of it."""
        if self.ship:
            for task in self.ship.tasks():
                yield task
        if self.page:
            yield "page", self.page.run, ()
        if self.board.serve_console:
            yield "console", self._console, ()
        for task in self.board.tasks(self) if hasattr(self.board, "tasks") else ():
            yield task
        if "slots" in sys.modules:  # boot.py left it: this program is on trial
            from wallbox.trial import Trial

            yield "trial", Trial(self, self.trial_s).run, ()

    def _arbitrate(self):
        self.load_control.step()
        self.power_limit.step()
        if self.charge_plan:
            self.charge_plan.step()
        if self.setpoint:
            self.setpoint.step()
        if self.ship:
            self.ship.button(_ARBITRATE_MS, self.station.readings.button)
        self.station.arbitrate()

    def _renew_echonet(self):
        """Any request is a sign of life; a lease that has run out stays so until its limit is written again."""
        requests = self.echonet.node.counts[0]
        if self._requests != requests:
            self._requests = requests
            self.station.renew(self.power_limit.sources + self.load_control.sources)
            if self.setpoint:
                self.setpoint.renew()

    def _remember(self):
        """Look how all is, and keep what was set without a heartbeat as soon as it changed, in bursts that flash
        bears."""
        self.health.step()
        room()
        self._rest_ms -= _LOOK_MS
        if self._rest_ms <= 0:
            self._rest_ms = _REST_MS
            self._saves = min(self._saves + 1, _SAVES)
        try:
            if self.station.written and self._saves:
                self._keep_asked()
                self._saves -= 1
            if self.session_summary.step():
                self._keep_session()
        except MemoryError:  # once more with what was loaded out of the way
            release()

    def _keep_asked(self):
        self.station.written = False
        try:
            from wallbox import remembered

            remembered.save(self, self.board.storage)
        except OSError as error:
            print("settings not kept: %s" % error)
            self.journal.note(self.station.now_ms, STORE)
        except MemoryError:
            self.station.written = True
            raise

    def _keep_session(self):
        try:
            from wallbox import session_log

            session_log.save(self, self.board.storage)
        except (OSError, MemoryError) as error:
            print("session not kept: %s" % error)
            self.journal.note(self.station.now_ms, STORE)
            self.session_summary.kept(0)

    def recall_sessions(self):
        """Go on with the counter and the sessions that were kept."""
        from wallbox import session_records

        session_records.restore(self, self.board.storage)

    def _console(self):
        return self.board.serve_console(self.console)

    def restart(self):
        """Start again as after a reset, the contactor open; does not return."""
        self.station.fail()
        self.board.restart()

    def network_changed(self, up, address=None):
        """The network went down, or came back with this address (dotted) where it is new."""
        self.online = bool(up)
        self.journal.note(self.station.now_ms, NETWORK, 1 if up else 0)
        if up:
            self.echonet.renew()
        if self.ship:
            self.ship.network_changed(up, address)

    def _session_changed(self, car):
        if not car:
            self.load_control.end_session()
            if self.setpoint:
                self.setpoint.end_session()


def installed_board():
    """Name of the one board that an installation carries in `boards/`."""
    for folder in sys.path:
        top = (folder or ".") + "/boards/"
        try:
            names = [name for name in os.listdir(top) if "." not in name and name[0] != "_"]
        except OSError:
            continue
        # what boards share has no __init__
        names = [name for name in names if "__init__" in [file.split(".")[0] for file in os.listdir(top + name)]]
        if len(names) == 1:
            return names[0]
    try:  # frozen into the firmware
        from installed_board import NAME

        return NAME
    except ImportError:
        raise SystemExit("boards/ must hold exactly one board")


def _count_start(board, problem):
    """The journal, this start in it and in flash, and the number of quick starts when they lead to safe mode."""
    from wallbox import starts

    cause = getattr(board, "reset_cause", 0)
    safe = starts.begin(board.storage, cause)
    del starts
    journal = Journal(board.storage, cause)
    if problem:
        journal.note(0, SETTINGS)
    if safe:
        journal.note(0, SAFE_MODE, safe)
    journal.flush(0)
    return journal, safe


def _start(running):
    """Put the station together, each part into `running` as soon as it is there; the app."""
    from wallbox import config

    settings = config.current
    board = __import__("boards." + installed_board(), None, None, ("create",)).create(settings)
    running.append(board)
    journal, safe = _count_start(board, settings.problem)
    release()
    app = App(board, settings, journal, safe)
    running.append(app)
    from wallbox import remembered, started

    remembered.restore(app, board.storage)
    started.free()
    del settings, config, remembered, started
    forget_stack(40)  # 6 KB of dead code under the frames of tasks that never end
    release()
    app.recall_sessions()
    app.station.written = False  # so far nobody but what was kept
    release()
    ski, port = (app.ship.ski, app.ship.port) if app.ship else ("-", "-")
    page = " page=%s:%d" % (app.page.bind, app.page.port) if app.page else ""
    print("ready %s ski=%s ship_port=%s echonet=%s:3610%s%s" % (
        VERSION, ski, port, app.echonet.bind, page, " safe mode" if safe else ""))
    return app


def run():
    """Start the station and serve until the process or the power ends; Ctrl-C leads to the REPL, contactor open."""
    running = []
    try:
        # no coroutine, whose code would be in memory for as long as it has not ended
        asyncio.run(supervisor.run(_start(running)))
    except KeyboardInterrupt:
        if running and hasattr(running[0], "rest_watchdog"):
            running[0].rest_watchdog()
    finally:
        for app in running[1:]:
            try:
                app.station.fail()
            except OSError:  # simulated hardware that is gone
                pass
