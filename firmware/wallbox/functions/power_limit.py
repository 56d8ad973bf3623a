"""UCF_Power_Limit (IEC 63380-2 5.2.16, tables 138-142; ECHONET Lite 5.3.7): an upper bound for the whole station."""

from wallbox.limits.sources import OBLIGATION


class PowerLimit:
    """Upper bounds on the station's consumption: watts, and per cent of the rated current.

    `consumption` is the limit with heartbeat and failsafe (LPC, limits/failsafe.py), None where no such EMS can be;
    it counts while `commissioned`: before any EMS is trusted there is nobody whose silence could mean something.
    """

    def __init__(self, station):
        self._station = station
        self._watts = station.add_source("power limit", OBLIGATION, station.fallback)
        self._per_cent = station.add_source("current limit", OBLIGATION, station.fallback)
        self._per_cent.both = True  # of the rated current, whatever its direction
        self.sources = (self._watts, self._per_cent)
        self.consumption = None
        self.commissioned = False
        self._heard = self._version = None
        self.limit_w = None
        self.limit_per_cent = None

    def set_w(self, limit_w):
        """Bound the consumption to `limit_w` W (0 pauses, None lifts the bound)."""
        self.limit_w = limit_w
        self._station.bound_w(self._watts, limit_w)
        return True

    def set_per_cent(self, per_cent):
        """Bound the current to `per_cent` of the rated one, 0..100 (None lifts the bound)."""
        self.limit_per_cent = per_cent
        ratings = self._station.ratings
        self._station.bound_ma(self._per_cent, None if per_cent is None else ratings.max_ma * per_cent // 100)
        return True

    def effective_w(self):
        """What bounds the station in W, whoever set it; None when nothing does. Of a setting whose lease ran out
        that is its fallback, if it has one."""
        limit_w = self.consumption.limit_w() if self.commissioned else None
        watts = self._watts
        set_w = self.limit_w
        counts = watts.in_force(self._station.now_ms)
        if counts is None:
            return limit_w
        if counts is not watts.own:  # the fallback, a current
            facts = self._station.facts
            set_w = counts[0] * facts.phases * (facts.nominal_mv // 1000) // 1000
        return set_w if limit_w is None else min(limit_w, set_w)

    def expect(self, consumption):
        """From now on an energy guard may set `consumption`."""
        self.consumption = consumption
        self._heard = self._station.add_source("consumption limit", OBLIGATION)

    def step(self):
        """Let time pass for the consumption limit, and hand to the arbiter what it says."""
        limit = self.consumption
        if limit is None or not self.commissioned:
            return
        station = self._station
        limit.step(station.now_ms)
        if self._version != limit.version:
            self._version = limit.version
            limit_w = limit.limit_w()
            if limit_w is None:
                self._heard.clear(station.now_ms)
            else:
                self._heard.set_w(station.now_ms, limit_w)
            station.look()

    def commission(self, on):
        """An EMS may now be there (or nobody is trusted any more): begin in "init", or let go."""
        if self.consumption and on != self.commissioned:
            self.commissioned = on
            self._version = None
            if on:
                self.consumption.restart(self._station.now_ms)
            else:
                self._heard.clear(self._station.now_ms)
                self._station.look()
