"""Pilot: windows, gaps, filters to the millisecond, duty and current, diode and generator checks."""

from wallbox.board import Readings
from wallbox.evse.pilot import Pilot, classify, duty_permille, ev_ma

_DIODE = 1 << 0
_GENERATOR = 1 << 1
_STALE = 1 << 2
MV = {"A": 12000, "B": 9000, "C": 6000, "D": 3000, "E": 0, "F": -12000}


def readings(high_mv, permille=266, low_mv=-12000, hz=1000, age_ms=0):
    made = Readings()
    made.pilot_high_mv = high_mv
    made.pilot_low_mv = low_mv if permille < 1000 else None
    made.pilot_hz = hz if 0 < permille < 1000 else 0
    made.pilot_permille = permille
    made.pilot_age_ms = age_ms
    return made


def settled(state, permille=266, check=True):
    """A pilot that has been in `state` for a while."""
    pilot = Pilot(check)
    made = readings(MV[state], permille)
    for _ in range(100):
        assert pilot.tick(10, made, permille, 10000) == 0
    assert pilot.state == state
    return pilot


def feed(pilot, state, ms, dt_ms=1, permille=266):
    made = readings(MV[state], permille)
    faults = 0
    for _ in range(ms // dt_ms):
        faults |= pilot.tick(dt_ms, made, permille, 10000)
    return faults


def test_windows():
    for low, high, letter in (
        (11000, 13000, "A"), (8000, 10000, "B"), (5000, 7000, "C"), (2000, 4000, "D"), (-1000, 1000, "E"),
        (-10000, 1000, "E"), (-13000, -11000, "F"),
    ):
        for mv in (low, (low + high) // 2, high):
            for before in "ABCDEF":
                assert classify(mv, before) == letter, (mv, before)


def test_gaps_keep_the_state_before():
    for mv, upper, lower in (
        (10999, "A", "B"), (10001, "A", "B"), (7500, "B", "C"), (4500, "C", "D"), (1001, "D", "E"), (1999, "D", "E"),
        (-10001, "E", "F"), (-10999, "E", "F"),
    ):
        for before in "ABCDEF":
            assert classify(mv, before) == (upper if before <= upper else lower), (mv, before)


def test_a_steady_level_in_a_gap_does_not_move():
    for before in "BC":
        pilot = settled(before)
        made = readings(7500)
        for _ in range(1000):
            pilot.tick(10, made, 266, 10000)
        assert pilot.state == before


def test_p7_c_must_last_more_than_500_ms():
    for dt_ms in (1, 7, 10):
        pilot = settled("B")
        feed(pilot, "C", 499, dt_ms)
        assert pilot.state == "B"
        feed(pilot, "B", 10)
        feed(pilot, "C", 499, dt_ms)
        assert pilot.state == "B"
        feed(pilot, "C", 30, dt_ms)
        assert pilot.state == "C"


def test_p8_b_must_last_75_ms_and_less_than_100():
    for state in "BA":
        pilot = settled("C")
        feed(pilot, state, 60, 10)
        assert pilot.state == "C"
        feed(pilot, "C", 10, 10)
        feed(pilot, state, 70, 10)
        assert pilot.state == "C"
        feed(pilot, state, 10, 10)
        assert pilot.state == state


def test_unplugging_through_b_counts_as_one():
    pilot = settled("C")
    feed(pilot, "B", 40, 10)
    feed(pilot, "A", 40, 10)
    assert pilot.state == "A"


def test_e_must_last_500_ms():
    pilot = settled("C")
    feed(pilot, "E", 490, 10)
    assert pilot.state == "C"
    feed(pilot, "E", 10, 10)
    assert pilot.state == "E"


def test_one_sample_after_a_stall_decides_nothing():
    for state in "AB":
        pilot = settled("C")
        pilot.tick(400, readings(MV[state]), 266, 10000)
        assert pilot.state == "C"
        pilot.tick(30, readings(MV[state]), 266, 10000)
        assert pilot.state == state


def test_stale_samples():
    pilot = settled("C")
    for age_ms in range(0, 500, 10):
        assert pilot.tick(10, readings(MV["B"], age_ms=age_ms), 266, 10000) == 0 or age_ms <= 100
        if age_ms == 60:
            pilot.tick(10, readings(MV["C"]), 266, 10000)
    assert pilot.tick(10, readings(MV["C"], age_ms=501), 266, 10000) == _STALE
    assert pilot.tick(10, readings(MV["C"], age_ms=10), 266, 10000) == 0


def test_old_samples_do_not_move_the_state():
    pilot = settled("C")
    for age_ms in range(110, 500, 10):
        pilot.tick(10, readings(MV["B"], age_ms=age_ms), 266, 10000)
    assert pilot.state == "C"


def test_l4_impossible_or_missing_samples_age():
    for high_mv, age_ms in ((None, 0), (13001, 0), (-13001, 0), (15000, 0), (6000, None)):
        pilot = settled("C")
        faults = 0
        for _ in range(50):
            faults |= pilot.tick(10, readings(high_mv, age_ms=age_ms), 266, 10000)
        assert faults == 0 and pilot.good_ms == 0
        assert pilot.tick(10, readings(high_mv, age_ms=age_ms), 266, 10000) == _STALE


def test_p1_p2_diode():
    for low_mv in (-6000, -9000, -9999, 0, 1000):
        pilot = settled("C")
        assert pilot.good_ms >= 100
        made = readings(6000, low_mv=low_mv)
        assert pilot.tick(10, made, 266, 10000) == 0 and pilot.good_ms == 0
        for _ in range(28):
            assert pilot.tick(10, made, 266, 10000) == 0
        assert pilot.tick(10, made, 266, 10000) == _DIODE


def test_diode_window():
    for low_mv in (-10000, -11000, -12600, -13000):
        pilot = settled("B")
        for _ in range(100):
            assert pilot.tick(10, readings(9000, low_mv=low_mv), 266, 10000) == 0
        assert pilot.good_ms >= 1000


def test_no_low_half_wave_is_the_generators_fault():
    for low_mv in (None, 6000, -13001):
        pilot = settled("C", check=False)
        faults = 0
        for _ in range(30):
            faults |= pilot.tick(10, readings(6000, low_mv=low_mv), 266, 10000)
        assert faults == _GENERATOR


def test_p6_read_back():
    good = ((980, 266), (1020, 266), (1000, 261), (1000, 271))
    bad = ((979, 266), (1021, 266), (1000, 260), (1000, 272), (None, 266), (1000, None))
    for limits, expected in ((good, 0), (bad, _GENERATOR)):
        for hz, permille in limits:
            pilot = settled("B")
            made = readings(9000, hz=hz)
            made.pilot_permille = permille
            faults = 0
            for _ in range(10):
                faults |= pilot.tick(10, made, 266, 10000)
            assert faults == expected, (hz, permille)
            pilot = settled("B", check=False)
            for _ in range(10):
                assert pilot.tick(10, made, 266, 10000) == 0


def test_p6_is_blanked_after_an_own_change():
    pilot = settled("B", 1000)
    made = readings(9000, 1000)
    for held_ms in range(0, 290, 10):
        assert pilot.tick(10, made, 266, held_ms) == 0
    faults = 0
    for held_ms in range(300, 400, 10):
        faults |= pilot.tick(10, made, 266, held_ms)
    assert faults == _GENERATOR


def test_p5_f_without_asking():
    pilot = settled("B", 1000)
    faults = 0
    for _ in range(10):
        faults |= pilot.tick(10, readings(-12000, 1000), 1000, 10000)
    assert faults == _GENERATOR


def test_pwm_that_does_not_stop():
    """x1 wanted, low half-wave still there."""
    pilot = settled("B", 1000, check=False)
    made = readings(9000, 266)
    faults = 0
    for _ in range(10):
        faults |= pilot.tick(10, made, 1000, 10000)
    assert faults == _GENERATOR


def test_own_f_hides_the_car():
    pilot = settled("C")
    for _ in range(1000):
        assert pilot.tick(10, readings(-12000, 0), 0, 10000) == 0
    assert pilot.state == "C" and pilot.stale_ms == 0


def test_duty():
    for offer_ma, permille in (
        (6000, 100), (6099, 100), (6100, 101), (9999, 165), (10000, 166), (13000, 216), (16000, 266), (20000, 333),
        (32000, 533), (51000, 850), (51100, 850), (52500, 850), (53000, 852), (63000, 892), (80000, 960),
        (99000, 960),
    ):
        assert duty_permille(offer_ma) == permille, offer_ma


def test_ev_column():
    for permille, current_ma in (
        (0, 0), (30, 0), (50, 0), (70, 0), (79, 0), (80, 6000), (99, 6000), (100, 6000), (266, 15960), (533, 31980),
        (850, 51000), (852, 53000), (892, 63000), (960, 80000), (970, 80000), (971, 0), (1000, 0),
    ):
        assert ev_ma(permille) == current_ma, permille
