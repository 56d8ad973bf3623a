"""UCF_Consumption_Curve, UCF_Maximum_Power_Limitation_Curve and UCF_Incentive_Table (IEC 63380-2 5.2.5, 5.2.14 and
5.2.11), use case CEVC: what the car needs, what the EMS allows and what it costs, and the plan that follows.

The curve bounds the station while its EMS is there; the plan is a request under all limits. When the EMS falls silent
both end, and the car charges as without them. The plan is made anew when demand, curve or prices change, and every
minute, so that it follows what really flowed: a few pieces at a time, and the plan before is followed until the new one
is complete. What changes meanwhile is in the next. It reckons with what the car takes, as far as that was seen; before
it has charged, with what the station can give.
"""

from array import array

from bounded.compat import const
from wallbox.functions.ems_watch import EmsWatch
from wallbox.limits.plan import Planner, place
from wallbox.limits.sources import EMS_PLAN, OBLIGATION, REQUEST

MOST_SLOTS = const(96)  # of the curve
MOST_PRICES = const(24)
_AGAIN_MS = const(60000)
_PIECES = const(16)  # of a plan, in each step of the arbiter
_DAY_S = const(86400)
_LOOK_MS = const(30000)  # offered the same for so long, a car draws what it can
_LESS_MA = const(1000)


class ChargePlan:
    """`curve` and `prices` are (start in s, value, ...) in one array each, ending with a start and no value; starts
    count from the station's own clock. `updates` says what is wanted of the EMS: 1 a curve, 2 prices."""

    def __init__(self, station):
        self._station = station
        self._bound = station.add_source("power curve", OBLIGATION)
        self._wish = station.add_source("charge plan", REQUEST + EMS_PLAN)
        self.watch = EmsWatch(station, (self._bound,))  # of the energy guard, whose curve it is
        self.broker = EmsWatch(station, ())  # of the energy broker, whose prices; often one EMS is both
        self.curve = self.prices = self.starts = self.powers = self._planner = None
        self.version = 0
        self.forget()

    def forget(self):
        """The car left, or nobody plans for it any more."""
        self.min_wh = self.need_wh = self.max_wh = 0
        self.departure_s = None
        self.curve = self.prices = self._planner = None
        self.starts = self.powers = array("i")
        self.missing_wh = 0
        self.updates = 0
        self._from_wh = 0
        self._planned_ms = None
        self._car_ma = None  # the most this car draws, once it has drawn less than it was offered
        self._most_w = 0  # what it can take, as the plan has it
        self._offer_ma = self._looked_ms = 0
        self.version += 1
        for source in (self._bound, self._wish):
            if source.own[3]:
                source.clear(self._station.now_ms)
                self._station.look()

    def demand(self, need_wh, departure_s, min_wh=0, max_wh=None):
        """The car needs `need_wh` by `departure_s` seconds from now (up to 7 days); False when that makes no sense."""
        max_wh = need_wh if max_wh is None else max_wh
        if not 0 <= min_wh <= need_wh <= max_wh <= 500000 or not 0 < departure_s <= 7 * _DAY_S:
            return False
        self.min_wh = min_wh
        self.need_wh = need_wh
        self.max_wh = max_wh
        self.departure_s = self._now_s() + departure_s
        self._from_wh = self._charged_wh()
        self.updates = 3
        self._changed()
        return True

    def left_wh(self):
        """What of the need has not been charged yet, or was discharged since."""
        return max(self.need_wh - (self._charged_wh() - self._from_wh), 0)

    def _charged_wh(self):
        exported = self._station.exported
        return (self._station.energy.total_wh or 0) - (exported and exported.total_wh or 0)

    def left_s(self):
        """Seconds until departure; 0 when it is over, None without a demand."""
        return None if self.departure_s is None else max(self.departure_s - self._now_s(), 0)

    def set_curve(self, slots):
        """Take the curve, an array (start s from now, W, ..., end s)."""
        self.curve = self._moved(slots)
        self.updates &= 2
        self._changed()

    def set_prices(self, slots):
        """Take the prices, an array (start s from now, price, ..., end s)."""
        self.prices = self._moved(slots)
        self.updates &= 1
        self._changed()

    def step(self):
        """Plan when it is time, and hand to the arbiter what counts now."""
        station = self._station
        now_ms = station.now_ms
        try:
            if station.guard.out.contactor and now_ms - self._looked_ms >= _LOOK_MS:
                self._looked_ms = now_ms
                self._learn(station)
            if self.curve is None and self.departure_s is None:
                return
            if not self._planner and (self._planned_ms is None or now_ms - self._planned_ms >= _AGAIN_MS):
                self._planned_ms = now_ms
                self._planner = self._begin()
            if self._planner and self._planner.step(_PIECES):
                self._take(self._planner)
                self._planner = None
        except MemoryError:  # the plan before is followed, and another made in a minute
            self._planner = None
        now_s = self._now_s()
        at = place(self.curve, 2, now_s)
        self._hold(self._bound, None if at < 0 else self.curve[at + 1])
        at = place(self.starts, 1, now_s) if self._followed() else -1
        wish_w = None if at < 0 else self.powers[at]
        if wish_w and wish_w >= self._most_w:
            wish_w = station.rated_w  # or a car that was slow for a while could never show that it takes more
        self._hold(self._wish, wish_w)

    def planning(self):
        """Whether a plan is being made; `missing_wh` is of the one before."""
        return bool(self._planner)

    def _followed(self):
        """Whether there is an EMS, and each that the plan rests on is still there."""
        guard = self.watch.alive()
        broker = self.broker.alive()
        return (guard or broker) and (guard or self.curve is None) and (broker or self.prices is None)

    def _hold(self, source, limit_w):
        own = source.own
        if limit_w is None:
            if own[3]:
                source.clear(self._station.now_ms)
                self._station.look()
        elif not own[3] or own[0] != limit_w:
            source.set_w(self._station.now_ms, limit_w)
            self.watch.lease()
            self._station.look()

    def _changed(self):
        self._planned_ms = None
        self.version += 1

    def _now_s(self):
        return self._station.now_ms // 1000

    def _moved(self, slots):
        now_s = self._now_s()
        for i in range(0, len(slots), 2):
            slots[i] += now_s
        return slots

    def _begin(self):
        station = self._station
        facts = station.facts
        per_ma = facts.phases * (facts.nominal_mv // 1000)
        least_w = facts.min_ma // 100 * per_ma // 10 + facts.own_w
        most_ma = facts.max_ma if self._car_ma is None else self._car_ma
        self._most_w = max(min(most_ma // 100 * per_ma // 10, station.rated_w), least_w)
        return Planner(self.curve, self.prices, self._now_s(), self.departure_s or 0, self._most_w, least_w,
                       self.left_wh())

    def _learn(self, station):
        before_ma = self._offer_ma
        self._offer_ma = offer_ma = station.offer.offer_ma
        if offer_ma == before_ma and station.meter_fresh:
            drawn_ma = max([each or 0 for each in station.readings.current_ma[: station.facts.phases]])
            if _LESS_MA <= drawn_ma < offer_ma - _LESS_MA:
                self._car_ma = drawn_ma
            elif self._car_ma is not None and drawn_ma > self._car_ma:
                self._car_ma = None

    def _take(self, planner):
        self.missing_wh = planner.missing_wh
        if planner.powers != self.powers or planner.starts != self.starts:
            self.starts = planner.starts
            self.powers = planner.powers
            self.version += 1
