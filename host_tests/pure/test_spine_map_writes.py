# heap: 512K
"""5.2.16 Power_Limit and 5.2.6 Device_Configuration on SPINE: every form of a write, on the station's real device."""

from host_tests.pure.spine_station import (
    CLASSIFICATION, CONFIGURATION, DELETE_PERIOD, DIAGNOSIS, ELECTRICAL, LOAD, MEASUREMENT, PARTIAL, StationBox,
    active, failsafe, limit, until, watts,
)

DELETE = DELETE_PERIOD + "," + PARTIAL


def ends_ms(box):
    return None if box.lpc.end_ms is None else box.lpc.end_ms - box.now


def test_rule_002_all_17_combinations_as_partial_writes():
    """{value, -} x {activate, deactivate, -} x {duration set, deleted, kept} but the empty one, from both states."""
    count = 0
    for number in (None, 7000):
        for on in (None, True, False):
            for filters, duration in ((PARTIAL, None), (DELETE, None), (PARTIAL, "PT10M")):
                if number is None and on is None and duration is None and filters is PARTIAL:
                    continue
                count += 1
                for before in (True, False):
                    box = StationBox().limited(6000, until("PT15M"))
                    if not before:
                        assert box.write(limit(active(False))) == 0
                    members = []
                    if number is not None:
                        members.append(watts(number))
                    if on is not None:
                        members.append(active(on))
                    if duration:
                        members.append(until(duration))
                    box.pass_ms(10000)
                    assert box.write(limit(*members, filters=filters)) == 0
                    seen = box.value()
                    expected = before if on is None else on
                    assert seen["isLimitActive"] is expected
                    assert seen["value"] == {"number": 6000 if number is None else number, "scale": 0}
                    end = "PT10M" if duration else None if filters is DELETE else "PT14M50S"
                    assert seen.get("timePeriod") == (end and {"endTime": end})
                    assert box.lpc.limit_w() == (seen["value"]["number"] if expected else None)
                    assert (box.binding() == "consumption limit") is expected
    assert count == 17


def test_delete_filter_without_new_data():
    for members in (("",), ()):
        box = StationBox().limited(6000, until("PT15M"))
        cmd = limit(filters=DELETE_PERIOD, key=None)
        if not members:
            cmd = cmd.replace('{"loadControlLimitData":[[]]}', "")
        assert box.write(cmd) == 0
        assert "timePeriod" not in box.value() and box.value()["isLimitActive"]


def test_delete_filter_that_takes_away_more_than_the_period_is_refused():
    box = StationBox().limited(6000, until("PT15M"))
    for element in ("value", "isLimitActive"):
        filters = DELETE_PERIOD.replace("timePeriod", element)
        assert box.write(limit(filters=filters, key=None)) == 7
    selectors_only = DELETE_PERIOD[: DELETE_PERIOD.index(',{"loadControlLimitDataElements')] + "]"
    assert box.write(limit(filters=selectors_only, key=None)) == 7
    assert box.value()["timePeriod"] == {"endTime": "PT15M"} and box.lpc.limit_w() == 6000


def test_full_write_replaces_all():
    box = StationBox().limited(6000, until("PT15M"))
    assert box.write(limit(watts(5000), active(True), filters=None)) == 0
    assert box.value() == {"limitId": 0, "isLimitChangeable": True, "isLimitActive": True,
                           "value": {"number": 5000, "scale": 0}}
    for members in ((active(True),), (watts(3000),)):  # not a whole limit
        assert box.write(limit(*members, filters=None)) == 7
    assert box.lpc.limit_w() == 5000


def test_pitfall_36_optional_elements_missing_unknown_elements_and_any_order():
    box = StationBox().limited(6000)
    strange = '{"strange":[{"value":[{"number":1},{"scale":0}]}]}'
    assert box.write(limit(strange, '{"isLimitActiv":true}', watts(5000), strange)) == 0
    assert box.lpc.limit_w() == 5000
    assert box.write(limit(active(False), '{"limitId":0}', strange, key=None)) == 0
    assert box.value()["isLimitActive"] is False and box.value()["value"]["number"] == 5000
    assert box.write(limit(active(True), key=None)) == 0  # without id: all entries
    assert box.lpc.limit_w() == 5000


def test_rule_001_rule_003_and_pitfall_8_negative_limit_is_refused():
    box = StationBox().limited(6000)
    for number, scale in ((-1000, 0), (-1, 0), (-1, -4), (-5, 3)):
        assert box.write(limit(watts(number, scale), active(True))) == 7
        assert box.value()["value"]["number"] == 6000 and box.value()["isLimitActive"]


def test_rule_914_zero_is_a_limit_and_pauses():
    box = StationBox().limited(0)
    assert box.value()["value"] == {"number": 0, "scale": 0} and box.offered_ma() == 0


def test_values_over_the_range_are_taken():
    """max + delta of the range [0, nominal maximum], and what no number of watts needs."""
    box = StationBox().limited(22080 * 105 // 100)
    assert box.value()["value"]["number"] == 23184
    assert box.offered_ma() == 32000
    assert box.write(limit(watts(9223372036854775807, 100))) == 0
    assert box.value()["value"] == {"number": 1000000000, "scale": 0}
    assert box.offered_ma() == 32000


def test_pitfall_26_and_pitfall_34_scales_in_integers():
    box = StationBox().limited(6000)
    for number, scale, want in ((96906, -4, 9), (65, 2, 6500), (42, 2, 4200), (4200000, -3, 4200), (1, 127, 10**9),
                                (1, -128, 0)):
        assert box.write(limit(watts(number, scale))) == 0
        assert box.value()["value"] == {"number": want, "scale": 0}, (number, scale)
    assert box.write(limit(watts(5000, None))) == 0  # the stored scale is 0
    assert box.value()["value"] == {"number": 5000, "scale": 0}


def test_pitfall_9_duration_zero():
    for zero in ("PT0S", "P0D", "-PT0S"):
        box = StationBox().limited(6000)
        assert box.write(limit(until(zero))) == 0
        assert box.value()["isLimitActive"] is False and "timePeriod" not in box.value()
        box = StationBox().limited(6000)
        assert box.write(limit(watts(1000), active(True), until(zero))) == 0  # ignored
        assert box.lpc.limit_w() == 6000 and box.value()["isLimitActive"]


def test_rule_004_duration_forms():
    box = StationBox().limited(6000)
    for text, seconds in (("PT15M", 900), ("P1W", 604800), ("P1DT2H", 93600), ("PT90S", 90), ("PT1.5S", 1.5),
                          ("P1M", 2592000), ("P0Y0M0DT1H", 3600), ("2026-11-23T06:21:57Z", 600),
                          ("2026-11-23T07:21:57.5+01:00", 600)):
        assert box.write(limit(until(text))) == 0, text
        assert ends_ms(box) == seconds * 1000, text
    left = ends_ms(box)
    for text in ("-PT1H", "PT", "15M", "", "yesterday", "2026-13-01T00:00:00Z"):
        assert box.write(limit(watts(1000), until(text))) == 7, text
        assert ends_ms(box) == left and box.lpc.limit_w() == 6000, text


def test_absolute_end_in_the_past_deactivates():
    box = StationBox().limited(6000)
    assert box.write(limit(until("2026-11-23T06:11:00Z"))) == 0
    assert box.value()["isLimitActive"] is False


def test_absolute_end_without_a_clock_is_refused():
    box = StationBox().limited(6000)
    box.clock.start_s = None
    assert box.write(limit(watts(1000), until("2026-11-23T06:21:57Z"))) == 7
    assert box.lpc.limit_w() == 6000 and ends_ms(box) is None


def test_rule_007_read_back_counts_down_and_expiry_is_told():
    box = StationBox().limited(6000, until("PT2H"))
    box.subscribe(LOAD)
    box.keep_alive(1000)
    assert box.value()["timePeriod"] == {"endTime": "PT1H59M59S"}
    assert box.told() == []
    box.keep_alive(7198000)
    assert box.value()["timePeriod"] == {"endTime": "PT1S"} and box.offered_ma() == 8600
    box.pass_ms(1500)
    (notified,) = box.told()
    assert notified[:2] == ("notify", "loadControlLimitListData")
    assert notified[2]["loadControlLimitData"][0]["isLimitActive"] is False
    assert box.offered_ma() == 32000


def test_is_limit_changeable_is_not_for_the_ems_to_change():
    box = StationBox().limited(6000)
    assert box.write(limit('{"isLimitChangeable":false}', watts(5000))) == 7
    assert box.lpc.limit_w() == 6000
    assert box.write(limit('{"isLimitChangeable":true}', watts(5000))) == 0
    assert box.value()["isLimitChangeable"] is True and box.lpc.limit_w() == 5000


def test_pitfall_26_wrong_ids_and_several_rows_change_nothing():
    box = StationBox().limited(6000)
    two = limit(watts(5000)).replace("[[{\"limitId\"", "[[{\"limitId\":0},%s],[{\"limitId\"" % active(False))
    for cmd in (limit(watts(5000), key='{"limitId":1}'), two.replace('"limitId":0},{"value"', '"limitId":1},{"value"')):
        assert box.write(cmd) == 7
        assert box.lpc.limit_w() == 6000 and box.value()["isLimitActive"]


def test_write_without_binding_is_error_9_and_second_binding_is_refused():
    box = StationBox().limited(6000)
    other = box.connect()
    assert box.relate(to=LOAD, peer=other) == 7
    box.beat(peer=other)
    assert box.write(limit(watts(1000)), peer=other) == 9
    assert box.write(limit(watts(1000)), source=((1,), 2)) == 9  # another feature of the bound EMS
    assert box.lpc.limit_w() == 6000
    assert box.relate(to=LOAD) == 0  # again
    assert box.relate(to=LOAD, delete=True) == 0
    assert box.write(limit(watts(1000))) == 9
    assert box.relate(to=LOAD, peer=other) == 0  # the place is free
    assert box.write(limit(watts(2000)), peer=other) == 0
    assert box.lpc.limit_w() == 2000


def test_write_to_what_is_read_only():
    box = StationBox().bound()
    for to in (CLASSIFICATION, DIAGNOSIS, ELECTRICAL, MEASUREMENT):
        assert box.relate(to=to) == 0
    for function, to in (
        ("deviceClassificationManufacturerData", CLASSIFICATION),
        ("deviceDiagnosisStateData", DIAGNOSIS),
        ("deviceDiagnosisHeartbeatData", DIAGNOSIS),
        ("loadControlLimitDescriptionListData", LOAD),
        ("deviceConfigurationKeyValueDescriptionListData", CONFIGURATION),
        ("electricalConnectionParameterDescriptionListData", ELECTRICAL),
        ("electricalConnectionDescriptionListData", ELECTRICAL),
        ("electricalConnectionCharacteristicListData", ELECTRICAL),
        ("measurementDescriptionListData", MEASUREMENT),
        ("measurementConstraintsListData", MEASUREMENT),
        ("measurementListData", MEASUREMENT),
    ):
        assert box.write('[[{"%s":[]}]]' % function, to=to) == 6, function


def test_failsafe_values_are_written_read_and_told():
    box = StationBox().controlled()
    box.subscribe(CONFIGURATION)
    box.told()
    assert box.write(failsafe(5000, "PT3H"), to=CONFIGURATION) == 0
    assert box.configured() == (5000, "PT3H")
    (notified,) = box.told()
    assert notified[1] == "deviceConfigurationKeyValueListData"
    assert box.write(failsafe(65, scale=2), to=CONFIGURATION) == 0
    assert box.configured() == (6500, "PT3H")
    assert box.write(failsafe(4300, "PT4H", filters=None), to=CONFIGURATION) == 0
    assert box.configured() == (4300, "PT4H")
    assert box.station.written
    box.now += 1000
    assert len(box.told()) == 1
    assert box.write(failsafe(4300), to=CONFIGURATION) == 0
    assert box.told() == []  # nothing changed


def test_rule_021_failsafe_limit_range():
    box = StationBox().controlled()
    for number, error in ((0, 0), (22080, 0), (23184, 0), (-1000, 7), (-1, 7)):
        before = box.configured()[0]
        assert box.write(failsafe(number), to=CONFIGURATION) == error
        assert box.configured()[0] == (before if error else number)


def test_rule_022_failsafe_duration_range():
    box = StationBox().controlled()
    for text, error in (("PT2H", 0), ("PT24H", 0), ("P1D", 0), ("PT1H54M", 7), ("PT7199S", 7), ("PT0S", 7),
                        ("-PT3H", 7), ("2026-11-23T09:11:57Z", 7), ("PT2H1S", 0)):
        before = box.configured()[1]
        assert box.write(failsafe(None, text), to=CONFIGURATION) == error, text
        assert box.configured()[1] == (before if error else "PT24H" if text == "P1D" else text)


def test_rule_022_5_over_the_own_maximum_sets_the_maximum_and_refuses():
    box = StationBox().controlled()
    box.subscribe(CONFIGURATION)
    box.told()
    box.station.written = False
    assert box.write(failsafe(None, "PT25H12M"), to=CONFIGURATION) == 7
    assert box.configured()[1] == "PT24H" and box.station.written
    assert len(box.told()) == 1


def test_pitfall_26_failsafe_values_all_or_nothing():
    box = StationBox().controlled()
    before = box.configured()
    for limit_w, duration in ((5000, "PT1H"), (-1, "PT3H"), (5000, "PT25H")):
        assert box.write(failsafe(limit_w, duration), to=CONFIGURATION) == 7
        assert box.configured() == before
    wrong = failsafe(5000, "PT3H").replace('"keyId":1', '"keyId":7')
    swapped = failsafe(5000, "PT3H").replace('"keyId":1', '"keyId":2').replace('"keyId":0', '"keyId":1')
    empty = failsafe(5000, "PT3H").replace('{"scaledNumber":[{"number":5000},{"scale":0}]}', "")
    for cmd in (wrong, swapped, empty):
        assert box.write(cmd, to=CONFIGURATION) == 7
        assert box.configured() == before


def test_rule_037_configuration_before_the_first_limit_is_refused():
    box = StationBox().bound()
    before = box.configured()
    assert box.write(failsafe(5000, "PT3H"), to=CONFIGURATION) == 7
    assert box.configured() == before
    assert box.write(limit(active(False))) == 0
    assert box.write(failsafe(5000, "PT3H"), to=CONFIGURATION) == 0
    box.pass_ms(120000)
    assert box.lpc.limit_w() == 5000  # failsafe
    assert box.write(failsafe(6000), to=CONFIGURATION) == 7
    assert box.configured() == (5000, "PT3H")
