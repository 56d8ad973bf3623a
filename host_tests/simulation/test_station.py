# heap: 320K
"""The station in simulated time: from what was asked to the pilot, the car and back to the facts."""

from host_tests.simulation.station_bench import StationBench


def quick(**more):
    """Settings without slew and hold, where those are not what is tested."""
    settings = {"rise_ma_per_5s": 80000, "resume_hold_s": 0}
    settings.update(more)
    return settings


def test_a_car_gets_all_there_is_and_the_board_binds():
    bench = StationBench()
    bench.charge()
    assert bench.offers(32000) and bench.plant.current_ma == [31980] * 3
    assert bench.binding() in ("board", "temperature")


def test_phases_are_the_boards_until_a_car_shows_others():
    for phases in (1, 2, 3):
        bench = StationBench(phases=phases)
        assert bench.station.facts.phases == phases, "before any car, too"
        bench.charge()
        assert bench.station.facts.phases == phases


def test_fewer_phases_count_once_they_have_lasted():
    bench = StationBench(quick())
    bench.power_limit.set_w(7360)
    bench.charge(phases=1)
    assert bench.station.facts.phases == 3 and bench.plant.current_ma[0] < 10700
    bench.run(7000)
    assert bench.station.facts.phases == 3, "less than 10 s of it prove nothing"
    bench.until(lambda: bench.station.facts.phases == 1, 5000)
    bench.until(lambda: bench.plant.current_ma[0] > 31000, 12000)
    assert bench.plant.current_ma[0] * 230 <= 7360000


def test_phases_are_forgotten_with_the_car():
    bench = StationBench(quick())
    bench.charge(phases=1)
    bench.until(lambda: bench.station.facts.phases == 1, 15000)
    bench.plant.unplug()
    bench.run(500)
    assert bench.station.facts.phases == 3
    bench.power_limit.set_w(7360)
    bench.most_ma = 0
    bench.charge(phases=3)
    bench.run(20000)
    assert 10000 < bench.most_ma and bench.most_ma * 690 <= 7360000, "three phases from the first moment"


def test_more_phases_count_at_once():
    # a car that begins on one phase and goes on on three
    bench = StationBench(quick())
    bench.power_limit.set_w(7360)
    bench.charge(phases=1)
    bench.until(lambda: bench.plant.current_ma[0] > 31000, 40000)
    bench.plant.car.phases = 3
    bench.until(lambda: bench.station.facts.phases == 3, 1000)
    bench.until(lambda: sum(bench.plant.current_ma) * 230 <= 7360000, 6000)


def test_watts_become_amperes_with_the_measured_voltage():
    bench = StationBench(quick())
    bench.charge()
    for mains_mv, offered_ma in ((230000, 15900), (210000, 17400), (250000, 14600)):
        bench.plant.fault("mains_mv", True, mains_mv)
        bench.power_limit.set_w(11000)
        bench.until(lambda: bench.offers(offered_ma), 12000)
        bench.run(1000)
        assert sum(bench.plant.current_ma) * mains_mv <= 11000 * 1000000, mains_mv


def test_without_a_voltage_the_current_errs_low():
    bench = StationBench(quick())
    bench.charge()
    bench.power_limit.set_w(11000)
    bench.until(lambda: bench.offers(15900), 12000)
    bench.plant.fault("meter_no_voltage", True)
    bench.until(lambda: bench.offers(14400), 12000)  # as if there were 253 V


def test_own_consumption_is_part_of_a_power_limit():
    bench = StationBench(quick(own_w=500))
    bench.charge()
    bench.power_limit.set_w(11000)
    bench.until(lambda: bench.offers(15200), 12000)


def test_session_energy_begins_with_the_car_and_total_goes_on():
    bench = StationBench(quick())
    bench.charge()
    bench.run(20000)
    first_wh = bench.station.energy.session_wh()
    assert 100 < first_wh <= bench.plant.meter.energy_mwh // 1000
    bench.plant.unplug()
    bench.run(1000)
    total_wh = bench.station.energy.total_wh
    assert bench.station.energy.session_wh() >= first_wh, "the last session stays to be read"
    bench.charge(limit_ms=40000)
    second_wh = bench.station.energy.session_wh()
    assert second_wh < first_wh
    bench.run(2000)
    assert 0 <= bench.plant.meter.energy_mwh // 1000 - bench.station.energy.total_wh <= 2, "but for the last telegram"
    assert bench.station.energy.total_wh >= total_wh + second_wh > total_wh


def test_energy_never_falls_or_jumps_with_a_meter_that_does():
    bench = StationBench(quick())
    bench.charge()
    bench.run(10000)
    for fault, value in (("meter_energy_shift", -50), ("meter_energy_shift", 5000), ("meter_rollover", None)):
        last_wh = bench.station.energy.total_wh
        bench.plant.fault(fault, True, value)
        bench.run(3000)
        grown_wh = bench.station.energy.total_wh - last_wh
        assert 0 <= grown_wh <= 30, (fault, value, grown_wh)
        bench.plant.fault(fault, False)
        bench.run(1000)
    assert bench.station.energy.implausible >= 3


def test_limits_combine_by_minimum_in_every_order():
    settings = (
        ("power limit", lambda bench: bench.power_limit.set_w(11000), 15900),
        ("current limit", lambda bench: bench.power_limit.set_per_cent(60), 19200),
        ("charging power", lambda bench: bench.load_control.set_power_w(9000), 13000),
        ("charging current", lambda bench: bench.load_control.set_current_ma(14000), 14000),
    )
    for first in range(4):
        bench = StationBench(quick())
        bench.charge()
        least_ma = 32000
        name = None
        for turn in range(4):
            source, act, alone_ma = settings[(first + turn) % 4]
            act(bench)
            bench.run(200)
            if alone_ma < least_ma:
                least_ma = alone_ma
                name = source
            assert (bench.station.offer.offer_ma, bench.binding()) == (least_ma, name)
        bench.until(lambda: bench.offers(least_ma), 6000)


def test_a_limit_below_the_minimum_pauses_and_is_never_rounded_up():
    for limit_ma, result_ma in ((0, 0), (5900, 0), (6000, 6000)):
        bench = StationBench(quick())
        bench.charge()
        bench.load_control.set_current_ma(limit_ma)
        bench.until(lambda: bench.offers(result_ma), 8000)
        bench.run(3000)
        assert bench.paused() == (result_ma == 0)
        bench.most_ma = 0
        bench.run(15000)
        assert bench.most_ma == result_ma


def test_the_settings_minimum_counts_instead_of_6_a():
    bench = StationBench(quick(min_ma=8000))
    bench.load_control.set_current_ma(7900)
    bench.plug(ready=True)
    bench.run(10000)
    assert bench.paused() and bench.offers(0)
    bench.load_control.set_current_ma(8000)
    bench.until(lambda: bench.plant.current_ma[0] == 7980, 15000)


def test_the_supply_bounds_everything():
    bench = StationBench(quick(supply_ma=10000))
    bench.charge()
    assert bench.offers(10000) and bench.binding() == "supply"
    bench.load_control.set_current_ma(16000)
    bench.run(10000)
    assert bench.offers(10000)
    bench.load_control.set_current_ma(8000)
    bench.until(lambda: bench.offers(8000), 6000)


def test_a_rise_climbs_in_steps_and_a_decrease_counts_at_once():
    bench = StationBench({"rise_ma_per_5s": 2000})
    bench.charge()
    bench.load_control.set_current_ma(10000)
    bench.run(200)
    assert bench.station.offer.offer_ma == 10000
    bench.run(5000)
    bench.load_control.set_current_ma(20000)
    seen = []
    start_ms = bench.now_ms
    while bench.now_ms - start_ms < 30000:
        bench.tick()
        if not seen or seen[-1][1] != bench.station.offer.offer_ma:
            seen.append((bench.now_ms - start_ms, bench.station.offer.offer_ma))
    assert [ma for _, ma in seen[-5:]] == [12000, 14000, 16000, 18000, 20000], seen
    gaps = [seen[i + 1][0] - seen[i][0] for i in range(len(seen) - 4, len(seen) - 1)]
    assert min(gaps) >= 5000 and max(gaps) <= 5200, seen


def test_after_a_limit_paused_it_resumes_only_when_the_limit_has_been_good():
    bench = StationBench({"resume_hold_s": 30})
    bench.charge()
    bench.load_control.set_current_ma(0)
    bench.until(bench.paused, 8000)
    bench.run(10000)
    bench.load_control.set_current_ma(6000)
    bench.run(20000)
    assert bench.offers(0)
    bench.load_control.set_current_ma(5000)  # not good any more: the wait begins anew
    bench.run(1000)
    bench.load_control.set_current_ma(6000)
    took_ms = bench.until(lambda: bench.station.offer.offer_ma == 6000, 40000)
    assert 29800 <= took_ms <= 30300
    bench.until(bench.charging, 15000)
    # half of it with a margin
    bench.load_control.set_current_ma(0)
    bench.until(bench.paused, 20000)
    bench.load_control.set_current_ma(10000)
    took_ms = bench.until(lambda: bench.station.offer.offer_ma > 0, 40000)
    assert 14800 <= took_ms <= 15300


def test_a_permission_resumes_at_once():
    bench = StationBench({"resume_hold_s": 30})
    bench.charge()
    for act, undo in (
        (lambda: bench.operation_mode.set(2), lambda: bench.operation_mode.set(0)),
        (lambda: bench.operation_mode.set(3), lambda: bench.operation_mode.set(0)),
        (lambda: bench.device_state.set_in_service(False), lambda: bench.device_state.set_in_service(True)),
    ):
        act()
        bench.until(bench.paused, 8000)
        bench.run(6000)
        undo()
        bench.run(200)
        assert bench.station.offer.offer_ma == 32000
        bench.until(bench.charging, 12000)
        bench.run(2000)


def test_out_of_service_keeps_every_other_setting():
    bench = StationBench(quick())
    bench.power_limit.set_w(7000)
    bench.operation_mode.set(2)
    bench.device_state.set_in_service(False)
    bench.device_state.set_in_service(True)
    assert bench.operation_mode.mode == 2 and bench.power_limit.limit_w == 7000
    bench.plug(ready=True)
    bench.run(8000)
    assert bench.paused() and bench.binding() == "operation mode"


def test_an_amount_of_energy_stops_charging_once_and_ends_with_the_car():
    bench = StationBench(quick())
    bench.charge()
    start_wh = bench.station.energy.total_wh
    bench.load_control.set_amount_wh(50)
    bench.until(lambda: bench.binding() == "charging amount", 20000)
    assert 50 <= bench.station.energy.total_wh - start_wh <= 53
    bench.until(bench.paused, 5000)
    bench.run(20000)
    assert bench.paused() and bench.station.energy.total_wh - start_wh < 65
    bench.load_control.set_amount_wh(50)  # as much again
    bench.until(bench.charging, 15000)
    bench.until(lambda: bench.binding() == "charging amount", 20000)
    bench.load_control.set_amount_wh(0)
    bench.until(bench.charging, 15000)
    bench.load_control.set_amount_wh(30)
    bench.until(bench.paused, 20000)
    bench.plant.unplug()
    bench.run(1000)
    assert bench.load_control.amount_wh == 0
    bench.charge(limit_ms=40000)


def test_methods_choose_which_set_points_count():
    bench = StationBench(quick())
    load = bench.load_control
    load.set_power_w(9000)
    load.set_current_ma(10000)
    bench.charge()
    expected = {0: 10000, 1: 32000, 3: 13000, 4: 10000}
    for method in (1, 3, 4, 0):
        assert load.set_method(method)
        bench.until(lambda: bench.station.offer.offer_ma == expected[method], 6000)
    assert not load.set_method(2) and not load.set_method(5) and load.method == 0
    assert not load.set_signed_w(5000) and load.signed_w == 0
    load.set_method(6)
    bench.run(200)
    assert bench.station.offer.offer_ma == 0, "V2G: nothing was asked yet"
    assert load.set_signed_w(7000)
    bench.until(lambda: bench.station.offer.offer_ma == 10100, 6000)
    assert not load.set_signed_w(-1) and not load.set_signed_w(22081) and load.signed_w == 7000


def test_failed_firmware_opens_at_once_and_never_closes_again():
    bench = StationBench(quick())
    bench.charge()
    bench.station.fail()
    assert not bench.plant.coil and bench.plant.permille == 1000
    bench.most_ma = 0
    bench.run(60000)
    assert bench.most_ma <= 31980 and bench.paused() and bench.binding() == "firmware"
    assert bench.plant.contactor.operations == 2
    bench.operation_mode.set(0)
    bench.run(30000)
    assert bench.paused()


def test_what_was_written_is_noticed_whoever_arbitrates_first():
    bench = StationBench()
    for act in (
        lambda: bench.power_limit.set_w(7000),
        lambda: bench.load_control.set_current_ma(9000),
        lambda: bench.operation_mode.set(2),
        lambda: bench.device_state.set_in_service(False),
    ):
        bench.run(100)
        bench.station.written = False
        bench.run(300)
        assert not bench.station.written, "nobody wrote"
        act()
        bench.station.arbitrate()  # by the arbiter's task, before the next tick
        bench.station.tick(10)
        assert bench.station.written


def test_actual_mode_is_what_happens():
    bench = StationBench(quick())
    mode = bench.operation_mode
    assert mode.actual() == 3, "no car: idle"
    bench.plug()
    bench.run(3000)
    assert mode.actual() == 2, "a car waits: standby"
    bench.plant.ready(True)
    bench.until(bench.charging, 15000)
    bench.run(500)
    assert mode.actual() == 0
    bench.load_control.set_current_ma(0)
    bench.until(bench.paused, 5000)
    assert mode.mode == 0 and mode.actual() == 2, "set to charge, but paused"
    mode.set(3)
    assert mode.actual() == 3


def test_a_silent_meter_is_unknown_never_zero():
    bench = StationBench(quick())
    bench.charge()
    bench.run(2000)
    total_wh = bench.station.energy.total_wh
    bench.plant.fault("meter_silent", True)
    bench.run(12000)
    assert bench.station.energy.total_wh == total_wh
    assert bench.operation_mode.actual() == 0, "current may flow: not called standby"
    assert bench.guard.out.contactor and bench.plant.current_ma[0] <= 6000, "the guard bounds what nobody measures"
