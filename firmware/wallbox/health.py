"""How the station is, looked at twice a second: what changed goes into the journal and from there to flash, the LED
shows what concerns a person, the count of quick starts ends, and what a person asked for is done.

Safe mode (starts.py): the contactor stays open, SHIP is not loaded, the console and ECHONET Lite serve and tell the
fault. It ends by the word `normal`, or by itself after an hour without another reset; from then on it takes as many
quick starts as ever to come back to it.
"""

import gc

from bounded.compat import const
from bounded.on_demand import release
from wallbox import journal

_PROVEN_MS = const(300000)  # that long without a reset, and the starts before no longer count
_SAFE_MS = const(3600000)  # in safe mode, until the station starts as usual
_STALL_MS = const(500)
_STEP_MS = const(500)
_BEGIN_MS = const(10000)  # of a press for a factory reset
_SHORTEST_MS = const(5000)
_LONGEST_MS = const(20000)
_REST_MS = const(960000)  # beyond what the journal's rate allows: for a minute nothing is tried
_FAILSAFE = const(3)  # limits/failsafe.py

# places in `_seen`
_CAR = const(0)
_CLOCK = const(1)
_EMS = const(2)
_LIMIT = const(3)
_TRUST = const(4)


class Health:
    """safe: quick starts that led to safe mode, 0 = not in it.    problem: of the settings, a sentence, or None
    least_free: the least free heap ever seen, None where Python does not tell.    stall_ms: longest gap ever"""

    def __init__(self, app, problem, safe):
        self.safe = safe
        self.least_free = None
        self.stall_ms = 0
        self.problem = problem
        self.restart = False  # wanted
        self._app = app
        self._counted = True
        self._button = [0, -1]  # ms since the start; pressed for so long, -1 = not let go yet. None: not watched
        self._seen = [0, 0, 0, 0, len(app.ship.trust.known()) if app.ship else 0]
        if safe:
            app.station.fail()

    def step(self):
        """Look, twice a second."""
        app = self._app
        station = app.station
        now_ms = station.now_ms
        guard = station.guard
        if len(guard.events):
            app.journal.take(now_ms, guard.events)
        self._look(_CAR, journal.CAR, 1 if station.car else 0)
        self._look(_CLOCK, journal.CLOCK, 0 if app.clock.now_s() is None else 1)
        ship = app.ship
        limit = app.power_limit
        lit = 12 if self.problem and not station.car else 0
        if limit.commissioned:
            state = limit.consumption.state
            self._look(_LIMIT, journal.LIMIT, state)
            if state == _FAILSAFE:
                lit = 6 if guard.why else 7
        if ship:
            self._look(_EMS, journal.EMS, app.spine.connections())
            self._look(_TRUST, journal.TRUST, len(ship.trust.known()))
            if ship.trust.window_open(now_ms):
                lit = 5
        station.lit = lit if station.well else 17
        if app.loop_gap_ms > self.stall_ms:
            self.stall_ms = app.loop_gap_ms
            if self.stall_ms >= _STALL_MS:
                app.journal.note(now_ms, journal.STALL, self.stall_ms)
        if hasattr(gc, "mem_free"):
            free = gc.mem_free()
            if self.least_free is None or free < self.least_free:
                self.least_free = free
        try:
            if self._button:
                self._watch()
            if app.journal.due(now_ms, guard.out.contactor):
                self._flush(now_ms)
            if self._counted and now_ms >= (_SAFE_MS if self.safe else _PROVEN_MS):
                self._proven()
            if self.restart and hasattr(app.board, "restart"):
                self._flush(now_ms)
                app.restart()
        except MemoryError:  # no room for what it takes: later
            release()
            app.journal.paid_ms = now_ms + _REST_MS

    def _look(self, place, code, value):
        if self._seen[place] != value:
            self._seen[place] = value
            self._app.journal.note(self._app.station.now_ms, code, value)

    def _watch(self):
        """A press that begins within 10 s after the start, lasts 5 to 20 s and ends is a factory reset. A button that
        is stuck, or was pressed before, does nothing."""
        times = self._button
        times[0] += _STEP_MS
        if self._app.station.readings.button:
            if times[1] >= 0:
                times[1] += _STEP_MS
            if times[1] > _LONGEST_MS:
                self._button = None
        elif times[1] >= _SHORTEST_MS:
            self._button = None
            self._reset()
        else:
            times[1] = 0
        if times[0] >= _BEGIN_MS and times[1] <= 0:
            self._button = None

    def _reset(self):
        from wallbox import factory_reset

        app = self._app
        try:
            if factory_reset.refused(app):
                app.journal.note(app.station.now_ms, journal.FACTORY_RESET)
            else:
                factory_reset.request(app, 1)
        except OSError:
            app.journal.note(app.station.now_ms, journal.STORE)

    def _flush(self, now_ms):
        """Bring the journal to flash; what it takes is in memory only meanwhile."""
        kept = self._app.journal
        failed = kept.failed
        kept.flush(now_ms, self._app.clock.now_s())
        if kept.failed != failed:
            kept.note(now_ms, journal.STORE)

    def _proven(self):
        """It ran well long enough: forget the starts before, and leave safe mode."""
        self._counted = False
        from wallbox import starts

        try:
            starts.forget(self._app.board.storage)
            self.restart = bool(self.safe)
        except OSError:
            self._app.journal.note(self._app.station.now_ms, journal.STORE)
