# heap: 256K
"""I7: the guard's tick allocates nothing: idle, charging, in every transition and in every fault."""

from bounded.compat import micropython
from host_tests.simulation.guard_bench import STAGES, Bench

_FAULTS = (
    ("diode_missing", None), ("pilot_to_pe", None), ("pilot_open", None), ("pilot_hz", None), ("adc_full", None),
    ("asks_ventilation", None), ("weld_closed", 7), ("contactor_dead", None), ("aux_noisy", 7), ("rcm_trip", None),
    ("temperature_silent", None), ("temperature", 900), ("meter_crc", None), ("overdraw", 200), ("loop_stall", 600),
)


class Locked:
    """Stands for the guard in a world: each tick runs under a locked heap, where an allocation is a MemoryError.

    (A locked heap hides exceptions that are raised and caught; the guard has no `try`.)"""

    def __init__(self, guard):
        self.guard = guard
        self.out = guard.out

    def tick(self, dt_ms, readings):
        micropython.heap_lock()
        try:
            self.guard.tick(dt_ms, readings)
        finally:
            micropython.heap_unlock()


def locked(bench):
    bench.world.guard = Locked(bench.guard)


def test_i7_a_whole_session():
    bench = Bench("A", socket=True, lock=True)
    locked(bench)
    bench.plug(ready=True)
    bench.charge()
    bench.run(8000)
    bench.offer_ma = 10000
    bench.run(6000)
    bench.offer_ma = 0
    bench.run(12000)
    bench.offer_ma = 16000
    bench.charge(20000)
    bench.offer_ma = None
    bench.opens(2000)
    bench.run(3000)


def test_i7_wake_up():
    bench = Bench("B2")
    locked(bench)
    bench.run(40000)
    bench.need(bench.event("wake-up") == 1)


def test_i7_faults():
    for name, value in _FAULTS:
        bench = Bench("charging")
        locked(bench)
        bench.fault(name, value)
        bench.run(16000 if name == "overdraw" else 12000 if "_" in name else 3000)
        if name != "loop_stall":
            bench.mend(name)
        bench.run(31000)


def test_i7_every_stage():
    for stage in STAGES:
        bench = Bench(stage)
        locked(bench)
        bench.run(10000)


def test_i7_permit_and_reset():
    bench = Bench("charging")
    guard = bench.guard
    permit = bench.checker._permit
    micropython.heap_lock()
    try:
        for offer_ma in range(6000, 7000):
            permit(offer_ma, 1000)
            guard.prepare_for_stall(True)
            guard.prepare_for_stall(False)
            guard.reset_faults()
    finally:
        micropython.heap_unlock()
