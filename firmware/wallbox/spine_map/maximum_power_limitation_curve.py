"""5.2.14 UCF_Maximum_Power_Limitation_Curve on SPINE (tables 122-129, CEVC scenario 2): what the EMS writes.

Slots are taken as they arrive (TimeSeries server of the car, see consumption_curve.py), and count together or not at
all. A slot says when it begins or how long it lasts; the last one when it ends or how long it lasts.
"""

from array import array

from bounded.compat import const

_MOST_MS = const(691200000)  # 8 days
_MOST = const(1000000000)  # more is stored as this


class Slots:
    """Collects (start s from now, value, ..., end s); `take` one after the other, then `complete`."""

    def __init__(self, clock, most):
        self._clock = clock
        self._most = most
        self.begin()

    def begin(self):
        """A new table arrives."""
        self.table = array("i")
        self._good = True
        self._next_ms = 0

    def take(self, start, end, duration_ms, value):
        """One slot: times as the reader gives them (ms, a time stamp, or None), `value` an integer >= 0 or None."""
        start_ms = self._next_ms if start is None else self._clock.until_ms(start)
        if len(self.table) >= 2 * self._most or value is None or start_ms is None or isinstance(duration_ms, str):
            self._good = False
            return
        if self.table and start_ms // 1000 <= self.table[-2] or start_ms > _MOST_MS:
            self._good = False
            return
        self.table.append(start_ms // 1000)
        self.table.append(min(value, _MOST))
        self._next_ms = self._clock.until_ms(end) if duration_ms is None else start_ms + duration_ms

    def complete(self):
        """The table, or None when it is no good: no slots, too many, out of order, without an end."""
        if not self._good or not self.table or self._next_ms is None:
            return None
        end_s = self._next_ms // 1000
        if end_s <= self.table[-2] or self._next_ms > _MOST_MS:
            return None
        self.table.append(end_s)
        return self.table
