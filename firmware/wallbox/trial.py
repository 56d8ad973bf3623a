"""The trial of a new program (slots.py), or of a new MicroPython: it stays once it has proven healthy, else what was
there before comes back.

Healthy is: the guard ticks, no task has failed, the station is not in safe state, and the network, where one is kept,
is up; all that for `trial_s` in one piece. Until then whatever resets the chip costs one of the starts: a failing
start (main.py), a hang (the watchdog that boot.py set), and a task that fails or a health that does not come, which
restart it here. MicroPython has one start: the chip's bootloader counts.

Loaded only while something is on trial. The watchdog cannot be stopped, so it is fed until the next restart.
"""

import os

import slots
from bounded.compat import const
from bounded.wait import sleep_ms
from wallbox.journal import UPDATE

MARK = "ota.tried"  # in the storage folder: MicroPython is on trial (boot.py made it)
_LOOK_MS = const(1000)
_LONGEST = const(5)  # times trial_s until health must have come


class Trial:
    """Watches `app` until it is proven; `run` is a task."""

    def __init__(self, app, trial_s, pointer=None):
        self._app = app
        self._trial_s = trial_s
        self._pointer = pointer or slots.Pointer()
        self._image = MARK in os.listdir(app.board.storage)
        self._then_ms = app.station.now_ms
        self.healthy_s = 0
        self.passed_s = 0
        self.proven = not (self._pointer.left or self._image)

    async def run(self):
        """Look every second; returns only where nothing has to be fed any more."""
        watchdog = getattr(slots, "watchdog", None)
        if hasattr(self._app.board, "feed_watchdog"):  # the guard feeds it
            watchdog = None
        while True:
            await sleep_ms(_LOOK_MS)
            alive = self._ticked()
            if not self.proven and not self.look(alive):
                self._app.restart()
                return
            if watchdog is None and self.proven:
                return
            if watchdog and alive:
                watchdog()

    def _ticked(self):
        """Did the guard tick since the last look?"""
        then_ms = self._then_ms
        self._then_ms = self._app.station.now_ms
        return self._then_ms != then_ms

    def look(self, alive):
        """One more second has passed; False when the program failed."""
        app = self._app
        self.passed_s += 1
        if app.failures or not app.station.healthy.own[0]:
            print("on trial, and a task failed: start again")
            return False
        if alive and app.online is not False:
            self.healthy_s += 1
        else:
            self.healthy_s = 0
        if self.healthy_s >= self._trial_s and self._prove():
            return True
        if self.passed_s >= _LONGEST * self._trial_s:
            print("on trial, and not healthy in time: start again")
            return False
        return True

    def _prove(self):
        try:
            self._pointer.prove()
            if self._image:
                self._app.board.ota().prove(self._app.board.storage)
        except OSError as error:  # flash may take it a second later
            print("this program is proven, but that cannot be kept: %s" % error)
            return False
        self.proven = True
        self._app.journal.note(self._app.station.now_ms, UPDATE, 2)
        print("this program has proven itself and stays")
        return True
