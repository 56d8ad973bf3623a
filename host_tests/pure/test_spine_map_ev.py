# heap: 512K
"""The car as a SPINE entity (EVCC, EVCEM, EVSOC) and its limits per phase (OPEV, OSCEV), through the real device."""

from host_tests.pure.spine_station import NODE, PARTIAL, WATCH, StationBox, limit, read

ELECTRICAL = ((1, 1), 5)
MEASUREMENT = ((1, 1), 6)
CAR_LOAD = ((1, 1), 7)
STATE = '[[{"deviceDiagnosisStateData":[{"operatingState":"%s"}]}]]'
BEAT = '[[{"deviceDiagnosisHeartbeatData":[{"heartbeatCounter":%d},{"heartbeatTimeout":"PT4S"}]}]]'


class CarBox(StationBox):
    """A station of the profile full, whose LPC limit does not count; `plug` and `unplug` act as the pilot does."""

    def __init__(self, settings=None, car=True, **ratings):
        super().__init__(dict({"profile": "full"}, **settings or {}), **ratings)
        self.controlled()
        if car:
            self.plug()

    def plug(self, state="C"):
        self.station.guard.state = state
        self.pass_ms(200)

    def unplug(self):
        self.station.guard.state = "A"
        self.pass_ms(200)

    def owner(self):
        """An EMS binds the car's limits and is heard."""
        assert self.relate(to=CAR_LOAD) == 0
        self.sign()
        return self

    def sign(self):
        self.beats += 1
        self.tell("notify", BEAT % self.beats, to=WATCH, source=((1,), 4))

    def living(self, ms):
        """Time passes with a heartbeat every 2 s."""
        end = self.now + ms
        while self.now < end:
            self.sign()
            self.pass_ms(min(2000, end - self.now), 500)

    def phases(self, values, on=True, first=1):
        """Write one limit a phase: (number, scale) or None each; the error number."""
        rows = ",".join(
            '[{"limitId":%d},{"isLimitActive":%s},{"value":[{"number":%d},{"scale":%d}]}]'
            % (first + i, "true" if on else "false", values[i][0], values[i][1])
            for i in range(len(values)) if values[i])
        return self.write('[[{"function":"loadControlLimitListData"},{"filter":[%s]},{"loadControlLimitListData":'
                          '[{"loadControlLimitData":[%s]}]}]]' % (PARTIAL, rows), to=CAR_LOAD)

    def list(self, function, to, entry):
        return self.ask("read", read(function), to=to)[entry]

    def car_limits(self):
        return self.list("loadControlLimitListData", CAR_LOAD, "loadControlLimitData")


def entities(box):
    rows = box.ask("read", read("nodeManagementDetailedDiscoveryData"), to=NODE)["entityInformation"]
    return [each["description"]["entityAddress"]["entity"] for each in rows]


def cases(box):
    rows = box.ask("read", read("nodeManagementUseCaseData"), to=NODE)["useCaseInformation"]
    found = {}
    for row in rows:
        for case in row["useCaseSupport"]:
            found[case["useCaseName"]] = (row["actor"], row["address"]["entity"], case["scenarioSupport"])
    return found


def test_the_profile_core_shows_no_car():
    box = StationBox()
    box.station.guard.state = "C"
    box.pass_ms(300)
    assert entities(box) == [[0], [1]]


def test_evcc_1_and_8_and_pitfall_3_the_entity_comes_and_goes_with_the_car():
    box = CarBox(car=False)
    assert entities(box) == [[0], [1]] and "evCommissioningAndConfiguration" not in cases(box)
    box.subscribe(to=NODE)
    box.told()
    box.plug("B")
    told = [(kind, function) for kind, function, _ in box.told()]
    assert ("notify", "nodeManagementDetailedDiscoveryData") in told and ("notify", "nodeManagementUseCaseData") in told
    assert entities(box) == [[0], [1], [1, 1]]
    box.unplug()
    told = box.told()
    gone = [data for _, function, data in told if function == "nodeManagementDetailedDiscoveryData"][0]
    described = gone["entityInformation"][0]["description"]
    assert described["entityAddress"]["entity"] == [1, 1] and described["lastStateChange"] == "removed"
    assert entities(box) == [[0], [1]]


def test_a_late_message_to_a_car_that_left_is_answered():
    box = CarBox().owner()
    box.unplug()
    assert box.phases([(16, 0)] * 3) == 4
    assert box.relate(to=CAR_LOAD) == 4


def test_pitfall_21_use_cases_stand_under_their_actor_and_entity():
    found = cases(CarBox())
    assert found["evCommissioningAndConfiguration"] == ("EV", [1, 1], [1, 2, 3, 6, 7, 8])
    assert found["measurementOfElectricityDuringEvCharging"] == ("EV", [1, 1], [1, 2, 3])
    assert found["overloadProtectionByEvChargingCurrentCurtailment"] == ("EV", [1, 1], [1, 2, 3])
    assert found["optimizationOfSelfConsumptionDuringEvCharging"] == ("EV", [1, 1], [1, 2, 3])
    assert "evStateOfCharge" not in found  # nobody tells
    assert cases(CarBox(ev_data=True))["evStateOfCharge"] == ("EV", [1, 1], [1, 2])


def test_pitfall_22_a_plain_car_is_iec61851_and_nothing_is_invented():
    box = CarBox()
    rows = box.list("deviceConfigurationKeyValueListData", ((1, 1), 1), "deviceConfigurationKeyValueData")
    assert rows[0]["value"] == {"string": "iec61851"} and rows[1]["value"] == {"boolean": False}
    assert not rows[0]["isValueChangeable"]
    assert 4 not in cases(box)["evCommissioningAndConfiguration"][2]


def test_evcc_4_and_5_what_a_modem_tells_is_shown_and_forgotten_with_the_car():
    box = CarBox()
    assert box.identification.learn({"standard": "iso15118"}) is not None
    assert box.identification.learn({"eui48": "xyz"}) is not None
    assert box.identification.standard == "iec61851"
    assert box.identification.learn({"standard": "iso15118-2ed2", "eui48": "0123456789ab", "vendor": "Maker"}) is None
    box.pass_ms(100)
    row = box.list("identificationListData", ((1, 1), 2), "identificationData")[0]
    assert row == {"identificationId": 0, "identificationType": "eui48", "identificationValue": "0123456789ab"}
    assert box.ask("read", read("deviceClassificationManufacturerData"), to=((1, 1), 3))["vendorName"] == "Maker"
    assert cases(box)["evCommissioningAndConfiguration"][2] == [1, 2, 3, 4, 5, 6, 7, 8]
    box.unplug()
    box.plug()
    assert cases(box)["evCommissioningAndConfiguration"][2] == [1, 2, 3, 6, 7, 8]


def test_evcc_6_and_pitfall_4_limits_of_board_and_cable():
    box = CarBox()
    box.station.guard.cable_ma = 20000
    rows = box.list("electricalConnectionPermittedValueSetListData", ELECTRICAL,
                    "electricalConnectionPermittedValueSetData")
    assert [row["parameterId"] for row in rows] == [0, 1, 2, 3]
    first = rows[0]["permittedValueSet"][0]
    assert first["range"][0] == {"min": {"number": 4140, "scale": 0}, "max": {"number": 13800, "scale": 0}}
    for row in rows[1:]:
        assert row["permittedValueSet"][0]["range"][0]["max"] == {"number": 20000, "scale": -3}
        assert row["permittedValueSet"][0]["value"] == [{"number": 0, "scale": 0}]
    parameters = box.list("electricalConnectionParameterDescriptionListData", ELECTRICAL,
                          "electricalConnectionParameterDescriptionData")
    assert "measurementId" not in parameters[0] and parameters[0]["acMeasuredPhases"] == "abc"
    assert [row["acMeasuredPhases"] for row in parameters[1:4]] == ["a", "b", "c"]


def test_evcem_and_pitfall_23_values_of_each_phase():
    box = CarBox()
    box.meter(power_w=3680, energy_wh=1500, current_ma=(16000, 0, 0))
    box.pass_ms(1000)
    rows = box.list("measurementListData", MEASUREMENT, "measurementData")
    values = {row["measurementId"]: (row["value"]["number"], row["value"]["scale"]) for row in rows}
    assert values[1] == (16000, -3) and values[2] == (0, -3) and values[4] == (3680, 0) and values[7] == (3680, 0)
    assert 9 not in values and rows[0]["valueState"] == "normal" and rows[0]["timestamp"]
    kinds = box.list("measurementDescriptionListData", MEASUREMENT, "measurementDescriptionData")
    assert [row["scopeType"] for row in kinds] == ["acCurrent"] * 3 + ["acPower"] * 4 + ["charge"]


def test_energy_of_a_session_begins_at_zero():
    box = CarBox()
    assert charged(box) == 0
    box.meter(power_w=3680, energy_wh=1001, current_ma=(16000, 0, 0))
    box.pass_ms(2000)
    assert charged(box) == 1
    box.unplug()
    box.plug()
    assert charged(box) == 0


def charged(box):
    rows = box.list("measurementListData", MEASUREMENT, "measurementData")
    return [row["value"]["number"] for row in rows if row["measurementId"] == 8][0]


def test_evsoc_state_of_charge_only_when_known():
    box = CarBox(ev_data=True)
    ids = [row["measurementId"] for row in box.list("measurementListData", MEASUREMENT, "measurementData")]
    assert 9 not in ids
    box.station.readings.ev_soc_per_cent = 42
    box.station.readings.ev_capacity_wh = 60000
    box.pass_ms(100)
    rows = box.list("measurementListData", MEASUREMENT, "measurementData")
    assert rows[-1]["measurementId"] == 9 and rows[-1]["value"]["number"] == 42
    row = box.list("electricalConnectionCharacteristicListData", ELECTRICAL,
                   "electricalConnectionCharacteristicData")[0]
    assert row["characteristicType"] == "energyCapacityNominalMax" and row["value"]["number"] == 60000


def test_pitfall_24_values_are_notified_on_change_and_once_a_second():
    box = CarBox()
    box.subscribe(to=MEASUREMENT)
    box.pass_ms(2000)
    box.told()
    box.pass_ms(5000)
    assert box.told() == []
    for step in range(20):
        box.meter(power_w=step, energy_wh=1000, current_ma=(6000 + step, 0, 0))
        box.pass_ms(100)
    assert 1 <= len(box.told()) <= 3


def test_evcc_7_a_car_that_does_not_take_what_is_offered_sleeps():
    box = CarBox(car=False)
    box.plug("B")
    box.subscribe(to=((1, 1), 4))
    box.told()
    box.keep_alive(299000)
    state = box.ask("read", read("deviceDiagnosisStateData"), to=((1, 1), 4))
    assert state["operatingState"] == "normalOperation"
    box.keep_alive(3000)
    assert [data["operatingState"] for _, _, data in box.told()] == ["standby"]
    box.plug("C")
    box.pass_ms(300)
    assert [data["operatingState"] for _, _, data in box.told()] == ["normalOperation"]


def test_opev_limits_act_per_phase_and_unbound_writes_are_refused():
    box = CarBox()
    assert box.phases([(16, 0)] * 3) == 9
    box.owner()
    assert box.phases([(16, 0), (10, 0), (13, 0)]) == 0
    assert box.offered_ma() == 10000 and box.binding() == "overload protection"
    assert box.phases([None, (20, 0), None]) == 0  # one phase alone
    assert box.offered_ma() == 13000
    assert box.phases([(16, 0), (10, 0), (13, 0)], on=False) == 0
    assert box.offered_ma() == 32000


def test_pitfall_25_and_pitfall_34_fractions_of_an_ampere_and_less_than_the_minimum():
    box = CarBox().owner()
    for value, offered in (((65, -1), 6500), ((6500, -3), 6500), ((1, -1), 0), ((0, 0), 0), ((59, -1), 0),
                           ((96906, -4), 9600), ((500, 0), 32000)):
        assert box.phases([value] * 3) == 0
        assert box.offered_ma() == offered, value


def test_pitfall_8_a_negative_limit_of_a_phase_changes_nothing():
    box = CarBox().owner()
    assert box.phases([(16, 0)] * 3) == 0
    assert box.phases([(10, 0), (-1, 0), (10, 0)]) == 7
    assert [row["value"]["number"] for row in box.car_limits()[:3]] == [16000] * 3 and box.offered_ma() == 16000


def test_pitfall_35_and_pitfall_36_elements_left_out_stay_as_they_were():
    box = CarBox().owner()
    assert box.phases([(16, 0)] * 3) == 0
    for row in ('{"limitId":1},{"value":[{"number":90},{"scale":-1}]}', '{"limitId":2},{"isLimitActive":false}',
                '{"limitId":3},{"unknown":[{"deep":1}]},{"isLimitActive":true}'):
        assert box.write(limit(row, key=None), to=CAR_LOAD) == 0
    values = [(row["value"]["number"], row["isLimitActive"]) for row in box.car_limits()[:3]]
    assert values == [(9000, True), (16000, False), (16000, True)]


def test_a_limit_of_a_car_with_one_phase():
    box = CarBox().owner()
    box.station.facts.phases = 1
    assert box.phases([(20, 0), (6, 0), (6, 0)]) == 0
    assert box.offered_ma() == 20000


def test_opev_2_and_pitfall_6_silence_for_4_s_is_the_fallback_and_the_limit_returns():
    box = CarBox({"opev_fallback_ma": 8000}).owner()
    assert box.phases([(16, 0)] * 3) == 0
    box.living(20000)
    assert box.offered_ma() == 16000
    box.sign()
    box.pass_ms(3900)
    assert box.offered_ma() == 16000  # a late heartbeat is none that is lost
    box.pass_ms(200)
    assert box.offered_ma() == 8000
    box.pass_ms(60000, 1000)
    assert box.offered_ma() == 8000
    box.sign()
    box.pass_ms(0)
    assert box.offered_ma() == 16000


def test_a_fallback_of_nothing_pauses():
    box = CarBox({"opev_fallback_ma": 0}).owner()
    box.phases([(16, 0)] * 3)
    box.pass_ms(5000)
    assert box.offered_ma() == 0


def test_opev_3_an_ems_that_failed_is_not_trusted():
    box = CarBox().owner()
    box.phases([(16, 0)] * 3)
    box.tell("notify", STATE % "failure", to=WATCH, source=((1,), 4))
    box.living(6000)
    assert box.offered_ma() == 6000
    box.tell("notify", STATE % "normalOperation", to=WATCH, source=((1,), 4))
    box.pass_ms(0)
    assert box.offered_ma() == 16000


def test_oscev_is_followed_only_while_the_ems_is_there():
    box = CarBox().owner()
    assert box.phases([(8, 0)] * 3, first=4) == 0
    assert box.offered_ma() == 8000 and box.binding() == "self-consumption"
    assert box.phases([(7, 0)] * 3) == 0
    assert box.offered_ma() == 7000 and box.binding() == "overload protection"
    assert box.phases([(7, 0)] * 3, on=False) == 0
    box.pass_ms(4100)
    assert box.offered_ma() == 32000


def test_oscev_1_is_withdrawn_while_the_car_is_full():
    name = "optimizationOfSelfConsumptionDuringEvCharging"
    box = CarBox(ev_data=True).owner()
    for soc in (None, 0, 99):
        box.station.readings.ev_soc_per_cent = soc
        box.pass_ms(200)
        assert cases(box)[name] == ("EV", [1, 1], [1, 2, 3])
    assert box.phases([(8, 0)] * 3, first=4) == 0 and box.phases([(20, 0)] * 3) == 0 and box.offered_ma() == 8000
    box.subscribe(to=NODE)
    box.subscribe(to=CAR_LOAD)
    box.told()
    box.station.readings.ev_soc_per_cent = 100
    box.sign()
    box.pass_ms(1000)
    told = [function for _, function, _ in box.told()]
    assert sorted(told) == ["loadControlLimitListData", "nodeManagementUseCaseData"], "once, and nothing else"
    assert cases(box)[name] == ("EV", [1, 1], [2, 3]) and box.offered_ma() == 20000
    assert cases(box)["overloadProtectionByEvChargingCurrentCurtailment"][2] == [1, 2, 3]
    rows = box.car_limits()
    assert [row["isLimitActive"] for row in rows] == [True] * 3 + [False] * 3
    assert [row["isLimitChangeable"] for row in rows] == [True] * 3 + [False] * 3
    assert box.phases([(8, 0)] * 3, first=4) == 7 and box.phases([(16, 0)] * 6) == 7 and box.offered_ma() == 20000
    assert box.phases([(16, 0)] * 3) == 0 and box.offered_ma() == 16000
    box.station.readings.ev_soc_per_cent = 99
    box.sign()
    box.pass_ms(1000)
    assert cases(box)[name] == ("EV", [1, 1], [1, 2, 3]) and box.offered_ma() == 16000, "it has to be written anew"
    assert box.phases([(8, 0)] * 3, first=4) == 0 and box.offered_ma() == 8000
    box.station.readings.ev_soc_per_cent = 100
    box.pass_ms(200)
    box.unplug()
    box.station.readings.ev_soc_per_cent = 40
    box.plug()
    assert cases(box)[name] == ("EV", [1, 1], [1, 2, 3]), "another car"


def test_a_recommendation_never_raises_an_obligation():
    box = CarBox().owner()
    box.phases([(10, 0)] * 3)
    box.phases([(20, 0)] * 3, first=4)
    assert box.offered_ma() == 10000


def test_pitfall_5_limits_begin_inactive_and_the_ems_is_tracked_over_a_replug():
    box = CarBox().owner()
    box.phases([(10, 0)] * 3)
    box.unplug()
    box.plug()
    assert box.offered_ma() == 32000
    assert [row["isLimitActive"] for row in box.car_limits()] == [False] * 6
    box.owner()
    assert box.phases([(10, 0)] * 3) == 0 and box.offered_ma() == 10000


def test_the_connection_that_set_the_limits_ends():
    box = CarBox().owner()
    box.phases([(16, 0)] * 3)
    box.peer.close()
    box.pass_ms(0)
    assert box.offered_ma() == 6000
    box.peer = box.connect()
    box.owner()
    assert box.offered_ma() == 16000


def test_a_second_ems_may_not_set_the_limits_of_the_car():
    box = CarBox().owner()
    other = box.connect()
    assert box.relate(to=CAR_LOAD, peer=other) == 7
