"""UCF_Power_Limit (IEC 63380-2 5.2.16, tables 138-142; ECHONET Lite 5.3.7): an upper bound for the whole station."""

from wallbox.limits.sources import OBLIGATION


class PowerLimit:
    """Upper bounds on the station's consumption: watts, and per cent of the rated current."""

    def __init__(self, station):
        self._station = station
        self._watts = station.add_source("power limit", OBLIGATION)
        self._per_cent = station.add_source("current limit", OBLIGATION)
        self.sources = (self._watts, self._per_cent)
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
