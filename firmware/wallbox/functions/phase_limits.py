"""UCF_Load_Control (IEC 63380-2 5.2.12, tables 107-117), per phase: overload protection (OPEV) and self-consumption
(OSCEV) of the car, as an EMS with a heartbeat sets them.

An obligation bounds a phase; while one is active and the EMS falls silent for longer than its heartbeat promises (4 s
at the least), or says that it has failed, `fallback_ma` bounds every phase until it is back: a current of our own
choice that the installation bears. A recommendation is followed only while the EMS is there, and until the car says
that it is full: then nothing is asked for (OSCEV withdraws scenario 1). Both end with the session: of a new car the EMS
has not spoken yet, and what the installation bears is bounded by the supply's limit.
"""

from wallbox.functions.ems_watch import EmsWatch
from wallbox.limits.sources import OBLIGATION, REQUEST, SELF_CONSUMPTION


class PhaseLimits:
    """Limits 0..2 are obligations of phases a, b, c, 3..5 recommendations: `ma` their values, `active` whether they
    count. `full`: the car wants no more, and there are no recommendations. `version` changes with any of these, `watch`
    is of the EMS that may set them."""

    def __init__(self, station, fallback_ma):
        self._station = station
        self._obligation = station.add_source("overload protection", OBLIGATION, fallback_ma)
        self._recommendation = station.add_source("self-consumption", REQUEST + SELF_CONSUMPTION)
        self.ma = [station.ratings.max_ma] * 6
        self.active = [False] * 6
        self.version = 0
        self.full = False
        self.watch = EmsWatch(station, (self._obligation, self._recommendation))

    def set(self, changes):
        """Take [(index, mA or None, active or None)], all of them; False and nothing changed when one is negative, or a
        recommendation for a car that is full."""
        for index, ma, _ in changes:
            if ma is not None and ma < 0 or self.full and index > 2:
                return False
        for index, ma, active in changes:
            if ma is not None:
                self.ma[index] = ma
            if active is not None:
                self.active[index] = active
        self._apply()
        return True

    def set_full(self, full):
        """The car is full, and recommendations end; or no more, and the EMS may make new ones."""
        self.full = full
        self.active[3:] = [False] * 3
        self._apply()

    def end_session(self):
        """The car left: the limits end with it."""
        for index in range(6):
            self.ma[index] = self._station.ratings.max_ma
            self.active[index] = False
        self._apply()

    def _apply(self):
        station = self._station
        self.version += 1
        for first in (0, 3):
            source = self._recommendation if first else self._obligation
            if True in self.active[first : first + 3]:
                a, b, c = [self.ma[i] if self.active[i] else None for i in range(first, first + 3)]
                source.set_ma(station.now_ms, a, b, c)
            elif source.own[3]:
                source.clear(station.now_ms)
        self.watch.lease()
        station.look()
