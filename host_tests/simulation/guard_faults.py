"""One fault in every state: what each line of the injection table has in common.

Asserted: the invariants at every tick, the deadline to open, the code while the fault is there (in the states where
it can be seen at all), that nothing closes until it is gone, and recovery: by itself for faults that heal, by a
person for those that latch. CPython runs every stage, MicroPython those of _FEW.
"""

import sys

from host_tests.simulation.guard_bench import STAGES, Bench

_FEW = ("B2", "charging")
SMALL = sys.implementation.name == "micropython"
RUN = _FEW if SMALL else STAGES
X2 = ("B2", "closing", "charging", "opening")
CHARGING = ("closing", "charging")


def recover(bench, stage, limit_ms=50000):
    """The cause is gone: make the car of this stage an ordinary one, and it charges."""
    bench.offer_ma = 16000
    if stage == "A":
        bench.plug(ready=True)
    car = bench.plant.car
    car.ready = True
    car.wants_ventilation = False
    car.holds_c_after_x1 = None
    bench.charge(limit_ms)


def inject(name, value, deadline_ms, code, visible, latched=False, stages=RUN, during_ms=5000, **ratings):
    """One fault that must open within `deadline_ms` and keep open, in every stage of `stages`.

    visible: stages in which `code` must be raised while the fault is there."""
    for stage in stages:
        if stage not in RUN:
            continue
        bench = Bench(stage, **ratings)
        bench.fault(name, value)
        if bench.on():
            # in x1 a diode or generator shows nothing; then the 6 s of seq 10.2 end it
            bench.opens(6000 if stage == "C1" and stage not in visible and deadline_ms > 100 else deadline_ms)
        bench.stays_open(during_ms)
        if stage in visible:
            bench.need(bench.had(code), "%s not raised in %s" % (code, stage))
            bench.need(bench.event("fault") > 0)
            bench.need(bench.guard.faults == 0 or bench.guard.out.led >= 13)
        bench.mend(name)
        if latched and stage in visible:
            still_latched(bench, code)
        recover(bench, stage)


def still_latched(bench, code):
    bench.stays_open(40000)
    bench.guard.reset_faults()
    bench.stays_open(3000)
    bench.need(bench.has(code), "ended without a person")
    bench.guard.reset_faults(person=True)
    bench.need(not bench.has(code))
