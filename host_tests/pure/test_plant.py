"""Physics of the simulated wallbox: pilot voltages, the car's reading of the pilot, contactor, meter, and flash."""

from boards.sim.car import Car, duty_ma
from boards.sim.flash import Flash, PowerCut
from boards.sim.pilot_circuit import plateau, state
from boards.sim.plant import Plant
from host_tests.pure.support import raises
from wallbox.board import Outputs, Ratings, Readings


def bench(car=None, permille=1000, contactor=False, **changed):
    """A plant that has run for a second with these outputs; returns it with its outputs and readings."""
    ratings = Ratings()
    for name in changed:
        setattr(ratings, name, changed[name])
    plant, outputs, readings = Plant(ratings, car), Outputs(), Readings()
    outputs.pilot_permille = permille
    outputs.contactor = contactor
    run(plant, outputs, 1000)
    plant.sample(readings)
    return plant, outputs, readings


def run(plant, outputs, ms, step=5):
    """Let `ms` pass with the outputs given again at every step."""
    for _ in range(ms // step):
        plant.apply(outputs)
        plant.step(step)


def near(value, goal, tolerance=40):
    return abs(value - goal) <= tolerance


def test_voltage_of_every_state():
    assert plateau(12000, None, True) == 12000
    assert near(plateau(12000, 2740, True), 9000)
    assert near(plateau(12000, 882, True), 6000)
    assert near(plateau(12000, 246, True), 3000, 80)
    assert plateau(-12000, 882, True) == -12000, "the diode keeps the low half-wave"
    assert plateau(-12000, 882, False) == -plateau(12000, 882, False)
    assert near(plateau(12000, 2740, True, 80), 890), "80 ohm to PE leave the diode hardly open"
    assert [state(mv) for mv in (12000, 9000, 6000, 3000, 0, -12000)] == list("ABCDEF")


def test_readings_of_the_pilot():
    plant, outputs, readings = bench()
    assert (readings.pilot_high_mv, readings.pilot_low_mv) == (12000, None)
    assert (readings.pilot_hz, readings.pilot_permille, readings.pilot_age_ms) == (0, 1000, 0)
    outputs.pilot_permille = 267
    run(plant, outputs, 10)
    plant.sample(readings)
    assert (readings.pilot_high_mv, readings.pilot_low_mv) == (12000, -12000)
    assert (readings.pilot_hz, readings.pilot_permille) == (1000, 267)
    outputs.pilot_permille = 0
    run(plant, outputs, 10)
    plant.sample(readings)
    assert (readings.pilot_high_mv, readings.pilot_low_mv, readings.pilot_hz) == (-12000, -12000, 0)
    assert bench(generator_check=False)[2].pilot_hz is None


def test_duty_as_a_car_reads_it():
    for permille, goal in ((0, 0), (29, 0), (50, 0), (79, 0), (80, 6000), (99, 6000), (100, 6000), (160, 9600),
                           (267, 16020), (533, 31980), (850, 51000), (851, 52750), (960, 80000), (970, 80000),
                           (971, 0), (1000, 0)):
        assert duty_ma(permille) == goal, permille


def test_a_car_charges_only_with_permission_and_supply():
    plant, outputs, _ = bench(Car(reaction_ms=100), 267)
    assert not plant.car.s2
    plant.ready(True)
    run(plant, outputs, 1000)
    assert plant.car.s2 and plant.current_ma == [0, 0, 0]
    outputs.contactor = True
    run(plant, outputs, 3000)
    assert plant.current_ma == [16020] * 3
    assert plant.truth()["power_w"] == 11054
    outputs.contactor = False
    run(plant, outputs, 15)
    assert plant.current_ma == [0, 0, 0] and plant.car.interruptions == 1


def test_a_car_follows_a_changed_duty_after_its_reaction_time():
    plant, outputs, _ = bench(Car(reaction_ms=3000, ready=True), 267, True)
    run(plant, outputs, 8000)
    assert plant.current_ma[0] == 16020
    outputs.pilot_permille = 100
    run(plant, outputs, 2900)
    assert plant.current_ma[0] == 16020
    run(plant, outputs, 400)
    assert plant.current_ma[0] == 6000


def test_a_car_answers_x1_within_three_seconds():
    for reaction_ms in (0, 5000):
        plant, outputs, _ = bench(Car(reaction_ms=reaction_ms, ready=True, max_ma=80000), 960, True)
        run(plant, outputs, 20000)
        assert plant.current_ma[0] == 80000
        outputs.pilot_permille = 1000
        drew_ms = 0
        while plant.current_ma[0]:
            assert plant.car.s2, "it stops before it opens S2"
            run(plant, outputs, 5)
            drew_ms += 5
        run(plant, outputs, 3000 - drew_ms)
        assert not plant.car.s2 and drew_ms < 3000


def test_phases_and_wiring():
    plant, outputs, readings = bench(Car(phases=1, ready=True, reaction_ms=0), 267, True)
    run(plant, outputs, 5000)
    assert plant.current_ma == [16020, 0, 0]
    plant, outputs, readings = bench(Car(ready=True, reaction_ms=0), 267, True, phases=1)
    run(plant, outputs, 5000)
    plant.sample(readings)
    assert plant.current_ma == [16020, 0, 0]
    assert readings.poles_closed == 1 and readings.voltage_mv == [230000, 0, 0]


def test_strange_cars():
    def after(car, permille=267, ms=60000):
        plant, outputs, _ = bench(car, permille, True)
        run(plant, outputs, ms, 20)
        return plant, outputs

    plant, _ = after(Car(ready=True, min_ma=8000), 100)
    assert not plant.car.s2, "6 A are not enough for it"
    plant, _ = after(Car(ready=True, ignores_duty=True))
    assert plant.current_ma[0] == 32000
    plant, _ = after(Car(ready=True, draw_percent=120))
    assert plant.current_ma[0] == 19224
    plant, _ = after(Car(ready=True, wants_ventilation=True), ms=2000)
    assert plant.truth()["pilot"]["state"] == "D"
    plant, outputs = after(Car(ready=True, simplified=True))
    assert plant.current_ma[0] == 10000
    outputs.pilot_permille = 1000
    run(plant, outputs, 4000)
    assert plant.truth()["pilot"]["state"] == "C" and plant.current_ma[0] == 0
    plant, _ = after(Car(ready=True, soc=100))
    assert not plant.car.s2
    plant, _ = after(Car(ready=True, soc=99, battery_wh=1000), ms=300000)
    assert plant.car.soc() == 100 and plant.current_ma[0] == 0
    for hold_ms in (2900, 5900):
        plant, outputs = after(Car(ready=True, holds_c_after_x1=hold_ms))
        outputs.pilot_permille = 1000
        run(plant, outputs, hold_ms)
        assert plant.car.s2 and plant.current_ma[0] == 16020
        run(plant, outputs, 10)
        assert not plant.car.s2
    plant, outputs = after(Car(ready=True, holds_c_after_x1=-1))
    outputs.pilot_permille = 1000
    run(plant, outputs, 60000, 20)
    assert plant.car.s2 and plant.current_ma[0] == 16020


def test_a_sleeping_car_needs_the_wake_up_pulse():
    plant, outputs, _ = bench(Car(ready=True, sleeping=True, reaction_ms=0), 267)
    run(plant, outputs, 5000)
    assert not plant.car.s2
    for pulse_ms, awake in ((2000, False), (4000, True)):
        outputs.pilot_permille = 0
        run(plant, outputs, pulse_ms)
        outputs.pilot_permille = 267
        run(plant, outputs, 1000)
        assert plant.car.s2 == awake, pulse_ms


def test_a_car_gives_up_after_interruptions():
    plant, outputs, _ = bench(Car(ready=True, reaction_ms=0, locks_out_after=3), 267, True)
    for _ in range(3):
        outputs.contactor = True
        run(plant, outputs, 1000)
        assert plant.current_ma[0] > 0
        outputs.contactor = False
        run(plant, outputs, 1000)
    assert plant.car.locked_out and not plant.car.s2
    plant.unplug()
    plant.plug(Car(ready=True))
    run(plant, outputs, 2000)
    assert plant.car.s2


def test_contactor_takes_its_time():
    plant, outputs, readings = bench()
    for commanded, travel_ms, before, after in ((True, 20, 0, 7), (False, 15, 7, 0)):
        outputs.contactor = commanded
        plant.apply(outputs)
        for _ in range(travel_ms - 1):
            plant.step(1)
            assert plant.contactor.poles == before
        plant.step(1)
        plant.sample(readings)
        assert readings.poles_closed == after
        assert readings.load_side_mv == (230000 if after else 0)


def test_interlock_opens_without_outputs():
    for fitted in (True, False):
        plant, outputs, _ = bench(contactor=True, interlock=fitted)
        for _ in range(20):
            plant.step(5)
        assert plant.contactor.poles == 7, "100 ms is still in time"
        for _ in range(5):
            plant.step(5)
        assert (plant.contactor.poles == 0) == fitted
        run(plant, outputs, 50)
        assert plant.contactor.poles == 7
        assert plant.interlock_trips == (1 if fitted else 0)


def test_dead_controller_and_cut_supply():
    plant, outputs, readings = bench(Car(ready=True), 267, True)
    run(plant, outputs, 3000)
    plant.reset_outputs()
    for _ in range(4):
        plant.step(5)
    truth = plant.truth()
    assert truth["pilot"]["state"] == "C" and truth["pilot"]["duty_permille"] == 1000
    assert not truth["contactor"]["closed"]
    plant.power(False)
    plant.step(5)
    truth = plant.truth()
    assert truth["pilot"]["state"] == "E" and truth["pilot"]["high_mv"] == 0
    assert truth["voltage_mv"] == [0, 0, 0] and truth["power_w"] == 0
    plant.power(True)
    run(plant, outputs, 10000)
    assert plant.truth()["power_w"] == 11054


def test_meter_is_exact_and_slow():
    plant, outputs, readings = bench(Car(ready=True, reaction_ms=0, ramp_ma_s=1000000), 267, True)
    plant.thermal.rise_dc = 0
    before = plant.meter.energy_mwh
    run(plant, outputs, 3600000, 20)
    # 3 x 230 V x 16.02 A for an hour
    assert near(plant.meter.energy_mwh - before, 11053800, 1)
    assert near(plant.car.stored_mwh, 24000000 + plant.meter.energy_mwh, 1)
    plant.sample(readings)
    assert readings.power_w == 11054 and readings.current_ma == [16020] * 3
    assert readings.energy_wh == plant.meter.energy_mwh // 1000 and readings.frequency_mhz == 50000
    outputs.contactor = False
    oldest = 0
    for _ in range(100):
        run(plant, outputs, 5)
        plant.sample(readings)
        oldest = max(oldest, readings.meter_age_ms)
    assert oldest == 195 and readings.power_w == 0
    fresh = Plant(Ratings())
    fresh.sample(readings)
    assert readings.meter_age_ms is None and readings.power_w is None and readings.voltage_mv == [None] * 3


def test_the_box_warms_up_and_cools_down():
    plant, outputs, readings = bench(Car(ready=True, battery_wh=500000, soc=0), 533, True)
    run(plant, outputs, 3600000, 20)
    plant.sample(readings)
    assert near(readings.temperature_dc, 500, 10) and readings.temperature_age_ms < 1000
    outputs.contactor = False
    run(plant, outputs, 3600000, 20)
    plant.sample(readings)
    assert near(readings.temperature_dc, 250, 10)


def test_residual_current_monitor_answers_its_test():
    plant, outputs, readings = bench()
    for test, passed_ms, tripped in ((True, 25, False), (True, 5, True), (False, 25, True), (False, 5, False)):
        outputs.rcm_test = test
        run(plant, outputs, passed_ms)
        plant.sample(readings)
        assert readings.rcm_tripped == tripped


def test_lock_and_proximity():
    plant, outputs, readings = bench(Car(cable_ohm=680), socket=True, lock=True)
    assert readings.proximity_ohm == 680 and readings.lock_closed is False
    outputs.lock = True
    run(plant, outputs, 295)
    assert not plant.lock.closed
    run(plant, outputs, 10)
    plant.sample(readings)
    assert readings.lock_closed is True
    assert raises(ValueError, plant.unplug)
    plant.reset_outputs()
    for _ in range(100):
        plant.step(5)
    assert plant.lock.closed, "without drive it stays"
    outputs.lock = False
    run(plant, outputs, 300)
    plant.unplug()
    plant.sample(readings)
    assert readings.proximity_ohm == 1 << 20
    attached = bench()[2]
    assert attached.proximity_ohm is None and attached.lock_closed is None


def test_battery_data_only_where_the_board_gets_it():
    assert bench(Car(soc=55, battery_wh=40000))[2].ev_soc_per_cent is None
    plant, _, readings = bench(Car(soc=55, battery_wh=40000), ev_data=True)
    assert (readings.ev_soc_per_cent, readings.ev_capacity_wh) == (55, 40000)
    plant.unplug()
    plant.sample(readings)
    assert (readings.ev_soc_per_cent, readings.ev_capacity_wh) == (None, None)


def test_button_and_car_errors():
    plant, outputs, readings = bench()
    plant.press(100)
    run(plant, outputs, 95)
    plant.sample(readings)
    assert readings.button
    run(plant, outputs, 5)
    plant.sample(readings)
    assert not readings.button
    assert raises(ValueError, plant.unplug) and raises(ValueError, plant.ready, True)
    plant.plug()
    assert raises(ValueError, plant.plug)
    assert raises(ValueError, Car, 4) and raises(ValueError, Car, 3, True) and raises(ValueError, Car, 3, "32 A")


def test_any_step_gives_the_same_story():
    energies = []
    for step in (1, 4, 20):
        plant, outputs, _ = bench(Car(ready=True, reaction_ms=1000), 267, True)
        run(plant, outputs, 60000, step)
        energies.append(plant.meter.energy_mwh)
    assert max(energies) - min(energies) < max(energies) // 200, energies


def test_flash_can_be_cut_at_every_step():
    flash = Flash()
    flash.write("a", b"old")
    outcomes = []
    for steps in range(5):
        flash.write("a", b"old")
        flash.cut_after(steps)
        cut = raises(PowerCut, flash.write, "a", b"new")
        assert cut == (steps < 4)
        assert not cut or raises(PowerCut, flash.size, "a")
        flash.power_on()
        outcomes.append(flash.read("a", 0, 9))
    assert outcomes == [b"old", b"", b"n", b"ne", b"new"]
    flash.append("a", b"er")
    assert flash.read("a", 1, 3) == b"ewe" and flash.size("a") == 5 and flash.size("b") == 0
    flash.read_only = True
    assert raises(OSError, flash.write, "a", b"x") and flash.read("a", 0, 9) == b"newer"
    small = Flash(4)
    assert raises(OSError, small.append, "a", b"12345") and small.read("a", 0, 9) == b"1234"
