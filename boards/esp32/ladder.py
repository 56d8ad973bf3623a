"""What to do about the network, step by step: the ladder of reconnecting. Pure; net.py does what it says.

The chip reconnects by itself for a while. Then it is told to connect again, and every third time the interface is
switched off and on before; the waits grow to a minute. The box itself is never restarted for it: a car may charge.
"""

from bounded.compat import const

NOTHING = const(0)
CONNECT = const(1)  # connect, or connect again
RESTART = const(2)  # the interface off and on, then connect
UP = const(3)  # there is an address, or a new one
DOWN = const(4)  # it is gone

_FIRST_MS = const(300)  # what must be there before an address is (the port of mDNS) comes first
_ALONE_MS = const(15000)  # in which the chip may come back by itself
_LONGEST_MS = const(60000)
_GONE_MS = const(1000)  # an address that is away for less was not away


class Ladder:
    """`tries` counts attempts since there was an address last."""

    def __init__(self):
        self.tries = 0
        self._address = ""
        self._wait_ms = _FIRST_MS
        self._gone_ms = 0

    def step(self, dt_ms, address):
        """`address` is what the interface has now, empty for none. Returns what to do."""
        if address:
            self._gone_ms = self.tries = 0
            self._wait_ms = _ALONE_MS
            if address == self._address:
                return NOTHING
            self._address = address
            return UP
        if self._address:
            self._gone_ms += dt_ms
            if self._gone_ms < _GONE_MS:
                return NOTHING
            self._address = ""
            return DOWN
        self._wait_ms -= dt_ms
        if self._wait_ms > 0:
            return NOTHING
        self.tries += 1
        self._wait_ms = min(_ALONE_MS * self.tries, _LONGEST_MS)
        return CONNECT if self.tries % 3 else RESTART
