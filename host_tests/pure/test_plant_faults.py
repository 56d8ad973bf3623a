"""Every fault of the simulated hardware does what its line in the table says, and ends when switched off."""

from boards.sim.car import Car
from boards.sim.faults import FAULTS
from boards.sim.plant import Plant
from host_tests.pure.support import raises
from wallbox.board import Outputs, Ratings, Readings


class Bench:
    """A charging car, 16.02 A on three phases, and everything that can be fitted."""

    def __init__(self):
        ratings = Ratings()
        ratings.socket = ratings.lock = ratings.discharge = True
        self.plant = Plant(ratings, Car(ready=True, reaction_ms=100, ramp_ma_s=1000000, discharge=True))
        self.outputs = Outputs()
        self.outputs.pilot_permille = 267
        self.outputs.contactor = self.outputs.lock = True
        self.readings = Readings()
        self.run(3000)
        assert self.readings.power_w == 11054 and self.readings.poles_closed == 7 and self.readings.ev_discharge

    def run(self, ms):
        step = 20 if ms >= 10000 else 5
        for _ in range(ms // step):
            self.plant.apply(self.outputs)
            self.plant.step(step)
        self.plant.sample(self.readings)

    def fault(self, name, value=None, ms=None):
        self.plant.fault(name, True, value, ms)

    def state(self):
        return self.plant.truth()["pilot"]["state"]


def shows(**expected):
    """A check: two seconds after the fault the readings are `expected`."""

    def check(bench, name):
        bench.fault(name)
        bench.run(2000)
        for word in expected:
            got = getattr(bench.readings, word)
            assert got == expected[word], (name, word, got, expected[word])

    return check


def pilot_to_pe(bench, name):
    bench.fault(name)
    bench.run(2000)
    assert bench.state() == "E" and 800 < bench.readings.pilot_high_mv < 1000
    assert bench.plant.current_ma[0] == 0, "the car sees no pilot either"


def pilot_stuck(bench, name):
    for mv in (12000, -12000, 6000):
        bench.fault(name, mv)
        bench.run(10)
        assert bench.readings.pilot_high_mv == mv and bench.readings.pilot_hz == 0
        assert bench.readings.pilot_permille == (1000 if mv > 0 else 0)


def s2_open(bench, name):
    bench.fault(name, None, 60)
    bench.run(55)
    assert bench.state() == "B" and bench.plant.current_ma[0] > 0
    bench.run(10)
    assert bench.state() == "C"


def s2_closed(bench, name):
    bench.plant.ready(False)
    bench.run(1000)
    assert bench.state() == "B"
    bench.fault(name, None, 250)
    bench.run(245)
    assert bench.state() == "C" and bench.plant.current_ma[0] == 0
    bench.run(10)
    assert bench.state() == "B"


def asks_ventilation(bench, name):
    bench.fault(name)
    bench.run(10)
    assert bench.state() == "D"


def holds_c(bench, name):
    bench.fault(name, 5900)
    bench.outputs.pilot_permille = 1000
    bench.run(5900)
    assert bench.state() == "C" and bench.plant.current_ma[0] == 16020
    bench.run(10)
    assert bench.state() == "B"


def overdraw(bench, name):
    bench.fault(name)
    bench.run(2000)
    assert bench.readings.current_ma[0] == 16020 * 130 // 100


def noise(bench, name):
    bench.fault(name, 400)
    seen = set()
    for _ in range(50):
        bench.run(10)
        seen.add(bench.readings.pilot_high_mv)
        assert abs(bench.readings.pilot_high_mv - 5995) <= 400
    assert len(seen) > 10


def emi_burst(bench, name):
    bench.fault(name)
    bench.run(200)
    assert bench.readings.pilot_high_mv == 5995
    bench.outputs.contactor = False
    bench.run(50)
    disturbed = bench.readings.pilot_high_mv != 5995
    bench.run(200)
    assert disturbed and bench.readings.pilot_high_mv == 5995


def weld(bench, name):
    bench.fault(name, 2)
    bench.outputs.contactor = False
    bench.run(100)
    assert bench.readings.poles_closed == 2 and bench.readings.load_side_mv == 230000
    assert bench.plant.current_ma[1] == 16020 and bench.plant.current_ma[0] == 0


def weld_closed(bench, name):
    bench.outputs.contactor = False
    bench.run(100)
    bench.fault(name, 5)
    bench.run(10)
    assert bench.readings.poles_closed == 5


def pole_open(bench, name):
    bench.fault(name)
    bench.run(10)
    assert bench.readings.poles_closed == 6 and bench.plant.current_ma[0] == 0


def contactor_slow(bench, name):
    bench.fault(name)
    bench.outputs.contactor = False
    bench.run(290)
    assert bench.readings.poles_closed == 7
    bench.run(10)
    assert bench.readings.poles_closed == 0


def aux_stuck_closed(bench, name):
    bench.fault(name)
    bench.outputs.contactor = False
    bench.run(100)
    assert bench.readings.poles_closed == 7 and bench.readings.load_side_mv == 0


def aux_noisy(bench, name):
    bench.fault(name)
    seen = set()
    for _ in range(50):
        bench.run(10)
        seen.add(bench.readings.poles_closed)
    assert seen == {0, 7}


def lock_stuck(bench, name):
    bench.fault(name)
    bench.outputs.lock = False
    bench.run(1000)
    assert bench.readings.lock_closed is True


def phase_lost(bench, name):
    bench.fault(name)
    bench.run(400)
    assert bench.readings.voltage_mv == [230000, 0, 0]
    assert bench.readings.current_ma == [16020, 0, 0]


def rcm_trip(bench, name):
    bench.fault(name, None, 50)
    bench.run(45)
    assert bench.readings.rcm_tripped
    bench.run(10)
    assert not bench.readings.rcm_tripped


def residual(bench, name):
    for value, limit_ms in ((30, 10000), (60, 300), (200, 100)):
        bench.plant.fault(name, False)
        bench.run(100)
        bench.fault(name, value)
        bench.run(limit_ms - 5)
        assert not bench.readings.rcm_tripped
        bench.run(10)
        assert bench.readings.rcm_tripped
    bench.outputs.contactor = False
    bench.run(200)
    assert not bench.readings.rcm_tripped, "no residual current without supply"


def rcm_test(answered_ms, released_ms):
    """A check of the self-test: whether it is active after these times of test on, then off; None = active never."""

    def check(bench, name):
        bench.fault(name)
        bench.outputs.rcm_test = True
        bench.run(500)
        assert bench.readings.rcm_tripped == (answered_ms is not None and answered_ms <= 500)
        bench.run(1000)
        assert bench.readings.rcm_tripped == (answered_ms is not None)
        bench.outputs.rcm_test = False
        bench.run(500)
        assert bench.readings.rcm_tripped == (released_ms is None or released_ms > 500)

    return check


def ambient(bench, name):
    bench.fault(name, 900)
    bench.run(60000)
    assert 280 < bench.readings.temperature_dc < 350
    bench.run(1800000)
    assert 830 < bench.readings.temperature_dc < 980


def temperature_frozen(bench, name):
    bench.fault(name)
    bench.fault("temperature", 800)
    bench.run(2000)
    assert bench.readings.temperature_dc < 300 and bench.readings.temperature_age_ms < 1000


def silent(*ages):
    def check(bench, name):
        bench.fault(name)
        bench.run(3000)
        for word in ages:
            assert getattr(bench.readings, word) >= 2800, word

    return check


def meter_energy_shift(bench, name):
    before = bench.readings.energy_wh
    bench.plant.meter.energy_mwh += 1000000
    bench.fault(name, -500)
    bench.run(200)
    assert before + 500 <= bench.readings.energy_wh <= before + 501


def meter_rollover(bench, name):
    bench.plant.meter.energy_mwh += 1000000
    bench.fault(name)
    bench.run(200)
    assert bench.readings.energy_wh == 0
    bench.run(360 * 1000)
    assert 1100 <= bench.readings.energy_wh <= 1110


def meter_frozen(bench, name):
    bench.fault(name)
    bench.outputs.contactor = False
    bench.run(3000)
    assert bench.readings.power_w == 11054 and bench.readings.meter_age_ms < 200


def clock(bench, name):
    assert bench.plant.wall_offset_s() == 0
    bench.fault(name)
    assert bench.plant.wall_offset_s() == (None if name == "clock_unset" else 3600)


def loop_stall(bench, name):
    bench.fault(name, 250)
    assert (bench.plant.take_stall_ms(), bench.plant.take_stall_ms()) == (250, 0)


def adc_frozen(bench, name):
    bench.fault(name)
    bench.plant.ready(False)
    bench.run(1000)
    assert bench.readings.pilot_high_mv == 5995 and bench.readings.pilot_age_ms == 0


CHECKS = {
    "diode_missing": shows(pilot_high_mv=5623, pilot_low_mv=-5623),
    "diode_leaking": shows(pilot_high_mv=5995, pilot_low_mv=-9000),
    "pilot_low_shorted": shows(pilot_high_mv=5995, pilot_low_mv=0),
    "pilot_to_pe": pilot_to_pe,
    "pilot_open": shows(pilot_high_mv=12000, pilot_low_mv=-12000, power_w=0),
    "pilot_stuck": pilot_stuck,
    "pilot_hz": shows(pilot_hz=970),
    "pilot_duty_error": shows(pilot_permille=277, current_ma=[16620] * 3),
    "s2_closed": s2_closed,
    "s2_open": s2_open,
    "asks_ventilation": asks_ventilation,
    "holds_c": holds_c,
    "overdraw": overdraw,
    "gives_back": shows(current_ma=[-10000] * 3, power_w=-6900),
    "modem_silent": shows(ev_discharge=None),
    "pilot_noise": noise,
    "pilot_offset": shows(pilot_high_mv=4495, pilot_low_mv=-12000),
    "emi_burst": emi_burst,
    "proximity": shows(proximity_ohm=1 << 20),
    "weld": weld,
    "weld_closed": weld_closed,
    "contactor_dead": shows(poles_closed=0, load_side_mv=0, power_w=0),
    "pole_open": pole_open,
    "contactor_slow": contactor_slow,
    "aux_stuck_open": shows(poles_closed=0, load_side_mv=230000, power_w=11054),
    "aux_stuck_closed": aux_stuck_closed,
    "aux_noisy": aux_noisy,
    "load_sense": shows(poles_closed=7, load_side_mv=0),
    "lock_stuck": lock_stuck,
    "lock_feedback_inverted": shows(lock_closed=False),
    "phase_lost": phase_lost,
    "rcm_trip": rcm_trip,
    "residual_ma": residual,
    "rcm_no_answer": rcm_test(None, 0),
    "rcm_always_active": rcm_test(0, None),
    "rcm_answers_late": rcm_test(1000, 0),
    "rcm_releases_late": rcm_test(0, 2000),
    "pe_lost": shows(pilot_high_mv=12000),
    "mains_mv": shows(voltage_mv=[205000] * 3),
    "mains_mhz": shows(frequency_mhz=49800),
    "ambient": ambient,
    "temperature": shows(temperature_dc=900),
    "temperature_open": shows(temperature_dc=-550),
    "temperature_short": shows(temperature_dc=2000),
    "temperature_frozen": temperature_frozen,
    "temperature_nan": shows(temperature_dc=None),
    "temperature_silent": silent("temperature_age_ms"),
    "meter_silent": silent("meter_age_ms"),
    "meter_crc": shows(voltage_mv=[None] * 3, current_ma=[None] * 3, power_w=None, energy_wh=None),
    "meter_scale": shows(power_w=11054000, current_ma=[16020000] * 3),
    "meter_sign": shows(power_w=-11054),
    "meter_energy_shift": meter_energy_shift,
    "meter_rollover": meter_rollover,
    "meter_frozen": meter_frozen,
    "meter_no_voltage": shows(voltage_mv=[None] * 3, current_ma=[16020] * 3),
    "clock_unset": clock,
    "clock_offset": clock,
    "loop_stall": loop_stall,
    "adc_zero": shows(pilot_high_mv=-15000, pilot_low_mv=-15000),
    "adc_full": shows(pilot_high_mv=15000, pilot_low_mv=15000),
    "adc_frozen": adc_frozen,
    "adc_silent": silent("pilot_age_ms"),
    "i2c_hangs": silent("meter_age_ms", "temperature_age_ms"),
    "button_stuck": shows(button=True),
}


def test_every_fault_has_its_effect_and_ends():
    assert set(CHECKS) == set(FAULTS)
    for name in CHECKS:
        bench = Bench()
        CHECKS[name](bench, name)
        for active in list(bench.plant.faults.active):
            bench.plant.fault(active, False)
        bench.plant.fault(name, False)
        bench.outputs.pilot_permille = 267
        bench.outputs.contactor = bench.outputs.lock = True
        bench.plant.ready(True)
        bench.run(4000)
        assert bench.readings.power_w == 11054, name + " has not ended"
        assert bench.readings.poles_closed == 7 and not bench.readings.rcm_tripped, name


def test_bad_faults_are_refused_and_change_nothing():
    plant = Plant(Ratings())
    assert raises(ValueError, plant.fault, "gremlin", True)
    assert raises(ValueError, plant.fault, "weld", True, "all")
    assert raises(ValueError, plant.fault, "weld", True, True)
    assert raises(ValueError, plant.fault, "weld", True, 1 << 31)
    assert raises(ValueError, plant.fault, "pilot_open", True, 5)
    assert raises(ValueError, plant.fault, "weld", True, None, 0)
    assert not plant.faults.active


def test_a_fault_can_be_changed_and_lasts_as_long_as_said():
    plant = Plant(Ratings())
    plant.fault("mains_mv", True, 205000, 4900)
    plant.fault("mains_mv", True, 255000)
    for _ in range(1200):
        plant.step(5)
    assert plant.mains_mv[0] == 255000, "without ms it stays, whatever was said before"
    plant.fault("mains_mv", False)
    plant.fault("mains_mv", False)
    plant.step(5)
    assert plant.mains_mv[0] == 230000
