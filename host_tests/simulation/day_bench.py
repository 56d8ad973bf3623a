"""The whole station with its SPINE device, a plant and a car in simulated time that hurries where nothing happens.

`DayBench`: an EMS talks to the device in text (host_tests/pure/spine_station.py), plant, guard and arbiter move as in
station_bench.py, INVARIANTS are checked every tick. A tick is 10 ms while anything moves and for 6 s behind; then 1 s,
or 0.5 s while the contactor is closed, the most for which the guard does not call it a stall (the SPINE device looks
once a second then). A board with an
interlock would open it after 0.1 s without outputs, so this one has none.

`least_cost` is the independent optimum that a day's cost is compared with.
"""

from boards.sim.car import Car
from boards.sim.plant import Plant
from host_tests.pure.spine_station import StationBox
from host_tests.pure.test_spine_map_ev import CarBox
from host_tests.simulation.invariants import Invariants
from host_tests.simulation.station_bench import Board

CAR_LOAD, SERIES, PRICES = ((1, 1), 7), ((1, 1), 8), ((1, 1), 9)
MINUTE = 60000
_CALM_MS = 6000


class DayBench(StationBox):
    """`now` in ms; `speaks`: the EMS sends its heartbeat, every 30 s with a promise of 60 s."""

    def __init__(self):
        self.plant = None
        self.speaks = False
        super().__init__({"profile": "full"}, interlock=False)
        self.readings = self.station.readings
        self.checker = Invariants(self.station.guard)
        self.ticks = self._left_ms = self._calm_ms = self._looked_ms = 0
        self._seen = [None] * 7
        self.run(2000)  # self-test, first telegram of the meter
        self.controlled()
        self.speaks = True

    def board(self, ratings):
        self.plant = Plant(ratings)
        return Board(self.plant)

    @property
    def now_ms(self):
        return self.now

    def pass_ms(self, ms, step_ms=0):
        if self.now or ms:
            self.run(ms)

    def run(self, ms):
        """Let `ms` pass."""
        end = self.now + ms
        while self.now < end:
            self.tick(end - self.now)

    def tick(self, most_ms):
        dt_ms = 10
        if self._calm_ms >= _CALM_MS:
            dt_ms = min(500 if self.station.guard.out.contactor else 1000, most_ms)
        plant = self.plant
        if dt_ms > 10:
            plant.step(dt_ms)
        else:
            plant.step(5)
            plant.step(5)
        self.now += dt_ms
        self.ticks += 1
        self._left_ms -= dt_ms
        if self._left_ms <= 0:
            self._left_ms = 100
            self.load_control.step()
            self.power_limit.step()
            self.charge_plan.step()
            self.setpoint.step()
            self.station.arbitrate()
            if self._calm_ms < _CALM_MS or self.now - self._looked_ms >= 1000:
                self._looked_ms = self.now
                self.node.step()
        self.station.tick(dt_ms)
        self.checker(self)
        self._calm_ms = 0 if self._moved() else self._calm_ms + dt_ms

    def _moved(self):
        guard = self.station.guard
        seen = self._seen
        moved = False
        for i, value in ((0, guard.state), (1, guard.out.pilot_permille), (2, self.plant.contactor.poles),
                         (3, self.plant.current_ma[0]), (4, self.station.offer.offer_ma), (5, guard.out.contactor),
                         (6, self.station.decision and self.station.decision.offer_ma)):
            if seen[i] != value:
                seen[i] = value
                moved = True
        return moved

    phases = CarBox.phases

    def tell(self, classifier, cmd, **more):
        if classifier != "notify":
            self._calm_ms = 0
        return super().tell(classifier, cmd, **more)

    def minute(self):
        """A minute of the day passes, with what the EMS says in it."""
        for _ in range(2):
            if self.speaks:
                self.beat()
            self.run(MINUTE // 2)

    def arrive(self, **car):
        """A car is plugged in and ready, and the EMS binds what it sets."""
        self._calm_ms = 0
        self.plant.plug(Car(ready=True, reaction_ms=100, ramp_ma_s=1000000, **car))
        self.run(3000)
        for to in (CAR_LOAD, SERIES, PRICES):
            assert self.relate(to=to) == 0
        self.beat()

    def leave(self):
        self.plant.unplug()
        self._calm_ms = 0
        self.run(3000)


def at(table, minute):
    """The value in force in `minute`: `table` has (first minute, value), ascending, the last without an end."""
    value = None
    for first, each in table:
        if first > minute:
            break
        value = each
    return value


def least_cost(energy_mwh, first, end, curve, prices, rated_w, least_w):
    """What `energy_mwh` cost at the least in the minutes `first` to `end`, in price x mWh: an integer below which no
    plan can stay, and which the best one reaches.

    By duality, without planning anything. Let p be the price of each minute and c the energy that fits into it. For
    any price x, a plan of energy e(m) in each minute costs

        sum p e  =  x E + sum (p - x) e  >=  x E - sum max(x - p, 0) c

    so the greatest right side over all x bounds every plan from below; it is reached, at the x where the energy of
    all cheaper minutes is just not enough. The right side bends only at prices that occur, so those are tried."""
    room = {}
    for minute in range(first, end):
        high_w = min(at(curve, minute), rated_w)
        if high_w >= least_w:
            price = at(prices, minute)
            room[price] = room.get(price, 0) + high_w * 50 // 3
    assert sum(room.values()) >= energy_mwh, "it cannot be done"
    return max([x * energy_mwh - sum([(x - price) * room[price] for price in room if price < x]) for x in room])
