"""A whole station in simulated time: plant, guard, arbiter and the functions that ECHONET Lite uses, no protocol.

    bench = StationBench(phases=1, settings={"min_ma": 8000})       # ratings and settings that differ
    bench.plug(ready=True); bench.charge()

Time passes as in the app: the guard ticks every 10 ms, the arbiter runs every 100 ms, INVARIANTS are checked each tick.
"""

from boards.sim.car import Car
from boards.sim.flash import Flash
from boards.sim.plant import Plant
from host_tests.simulation.invariants import Invariants
from wallbox import config
from wallbox.board import Ratings
from wallbox.functions.device_state import DeviceState
from wallbox.functions.ev_connected import EvConnected
from wallbox.functions.load_control import LoadControl
from wallbox.functions.measurement import Measurement
from wallbox.functions.operation_mode import OperationMode
from wallbox.functions.power_limit import PowerLimit
from wallbox.functions.setpoint import Setpoint
from wallbox.station import Station

_TICK_MS = 10


class Board:
    """The plant behind the interface of a board."""

    def __init__(self, plant):
        self.ratings = plant.ratings
        self.plant = plant
        self.storage = Flash(4096)
        self.serve_console = None
        self.sample = plant.sample
        self.apply = plant.apply


class StationBench:
    """station, plant and the functions by the names that the app gives them; `now_ms` since the start."""

    def __init__(self, settings=None, **ratings):
        self.ratings = Ratings()
        for name in ratings:
            setattr(self.ratings, name, ratings[name])
        self.settings = config.load(Flash(4096))
        for name in settings or {}:
            getattr(self.settings, name)
            setattr(self.settings, name, settings[name])
        self.plant = Plant(self.ratings)
        self.boot()
        self.run(2000)  # self-test, first telegram of the meter

    def boot(self):
        """The firmware starts, with nothing but what `settings` say."""
        self.board = Board(self.plant)
        self.station = station = Station(self.board, self.settings)
        self.guard = station.guard
        self.device_state = DeviceState(station)
        self.operation_mode = OperationMode(station)
        self.ev_connected = EvConnected(station)
        self.power_limit = PowerLimit(station)
        self.load_control = LoadControl(station)
        self.measurement = Measurement(station)
        self.setpoint = None
        if self.ratings.discharge:
            self.setpoint = Setpoint(station, self.load_control, self.operation_mode, self.device_state)
        station.on_session.append(self._session)
        self.checker = Invariants(station.guard)
        self.readings = station.readings
        self.now_ms = 0
        self.most_ma = 0  # highest current seen since this was last set to 0
        self._left_ms = 0

    def _session(self, car):
        if not car:
            self.load_control.end_session()

    def tick(self):
        """10 ms, and a stall of the loop before it when the plant has one."""
        dt_ms = (self.plant.take_stall_ms() + _TICK_MS - 1) // _TICK_MS * _TICK_MS + _TICK_MS
        for _ in range(dt_ms // 5):
            self.plant.step(5)
        self.now_ms += dt_ms
        self._left_ms -= dt_ms
        if self._left_ms <= 0:
            self._left_ms = 100
            self.load_control.step()
            if self.setpoint:
                self.setpoint.step()
            self.station.arbitrate()
        self.station.tick(dt_ms)
        self.checker(self)
        self.most_ma = max(self.most_ma, self.plant.current_ma[0])

    def run(self, ms):
        """Let `ms` pass."""
        end = self.now_ms + ms
        while self.now_ms < end:
            self.tick()

    def until(self, predicate, limit_ms):
        """Tick until `predicate()` holds; the ms that took. AssertionError when it does not within `limit_ms`."""
        start = self.now_ms
        while not predicate():
            assert self.now_ms - start < limit_ms, self.story()
            self.tick()
        return self.now_ms - start

    def plug(self, **car):
        """A car that follows at once; what differs by name."""
        options = {"reaction_ms": 100, "ramp_ma_s": 1000000}
        options.update(car)
        self.plant.plug(Car(**options))

    def charge(self, limit_ms=20000, **car):
        """Plug a ready car in and wait until it has drawn for 1 s."""
        self.plug(ready=True, **car)
        self.until(self.charging, limit_ms)
        self.run(1000)

    def charging(self):
        return self.plant.current_ma[0] > 0

    def paused(self):
        return self.plant.current_ma[0] == 0 and not self.guard.out.contactor

    def offers(self, ma):
        """Whether this much is offered, by decision and on the pilot."""
        told = self.guard.out.pilot_permille
        return self.station.offer.offer_ma == ma and told == (ma // 60 if ma else 1000)

    def binding(self):
        return self.station.decision.binding

    def story(self):
        """Where it stands, for the message of a failed assertion."""
        station = self.station
        return "at %d ms: state %s why %d faults %d offer %d duty %d current %r binding %s phases %d" % (
            self.now_ms, self.guard.state, self.guard.why, self.guard.faults, station.offer.offer_ma,
            self.guard.out.pilot_permille, self.plant.current_ma, self.binding(), station.facts.phases)
