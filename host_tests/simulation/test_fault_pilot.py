# heap: 256K
"""Faults of pilot, temperature, meter, cable and loop (P, T, M, L of the injection table) in every state."""

from host_tests.simulation.guard_bench import STAGES, Bench
from host_tests.simulation.guard_faults import RUN, X2, inject, recover


def test_p1_diode_missing():
    inject("diode_missing", None, 3000, "DIODE", X2)


def test_p2_diode_leaking():
    inject("diode_leaking", -9000, 3000, "DIODE", X2)


def test_p2_low_side_shorted():
    inject("pilot_low_shorted", None, 3000, "DIODE", X2)


def test_p3_pilot_shorted_to_earth():
    inject("pilot_to_pe", 80, 3000, "PILOT_SHORT", [stage for stage in STAGES if stage != "F"])


def test_p3_unlocks():
    bench = Bench("charging", socket=True, lock=True)
    bench.run(5000)
    bench.fault("pilot_to_pe", 80)
    bench.opens(3000)
    bench.run(1500)
    bench.need(bench.guard.state == "E" and not bench.plant.lock.closed)


def test_p4_pilot_open():
    inject("pilot_open", None, 100, None, ())


def test_p5_stuck_at_plus_12():
    inject("pilot_stuck", 12000, 100, "GENERATOR", ("B2", "closing", "charging"))


def test_p5_stuck_at_minus_12():
    # in stage F it is -12 V that is wanted, and afterwards it is seen
    inject("pilot_stuck", -12000, 3000, "GENERATOR", STAGES)


def test_p5_stuck_at_6():
    inject("pilot_stuck", 6000, 3000, "GENERATOR", X2)


def test_p5_without_read_back():
    """A board that does not measure its generator still opens."""
    inject("pilot_stuck", 12000, 100, None, (), generator_check=False)
    inject("pilot_stuck", -12000, 3000, "GENERATOR", ("A", "B2", "charging"), generator_check=False)
    inject("pilot_stuck", 6000, 3000, "GENERATOR", X2, generator_check=False)


def test_p6_frequency_and_duty():
    inject("pilot_hz", 970, 3000, "GENERATOR", X2)
    inject("pilot_hz", 1030, 3000, "GENERATOR", X2)
    inject("pilot_duty_error", 10, 3000, "GENERATOR", X2)
    inject("pilot_duty_error", -10, 3000, "GENERATOR", X2)


def test_p9_ventilation_refused():
    # a car that is not ready (A, B) asks when it gets ready
    inject("asks_ventilation", None, 3000, "VENTILATION", ("closing", "charging", "C1", "D"))


def test_l4_converter():
    # full scale and zero are no voltages a pilot can have
    inject("adc_zero", None, 600, "PILOT_STALE", STAGES[:-1])
    inject("adc_full", None, 600, "PILOT_STALE", STAGES[:-1])
    inject("adc_silent", None, 600, "PILOT_STALE", STAGES[:-1])


def test_l4_no_closing_on_an_old_sample():
    for lead_ms in range(0, 100, 10):
        bench = Bench("A")
        bench.plug(ready=True, simplified=True)
        bench.need(bench.until(lambda: bench.guard.x2, 5000) is not None)
        bench.run(lead_ms)
        bench.fault("adc_silent", ms=300)
        bench.plant.pilot.age_ms = 100  # 110 at the next tick
        if lead_ms < 90:
            bench.stays_open(280)
        bench.charge(60000)


# temperature


def test_t1_sensor_faults_count_as_hot():
    for name in ("temperature_open", "temperature_short", "temperature_nan", "temperature_silent"):
        for stage in ("A", "charging"):
            bench = Bench(stage)
            bench.fault(name)
            if stage == "A":
                bench.run(12000)
                bench.plug(ready=True)
            else:
                bench.run(8000)
                bench.need(bench.on(), "too early")
                bench.opens(10000)
            bench.need(bench.guard.derated_ma == 0 and bench.guard.warnings == 1 and bench.guard.faults == 0)
            bench.stays_open(5000)
            bench.mend(name)
            bench.charge(15000)


def test_t1_hot_box_offers_less_then_nothing():
    bench = Bench("charging")
    for temperature_dc, derated_ma in ((549, 32000), (650, 22400), (740, 13760), (760, 10240), (799, 256)):
        bench.fault("temperature", temperature_dc)
        bench.run(7000)
        bench.need(bench.guard.derated_ma == derated_ma, (temperature_dc, bench.guard.derated_ma))
    bench.run(5000)
    bench.need(bench.off() and bench.guard.faults == 0)
    bench.mend("temperature")
    bench.fault("temperature", 300)
    bench.charge(20000)


def test_t1_jump_over_the_limit():
    for stage in RUN:
        bench = Bench(stage)
        bench.fault("temperature", 850)
        if bench.on():
            bench.opens(1200)  # the sensor speaks once a second
        bench.stays_open(3000)
        bench.need(bench.has("OVER_TEMPERATURE"))
        bench.need(stage != "charging" or bench.guard.state == "F")
        bench.fault("temperature", 300)
        recover(bench, stage)


# meter


def test_m1_meter_unknown_while_charging_means_minimum_current():
    for name, value in (("meter_silent", None), ("meter_crc", None), ("meter_scale", 1000), ("i2c_hangs", None)):
        bench = Bench("charging")
        bench.fault(name, value)
        bench.run(9000)
        bench.need(bench.guard.offered_ma == 15960)
        if name != "i2c_hangs":  # that one silences the temperature too
            bench.run(8000)
            bench.need(bench.guard.offered_ma == 6000 and bench.guard.warnings == 2, name)
            bench.need(bench.on() and bench.guard.faults == 0)
        bench.mend(name)
        bench.run(20000)
        bench.charge(20000)
        bench.run(6000)
        bench.need(bench.guard.warnings == 0 and bench.guard.offered_ma == 15960)


def test_p11_overdraw():
    for percent, low, high in ((112, None, None), (130, 7000, 8000)):
        bench = Bench("charging")
        bench.fault("overdraw", percent)
        took = bench.until(lambda: bench.guard.out.pilot_permille == 1000, 12000)
        if low is None:
            bench.need(took is None)  # 17.9 A is inside (15.96 + 0.5) * 1.1
            continue
        bench.need(took is not None and low <= took <= high + 1000, took)
        bench.need(bench.has("OVERDRAW"))
        bench.run(100)
        bench.need(bench.on(), "no time to stop")
        bench.opens(6000)
        bench.mend("overdraw")
        bench.charge(45000)


def test_p11_overdraw_for_5_s_is_no_fault():
    bench = Bench("charging")
    bench.fault("overdraw", 130, ms=5000)
    bench.run(15000)
    bench.need(bench.seen == 0 and bench.on())


# cable


def test_proximity_changes_while_connected():
    for ohm in (1 << 20, 0, 59, 350, 680):
        for stage in ("B2", "charging"):
            bench = Bench(stage, socket=True)
            bench.fault("proximity", ohm)
            if bench.on():
                bench.opens(600)
            bench.run(1000)
            bench.need(bench.has("PROXIMITY"), ohm)
            bench.stays_open(20000)
            bench.mend("proximity")
            recover(bench, stage)


def test_proximity_unknown_at_plug_in():
    for ohm in (1 << 20, 0, 59, 350, 5000):
        bench = Bench("A", socket=True)
        bench.plug(ready=True, cable_ohm=ohm)
        bench.stays_open(10000)
        bench.need(bench.guard.cable_ma == 0 and bench.has("PROXIMITY"))
        bench.plant.unplug()
        bench.run(2000)
        bench.plug(ready=True)
        bench.charge(40000)


# loop


def test_l1_stalls():
    for stall_ms in (50, 80):
        bench = Bench("charging")
        bench.fault("loop_stall", stall_ms)
        bench.run(3000)
        bench.need(bench.on() and bench.seen == 0, stall_ms)
    for stall_ms in (500, 5000):
        bench = Bench("charging")
        bench.offer_ma = 16000
        bench.fault("loop_stall", stall_ms)
        bench.run(20)
        bench.need(bench.off(), stall_ms)
        bench.charge(50000)
