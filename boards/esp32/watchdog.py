"""The chip's watchdog, and why the chip started. In a file of its own: names in files that import hardware stay long.

It cannot be stopped, but made to wait longer. What blocks the loop longest is a TLS handshake (two pieces of up to
0.6 s) and the erasing of flash; the time is several times that. From the start of the program to the first tick of
the guard it waits longer, and an hour once a person has ended the program at the REPL: then the box starts again.
"""

import machine
from bounded.compat import const

_TICK_MS = const(8000)
_START_MS = const(60000)
_PERSON_MS = const(3600000)


class Watchdog:
    """Runs from the beginning; `feed` at every tick of a healthy guard."""

    def __init__(self):
        self._wdt = machine.WDT(timeout=_START_MS)
        self._ticks = False

    def feed(self):
        if not self._ticks:
            self._ticks = True
            self._wdt = machine.WDT(timeout=_TICK_MS)
        self._wdt.feed()

    def rest(self):
        """A person has ended the program."""
        self._ticks = False
        self._wdt = machine.WDT(timeout=_PERSON_MS)


def reset_cause():
    """As machine.reset_cause()."""
    return machine.reset_cause()
