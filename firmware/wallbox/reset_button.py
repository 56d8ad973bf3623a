"""The button in the first seconds after a start: a long press is a factory reset.

The press begins within 10 s after the start, lasts 5 to 20 s, and ends: a button that is stuck, or was pressed before,
does nothing. Dropped from memory once that time is over.
"""

from bounded.compat import const, unload
from bounded.wait import sleep_ms
from wallbox.journal import FACTORY_RESET, STORE

_LOOK_MS = const(100)
_BEGIN_MS = const(10000)
_SHORTEST_MS = const(5000)
_LONGEST_MS = const(20000)


class Press:
    """A press of the button as it must be; `look` at it every `dt_ms` until it says True, or `over`."""

    def __init__(self):
        self.over = False
        self._ms = 0
        self._pressed_ms = None  # None: not let go since the start, or the press was not one

    def look(self, dt_ms, pressed):
        """True when the press is complete."""
        self._ms += dt_ms
        held_ms = self._pressed_ms
        if held_ms is None:
            if not pressed:
                self._pressed_ms = 0
        elif pressed:
            self._pressed_ms += dt_ms
            if self._pressed_ms > _LONGEST_MS:
                self.over = True
        elif held_ms >= _SHORTEST_MS:
            return True
        else:
            self._pressed_ms = 0
        if self._ms >= _BEGIN_MS and not self._pressed_ms:
            self.over = True
        return False


async def watch(app):
    """Watch the button for the first seconds after a start."""
    press = Press()
    while not press.over:
        if press.look(_LOOK_MS, app.station.readings.button):
            _reset(app)
            return
        await sleep_ms(_LOOK_MS)


def _reset(app):
    from wallbox import factory_reset

    unload("wallbox.factory_reset")
    unload("bounded.records")
    unload("bounded.files")
    if factory_reset.refused(app):
        app.journal.note(app.station.now_ms, FACTORY_RESET, 0)
    else:
        try:
            factory_reset.request(app, 1)
        except OSError:
            app.journal.note(app.station.now_ms, STORE)
