# heap: 256K
"""P7, P8, P12: short blips and noise on the pilot, at every phase of the 10 ms tick and in both directions."""

from host_tests.simulation.guard_bench import Bench

_STEP_MS = 5  # the plant moves in steps of this, and ends a fault at the beginning of its last one


def shifted(stage, shift_ms, **options):
    """A bench whose plant is `shift_ms` (0, 5) ahead of the tick."""
    bench = Bench(stage, **options)
    if shift_ms:
        bench.plant.step(shift_ms)
    return bench


def test_p7_c_blips_in_b_never_close():
    for blip_ms in (50, 250, 499):
        for stage in ("B1", "B2"):
            bench = shifted(stage, blip_ms % 2 * 5)
            for _ in range(5):
                bench.fault("s2_closed", ms=blip_ms)
                bench.stays_open(1300)
            bench.need(bench.guard.state == "B" and bench.seen == 0)


def test_p7_c_for_700_ms_closes():
    bench = Bench("B2")
    bench.fault("s2_closed", ms=700)
    bench.need(bench.until(bench.on, 650) is not None)
    bench.opens(200)


def test_p8_b_blip_at_the_moment_of_closing():
    """The state is C all the time, but nothing closes on a blip."""
    for lead_ms in (0, 10, 40, 60, 90):
        bench = Bench("A")
        bench.plug(ready=True, simplified=True)
        bench.need(bench.until(lambda: bench.guard.x2, 5000) is not None)
        bench.run(lead_ms)
        bench.fault("s2_open", ms=60)
        bench.charge(3000)
        bench.need(bench.seen == 0)


def test_p8_b_blips_of_20_and_60_ms_do_not_open():
    for blip_ms in (20, 60):
        for shift_ms in (0, 5):
            bench = shifted("charging", shift_ms)
            for _ in range(20):
                bench.fault("s2_open", ms=blip_ms + _STEP_MS)
                bench.run(200)
                bench.need(bench.on(), blip_ms)


def test_p8_b_blip_of_80_ms_opens_within_100():
    for name in ("s2_open", "pilot_open"):
        for shift_ms in (0, 5):
            bench = shifted("charging", shift_ms)
            bench.fault(name, ms=80 + _STEP_MS)
            bench.opens(100)
            bench.stays_open(4000)
            bench.need(bench.seen == 0)


def test_p12_noise():
    bench = Bench("A")
    bench.fault("pilot_noise", 400)
    bench.plug(ready=True)
    bench.charge(5000)
    bench.run(20000)
    bench.need(bench.checker.closings == 1 and bench.seen == 0 and bench.on())


def test_p12_levels_in_the_gaps():
    for offset_mv in (-1500, 1400):
        bench = Bench("A")
        bench.fault("pilot_offset", offset_mv)
        bench.plug(ready=True)
        bench.run(20000)
        bench.need(bench.checker.closings <= 1)
        closings = bench.checker.closings
        bench.mend("pilot_offset")
        bench.run(20000)
        bench.need(bench.on() and bench.checker.closings <= closings + 1 and bench.seen == 0)


def test_p12_offset_into_the_gap_while_charging():
    for offset_mv in (-1400, 1400):
        bench = Bench("charging")
        bench.fault("pilot_offset", offset_mv)
        bench.run(10000)
        bench.need(bench.on() and bench.seen == 0)


def test_p12_noise_across_the_gap_does_not_chatter():
    for offset_mv in (-1500, 1500):
        bench = Bench("charging")
        bench.fault("pilot_offset", offset_mv)
        bench.fault("pilot_noise", 300)
        bench.run(20000)
        bench.need(bench.on() and bench.checker.closings == 1)


def test_p12_bursts_at_switching():
    for amplitude_mv in (1000, 3000, 5000):
        bench = Bench("A")
        bench.fault("emi_burst", amplitude_mv)
        bench.plug(ready=True)
        for _ in range(5):
            bench.charge()
            bench.run(3000)
            bench.need(bench.on(), amplitude_mv)
            bench.plant.ready(False)
            bench.opens(3000)
            bench.stays_open(8000)
            bench.plant.ready(True)
        bench.need(bench.checker.closings == 5 and bench.seen == 0)


def test_blips_in_x1_do_nothing():
    bench = Bench("C1")
    for _ in range(5):
        bench.fault("s2_open", ms=60)
        bench.run(100)
    bench.need(bench.on())
    bench.opens(6000)


def test_alternating_d_and_e_open_within_3_s():
    """Neither lasts long enough alone."""
    bench = Bench("charging")
    for _ in range(25):
        bench.fault("asks_ventilation", ms=80)
        bench.run(60)
        bench.fault("pilot_to_pe", 80, ms=80)
        bench.run(60)
    bench.need(bench.off())
