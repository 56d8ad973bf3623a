"""Simulated time: ticks, stalls, waiting and the trace of host_tests/simulation/world.py."""

from boards.sim.car import Car
from boards.sim.plant import Plant
from host_tests.simulation.world import World
from wallbox.board import Outputs, Ratings


class Follower:
    """Stands in for the guard: closes in C, remembers the time it was given."""

    def __init__(self):
        self.out = Outputs()
        self.out.pilot_permille = 267
        self.state = None
        self.ticks = []

    def tick(self, dt_ms, readings):
        self.ticks.append(dt_ms)
        self.state = "C" if 4000 < readings.pilot_high_mv < 7000 else "B"
        self.out.contactor = self.state == "C"


def test_time_and_waiting():
    seen = []
    world = World(Follower(), Plant(Ratings(), Car(reaction_ms=0)), lambda w: seen.append(w.now_ms))
    world.run(100)
    assert world.now_ms == world.plant.now_ms == 100 and seen == list(range(10, 101, 10))
    assert world.until(lambda: world.plant.contactor.poles, 500) is None and world.now_ms == 600
    world.plant.ready(True)
    took = world.until(lambda: world.plant.contactor.poles, 5000)
    assert 200 <= took <= 260, took
    assert world.until(lambda: True, 0) == 0
    rows = [row[1:5] for row in world.trace]
    assert ("C", 267, True, 0) in rows and ("C", 267, True, 7) in rows
    assert len(world.story().split("\n")) == len(world.trace)


def test_a_stalled_loop_gets_its_time_in_one_tick():
    world = World(Follower(), Plant(Ratings(), Car(reaction_ms=0, ready=True)))
    world.run(1000)
    assert world.plant.contactor.poles == 7
    world.plant.fault("loop_stall", True, 500)
    world.run(10)
    assert world.guard.ticks[-1] == 510 and world.now_ms == 1510
    assert world.plant.interlock_trips == 1 and world.plant.contactor.poles == 0
    world.run(100)
    assert world.plant.contactor.poles == 7


def test_rest_of_the_firmware_acts_before_each_tick():
    world = World(Follower(), Plant(Ratings()))
    acts = []
    world.before_tick = lambda w: acts.append(w.now_ms)
    world.run(30)
    assert acts == [10, 20, 30]
