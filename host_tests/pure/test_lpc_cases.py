# heap: 512K
"""What testers of LPC 1.0.0 do to a controllable system (cases of its test specification 1.0.0 that a tester can see
over the wire), on the station's real device. ATC_COM_PT_CSFS_001 is `test_case_fs_001`, and so on."""

from host_tests.pure.spine_station import (
    CONFIGURATION, DELETE_PERIOD, ELECTRICAL, LOAD, PARTIAL, StationBox, active, failsafe, limit, read, until, watts,
)
from wallbox.limits import failsafe as lpc

DELETE = DELETE_PERIOD + "," + PARTIAL
HOUR_MS = 3600000
MOST_W = 22080  # of the box


def values(least, most):
    """APCL_01 to APCL_05 of a range that a vendor states: 5 % under, 5 % over each bound, and one between."""
    delta = (most - least) * 5 // 100
    return max(least - delta, 0), least + delta, (least + most) // 2, most - delta, most + delta


APCL_03 = values(0, MOST_W)[2]
REFUSED = limit(watts(-1000), active(True), filters=DELETE)  # MSG_14 with APCL_06


def write(box, number=None, on=None, end=None):
    """A write of the limit; end: a duration, "" to delete it."""
    elements = []
    if number is not None:
        elements.append(watts(number))
    if on is not None:
        elements.append(active(on))
    if end:
        elements.append(until(end))
    return box.write(limit(*elements, filters=DELETE if end == "" else PARTIAL))


def connected():
    """In init, bound, not heard yet."""
    box = StationBox()
    assert box.relate(to=LOAD) == 0 and box.relate(to=CONFIGURATION) == 0
    return box


def deactivated():
    box = connected()
    box.beat()
    assert write(box, APCL_03, False, "") == 0  # MSG_16
    assert box.lpc.state == lpc.UNLIMITED_CONTROLLED
    return box


def limited(end=""):
    box = deactivated()
    assert write(box, APCL_03, True, end) == 0
    assert box.lpc.state == lpc.LIMITED
    return box


def silent(box, state):
    """The guard falls silent for 120 s."""
    box.pass_ms(121000, 1000)
    assert box.lpc.state == state
    return box


def autonomous():
    return silent(connected(), lpc.UNLIMITED_AUTONOMOUS)


def test_ranges():
    assert values(0, 22080) == (0, 1104, 11040, 20976, 23184)
    assert values(4140, 22080) == (3243, 5037, 13110, 21183, 22977)


def test_case_connection_001_and_fs_001_and_rule_036_nothing_is_evaluated_90_s_after_a_heartbeat():
    for box in (connected(), silent(limited(), lpc.FAILSAFE), autonomous()):
        state = box.lpc.state
        box.beat()
        box.pass_ms(90000, 1000)
        assert write(box, APCL_03, False) == 7 and write(box, APCL_03, False, "") == 7
        assert box.write(failsafe(5000), to=CONFIGURATION) == 7
        assert box.write(failsafe(None, "PT3H"), to=CONFIGURATION) == 7
        assert box.lpc.state == state and not box.value()["isLimitActive"]
        box.beat()
        assert write(box, APCL_03, False) == 0
        assert box.lpc.state == lpc.UNLIMITED_CONTROLLED
        box.pass_ms(50000, 1000)
        box.beat()
        assert box.write(failsafe(5000), to=CONFIGURATION) == 0


def test_case_connection_003_and_rule_038_negative_failsafe_value():
    box = connected()
    box.beat()
    assert box.write(REFUSED) == 7 and box.lpc.state == lpc.UNLIMITED_CONTROLLED
    assert box.write(failsafe(-1000), to=CONFIGURATION) == 7
    assert box.write(failsafe(5000), to=CONFIGURATION) == 0


def test_case_connection_004_and_rule_037_duration_before_the_first_limit():
    box = connected()
    box.beat()
    assert box.write(failsafe(None, "PT3H"), to=CONFIGURATION) == 7
    assert write(box, APCL_03, False, "") == 0
    assert box.write(failsafe(None, "PT3H"), to=CONFIGURATION) == 0


def test_case_connection_006_and_007_values_with_5_per_cent_under_and_over_the_range():
    for number in values(0, MOST_W) + values(4140, MOST_W):
        box = deactivated()
        assert write(box, number, True, "") == 0  # MSG_14
        assert box.lpc.state == lpc.LIMITED and box.value()["value"] == {"number": number, "scale": 0}
        assert box.offered_ma() <= max(number, 0) * 1000 // 690
        assert (box.offered_ma() == 0) == (number < 4145)  # under 6 A on three phases, and 5 W of its own
    box = deactivated()
    assert write(box, -1000, True, "") == 7 and box.value()["value"]["number"] == APCL_03


def test_case_connection_008_failsafe_values_with_5_per_cent_under_and_over_the_range():
    box = deactivated()
    for number in values(0, MOST_W):
        assert box.write(failsafe(number), to=CONFIGURATION) == 0
        assert box.configured()[0] == number
    assert box.write(failsafe(-1000), to=CONFIGURATION) == 7 and box.configured()[0] == values(0, MOST_W)[4]
    assert box.write(failsafe(None, "PT1H54M"), to=CONFIGURATION) == 7 and box.configured()[1] == "PT2H"
    assert box.write(failsafe(None, "PT10H"), to=CONFIGURATION) == 0 and box.configured()[1] == "PT10H"
    assert box.write(failsafe(None, "PT25H12M"), to=CONFIGURATION) == 7 and box.configured()[1] == "PT24H"


def test_case_init_001_and_002_and_rule_021_what_a_vendor_sets():
    box = connected()
    assert not box.value()["isLimitActive"] and box.configured() == (4200, "PT2H") and box.offered_ma() == 6000
    box.beat()
    assert not box.value()["isLimitActive"] and box.lpc.state == lpc.INIT


def test_case_limited_001_refused_values_of_every_message_leave_the_limit():
    """MSG_01, 06, 08, 14, 15, 16, 17 with -1000 W."""
    box = limited()
    for on, end in ((None, None), (True, None), (None, ""), (True, ""), (True, "PT1M"), (False, ""), (False, "PT1M")):
        assert write(box, -1000, on, end) == 7
        assert box.lpc.state == lpc.LIMITED and box.value()["value"]["number"] == APCL_03
        assert "timePeriod" not in box.value()


def test_case_limited_002_writes_are_taken_90_s_after_a_heartbeat():
    box = limited()
    box.pass_ms(1000)
    box.beat()
    box.pass_ms(90000, 1000)
    assert write(box, APCL_03, True, "") == 0
    box.pass_ms(29000, 1000)
    box.beat()
    box.pass_ms(60000, 1000)
    assert box.lpc.state == lpc.LIMITED


def test_case_controlled_001_refused_values_leave_it_unlimited():
    box = deactivated()
    assert write(box, -1000, True) == 7 and write(box, -1000, True, "") == 7
    assert box.lpc.state == lpc.UNLIMITED_CONTROLLED and not box.value()["isLimitActive"]


def test_case_controlled_003_and_rule_041_nominal_maximum_of_a_device():
    rows = deactivated().ask("read", read("electricalConnectionCharacteristicListData"), to=ELECTRICAL)
    rows = rows["electricalConnectionCharacteristicData"]
    assert [(row["characteristicType"], row["value"]["number"]) for row in rows] == [
        ("powerConsumptionNominalMax", MOST_W)]


def test_case_fs_002_and_ts_012_failsafe_lasts_the_minimum():
    box = silent(limited(), lpc.FAILSAFE)
    box.pass_ms(2 * HOUR_MS - 5000, 10000)
    assert box.lpc.state == lpc.FAILSAFE
    box.pass_ms(6000)
    assert box.lpc.state == lpc.UNLIMITED_AUTONOMOUS


def test_case_fs_003_and_rule_009_2_duration_in_failsafe_is_refused():
    box = silent(limited(), lpc.FAILSAFE)
    assert not box.value()["isLimitActive"]
    box.beat()
    assert box.write(failsafe(None, "PT3H"), to=CONFIGURATION) == 7 and box.lpc.state == lpc.FAILSAFE


def test_case_autonomous_002_and_rule_010_never_above_the_nominal_maximum():
    box = autonomous()
    assert not box.value()["isLimitActive"] and box.offered_ma() * 690 <= MOST_W * 1000


def test_case_transition_1_init_to_unlimited_controlled():
    for on, end, number, error in ((True, "", -1000, 7), (False, "", APCL_03, 0), (False, "PT1M", APCL_03, 0)):
        box = connected()
        box.beat()
        assert write(box, number, on, end) == error
        assert box.lpc.state == lpc.UNLIMITED_CONTROLLED


def test_case_transition_2_init_to_limited():
    for number in values(0, MOST_W)[1:4]:
        box = connected()
        box.beat()
        assert write(box, number, True, "PT1M") == 0
        assert box.lpc.state == lpc.LIMITED and box.value()["timePeriod"] == {"endTime": "PT60S"}


def test_case_transition_3_init_to_unlimited_autonomous():
    for beats in (0, 1):
        box = connected()
        if beats:
            box.beat()
        box.pass_ms(119000, 1000)
        assert box.lpc.state == lpc.INIT
        box.pass_ms(2000)
        assert box.lpc.state == lpc.UNLIMITED_AUTONOMOUS


def test_case_transition_4_unlimited_controlled_to_limited():
    box = deactivated()
    assert write(box, None, True) == 0  # MSG_02: the value of before
    assert box.lpc.state == lpc.LIMITED and box.lpc.limit_w() == APCL_03


def test_case_transitions_5_and_7_to_failsafe():
    silent(deactivated(), lpc.FAILSAFE)
    box = silent(limited(), lpc.FAILSAFE)
    assert box.offered_ma() == 6000


def test_case_transition_6_limited_to_unlimited_controlled():
    box = limited("PT1M")
    box.keep_alive(59000)
    assert box.lpc.state == lpc.LIMITED
    box.keep_alive(2000)
    assert box.lpc.state == lpc.UNLIMITED_CONTROLLED and not box.value()["isLimitActive"]
    box = limited()
    assert write(box, None, False) == 0  # MSG_03
    assert box.lpc.state == lpc.UNLIMITED_CONTROLLED


def test_case_transitions_8_9_11_and_12_out_of_failsafe_and_autonomous():
    for begin in (lambda: silent(limited(), lpc.FAILSAFE), autonomous):
        for number, on, error, state in ((-1000, True, 7, lpc.UNLIMITED_CONTROLLED),
                                         (APCL_03, False, 0, lpc.UNLIMITED_CONTROLLED),
                                         (APCL_03, True, 0, lpc.LIMITED)):
            box = begin()
            box.beat()
            assert write(box, number, on, "") == error
            assert box.lpc.state == state


def test_case_transition_10_failsafe_to_unlimited_autonomous():
    box = silent(limited(), lpc.FAILSAFE)
    box.keep_alive(119000)
    assert box.lpc.state == lpc.FAILSAFE
    box.keep_alive(2000)
    assert box.lpc.state == lpc.UNLIMITED_AUTONOMOUS
