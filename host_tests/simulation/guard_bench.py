"""A guard, a plant and the invariants, and ways to bring them into every state that a fault can hit.

`Bench(stage=...)` ends in that stage; STAGES names them. The rest of the firmware is `offer_ma`, permitted anew at
every tick with a lease of 1 s (None: it is dead).
"""

from boards.sim.car import Car
from boards.sim.plant import Plant
from host_tests.simulation.invariants import Invariants
from host_tests.simulation.world import World
from wallbox.board import Ratings
from wallbox.evse import texts
from wallbox.evse.guard import Guard

# no car; car and pause; x2, car not ready; coil just on; charging; coil just off; x1 and car still in C;
# car wants ventilation; pilot shorted; F after an own fault
STAGES = ("A", "B1", "B2", "closing", "charging", "opening", "C1", "D", "E", "F")


class Bench:
    """world, guard, plant, car; `seen` collects the names of all faults that were raised, `told` all events."""

    def __init__(self, stage=None, settings=None, car=None, **ratings):
        self.ratings = Ratings()
        for name in ratings:
            setattr(self.ratings, name, ratings[name])
        self.offer_ma = 16000
        self.back_ma = 0  # with it the direction is out of the car
        self.plant = Plant(self.ratings)
        self.guard = Guard(self.ratings, settings)
        self.checker = Invariants(self.guard)
        self.world = World(self.guard, self.plant, self._look)
        self.world.before_tick = self._permit
        self.seen = 0
        self.told = []
        self.car_options = car or {}
        if stage:
            self.enter(stage)

    def _permit(self, world):
        if self.offer_ma is not None:
            self.guard.permit(self.offer_ma, 1000, self.back_ma)

    def _look(self, world):
        guard = self.guard
        self.checker(world)
        self.seen |= guard.faults
        event = guard.events.pop()
        while event is not None:
            self.told.append(event)
            event = guard.events.pop()

    # what happens

    def run(self, ms):
        try:
            self.world.run(ms)
        except AssertionError as error:
            raise AssertionError("%s at %d ms\n%s" % (error, self.world.now_ms, self.story()))

    def until(self, predicate, limit_ms):
        """As World.until, with the story in the message of a failure."""
        try:
            return self.world.until(predicate, limit_ms)
        except AssertionError as error:
            raise AssertionError("%s at %d ms\n%s" % (error, self.world.now_ms, self.story()))

    def story(self):
        return self.world.story() + "\n" + "; ".join([texts.event_text(event) for event in self.told[-30:]])

    def need(self, holds, what=""):
        """Assert, with the story."""
        assert holds, "%s\nfaults %s why %s\n%s" % (
            what, texts.fault_names(self.guard.faults), texts.WHY[self.guard.why], self.story())

    def plug(self, **options):
        everything = {"reaction_ms": 200}
        everything.update(self.car_options)
        everything.update(options)
        self.plant.plug(Car(**everything))

    def fault(self, name, value=None, ms=None):
        self.plant.fault(name, True, value, ms)

    def mend(self, name):
        self.plant.fault(name, False)

    # what is

    def on(self):
        return self.guard.out.contactor

    def off(self):
        return not self.guard.out.contactor

    def charging(self):
        """Current flows through a closed contactor."""
        return self.guard.out.contactor and self.plant.current_ma[0] > 0

    def has(self, name):
        """The guard has this fault now."""
        return name in texts.fault_names(self.guard.faults)

    def had(self, name):
        """The guard had this fault since the bench was made."""
        return name in texts.fault_names(self.seen)

    def event(self, name):
        """How often an event of this name was told."""
        code = list(texts.EVENTS).index(name)
        return len([event for event in self.told if event[0] == code])

    def charge(self, limit_ms=60000):
        """Wait until it charges."""
        self.need(self.until(self.charging, limit_ms) is not None, "does not charge")

    def discharging(self):
        return self.guard.out.contactor and self.plant.current_ma[0] < 0

    def discharge(self, limit_ms=60000, back_ma=16000):
        """Wait until a car that can gives back what is permitted."""
        self.back_ma = back_ma
        self.need(self.until(self.discharging, limit_ms) is not None, "does not discharge")

    def opens(self, limit_ms):
        """It opens within this time."""
        self.need(self.until(self.off, limit_ms) is not None, "not open after %d ms" % limit_ms)

    def stays_open(self, ms):
        """It does not close for this long."""
        self.need(self.until(self.on, ms) is None, "closed")

    def enter(self, stage):
        """Go from power-up to one of STAGES."""
        self.run(1500)  # self-test
        if stage == "A":
            return
        if stage == "B1":
            self.offer_ma = 0
        self.plug(ready=stage not in ("B1", "B2"), wants_ventilation=stage == "D")
        if stage in ("B1", "B2"):
            self.run(1500)
            self.need(self.guard.state == "B" and self.guard.x2 == (stage == "B2"), stage)
            return
        if stage == "closing":
            self.need(self.until(self.on, 5000) is not None, stage)
            return
        if stage == "D" and not self.ratings.ventilation:
            self.need(self.until(lambda: self.has("VENTILATION"), 5000) is not None, stage)
            return
        self.charge()
        self.run(3000)
        if stage == "opening":
            self.plant.ready(False)
            self.opens(5000)
        elif stage == "C1":
            self.plant.car.holds_c_after_x1 = -1
            self.offer_ma = 0
            self.run(100)
        elif stage == "E":
            self.fault("pilot_to_pe")
            self.run(1500)
            self.need(self.guard.state == "E", stage)
            self.mend("pilot_to_pe")
        elif stage == "F":
            self.fault("contactor_dead", ms=300)
            self.run(500)
            self.need(self.guard.state == "F", stage)
