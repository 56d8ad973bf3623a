# heap: 512K
"""Cars and stations of every kind as a SPINE entity: one, two, three phases, what a modem tells in the middle of a
session, limits beyond what cable and board bear."""

from host_tests.pure.spine_station import LOAD, NODE, active, limit, read, watts
from host_tests.pure.test_spine_map_ev import CAR_LOAD, ELECTRICAL, MEASUREMENT, CarBox, cases

CONFIGURATION = ((1, 1), 1)


def joined(box):
    """The ids that descriptions, constraints, parameters and values of measurements have: {list: ids}."""
    found = {}
    for function, entry in (("measurementDescriptionListData", "measurementDescriptionData"),
                            ("measurementConstraintsListData", "measurementConstraintsData"),
                            ("measurementListData", "measurementData")):
        found[entry] = [row["measurementId"] for row in box.list(function, MEASUREMENT, entry)]
    rows = box.list("electricalConnectionParameterDescriptionListData", ELECTRICAL,
                    "electricalConnectionParameterDescriptionData")
    found["phases"] = [(row["measurementId"], row["acMeasuredPhases"]) for row in rows[1:]]
    return found


def test_pitfall_29_one_feature_of_a_type_on_the_car():
    box = CarBox(ev_data=True)
    box.identification.learn({"eui48": "0123456789ab", "vendor": "Maker"})
    box.pass_ms(100)
    rows = box.ask("read", read("nodeManagementDetailedDiscoveryData"), to=NODE)["featureInformation"]
    rows = [each["description"] for each in rows if each["description"]["featureAddress"]["entity"] == [1, 1]]
    assert {each["role"] for each in rows} == {"server"}
    assert [(each["featureType"], each["supportedFunction"][-1]["function"]) for each in rows] == [
        ("DeviceConfiguration", "deviceConfigurationKeyValueListData"), ("DeviceDiagnosis", "deviceDiagnosisStateData"),
        ("ElectricalConnection", "electricalConnectionCharacteristicListData"), ("Measurement", "measurementListData"),
        ("LoadControl", "loadControlLimitListData"), ("TimeSeries", "timeSeriesListData"),
        ("IncentiveTable", "incentiveTableData"), ("Setpoint", "setpointListData"),
        ("Identification", "identificationListData"),
        ("DeviceClassification", "deviceClassificationManufacturerData")]


def test_pitfall_4_everything_described_has_a_value_a_range_and_a_parameter():
    for phases, ids in ((3, [1, 2, 3, 4, 5, 6, 7, 8]), (2, [1, 2, 4, 5, 7, 8]), (1, [1, 4, 7, 8])):
        box = CarBox(phases=phases)
        box.meter(power_w=3680, energy_wh=1500, current_ma=(16000, 0, 0))
        box.pass_ms(1000)
        found = joined(box)
        assert found["measurementDescriptionData"] == found["measurementConstraintsData"] == ids
        assert found["measurementData"] == ids
        every = "abc"[:phases]
        assert found["phases"] == [(each, every[(each - 1) % 3] if each < 7 else every) for each in ids]


def test_limits_and_permitted_currents_are_those_of_the_phases_there_are():
    for phases in (1, 2, 3):
        box = CarBox(phases=phases).owner()
        limits = [each + 1 for each in range(phases)]
        assert [row["limitId"] for row in box.car_limits()] == limits + [each + 3 for each in limits]
        rows = box.list("loadControlLimitDescriptionListData", CAR_LOAD, "loadControlLimitDescriptionData")
        assert [row["limitId"] for row in rows] == limits + [each + 3 for each in limits]
        assert [row["measurementId"] for row in rows] == limits * 2
        rows = box.list("electricalConnectionPermittedValueSetListData", ELECTRICAL,
                        "electricalConnectionPermittedValueSetData")
        assert [row["parameterId"] for row in rows] == [0] + limits
        assert box.phases([(10, 0)] * phases) == 0 and box.offered_ma() == 10000
        assert box.phases([(9, 0)] * phases, first=4) == 0 and box.offered_ma() == 9000
        if phases < 3:
            assert box.phases([(8, 0)] * (phases + 1)) == 7  # no such phase: nothing of it counts
            assert box.offered_ma() == 9000


def charging(box, used):
    """A car that draws 16 A on so many phases."""
    box.meter(power_w=3680 * used, energy_wh=1000, current_ma=[16000] * used + [0] * (3 - used))
    box.station.guard.out.contactor = True
    box.pass_ms(11000)


def test_pitfall_23_cars_with_two_phases_and_one():
    for used in (3, 2, 1):
        box = CarBox().owner()
        charging(box, used)
        row = box.list("electricalConnectionDescriptionListData", ELECTRICAL, "electricalConnectionDescriptionData")[0]
        assert row["acConnectedPhases"] == used
        rows = box.list("measurementListData", MEASUREMENT, "measurementData")
        assert [row["value"]["number"] for row in rows[:3]] == [16000] * used + [0] * (3 - used)
        values = [(16, 0), (12, 0), (8, 0)]
        box.sign()
        assert box.phases(values) == 0
        assert box.offered_ma() == (16000, 12000, 8000)[used - 1]  # of the phases that it uses, the least
        assert box.write(limit(watts(6905), active(True)), to=LOAD) == 0
        assert box.offered_ma() == min(30000 // used, 16000 - 4000 * (used - 1))


def test_limits_beyond_the_cable_and_the_board():
    box = CarBox().owner()
    for cable_ma in (None, 20000, 13000):
        box.station.guard.cable_ma = cable_ma
        most = cable_ma or 32000
        for amperes in (6, 13, 20, 32, 63, 1000):
            assert box.phases([(amperes, 0)] * 3) == 0
            assert box.offered_ma() == min(amperes * 1000, most)
        rows = box.list("electricalConnectionPermittedValueSetListData", ELECTRICAL,
                        "electricalConnectionPermittedValueSetData")
        assert rows[1]["permittedValueSet"][0]["range"][0]["max"] == {"number": most, "scale": -3}


def test_pitfall_24_permitted_currents_are_told_when_they_change_only():
    box = CarBox()
    box.subscribe(to=ELECTRICAL)
    box.told()
    box.pass_ms(60000, 1000)
    assert box.told() == []
    box.station.guard.cable_ma = 20000
    box.pass_ms(1000)
    news = [function for _, function, _ in box.told()]
    assert news == ["electricalConnectionPermittedValueSetListData", "electricalConnectionCharacteristicListData"]
    box.pass_ms(60000, 1000)
    assert box.told() == []


def test_pitfall_22_a_standard_that_a_modem_tells_is_notified_and_the_limits_stay():
    box = CarBox().owner()
    box.subscribe(to=CONFIGURATION)
    box.subscribe(to=NODE)
    box.told()
    assert box.phases([(10, 0)] * 3) == 0
    box.told()
    assert box.identification.learn({"standard": "iso15118-2ed2", "asymmetric": True}) is None
    box.pass_ms(300)
    (news,) = box.told()
    assert news[:2] == ("notify", "deviceConfigurationKeyValueListData")
    assert [row["value"] for row in news[2]["deviceConfigurationKeyValueData"]] == [
        {"string": "iso15118-2ed2"}, {"boolean": True}]
    assert box.offered_ma() == 10000 and box.phases([(11, 0)] * 3) == 0  # still bound


def test_pitfall_22_the_standard_stands_before_the_limits():
    box = CarBox()
    rows = box.ask("read", '[[{"nodeManagementDetailedDiscoveryData":[]}]]', to=NODE)["featureInformation"]
    kinds = [row["description"]["featureType"] for row in rows
             if row["description"]["featureAddress"]["entity"] == [1, 1]]
    assert kinds.index("DeviceConfiguration") < kinds.index("LoadControl")


def test_more_that_is_known_of_the_same_car_shows_it_anew_and_its_limits_stay():
    box = CarBox().owner()
    assert box.phases([(10, 0)] * 3) == 0
    box.identification.learn({"eui48": "0123456789ab"})
    box.pass_ms(100)
    assert box.offered_ma() == 10000 and box.binding() == "overload protection"
    assert box.phases([(11, 0)] * 3) == 9  # the entity is a new one: bind again
    box.living(10000)
    assert box.offered_ma() == 10000
    box.pass_ms(4100)
    assert box.offered_ma() == 6000  # its EMS is still watched
    box.owner()
    assert box.offered_ma() == 10000 and box.phases([(11, 0)] * 3) == 0 and box.offered_ma() == 11000


def test_evsoc_3_and_4_state_of_health_and_range_once_they_are_known():
    box = CarBox()
    assert "evStateOfCharge" not in cases(box)
    for wrong in ({"soh": 101}, {"soh": "97"}, {"range_m": -1}, {"soh": True}):
        assert box.identification.learn(wrong) is not None
    assert box.identification.learn({"soh": 97}) is None
    box.pass_ms(100)
    assert cases(box)["evStateOfCharge"] == ("EV", [1, 1], [3])
    assert box.identification.learn({"range_m": 250000}) is None
    box.pass_ms(100)
    assert cases(box)["evStateOfCharge"] == ("EV", [1, 1], [3, 4])
    kinds = {row["measurementId"]: row for row in
             box.list("measurementDescriptionListData", MEASUREMENT, "measurementDescriptionData")}
    assert kinds[10] == {"measurementId": 10, "measurementType": "percentage", "unit": "pct",
                         "scopeType": "stateOfHealth"}
    assert kinds[11] == {"measurementId": 11, "measurementType": "distance", "unit": "m", "scopeType": "travelRange"}
    box.subscribe(to=MEASUREMENT)
    box.pass_ms(1000)
    box.told()
    assert box.identification.learn({"range_m": 249000}) is None  # a new number: told, nothing begins anew
    box.pass_ms(1000)
    (news,) = box.told()
    values = {row["measurementId"]: row["value"]["number"] for row in news[2]["measurementData"]}
    assert values[10] == 97 and values[11] == 249000
    box.unplug()
    box.plug()
    assert "evStateOfCharge" not in cases(box)
    assert cases(CarBox(ev_data=True))["evStateOfCharge"][2] == [1, 2]


def test_two_ems_each_with_what_it_bound():
    """A control box limits the station, an energy manager the car: each has its own relations, and one may leave."""
    box = CarBox()
    manager = box.connect()
    assert box.relate(to=CAR_LOAD, peer=manager) == 0
    box.beat(peer=manager)
    assert box.relate(to=CAR_LOAD) == 7 and box.relate(to=LOAD, peer=manager) == 7
    cmd = limit('{"limitId":1},{"isLimitActive":true},{"value":[{"number":9},{"scale":0}]}', key=None)
    assert box.write(cmd, to=CAR_LOAD, peer=manager) == 0 and box.offered_ma() == 9000
    assert box.write(limit(watts(5000), active(True))) == 0 and box.offered_ma() == 7200
    assert box.write(limit(watts(1000)), peer=manager) == 9 and box.write(cmd, to=CAR_LOAD) == 9
    assert box.write(limit(active(False))) == 0 and box.offered_ma() == 9000
    manager.close()
    box.pass_ms(100)
    assert box.offered_ma() == 6000 and box.binding() == "overload protection"  # its fallback
    assert box.write(limit(watts(9000), active(True))) == 0
