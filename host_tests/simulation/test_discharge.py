# heap: 320K
"""Power out of the car under the guard (I8), with the faults that must end it, and through the whole station."""

from bounded.compat import micropython
from host_tests.simulation.guard_bench import Bench
from host_tests.simulation.station_bench import StationBench
from wallbox.why import sentences

CAR = {"discharge": True, "ramp_ma_s": 1000000}


def discharging(back_ma=16000, **ratings):
    """A bench where current has flowed back for 3 s."""
    bench = Bench("B2", car=CAR, discharge=True, **ratings)
    bench.plant.ready(True)
    bench.discharge(back_ma=back_ma)
    bench.run(3000)
    bench.need(bench.guard.out.pilot_permille == 50 and bench.plant.current_ma[0] == -back_ma)
    return bench


def test_a_car_gives_back_what_is_permitted_under_5_percent_and_the_meter_counts_it():
    bench = discharging()
    bench.run(20000)
    assert bench.plant.meter.power_mw == -16000 * 690 and bench.guard.faults == 0
    assert bench.plant.meter.exported_mwh > 60000 and bench.plant.meter.energy_mwh < 1000
    assert bench.plant.car.stored_mwh < 40 * 60000 * 10, "it comes out of the battery"
    bench.back_ma = 8000
    bench.run(2000)
    assert bench.plant.current_ma[0] == -8000 and bench.guard.out.pilot_permille == 50, "no turn for another value"
    bench.back_ma = 50000
    bench.run(2000)
    assert bench.plant.current_ma[0] == -32000, "the board's rating"


def test_the_direction_turns_with_the_contactor_open_and_5_s_between_duty_cycles():
    bench = discharging()
    operations = bench.plant.contactor.operations
    bench.back_ma = 0
    bench.until(bench.charging, 20000)
    assert bench.plant.contactor.operations == operations + 2
    assert bench.event("opened under load") == 0 and bench.guard.out.discharge_ma == 0
    bench.discharge(20000)
    assert bench.event("opened under load") == 0


def test_a_board_or_a_car_that_cannot_is_never_told_to():
    for car, ratings in ((dict(CAR, discharge=False), {"discharge": True}), (CAR, {"discharge": False})):
        bench = Bench("charging", car=car, **ratings)
        bench.back_ma = 16000
        bench.run(20000)
        assert bench.guard.out.discharge_ma == 0 and bench.charging(), (car, ratings)
    bench = Bench("B2", car=dict(CAR, discharge=False), discharge=True)
    bench.offer_ma = 0
    bench.back_ma = 16000
    bench.plant.ready(True)
    bench.stays_open(20000)


def test_pause_and_a_lost_lease_take_it_back_at_once():
    for how in ("pause", "lease", "stall"):
        bench = discharging(interlock=how != "stall")
        if how == "pause":
            bench.back_ma = bench.offer_ma = 0
            bench.run(10)
        elif how == "lease":
            bench.offer_ma = None
            bench.run(1010)
            assert bench.off()
        else:
            bench.guard.prepare_for_stall(True)
            bench.run(10)
        assert bench.guard.out.discharge_ma == 0 and bench.plant.discharge_ma == 0, how
        bench.run(3000)
        assert bench.plant.current_ma[0] == 0 and bench.off(), how


def test_every_fault_takes_it_back_in_the_tick_that_finds_it():
    # until when the command to the modem has to be gone
    for name, value, within_ms in (
        ("diode_missing", None, 3000), ("pilot_to_pe", None, 3000), ("pilot_open", None, 100), ("s2_open", None, 100),
        ("asks_ventilation", None, 600), ("pilot_hz", 900, 3000), ("adc_silent", None, 700), ("weld", 7, None),
        ("contactor_dead", None, 300), ("pole_open", 1, 300), ("rcm_trip", None, 100), ("residual_ma", 60, 400),
        ("temperature", 850, 1100), ("temperature_silent", None, 12000), ("lock_stuck", None, None),
        ("modem_silent", None, 20), ("overdraw", 150, 8000), ("loop_stall", 600, 700), ("mains_mv", 0, 700),
    ):
        bench = discharging()
        bench.fault(name, value)
        if within_ms is None:
            bench.run(2000)
            continue
        bench.need(bench.until(lambda: bench.guard.out.discharge_ma == 0, within_ms) is not None, name)
        bench.run(7000)
        bench.need(bench.plant.current_ma[0] == 0 or name == "modem_silent", name)


def test_p11_more_back_than_permitted_for_7_s_is_a_fault():
    bench = discharging(back_ma=10000)
    bench.fault("overdraw", 114)  # up to 10 % and half an ampere more
    bench.run(10000)
    bench.need(bench.on() and not bench.guard.faults)
    bench.fault("overdraw", 120)
    bench.need(bench.until(lambda: bench.has("OVERDRAW"), 7300) is not None)
    bench.run(6500)
    bench.need(bench.off())


def test_p15_power_that_nobody_asked_for_is_a_fault():
    for stage_back in (0, 6000):
        bench = discharging(back_ma=6000) if stage_back else Bench("charging", car=CAR, discharge=True)
        bench.fault("gives_back", 10000)
        bench.need(bench.until(lambda: bench.has("OVERDRAW"), 8500) is not None, stage_back)
        bench.run(7000)
        bench.need(bench.off() and bench.plant.current_ma[0] == 0)


def test_temperature_and_cable_bound_it_at_once():
    bench = discharging(socket=True, lock=True)
    bench.plant.fault("temperature", True, 700)
    bench.run(1500)
    derated_ma = bench.guard.derated_ma
    assert 0 < derated_ma < 32000
    bench.back_ma = 32000
    bench.run(3000)
    assert bench.guard.out.discharge_ma == min(derated_ma, bench.guard.cable_ma) < 32000
    assert bench.plant.current_ma[0] == -bench.guard.out.discharge_ma


def test_an_empty_car_stops_by_itself():
    bench = discharging()
    bench.plant.car.stored_mwh = 0
    bench.run(2000)
    assert bench.plant.current_ma[0] == 0 and not bench.guard.faults


def test_the_modem_forgets_a_board_that_is_silent():
    bench = discharging(interlock=False)
    for _ in range(270):
        bench.plant.step(5)  # no outputs
    assert bench.plant.current_ma[0] == 0 and bench.plant.contactor.poles


def test_i7_no_allocation():
    bench = discharging()
    guard = bench.guard
    permit = bench.checker._permit
    micropython.heap_lock()
    try:
        for back_ma in range(0, 20000, 100):
            permit(16000, 1000, back_ma)
            guard.tick(10, bench.world.readings)
    finally:
        micropython.heap_unlock()


# --- the whole station


def box(**settings):
    """A station whose board and car can discharge, with the methods of 027E."""
    bench = StationBench(dict({"rise_ma_per_5s": 80000, "resume_hold_s": 0}, **settings), discharge=True)
    bench.plug(ready=True, discharge=True)
    return bench


def put(setpoint, done):
    """Something of discharging by mode was set."""
    setpoint.back_set()
    return done


def flows(bench, ma, limit_ms=25000):
    """Wait until this current flows (negative: out of the car) and stays."""
    bench.until(lambda: bench.plant.current_ma[0] == ma, limit_ms)
    bench.run(1000)
    assert bench.plant.current_ma[0] == ma, bench.story()


def test_by_mode_and_method():
    bench = box()
    setpoint = bench.setpoint
    assert bench.operation_mode.set(1)
    setpoint.directed()
    flows(bench, -32000)  # DD 00: all there is
    assert put(setpoint, setpoint.back.set_power_w(6900))
    flows(bench, -10000)
    assert put(setpoint, setpoint.back.set_current_ma(8000))
    flows(bench, -8000)
    assert put(setpoint, setpoint.back.set_method(3))
    flows(bench, -10000)
    assert put(setpoint, setpoint.back.set_method(4)) and put(setpoint, setpoint.back.set_method(1))
    flows(bench, -32000)
    assert bench.operation_mode.actual() == 1
    bench.operation_mode.set(2)
    setpoint.directed()
    bench.until(bench.paused, 8000)
    assert bench.plant.current_ma[0] == 0 and bench.operation_mode.actual() == 2
    bench.operation_mode.set(0)
    setpoint.directed()
    bench.until(bench.charging, 20000)


def test_limits_of_magnitude_bound_it_and_limits_of_consumption_do_not():
    bench = box(supply_ma=20000)
    bench.operation_mode.set(1)
    bench.setpoint.directed()
    flows(bench, -20000)
    assert bench.station.decision.binding == "supply"
    bench.power_limit.set_per_cent(25)
    flows(bench, -8000)
    assert bench.station.decision.binding == "current limit"
    bench.power_limit.set_per_cent(100)
    bench.power_limit.set_w(0)
    bench.load_control.set_current_ma(0)
    flows(bench, -20000)
    bench.device_state.set_in_service(False)
    bench.until(bench.paused, 8000)
    assert bench.station.decision.binding == "out of service" and bench.plant.current_ma[0] == 0


class Health:
    safe = False


def test_why_it_discharges_or_not_in_words():
    bench = box(supply_ma=20000)
    bench.health = Health()
    bench.until(bench.charging, 20000)
    assert list(sentences(bench))[0] == "Charging with up to 19.9 A on 3 phases."
    bench.operation_mode.set(1)
    bench.setpoint.directed()
    bench.run(2000)
    assert list(sentences(bench))[0][:20] == "Not discharging yet:"
    flows(bench, -20000)
    assert list(sentences(bench)) == ["Discharging with up to 20.0 A, bound by `supply`."]
    put(bench.setpoint, bench.setpoint.back.set_current_ma(8000))
    flows(bench, -8000)
    assert list(sentences(bench)) == ["Discharging with up to 8.0 A, as asked."]
    bench.plant.fault("modem_silent", True)
    bench.run(1000)
    assert list(sentences(bench))[0][:35] == "Neither charging nor discharging: i"


def test_from_a_pause_by_a_limit_of_nothing_it_still_discharges():
    bench = StationBench({"rise_ma_per_5s": 80000, "resume_hold_s": 0}, discharge=True)
    bench.power_limit.set_w(0)
    bench.plug(ready=True, discharge=True)
    bench.run(5000)
    assert bench.paused()
    bench.operation_mode.set(1)
    bench.setpoint.directed()
    flows(bench, -32000)
    assert bench.plant.permille == 50, "which lets no car draw"


def test_the_amount_to_be_charged_does_not_keep_it_from_discharging():
    bench = box()
    bench.until(bench.charging, 20000)
    bench.load_control.set_amount_wh(10)
    bench.until(bench.paused, 20000)
    bench.operation_mode.set(1)
    bench.setpoint.directed()
    flows(bench, -32000)


def test_phases_are_counted_in_both_directions():
    bench = StationBench({"rise_ma_per_5s": 80000, "resume_hold_s": 0}, discharge=True)
    bench.plug(ready=True, discharge=True, phases=1)
    bench.operation_mode.set(1)
    put(bench.setpoint, bench.setpoint.back.set_power_w(2300))
    bench.setpoint.directed()
    flows(bench, -3300)
    bench.until(lambda: bench.station.facts.phases == 1, 15000)
    flows(bench, -10000)


def test_energy_out_of_the_car_is_counted_apart():
    bench = box()
    bench.operation_mode.set(1)
    bench.setpoint.directed()
    flows(bench, -32000)
    bench.run(20000)
    assert bench.station.exported.total_wh > 100 and bench.station.energy.total_wh == 0
    assert bench.station.energy.session_wh() == 0


def test_a_lease_ends_it_too_and_it_has_to_be_written_anew():
    bench = StationBench({"rise_ma_per_5s": 80000, "resume_hold_s": 0, "echonet_lease_s": 30}, discharge=True)
    bench.plug(ready=True, discharge=True)
    bench.operation_mode.set(1)
    bench.setpoint.directed()
    flows(bench, -32000)
    for _ in range(4):
        bench.run(15000)
        bench.setpoint.renew()
    assert bench.plant.current_ma[0] == -32000
    bench.run(31000)
    assert bench.plant.current_ma[0] == 0 and bench.paused(), "neither out of the car nor into it"
    bench.setpoint.renew()
    bench.run(10000)
    assert bench.paused()
    bench.setpoint.directed()
    flows(bench, -32000)
