"""One charging station: board, guard and arbiter joined, and the facts that every use case function shares.

    sample the board -> guard.tick -> drive the board        (`tick`, every 10 ms)
    sources -> decide -> offer -> guard.permit               (`arbitrate`, every 100 ms and after each accepted write)

No protocol and no tasks here; `app` calls these two.
"""

from bounded.compat import const
from wallbox.board import Outputs, Readings
from wallbox.evse.guard import Guard
from wallbox.functions.ac_measurement import Energy
from wallbox.limits.decide import Decision, Facts, decide
from wallbox.limits.offer import Offer
from wallbox.limits.sources import CEILING, DROP, INTERLOCK, KEEP, OBLIGATION, Source

_LEASE_MS = const(2000)  # the guard's permission, renewed at every arbitration
_METER_FRESH_MS = const(10000)
_DRAWING_MA = const(1000)  # a phase with less carries no charging
_FEWER_MS = const(10000)
_FAULT_LED = const(13)  # patterns of the guard's faults, which go first (evse/led.py)


class Station:
    """The station's state; `settings` as in config.py."""

    def __init__(self, board, settings):
        ratings = board.ratings
        self.board = board
        self.ratings = ratings
        self.readings = Readings()
        self.guard = Guard(ratings, settings)
        self.now_ms = 0
        self.rated_w = ratings.phases * ratings.max_ma * ratings.nominal_mv // 1000000
        self.energy = Energy(self.rated_w)
        self.exported = self.discharge = None  # energy out of the car, limits/discharge.py: where the board can
        if ratings.discharge:
            self.exported = Energy(self.rated_w)
        self.on_session = []  # called with True when a car was plugged in, False when it left
        # of limits from a protocol without heartbeat; None = they stay
        self.lease_ms = settings.echonet_lease_s * 1000 or None
        self.sources = []
        self.facts = Facts()
        self.facts.phases = ratings.phases
        self.facts.nominal_mv = ratings.nominal_mv
        self.facts.max_ma = ratings.max_ma
        self.facts.min_ma = max(ratings.min_ma, settings.min_ma)
        self.facts.own_w = settings.own_w
        # what counts when such a lease runs out
        fallback = settings.echonet_fallback
        self.fallback = KEEP if fallback == "keep" else self.facts.min_ma if fallback == "minimum" else DROP
        self.offer = Offer(settings.rise_ma_per_5s, settings.resume_hold_s * 1000)
        self.decision = None
        self._supply = self.add_source("supply", CEILING)
        self._cable = self.add_source("cable", CEILING)
        self._temperature = self.add_source("temperature", CEILING)
        self.healthy = self.add_source("firmware", INTERLOCK)
        self.healthy.set_allowed(0, True)
        if settings.supply_ma:
            self.bound_ma(self._supply, settings.supply_ma)
        self._changed = True
        self.written = False  # a source changed since this was last looked at
        self.meter_fresh = False  # what the meter says is true now, else unknown
        self.car = False  # a car is plugged in (kept through E and F)
        self.well = True  # False: the firmware is not to be trusted, nothing is charged until it starts again
        self.lit = 0  # what the LED shows beside the guard's pattern (evse/led.py), 0 = nothing
        self.arbitrated_ms = 0
        self._fewer_since_ms = 0

    def add_source(self, name, kind, fallback=DROP):
        """A new source for the arbiter, written by the caller alone. All are added before the first `arbitrate`."""
        source = Source(name, kind, fallback)
        self.sources.append(source)
        return source

    def bound_ma(self, source, limit_ma):
        """Bound every phase to `limit_ma` mA by `source`; None lifts it."""
        if limit_ma is None:
            source.clear(self.now_ms)
        else:
            source.set_ma(self.now_ms, limit_ma, limit_ma, limit_ma, self._lease_of(source))
        self._changed = True

    def bound_w(self, source, limit_w):
        """Bound the station's power to `limit_w` W by `source`; None lifts it."""
        if limit_w is None:
            source.clear(self.now_ms)
        else:
            source.set_w(self.now_ms, limit_w, self._lease_of(source))
        self._changed = True

    def look(self):
        """A source was written by its owner: decide at the next tick. Nothing of it is to be kept over a power cut."""
        self._changed = self._changed or 1

    def allow(self, source, allowed):
        """Allow charging by the permission `source`, or not."""
        if not source.own[3] or source.own[0] != allowed:
            source.set_allowed(self.now_ms, allowed)
            self._changed = True

    def renew(self, sources):
        """A sign of life of whoever wrote `sources`: those whose lease still runs begin it anew."""
        for source in sources:
            if source.lease_ms is not None and source.age_ms(self.now_ms) < source.lease_ms:
                source.set_ms = self.now_ms

    def _lease_of(self, source):
        return self.lease_ms if source.kind == OBLIGATION else None

    def fail(self):
        """The firmware cannot be trusted any more: contactor open and no permission until it is started again."""
        self.well = False
        self.healthy.set_allowed(self.now_ms, False)
        self.guard.permit(0, 0)
        self.guard.out.contactor = False  # or the next tick would close it again
        self.board.apply(Outputs())

    def tick(self, dt_ms):
        """One guard tick, `dt_ms` after the one before. Allocates nothing unless a source was written."""
        self.now_ms += dt_ms
        if self._changed:
            self.arbitrate()
        self.board.sample(self.readings)
        self.guard.tick(dt_ms, self.readings)
        out = self.guard.out
        if self.lit and out.led < _FAULT_LED:
            out.led = self.lit
        self.board.apply(out)

    def arbitrate(self):
        """Decide what may flow now and permit the guard that much."""
        if self._changed is True:
            self.written = True
        now_ms = self.arbitrated_ms = self.now_ms
        guard = self.guard
        facts = self.facts
        readings = self.readings
        age_ms = readings.meter_age_ms
        self.meter_fresh = meter_fresh = age_ms is not None and age_ms < _METER_FRESH_MS
        self.energy.step(now_ms, readings.energy_wh if meter_fresh else None)
        if self.exported:
            self.exported.step(now_ms, readings.exported_wh if meter_fresh else None)
        state = guard.state
        if state == "A" if self.car else state in "BCD":
            self._session(not self.car)
        self._count_phases()
        for phase in range(3):
            facts.voltage_mv[phase] = readings.voltage_mv[phase] if meter_fresh else None
        if guard.cable_ma is not None or self._cable.own[3]:
            self.bound_ma(self._cable, guard.cable_ma)
        if guard.derated_ma is not None or self._temperature.own[3]:
            self.bound_ma(self._temperature, guard.derated_ma)
        self._changed = False
        if self.decision is None:
            self.decision = Decision(len(self.sources))
        decide(self.sources, now_ms, facts, self.decision)
        back_ma = self.discharge.step(self.sources, now_ms, facts, self.decision) if self.discharge else 0
        guard.permit(self.offer.step(now_ms, self.decision, guard.out.contactor), _LEASE_MS, back_ma)

    def _session(self, car):
        self.car = car
        self.offer.new_session()
        self.facts.phases = self.ratings.phases
        if car:
            self.energy.begin_session()
        for told in self.on_session:
            told(car)

    def _count_phases(self):
        """Phases the car uses, learned from the current: more count at once, fewer once that has lasted."""
        facts = self.facts
        used = 0
        if self.guard.out.contactor:
            for phase in range(3):
                current_ma = self.readings.current_ma[phase]
                if current_ma is not None and abs(current_ma) >= _DRAWING_MA:
                    used = phase + 1
        if used == 0 or used >= facts.phases:
            self._fewer_since_ms = self.now_ms
        if used > facts.phases or self.now_ms - self._fewer_since_ms >= _FEWER_MS:
            facts.phases = used
