# heap: 384K
"""X1: a random walk over everything a car, an EMS and the injection table can do; invariants at every tick.

Each seed is one walk that always goes the same way. After it every fault is taken away, a person resets, and the
box has to charge again. WALK_SEEDS and WALK_STEPS in the environment make it longer.
"""

import os
import sys

from boards.sim.faults import FAULTS
from boards.sim.thermal import Thermal
from host_tests.simulation.guard_bench import Bench

_SMALL = sys.implementation.name == "micropython"
_SEEDS = int(os.getenv("WALK_SEEDS") or (6 if _SMALL else 10))
_STEPS = int(os.getenv("WALK_STEPS") or (30 if _SMALL else 80))

# the frozen converter hides the car; a controller that reads it for true cannot know (L4)
_SKIP = ("adc_frozen", "clock_unset", "clock_offset", "button_stuck", "meter_rollover", "meter_energy_shift")
_WORDS = [name for name in sorted(FAULTS) if name not in _SKIP]
_SPANS = (10, 20, 50, 60, 80, 100, 250, 500, 1000, 3000, 7000, 12000)
_OFFERS = (0, 5900, 6000, 8000, 10000, 16000, 32000, None)
_BACK = (0, 6000, 16000, 40000)


class Dice:
    """Repeatable on every runtime."""

    def __init__(self, seed):
        self._value = seed * 7919 + 1

    def of(self, choices):
        self._value = (self._value * 1103 + 12345) % 1048573
        return choices[(self._value >> 4) % len(choices)]


def step(bench, dice, on):
    """One thing happens; returns what."""
    plant = bench.plant
    what = dice.of(("fault", "fault", "mend", "mend", "mend", "car", "ready", "ready", "offer", "time"))
    if what == "fault" and len(on) < 3:
        name = dice.of(_WORDS)
        span = dice.of((None,) + _SPANS[:9])
        plant.fault(name, True, None, None if name == "loop_stall" else span)
        if name != "loop_stall":
            on.append(name)
        what += " %s %s" % (name, span)
    elif what == "mend" and on:
        name = dice.of(on)
        plant.fault(name, False)
        on.remove(name)
        what += " " + name
    elif what == "car":
        if plant.car is None:
            car = dice.of(("ordinary", "simplified", "sleeping", "holds_c", "one phase", "ventilated"))
            bench.plug(
                ready=True, simplified=car == "simplified", sleeping=car == "sleeping",
                holds_c_after_x1=-1 if car == "holds_c" else None, phases=1 if car == "one phase" else 3,
                wants_ventilation=car == "ventilated", discharge=bench.ratings.discharge and car != "simplified",
            )
            what += " " + car
        elif not plant.lock.closed:
            plant.unplug()
    elif what == "ready" and plant.car is not None:
        plant.ready(dice.of((True, True, False)))
    elif what == "offer":
        bench.offer_ma = dice.of(_OFFERS)
        what += " %s" % bench.offer_ma
        if bench.ratings.discharge:
            bench.back_ma = dice.of(_BACK)
            what += " back %s" % bench.back_ma
    span = dice.of(_SPANS)
    return "%s, %d ms" % (what, span), span


def walk(seed, **ratings):
    dice = Dice(seed)
    bench = Bench("A", **ratings)
    on = []
    path = []
    try:
        if bench.ratings.discharge:  # begin in the middle of it
            bench.plug(ready=True, discharge=True)
            bench.discharge()
        for _ in range(_STEPS):
            what, span = step(bench, dice, on)
            path.append(what)
            bench.run(span)
        for name in FAULTS:
            bench.mend(name)
        if bench.plant.car is not None:
            bench.plant.car = None  # by force, if it is locked
        bench.plant.thermal = Thermal()  # cooled down
        path.append("end")
        bench.offer_ma = 16000
        bench.back_ma = 0
        bench.run(32000)
        bench.guard.reset_faults(person=True)
        bench.run(100)
        bench.plug(ready=True)
        bench.charge(60000)
    except AssertionError as error:
        raise AssertionError("seed %d: %s\npath: %s" % (seed, error, "; ".join(path)))
    return bench.checker.turns_back if bench.ratings.discharge else bench.checker.closings


def test_x1_random_walk():
    closings = 0
    for seed in range(_SEEDS):
        closings += walk(seed)
    assert closings > _SEEDS, closings  # the walks do reach power


def test_x1_random_walk_with_socket_and_lock():
    for seed in range(1000, 1000 + _SEEDS // 2):
        walk(seed, socket=True, lock=True)


def test_x1_random_walk_without_interlock_read_back_and_mirror_contacts():
    for seed in range(2000, 2000 + _SEEDS // 2):
        walk(seed, interlock=False, generator_check=False, aux_contacts=False, ventilation=True)


def test_x1_random_walk_in_both_directions():
    turns = 0
    for seed in range(3000, 3000 + _SEEDS // 2):
        turns += walk(seed, discharge=True)
    assert turns > _SEEDS // 2, turns  # the walks do reach power out of the car
