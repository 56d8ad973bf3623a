# heap: 512K
"""What the station tells over SPINE: device tree, MPC, characteristics, state, manufacturer, its own heartbeat."""

from host_tests.pure.spine_box import EMS_DISCOVERY, HEARTBEAT_DATA
from host_tests.pure.spine_station import (
    CLASSIFICATION, CONFIGURATION, DIAGNOSIS, ELECTRICAL, LOAD, MEASUREMENT, NODE, WATCH, StationBox, active, limit,
    read, watts,
)
from wallbox.clock import Clock

RESULT = '[[{"resultData":[{"errorNumber":%d}]}]]'
CHARGING = {"power_w": 11040, "energy_wh": 12345, "current_ma": (16000, 15900, 16100),
            "voltage_mv": (230100, 229900, 231000), "frequency_mhz": 49980}


def rows(box, function, to):
    """The entries of a list; every one must be there and none empty."""
    data = box.ask("read", read(function), to=to)
    (entries,) = data.values()
    assert all(entries)
    return entries


def measured(box):
    """{(scopeType, acMeasuredPhases): value in its unit * 1000}."""
    kinds = {row["measurementId"]: row for row in rows(box, "measurementDescriptionListData", MEASUREMENT)}
    phases = {row["measurementId"]: row["acMeasuredPhases"]
              for row in rows(box, "electricalConnectionParameterDescriptionListData", ELECTRICAL)}
    found = {}
    for row in rows(box, "measurementListData", MEASUREMENT):
        name = kinds[row["measurementId"]]["scopeType"], phases[row["measurementId"]]
        assert name not in found and row["valueState"] == "normal" and row["valueType"] == "value"
        assert row["valueSource"] == "measuredValue" and row["timestamp"] == "2026-11-23T06:11:57Z"
        found[name] = row["value"]["number"] * 10 ** (3 + row["value"]["scale"])
    return found


def test_pitfall_21_use_cases_under_their_actor_and_entity():
    box = StationBox()
    told = box.ask("read", read("nodeManagementUseCaseData"), to=NODE)["useCaseInformation"]
    want = (("EVSE", "evseCommissioningAndConfiguration", "1.0.1", [1, 2]),
            ("ControllableSystem", "limitationOfPowerConsumption", "1.0.0", [1, 2, 3, 4]),
            ("MonitoredUnit", "monitoringOfPowerConsumption", "1.0.0", [1, 2, 3, 4, 5]))
    assert len(told) == 3
    for row, (actor, name, version, scenarios) in zip(told, want):
        assert row["actor"] == actor and row["address"] == {"device": "d:_n:BOX", "entity": [1]}
        assert row["useCaseSupport"] == [
            {"useCaseName": name, "useCaseVersion": version, "useCaseAvailable": True, "scenarioSupport": scenarios,
             "useCaseDocumentSubRevision": "release"}]


def test_pitfall_29_one_feature_of_a_type_and_role_and_what_each_can_do():
    box = StationBox()
    told = box.ask("read", read("nodeManagementDetailedDiscoveryData"), to=NODE)
    seen = {}
    for row in told["featureInformation"]:
        row = row["description"]
        address = row["featureAddress"]
        key = (tuple(address["entity"]), row["featureType"], row["role"])
        assert key not in seen
        seen[key] = {each["function"]: each["possibleOperations"] for each in row.get("supportedFunction", ())}
    evse = [key[1:] for key in seen if key[0] == (1,)]
    assert sorted(evse) == [
        ("DeviceClassification", "server"), ("DeviceConfiguration", "server"), ("DeviceDiagnosis", "client"),
        ("DeviceDiagnosis", "server"), ("ElectricalConnection", "server"), ("LoadControl", "server"),
        ("Measurement", "server")]
    assert ((0,), "DeviceClassification", "server") in seen
    partial = {"read": [], "write": {"partial": []}}
    assert seen[(1,), "LoadControl", "server"]["loadControlLimitListData"] == partial
    assert seen[(1,), "DeviceConfiguration", "server"]["deviceConfigurationKeyValueListData"] == partial
    for key in seen:
        for name in seen[key]:
            if name not in ("loadControlLimitListData", "deviceConfigurationKeyValueListData"):
                assert "write" not in seen[key][name]
    entities = [(row["description"]["entityAddress"]["entity"], row["description"]["entityType"])
                for row in told["entityInformation"]]
    assert entities == [([0], "DeviceInformation"), ([1], "EVSE")]


def test_pitfall_4_every_read_is_answered_with_whole_data():
    box = StationBox()
    told = box.ask("read", read("nodeManagementDetailedDiscoveryData"), to=NODE)
    count = 0
    for row in told["featureInformation"]:
        row = row["description"]
        if row["role"] == "client":
            continue
        to = (tuple(row["featureAddress"]["entity"]), row["featureAddress"]["feature"])
        for each in row["supportedFunction"]:
            if "read" in each["possibleOperations"]:
                counter = box.tell("read", read(each["function"]), to=to)
                text = box.text()
                assert b'"msgCounterReference":%d' % counter in text and b"[[]]" not in text, text
                if to != NODE:
                    assert b'Data":[]' not in text, text
                count += 1
    assert count > 15


def test_power_limit_description():
    assert rows(StationBox(), "loadControlLimitDescriptionListData", LOAD) == [
        {"limitId": 0, "limitType": "signDependentAbsValueLimit", "limitCategory": "obligation",
         "limitDirection": "consume", "measurementId": 0, "unit": "W", "scopeType": "activePowerLimit"}]


def test_failsafe_descriptions():
    assert rows(StationBox(), "deviceConfigurationKeyValueDescriptionListData", CONFIGURATION) == [
        {"keyId": 0, "keyName": "failsafeConsumptionActivePowerLimit", "valueType": "scaledNumber", "unit": "W"},
        {"keyId": 1, "keyName": "failsafeDurationMinimum", "valueType": "duration"}]


def test_mpc_1_to_5_on_three_phases():
    box = StationBox()
    box.meter(**CHARGING)
    box.pass_ms(0)
    total_wh = box.station.energy.total_wh
    assert measured(box) == {
        ("acPowerTotal", "abc"): 11040000,
        ("acPower", "a"): 3681000, ("acPower", "b"): 3655000, ("acPower", "c"): 3719000,
        ("acEnergyConsumed", "abc"): total_wh * 1000, ("acEnergyProduced", "abc"): 0,
        ("acCurrent", "a"): 16000, ("acCurrent", "b"): 15900, ("acCurrent", "c"): 16100,
        ("acVoltage", "a"): 230100, ("acVoltage", "b"): 229900, ("acVoltage", "c"): 231000,
        ("acFrequency", "abc"): 49980}
    assert rows(box, "electricalConnectionDescriptionListData", ELECTRICAL) == [
        {"electricalConnectionId": 0, "powerSupplyType": "ac", "acConnectedPhases": 3,
         "positiveEnergyDirection": "consume"}]


def test_mpc_and_pitfall_23_on_one_phase():
    box = StationBox(phases=1)
    box.meter(3680, 500, (16000, None, None), (230000, None, None))
    box.pass_ms(0)
    assert measured(box) == {
        ("acPowerTotal", "a"): 3680000, ("acPower", "a"): 3680000, ("acEnergyConsumed", "a"): 500000 + 500000,
        ("acEnergyProduced", "a"): 0, ("acCurrent", "a"): 16000, ("acVoltage", "a"): 230000,
        ("acFrequency", "a"): 50000}
    assert rows(box, "electricalConnectionDescriptionListData", ELECTRICAL)[0]["acConnectedPhases"] == 1


def test_mpc_and_pitfall_23_one_of_three_phases_used():
    box = StationBox()
    box.meter(3680, 1000, (16000, 0, 0))
    box.pass_ms(0)
    found = measured(box)
    assert [found["acCurrent", phase] for phase in "abc"] == [16000, 0, 0]
    assert [found["acPower", phase] for phase in "abc"] == [3680000, 0, 0]


def test_mpc_descriptions_parameters_and_constraints_join():
    box = StationBox()
    units = {"acPowerTotal": ("power", "W"), "acPower": ("power", "W"), "acEnergyConsumed": ("energy", "Wh"),
             "acEnergyProduced": ("energy", "Wh"), "acCurrent": ("current", "A"), "acVoltage": ("voltage", "V"),
             "acFrequency": ("frequency", "Hz")}
    descriptions = rows(box, "measurementDescriptionListData", MEASUREMENT)
    parameters = rows(box, "electricalConnectionParameterDescriptionListData", ELECTRICAL)
    constraints = rows(box, "measurementConstraintsListData", MEASUREMENT)
    assert len(descriptions) == len(parameters) == len(constraints) == 13
    for one, two, three in zip(descriptions, parameters, constraints):
        assert one["measurementId"] == two["measurementId"] == three["measurementId"]
        assert (one["measurementType"], one["unit"]) == units[one["scopeType"]]
        assert one["commodityType"] == "electricity" and two["scopeType"] == one["scopeType"]
        assert two["voltageType"] == "ac" and two["acMeasurementType"] == "real"
        single = len(two["acMeasuredPhases"]) == 1
        assert two.get("acMeasuredInReferenceTo") == ("neutral" if single else None)
        high = three["valueRangeMax"]
        assert high["scale"] == 0 and three["valueRangeMin"]["number"] == 0
        steps = three["valueStepSize"]
        assert (steps["number"], steps["scale"]) == (1, 0 if one["unit"] in ("W", "Wh") else -3)
        least = {"W": 22080 if not single else 7360, "A": 32, "V": 253, "Hz": 52, "Wh": 10**6}[one["unit"]]
        assert high["number"] > least


def test_a_silent_meter_leaves_no_values_but_the_energy():
    box = StationBox()
    box.meter(**CHARGING)
    box.pass_ms(0)
    box.station.readings.meter_age_ms = 10000
    box.pass_ms(0)
    assert sorted(measured(box)) == [("acEnergyConsumed", "abc"), ("acEnergyProduced", "abc")]


def test_pitfall_24_measurements_are_told_on_change_and_once_a_second():
    box = StationBox()
    second = box.connect()
    box.subscribe(MEASUREMENT)
    box.subscribe(MEASUREMENT, peer=second)
    box.pass_ms(2000)
    box.told()
    box.told(second)
    for peer in (box.peer, second):
        box.pass_ms(60000)
        assert box.told(peer) == []  # nothing changed
    count = 0
    for i in range(100):
        box.meter(11000 + i, 12345, (16000, 16000, 16000))
        box.pass_ms(100)
        news = box.told()
        assert news == [] or news[0][:2] == ("notify", "measurementListData")
        assert len(box.told(second)) == len(news)
        count += len(news)
    assert 9 <= count <= 11


def test_limits_are_told_at_once_to_every_subscriber_the_writer_too():
    box = StationBox().controlled()
    second = box.connect()
    box.subscribe(LOAD)
    box.subscribe(LOAD, peer=second)
    box.pass_ms(1000)
    assert box.told() == [] and box.told(second) == []
    for number in (5000, 6000, 7000):
        assert box.write(limit(watts(number), active(True))) == 0
        for peer in (box.peer, second):
            (news,) = box.told(peer)
            assert news[2]["loadControlLimitData"][0]["value"]["number"] == number
        box.pass_ms(300)
    assert box.told() == [] and box.told(second) == []


def test_pitfall_27_nominal_maximum_is_told_once_after_the_subscription():
    box = StationBox()
    want = [{"electricalConnectionId": 0, "parameterId": 0, "characteristicId": 0, "characteristicContext": "entity",
             "characteristicType": "powerConsumptionNominalMax", "value": {"number": 22080, "scale": 0}, "unit": "W"}]
    assert rows(box, "electricalConnectionCharacteristicListData", ELECTRICAL) == want
    box.subscribe(ELECTRICAL)
    (news,) = box.told()
    assert news[1] == "electricalConnectionCharacteristicListData"
    assert news[2]["electricalConnectionCharacteristicData"] == want
    box.pass_ms(60000)
    assert box.told() == []
    assert rows(StationBox(phases=1, max_ma=16000), "electricalConnectionCharacteristicListData", ELECTRICAL)[0][
        "value"]["number"] == 3680


def test_evsecc_1_manufacturer():
    box = StationBox({"vendor": "Some Maker", "serial": "S-1", "model": "Box 22", "brand": "Brand"})
    for to in (CLASSIFICATION, ((0,), 1)):
        told = box.ask("read", read("deviceClassificationManufacturerData"), to=to)
        assert told["vendorName"] == "Some Maker" and told["serialNumber"] == "S-1" and told["brandName"] == "Brand"
        assert told["deviceName"] == "Box 22" and told["softwareRevision"] == "1.2.3"
        assert all(0 < len(told[name]) <= 256 for name in told)


def test_evsecc_2_operating_state():
    box = StationBox()
    assert box.ask("read", read("deviceDiagnosisStateData"), to=DIAGNOSIS) == {"operatingState": "normalOperation"}
    box.subscribe(DIAGNOSIS)
    box.told()
    box.station.guard.faults = 4
    box.pass_ms(1000)
    (news,) = box.told()
    assert news[2] == {"operatingState": "failure", "lastErrorCode": "4"}
    box.station.guard.faults = 0
    box.pass_ms(1000)
    (news,) = box.told()
    assert news[2] == {"operatingState": "normalOperation"}


def test_rule_006_and_rule_032_own_heartbeat_at_once_and_at_least_every_60_s():
    box = StationBox()
    box.subscribe(DIAGNOSIS)
    counters, times = [], []
    for _ in range(300):
        for _, function, data in box.told():
            assert function == "deviceDiagnosisHeartbeatData"
            assert data["heartbeatTimeout"] == "PT60S" and data["timestamp"] == "2026-11-23T06:11:57Z"
            counters.append(data["heartbeatCounter"])
            times.append(box.now)
        box.pass_ms(1000)
    assert times[0] == 0 and len(times) > 5
    assert all(b - a == 1 for a, b in zip(counters, counters[1:]))
    assert all(b - a < 58000 for a, b in zip(times, times[1:]))


def test_pitfall_31_time_is_borrowed_from_the_ems_while_the_clock_was_never_set():
    box = StationBox()
    box.clock.start_s = None
    box.subscribe(DIAGNOSIS)
    (news,) = box.told()
    assert "timestamp" not in news[2]
    box.beat(stamp=None)
    box.beat(stamp="1970-01-01T00:00:07Z")
    box.pass_ms(1000)
    assert box.told() == []
    box.beat()
    box.pass_ms(1000)
    (news,) = box.told()  # at once, not after 30 s
    assert news[2]["timestamp"] == "2026-11-23T06:11:57Z"
    box.beat(stamp="2027-01-01T00:00:00Z")
    assert len(box.clock.asked) == 2


def test_pitfall_31_the_time_of_a_peer_is_never_compared():
    for stamp in (None, "1970-01-01T00:00:07Z", "2099-01-01T00:00:00Z", "2026-11-23T06:11:57.123+02:00", "PT5S"):
        box = StationBox()
        assert box.relate(to=LOAD) == 0
        box.beat(stamp=stamp)
        assert box.write(limit(watts(6000), active(True))) == 0, stamp


class Unset:
    """A board whose clock was never set."""

    wall_offset_s = None


def test_pitfall_31_borrowed_time():
    board = Unset()
    clock = Clock(board)
    assert clock.timestamp() is None
    assert not clock.borrow("1970-01-01T00:00:07Z") and not clock.borrow("soon") and not clock.borrow("PT5S")
    assert clock.now_s() is None
    assert clock.borrow("2031-05-04T03:02:01Z")
    assert clock.timestamp()[:17] == "2031-05-04T03:02:"
    board.wall_offset_s = 10**9  # now it was set
    assert clock.timestamp()[:4] > "2050"


def test_pitfall_10_and_pitfall_12_the_box_subscribes_whatever_scenarios_and_retries_when_refused():
    box = StationBox()
    peer = box.peer = box.connect(client=True)
    asked = []
    refusals = {0: 2, 4: 2}  # of the subscription, by the feature
    for _ in range(90):
        heard = box.hear()
        if heard:
            classifier, header, function, data, _ = heard
            reference = header["msgCounter"]
            feature = header["addressDestination"]["feature"]
            if function == "nodeManagementDetailedDiscoveryData":
                box.tell("reply", EMS_DISCOVERY, to=NODE, source=NODE, ref=reference)
            elif classifier == "call":
                feature = data["subscriptionRequest"]["serverAddress"]["feature"]
                assert data["subscriptionRequest"]["clientAddress"]["feature"] == (7 if feature else 0)
                refusals[feature] -= 1
                box.tell("result", RESULT % (1 if refusals[feature] >= 0 else 0), to=NODE, source=NODE, ref=reference)
            elif function == "deviceDiagnosisHeartbeatData":
                box.tell("reply", HEARTBEAT_DATA, to=WATCH, source=((1,), 4), ref=reference)
            else:
                box.tell("result", RESULT % 7, to=WATCH, source=((1,), 4), ref=reference)
            asked.append((classifier, feature))
        box.pass_ms(1000)
    assert refusals == {0: -1, 4: -1}  # refused twice each, then accepted, then asked no more
    assert asked.count(("read", 4)) > 2  # heartbeat once, and the state that it does not have, again and again
    assert peer in box.node._beats


def test_pitfall_33_missing_destination_device_means_me():
    box = StationBox()
    text = (
        '{"data":[{"header":[{"protocolId":"ee1.0"}]},{"payload":{"datagram":[{"header":[{"specificationVersion":'
        '"1.3.0"},{"addressSource":[{"device":"d:_n:EMS"},{"entity":[0]},{"feature":0}]},{"addressDestination":'
        '[{"entity":[0]},{"feature":0}]},{"msgCounter":1},{"cmdClassifier":"read"}]},{"payload":[{"cmd":%s}]}]}}]}'
    )
    box.take(text % read("nodeManagementDetailedDiscoveryData"))
    heard = box.hear()
    assert heard[0] == "reply" and heard[3]["deviceInformation"]["description"]["deviceType"] == "ChargingStation"
