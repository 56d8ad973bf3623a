# heap: 256K
"""Faults of contactor, lock and residual current monitor (K, R of the injection table) in every state."""

from host_tests.simulation.guard_bench import STAGES, Bench
from host_tests.simulation.guard_faults import CHARGING, SMALL, inject, still_latched


def test_k1_welded():
    """All poles stay closed after opening."""
    for stage in CHARGING:
        bench = Bench(stage)
        bench.run(100)
        bench.fault("weld", 7)
        bench.plant.ready(False)
        bench.opens(5000)
        bench.run(1300)
        bench.need(bench.has("WELD"))
        bench.plant.ready(True)
        bench.stays_open(60000)
        bench.guard.reset_faults(person=True)  # nobody repaired it
        bench.need(bench.has("WELD"), "reset while welded")
        bench.mend("weld")
        bench.stays_open(40000)
        bench.guard.reset_faults()
        bench.need(bench.has("WELD"), "remote reset")
        bench.guard.reset_faults(person=True)
        bench.charge(10000)


def test_k1_k2_welded_in_idle():
    for poles in (7, 1, 2, 4):
        inject("weld_closed", poles, 0, "WELD", STAGES, latched=True,
               stages=("A", "B1", "B2", "opening", "D", "E"))


def test_k1_seen_by_load_side_alone():
    inject("weld_closed", 2, 0, "WELD", ("A", "B2"), latched=True, stages=("A", "B2"), aux_contacts=False)


def test_k1_stays_locked_while_the_load_side_lives():
    bench = Bench("charging", socket=True, lock=True)
    bench.fault("weld", 4)
    bench.offer_ma = None
    bench.opens(1100)
    bench.run(20000)
    bench.need(bench.has("WELD") and bench.plant.lock.closed)
    bench.mend("weld")
    bench.run(2000)
    bench.need(not bench.plant.lock.closed)


def test_k1_welded_at_power_up():
    bench = Bench()
    bench.plug(ready=True)
    bench.fault("weld_closed", 1)
    bench.stays_open(30000)
    bench.need(bench.has("WELD"))


def test_k3_does_not_close():
    """Four attempts 30 s apart, then it stays off until reset."""
    ways = (("pole_open", 1), ("pole_open", 2), ("pole_open", 4), ("contactor_dead", None))
    for name, value in ways[:1] if SMALL else ways:
        bench = Bench("B2")
        bench.fault(name, value)
        bench.plant.ready(True)
        for _ in range(4):
            bench.need(bench.until(bench.on, 50000) is not None, "no attempt")
            bench.opens(1000)
            bench.need(bench.has("NOT_CLOSED"))
        bench.stays_open(120000)
        bench.mend(name)
        bench.stays_open(40000)
        bench.guard.reset_faults()
        bench.charge(10000)


def test_k3_drops_out_while_charging():
    for name, value in (("contactor_dead", None), ("pole_open", 1), ("pole_open", 6)):
        inject(name, value, 300, "DROPPED_OUT", ("charging",), stages=("charging", "C1"))


def test_k3_slow_contactor_is_within_the_limit():
    bench = Bench("A")
    bench.fault("contactor_slow", 300)
    bench.plug(ready=True)
    bench.charge()
    bench.run(5000)
    bench.need(bench.seen == 0 and bench.on())


def test_k4_feedback_stuck_closed():
    for poles in (7, 1):
        inject("aux_stuck_closed", poles, 0, "FEEDBACK", ("A", "B2", "opening"), stages=("A", "B1", "B2", "opening"))


def test_k4_feedback_stuck_open():
    inject("aux_stuck_open", 7, 1000, "FEEDBACK", ("charging", "closing"), stages=("charging", "closing"))
    inject("aux_stuck_open", 1, 1000, "DROPPED_OUT", ("charging",), stages=("charging",))


def test_k4_load_side_sense_dead():
    inject("load_sense", 0, 1000, "FEEDBACK", ("charging", "closing"), stages=("charging", "closing"))


def test_k4_load_side_sense_live():
    inject("load_sense", 230000, 0, "WELD", ("A", "B2"), latched=True, stages=("A", "B2"))


def test_k4_noisy_feedback():
    inject("aux_noisy", 7, 1000, "FEEDBACK", ("charging", "B2"), stages=("A", "B1", "B2", "charging"), during_ms=4000)


# lock


def test_k5_lock_does_not_close():
    bench = Bench("A", socket=True, lock=True)
    bench.fault("lock_stuck")
    bench.plug(ready=True)
    bench.stays_open(20000)
    bench.need(bench.has("LOCK") and not bench.guard.x2)
    bench.mend("lock_stuck")
    bench.charge(40000)


def test_k5_lock_gives_up_after_retries():
    bench = Bench("A", socket=True, lock=True)
    bench.fault("lock_stuck")
    bench.plug(ready=True)
    bench.stays_open(180000)
    bench.mend("lock_stuck")
    bench.stays_open(60000)
    bench.guard.reset_faults()
    bench.charge(10000)


def test_k5_lock_does_not_open():
    bench = Bench("charging", socket=True, lock=True)
    bench.fault("lock_stuck")
    bench.offer_ma = None
    bench.opens(1100)
    bench.run(5000)
    bench.need(bench.guard.warnings == 4 and not bench.guard.out.lock)
    bench.mend("lock_stuck")
    bench.run(1000)
    bench.need(bench.guard.warnings == 0)


def test_k5_lock_feedback_lies():
    # says open when closed: no power. While charging the feedback turns over: open
    bench = Bench("charging", socket=True, lock=True)
    bench.fault("lock_feedback_inverted")
    bench.opens(300)
    bench.need(bench.has("LOCK"))
    bench.stays_open(20000)
    bench.mend("lock_feedback_inverted")
    bench.charge(45000)


# residual current


def test_r1_trip_pulses():
    for pulse_ms, trips in ((1, False), (49, False), (51, True), (100, True)):
        bench = Bench("charging")
        bench.fault("rcm_trip", ms=pulse_ms)
        if trips:
            bench.opens(100)
            bench.need(bench.has("RCM_TRIP"))
            still_latched(bench, "RCM_TRIP")
            bench.charge(20000)
        else:
            bench.run(2000)
            bench.need(bench.on() and bench.seen == 0)


def test_r1_level():
    inject("rcm_trip", None, 100, "RCM_TRIP", STAGES, latched=True, stages=("A", "B2", "charging", "C1"))


def test_r1_blanking_after_switching_is_bounded():
    bench = Bench("closing")
    bench.fault("rcm_trip")
    bench.opens(300)
    bench.need(bench.has("RCM_TRIP"))
    bench = Bench("closing")
    bench.fault("rcm_trip", ms=100)
    bench.run(3000)
    bench.need(bench.on() and bench.seen == 0)


def test_r1_residual_current():
    for residual_ma, limit_ms in ((6, 10100), (60, 400), (200, 200)):
        bench = Bench("charging")
        bench.fault("residual_ma", residual_ma)
        bench.opens(limit_ms)
        bench.need(bench.has("RCM_TRIP"))


def test_r2_self_test_fails():
    for name, value in (
        ("rcm_no_answer", None), ("rcm_always_active", None), ("rcm_answers_late", 300), ("rcm_releases_late", 300),
    ):
        for stage in ("A", "power-up"):
            bench = Bench(stage if stage == "A" else None)
            bench.fault(name, value)
            bench.plug(ready=True)
            bench.stays_open(20000)
            bench.need(bench.had("RCM_TEST") or bench.had("RCM_TRIP"), name)
            bench.need(not bench.guard.x2)
            bench.mend(name)
            if bench.had("RCM_TRIP"):
                bench.guard.reset_faults(person=True)
            bench.charge(40000)


def test_r2_gives_up_after_retries():
    bench = Bench("A")
    bench.fault("rcm_no_answer")
    bench.plug(ready=True)
    bench.stays_open(180000)
    bench.mend("rcm_no_answer")
    bench.stays_open(60000)
    bench.guard.reset_faults()
    bench.stays_open(5000)
    bench.guard.reset_faults(person=True)
    bench.charge(10000)


def test_r1_trip_at_the_moment_of_closing():
    """The monitor's output is looked at before its debounce is over."""
    for lead_ms in range(0, 120, 10):
        bench = Bench("A")
        bench.plug(ready=True, simplified=True)
        bench.need(bench.until(lambda: bench.guard.x2, 5000) is not None)
        bench.run(lead_ms)
        bench.fault("rcm_trip")
        bench.run(500)
        bench.need(bench.off() and bench.has("RCM_TRIP"), lead_ms)


def test_r2_daily_test_at_the_moment_of_closing():
    for lead_ms in range(0, 130, 10):
        bench = Bench("A")
        bench.plug(ready=True, simplified=True)
        bench.need(bench.until(lambda: bench.guard.x2, 5000) is not None)
        bench.guard._rcm._since_ms = 86400000 - lead_ms
        bench.charge(3000)  # the checker sees to it that no test runs then
        bench.need(bench.seen == 0, lead_ms)
