"""Contactor: what mirror contacts and load-side voltage say about it, pole by pole (IEC 61851-1 seq 13)."""

from bounded.compat import const

_WELD = const(1 << 7)
_NOT_CLOSED = const(1 << 8)
_DROPPED_OUT = const(1 << 9)
_FEEDBACK = const(1 << 10)

_LIVE_MV = const(50000)  # behind the contactor: less is induced
_OPEN_MS = const(1000)  # after switching until contacts and load side must be off
_CLOSE_MS = const(500)  # until they must be on
_BAD_MS = const(100)  # how long a contradiction must last
_EDGES = const(10)  # changes without switching, no second between two, that are noise


class Contactor:
    """Compares what is commanded with what is seen. `open`: known to be off since long enough."""

    def __init__(self, ratings):
        self.open = False
        self.ms = 0  # since it was switched (or since power-up), saturating
        self._aux = ratings.aux_contacts
        self._all = (1 << ratings.phases) - 1
        self._on = False
        self._confirmed = False
        self._bad = 0
        self._poles = 0
        self._edges = 0
        self._calm = 0

    def tick(self, dt_ms, on, readings):
        """Check feedback against `on`, the command of the last tick. Returns fault bits present now."""
        if on != self._on:
            self._on = on
            self._confirmed = self.open = False
            self.ms = self._bad = 0
        if self.ms < 60000:
            self.ms += dt_ms
        dt_ms = min(dt_ms, 50)
        poles = readings.poles_closed & self._all if self._aux else 0
        live = readings.load_side_mv
        if live is not None:
            live = live >= _LIVE_MV
        faults = 0

        if poles == self._poles:
            self._calm += dt_ms
            if self._calm >= 1000:
                self._calm = self._edges = 0
        else:
            self._poles = poles
            self._calm = 0
            if self.ms > _OPEN_MS and self._edges < _EDGES:
                self._edges += 1
        if self._edges >= _EDGES:
            faults = _FEEDBACK

        if on:
            wrong = self._aux and poles != self._all or live is False
            # before the first confirmation it may still travel
            wait = not self._confirmed and self.ms < _CLOSE_MS
        else:
            wrong = poles or live
            wait = self.ms < _OPEN_MS
        if not wrong:
            self._bad = 0
            if on:
                self._confirmed = True
            else:
                self.open = not wait
        elif not wait:
            self.open = False
            self._bad = min(self._bad + dt_ms, _BAD_MS)
            if self._bad >= _BAD_MS:
                if not on:
                    # a mirror contact that says closed with no voltage behind it lies; either way it stays open
                    faults |= _FEEDBACK if live is False else _WELD
                elif self._aux and live is not None and (poles == self._all or live and not poles):
                    faults |= _FEEDBACK
                else:
                    faults |= _DROPPED_OUT if self._confirmed else _NOT_CLOSED
        return faults
