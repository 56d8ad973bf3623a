"""Contactor, residual current monitor, proximity, temperature, meter, faults and LED of the guard, one by one."""

from bounded.ring import Ring
from wallbox.board import Ratings, Readings
from wallbox.evse import led, texts
from wallbox.evse.bounds import Overdraw, Temperature, derate_permille
from wallbox.evse.contactor import Contactor
from wallbox.evse.faults import Faults
from wallbox.evse.proximity import Proximity, cable_ma
from wallbox.evse.rcm import Rcm


def bit(name):
    return 1 << [row[0] for row in texts.FAULTS].index(name)


# contactor


def contactor(poles, load_mv=None, on=False, ms=2000, **ratings):
    """Faults of a contactor commanded `on` that shows this for `ms`."""
    given = Ratings()
    for name in ratings:
        setattr(given, name, ratings[name])
    made = Contactor(given)
    return made, watch(made, on, poles, load_mv, ms)


def watch(made, on, poles, load_mv, ms):
    shown = Readings()
    shown.poles_closed = poles
    shown.load_side_mv = load_mv
    found = 0
    for _ in range(ms // 10):
        found |= made.tick(10, on, shown)
    return found


def test_contactor_open_is_known_after_1_s():
    made, found = contactor(0, 0, ms=990)
    assert not made.open and found == 0
    assert watch(made, False, 0, 0, 20) == 0 and made.open
    assert watch(made, True, 7, 230000, 10) == 0 and not made.open


def test_k1_k2_weld_pole_by_pole():
    for poles in range(1, 8):
        assert contactor(poles, 230000)[1] == bit("WELD")
        assert contactor(poles, None)[1] == bit("WELD")
        assert contactor(poles, 0)[1] == bit("FEEDBACK")
    assert contactor(0, 230000)[1] == bit("WELD")
    assert contactor(0, 49999)[1] == 0


def test_k1_weld_needs_1_s_and_100_ms():
    made, found = contactor(7, 230000, ms=1080)
    assert found == 0
    assert watch(made, False, 7, 230000, 30) == bit("WELD")


def test_poles_that_are_not_wired_do_not_count():
    assert contactor(6, 0, phases=1)[1] == 0
    assert contactor(1, 230000, on=True, phases=1)[1] == 0


def test_k3_not_closed():
    for poles in range(1, 7):
        assert contactor(poles, 230000, on=True, ms=600)[1] == bit("NOT_CLOSED")
    assert contactor(0, 0, on=True, ms=600)[1] == bit("NOT_CLOSED")
    made, found = contactor(0, 0, on=True, ms=480)
    assert found == 0
    assert watch(made, True, 7, 230000, 2000) == 0


def test_k3_dropped_out():
    for poles in range(0, 7):
        made, found = contactor(7, 230000, on=True)
        assert found == 0
        assert watch(made, True, poles, 230000 if poles else 0, 90) == 0
        assert watch(made, True, poles, 230000 if poles else 0, 20) == bit("DROPPED_OUT")


def test_k4_contradictions():
    assert contactor(7, 0, on=True, ms=700)[1] == bit("FEEDBACK")
    assert contactor(0, 230000, on=True, ms=700)[1] == bit("FEEDBACK")


def test_k4_noise():
    made, found = contactor(7, None, on=True)
    for turn in range(5):
        found |= watch(made, True, 0, None, 20) | watch(made, True, 7, None, 20)
    assert found == bit("FEEDBACK")
    # the same number of changes spread over time is none
    made, found = contactor(7, None, on=True)
    for turn in range(20):
        found |= watch(made, True, 0, None, 20) | watch(made, True, 7, None, 1100)
    assert found == 0


def test_board_without_feedback_says_nothing():
    assert contactor(7, None, aux_contacts=False)[1] == 0
    assert contactor(0, None, on=True, aux_contacts=False)[1] == 0


# residual current monitor


def rcm_ok():
    made = Rcm()
    tripped = False
    for _ in range(20):
        assert made.tick(10, tripped, True, 10000) == 0
        tripped = made.test
    assert made.ok and not made.due and not made.test
    return made


def test_rcm_answer_and_release_within_250_ms():
    for answer_ms, release_ms, good in ((10, 10, True), (120, 110, True), (260, 0, False), (100, 160, False)):
        made = Rcm()
        found = 0
        tested_ms = freed_ms = 0
        for _ in range(100):
            tripped = tested_ms >= answer_ms if made.test else 0 < freed_ms <= release_ms
            found |= made.tick(10, tripped, not found, 10000)
            if made.test:
                tested_ms += 10
                freed_ms = 0
            elif tested_ms:
                freed_ms += 10
        assert made.ok == good and found == (0 if good else bit("RCM_TEST")), (answer_ms, release_ms)
        assert not made.test


def test_rcm_active_before_the_test():
    assert Rcm().tick(10, True, True, 10000) == bit("RCM_TEST")


def test_r1_debounce_to_the_millisecond():
    for pulse_ms, trips in ((1, False), (49, False), (51, True)):
        made = rcm_ok()
        found = 0
        for ms in range(200):
            found |= made.tick(1, ms < pulse_ms, False, 10000)
        assert found == (bit("RCM_TRIP") if trips else 0), pulse_ms


def test_r1_blanking_ends_at_200_ms():
    made = rcm_ok()
    for ms in range(0, 190, 10):
        assert made.tick(10, True, False, ms) == 0
    assert made.tick(10, True, False, 200) == bit("RCM_TRIP")


def test_rcm_daily_test():
    made = rcm_ok()
    made._since_ms = 86400000 - 100
    for _ in range(9):
        made.tick(10, False, False, 10000)
    assert not made.due
    made.tick(10, False, False, 10000)
    assert made.due == 1 and made.ok
    made._since_ms = 25 * 3600000 - 10
    made.tick(10, False, False, 10000)
    made.tick(10, False, False, 10000)
    assert made.due == 2


# proximity


def test_cables():
    for ohm, phases, expected in (
        (None, 3, 0), (0, 3, 0), (59, 3, 0), (79, 3, 0), (80, 3, 63000), (100, 1, 70000), (140, 3, 63000),
        (141, 3, 0), (164, 3, 32000), (220, 1, 32000), (308, 3, 32000), (309, 3, 0), (399, 3, 0), (400, 3, 20000),
        (936, 3, 20000), (937, 3, 0), (1100, 3, 13000), (1500, 3, 13000), (2460, 3, 13000), (2461, 3, 0),
        (4501, 3, 0), (1 << 20, 3, 0),
    ):
        assert cable_ma(ohm, phases) == expected, ohm


def proximity(made, ohm, connected, ms):
    found = 0
    for _ in range(ms // 10):
        found |= made.tick(10, ohm, connected)
    return found


def test_proximity_change_while_connected():
    for ohm in (None, 0, 350, 680, 1 << 20):
        made = Proximity(3)
        assert proximity(made, 220, False, 250) == 0 and made.ma == 32000
        assert proximity(made, 220, True, 5000) == 0
        assert proximity(made, ohm, True, 190) == 0
        assert proximity(made, ohm, True, 20) == bit("PROXIMITY")
        assert made.ma == 32000
        assert proximity(made, 220, True, 10) == 0


def test_proximity_may_come_late():
    made = Proximity(3)
    assert proximity(made, 1 << 20, False, 1000) == 0 and made.ma == 0
    assert proximity(made, 1 << 20, True, 500) == 0
    assert proximity(made, 680, True, 5000) == 0 and made.ma == 20000
    assert proximity(made, 1 << 20, False, 1000) == 0 and made.ma == 0


def test_proximity_unknown_while_connected_is_a_fault():
    made = Proximity(3)
    assert proximity(made, 30, True, 990) == 0
    assert proximity(made, 30, True, 20) == bit("PROXIMITY") and made.ma == 0


# temperature


def test_curve():
    curve = (550, 1000, 750, 400, 800, 0)
    for temperature_dc, permille in (
        (-400, 1000), (550, 1000), (551, 997), (650, 700), (750, 400), (775, 200), (799, 8), (800, 0), (900, 0),
    ):
        assert derate_permille(curve, temperature_dc) == permille, temperature_dc


def test_temperature_down_at_once_up_after_1_s():
    made = Temperature()
    assert made.permille == 0  # unknown at power-up
    for _ in range(99):
        made.tick(10, 250, 0)
    assert made.permille == 0
    made.tick(10, 250, 0)
    assert made.permille == 1000
    assert made.tick(10, 650, 0) == 0 and made.permille == 700
    made.tick(500, 640, 0)
    made.tick(400, 650, 0)  # not warmer than now: starts anew
    made.tick(900, 640, 0)
    assert made.permille == 700
    made.tick(100, 640, 0)
    assert made.permille == 730


def test_temperature_stale_counts_as_hot():
    for temperature_dc, age_ms in ((None, 0), (250, None), (250, 10000), (-401, 0), (1251, 0)):
        made = Temperature()
        made.tick(2000, 250, 0)
        made.tick(2000, 250, 0)
        assert made.permille == 1000 and not made.stale
        for _ in range(1000):
            made.tick(10, temperature_dc, age_ms)
        assert made.permille == 0 and made.stale


def test_temperature_over_the_curve():
    made = Temperature((400, 1000, 500, 500))
    assert made.tick(10, 500, 0) == 0
    assert made.tick(10, 501, 0) == bit("OVER_TEMPERATURE") and made.permille == 0


# meter


def overdraw(currents, age_ms=0, offered_ma=16000, ms=20000, charging=True, **ratings):
    given = Ratings()
    for name in ratings:
        setattr(given, name, ratings[name])
    made = Overdraw(given)
    shown = Readings()
    shown.current_ma = list(currents)
    shown.meter_age_ms = age_ms
    for passed_ms in range(10, ms + 1, 10):
        if made.tick(10, shown, charging, offered_ma):
            return made, passed_ms
    return made, None


def test_p11_limit_is_10_percent_above_half_an_ampere_more():
    assert overdraw((18150, 0, 0))[1] is None
    assert overdraw((18151, 0, 0))[1] == 7000
    assert overdraw((0, 0, 18151))[1] == 7000
    assert overdraw((0, 0, 99000), phases=1)[1] is None
    assert overdraw((99000, 0, 0), charging=False)[1] is None


def test_m1_unknown_is_never_0():
    for currents, age_ms in (
        ((None, 0, 0), 0), ((1000, 1000, None), 0), ((16000000, 0, 0), 0), ((-5000, 0, 0), 0), ((0, 0, 0), None),
        ((0, 0, 0), 10000),
    ):
        made, passed_ms = overdraw(currents, age_ms)
        assert made.unknown and passed_ms is None
    assert not overdraw((0, 0, 0))[0].unknown
    assert not overdraw((-5000, 0, 0), discharge=True)[0].unknown
    assert not overdraw((None, 0, 0), charging=False)[0].unknown
    assert not overdraw((None, 0, 0), ms=9900)[0].unknown


# faults


def test_kinds():
    for index in range(len(texts.FAULTS)):
        name = texts.FAULTS[index][0]
        events = Ring(16)
        made = Faults(events)
        assert made.tick(10, 1 << index, 0) == 1 << index and made.active == 1 << index
        assert events.pop()[:2] == (1, index)
        for _ in range(2999):
            made.tick(10, 0, 0)
        assert made.active == 1 << index
        made.tick(10, 0, 0)
        assert bool(made.active) == (name in ("WELD", "RCM_TRIP")), name
        if not made.active:
            assert events.pop()[:2] == (2, index)


def test_counted_faults_stay_the_fourth_time():
    for name in ("NOT_CLOSED", "DROPPED_OUT", "FEEDBACK", "RCM_TEST", "LOCK", "OVERDRAW"):
        made = Faults(Ring(16))
        for turn in range(4):
            made.tick(10, bit(name), 0)
            made.tick(20000, 0, 0)
            made.tick(20000, 0, 0)
            assert bool(made.active) == (turn == 3), (name, turn)
        made.reset(name == "RCM_TEST", False)
        assert made.active == 0 and made.latched == 0


def test_a_minute_of_charging_ends_the_count():
    made = Faults(Ring(16))
    for _ in range(10):
        made.tick(10, bit("DROPPED_OUT"), 0)
        made.tick(30000, 0, 0)
        made.tick(10, 0, 60000)
    assert made.active == 0


def test_a_condition_that_stays_does_not_heal():
    made = Faults(Ring(16))
    for _ in range(10):
        made.tick(10000, bit("PILOT_SHORT"), 0)
    assert made.active == bit("PILOT_SHORT")


def test_reset():
    everything = (1 << len(texts.FAULTS)) - 1
    made = Faults(Ring(64))
    made.tick(10, everything, 0)
    made.reset(False, True)
    assert texts.fault_names(made.active) == ["WELD", "RCM_TRIP", "RCM_TEST"]
    made.reset(True, False)
    assert made.active == made.latched == bit("WELD")
    made.reset(True, True)
    assert made.active == made.latched == 0


def test_names():
    assert texts.fault_names(0) == []
    assert texts.fault_names(bit("DIODE") | bit("LOCK")) == ["DIODE", "LOCK"]
    assert texts.warning_names(7) == ["TEMPERATURE_SENSOR", "METER", "UNLOCK"]


def test_led_patterns():
    for pattern in (0, 1, 2, 3, 4, 13, 14, 15, 16):
        shown = [led.brightness(pattern, ms) for ms in range(0, 7000, 10)]
        assert min(shown) >= 0 and 100 <= max(shown) <= 255, pattern
    for pattern in (13, 14, 15, 16):
        period = (pattern - 10) * 400 + 1200
        shown = [led.brightness(pattern, ms) for ms in range(0, period, 10)]
        rises = [at for at in range(1, len(shown)) if shown[at] > shown[at - 1]]
        assert len(rises) == pattern - 10 - 1 and shown[0] == 255  # the first blink begins with the period
