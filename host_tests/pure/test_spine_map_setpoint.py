# heap: 512K
"""UCF_Setpoint and the other parts of DBEVC on SPINE, through the real device: tables 150-157, 55, 67, 69, 76, 79."""

from host_tests.pure.spine_station import NODE, PARTIAL, active, limit, read, watts
from host_tests.pure.test_spine_map_ev import ELECTRICAL, STATE, CarBox, cases
from wallbox.spine_map.bidirectional_inferred import Inferred

SETPOINT = ((1, 1), 10)
CONFIGURATION = ((1, 1), 1)
SERIES = ((1, 1), 8)


class SetpointBox(CarBox):
    """A board that can discharge, with a car that says so (`can`), and an EMS that has bound the setpoint."""

    def __init__(self, can=True, settings=None, **ratings):
        super().__init__(settings, discharge=can, **ratings)
        self.told_by_car(can)
        self.own()

    def told_by_car(self, can):
        self.station.readings.ev_discharge = can
        self.pass_ms(100)

    def own(self):
        assert self.relate(to=SETPOINT) == 0
        self.sign()

    def put(self, number=None, scale=0, on=True, more="", filters=PARTIAL, key='{"setpointId":1}'):
        """Write the setpoint; the error number."""
        parts = [key] if key else []
        if number is not None:
            parts.append('{"value":[{"number":%d},{"scale":%d}]}' % (number, scale))
        if more:
            parts.append(more)
        if on is not None:
            parts.append('{"isSetpointActive":%s}' % ("true" if on else "false"))
        head = '{"function":"setpointListData"},{"filter":[%s]},' % filters if filters else ""
        return self.write('[[%s{"setpointListData":[{"setpointData":[[%s]]}]}]]' % (head, ",".join(parts)),
                          to=SETPOINT)

    def shown(self):
        """(W, active, changeable) as it is read."""
        rows = self.list("setpointListData", SETPOINT, "setpointData")
        assert len(rows) == 1 and rows[0]["setpointId"] == 1
        assert rows[0]["value"]["scale"] == 0
        return rows[0]["value"]["number"], rows[0]["isSetpointActive"], rows[0]["isSetpointChangeable"]

    def range_w(self):
        row = self.list("setpointConstraintsListData", SETPOINT, "setpointConstraintsData")[0]
        assert row["setpointStepSize"] == {"number": 1, "scale": 0}
        return row["setpointRangeMin"]["number"], row["setpointRangeMax"]["number"]

    def back_ma(self):
        """What may flow out of the car per phase."""
        self.station.arbitrate()
        return self.station.discharge.ma


def period(end, start=None):
    return '{"timePeriod":[%s{"endTime":"%s"}]}' % ('{"startTime":"%s"},' % start if start else "", end)


def test_the_inferred_names_stand_in_one_table_and_on_the_wire():
    box = SetpointBox()
    name, version, _, scenarios, _ = Inferred().use_case()
    assert name == "dynamicBidirectionalEvCharging" and version == "1.0.0"
    assert cases(box)[name] == ("EV", [1, 1], list(scenarios))
    row = box.list("setpointDescriptionListData", SETPOINT, "setpointDescriptionData")[0]
    assert row == {"setpointId": 1, "measurementId": 7, "setpointType": "valueAbsolute", "unit": "W",
                   "scopeType": "acPowerTotal"}
    functions = [each["function"] for row in box.ask("read", read("nodeManagementDetailedDiscoveryData"), to=NODE)
                 ["featureInformation"] if row["description"]["featureType"] == "Setpoint"
                 for each in row["description"]["supportedFunction"]]
    assert functions == ["setpointDescriptionListData", "setpointConstraintsListData", "setpointListData"]


def test_a_write_needs_a_binding():
    box = CarBox(discharge=True)
    assert SetpointBox.put(box, 5000) == 9
    assert box.offered_ma() == 32000


def test_a_positive_setpoint_is_a_request_under_all_limits():
    box = SetpointBox()
    assert box.shown() == (0, False, True) and box.offered_ma() == 32000
    assert box.put(6900) == 0
    assert box.offered_ma() == 10000 and box.binding() == "setpoint" and box.shown() == (6900, True, True)
    assert box.write(limit(watts(4500), active(True))) == 0
    assert box.offered_ma() == 6500 and box.binding() == "consumption limit"
    assert box.put(22080) == 0
    assert box.offered_ma() == 6500, "it raises nothing"
    assert box.put(2000) == 0
    assert box.offered_ma() == 0, "below the minimum: never rounded up"
    assert box.put(on=False) == 0
    assert box.offered_ma() == 6500 and box.shown() == (2000, False, True)


def test_pitfalls_26_and_34_scale_and_exact_watts():
    box = SetpointBox()
    assert box.put(69, 2) == 0 and box.offered_ma() == 10000
    assert box.put(-69, 2) == 0 and box.back_ma() == 10000
    assert box.write('[[{"function":"setpointListData"},{"filter":[%s]},{"setpointListData":[{"setpointData":'
                     '[[{"setpointId":1},{"value":[{"number":8000}]}]]}]}]]' % PARTIAL, to=SETPOINT) == 0
    assert box.shown() == (8000, True, True), "a number without scale keeps the stored one"
    assert box.put(80009, -1) == 0 and box.shown()[0] == 8000


def test_a_negative_setpoint_discharges_where_board_and_car_can():
    box = SetpointBox()
    assert box.range_w() == (-22080, 22080)
    assert box.put(-6900) == 0
    assert box.back_ma() == 10000 and box.offered_ma() == 0 and box.binding() == "setpoint"
    assert box.shown() == (-6900, True, True)
    assert box.put(-11040) == 0 and box.back_ma() == 16000
    assert box.put(3000, on=False) == 0 and box.back_ma() == 0 and box.offered_ma() == 32000


def test_a_board_that_cannot_says_so_and_refuses():
    box = SetpointBox(can=False)
    assert box.range_w() == (0, 22080)
    box.station.readings.ev_discharge = True  # whatever the car says
    box.pass_ms(100)
    assert box.range_w() == (0, 22080)
    assert box.put(6900) == 0
    assert box.put(-1) == 7 and box.shown() == (6900, True, True) and box.offered_ma() == 10000
    assert box.station.discharge is None
    keys = box.list("deviceConfigurationKeyValueDescriptionListData", CONFIGURATION,
                    "deviceConfigurationKeyValueDescriptionData")
    assert [row["keyName"] for row in keys] == ["communicationsStandard", "asymmetricChargingSupported"]


def test_a_car_that_does_not_say_it_can_is_not_discharged():
    box = SetpointBox()
    box.subscribe(to=SETPOINT)
    box.told()
    box.told_by_car(None)
    box.pass_ms(300)
    told = dict([(function, data) for _, function, data in box.told()])
    row = told["setpointConstraintsListData"]["setpointConstraintsData"][0]
    assert row["setpointRangeMin"]["number"] == 0, "and it is told"
    assert box.put(-6900) == 7 and box.put(6900) == 0
    box.told_by_car(True)
    assert box.put(-6900) == 0 and box.back_ma() == 10000
    box.told_by_car(False)
    assert box.back_ma() == 0 and box.offered_ma() == 0, "the setpoint stays, and nothing flows"


def test_pitfall_26_all_or_nothing():
    box = SetpointBox()
    assert box.put(6900) == 0
    for arguments in (
        {"number": 22081}, {"number": -22081}, {"number": 5, "scale": 9}, {"number": 8000, "more": period("-PT1H")},
        {"number": 8000, "more": period("-PT0.001S")}, {"number": 8000, "more": period("soon")},
        {"number": 8000, "more": period("PT1H", "PT1M")}, {"number": 8000, "more": period("PT1H", "-PT1M")},
        {"number": 8000, "more": period("PT1H", "2026-11-23T07:00:00Z")},
        {"number": 8000, "key": '{"setpointId":2}'},
        {"number": 8000, "more": '{"valueMax":[{"number":1},{"scale":0}]}'},
        {"number": 8000, "more": '{"isSetpointChangeable":false}'}, {"on": True, "filters": None},
    ):
        assert box.put(**arguments) == 7, arguments
        assert box.shown() == (6900, True, True) and box.offered_ma() == 10000
    two = ('[[{"function":"setpointListData"},{"filter":[%s]},{"setpointListData":[{"setpointData":['
           '[{"setpointId":1},{"value":[{"number":7000},{"scale":0}]}],[{"setpointId":2},{"isSetpointActive":true}]]}]}]]')
    assert box.write(two % PARTIAL, to=SETPOINT) == 7 and box.shown() == (6900, True, True)


def test_full_and_partial_writes():
    box = SetpointBox()
    assert box.put(6900, on=True, filters=None) == 0 and box.shown() == (6900, True, True)
    assert box.put(8000, on=None, filters=None) == 0 and box.shown() == (8000, True, True)
    assert box.put(on=False) == 0 and box.shown() == (8000, False, True)
    assert box.put(9000, on=None) == 0 and box.shown() == (9000, False, True), "only what came changes"
    assert box.put(on=True) == 0 and box.offered_ma() == 13000
    assert box.put(10000, key=None) == 0 and box.shown() == (10000, True, True), "no id: every entry"
    selected = ('[{"cmdControl":[{"partial":[]}]},{"setpointListDataSelectors":[{"setpointId":1}]}]')
    assert box.put(11000, key=None, filters=selected) == 0 and box.shown() == (11000, True, True)


def test_a_setpoint_that_is_not_changeable_refuses():
    box = SetpointBox()
    box.subscribe(to=SETPOINT)
    box.told()
    for end, again in ((lambda: box.operation_mode.set(2), lambda: box.operation_mode.set(0)),
                       (lambda: box.operation_mode.set(3), lambda: box.operation_mode.set(0)),
                       (lambda: box.device_state.set_in_service(False), lambda: box.device_state.set_in_service(True))):
        end()
        box.pass_ms(300)
        rows = [data for _, function, data in box.told() if function == "setpointListData"]
        assert rows[-1]["setpointData"][0]["isSetpointChangeable"] is False
        assert box.put(6900) == 7 and box.put(on=False) == 7 and box.offered_ma() == 0
        again()
        box.pass_ms(100)
        box.sign()
        assert box.put(6900) == 0 and box.offered_ma() == 10000 and box.put(on=False) == 0


def test_a_negative_setpoint_behind_a_pause_does_nothing_and_goes_on_after_it():
    box = SetpointBox()
    assert box.put(-6900) == 0 and box.back_ma() == 10000
    box.operation_mode.set(2)
    box.pass_ms(200)
    assert box.back_ma() == 0 and box.offered_ma() == 0 and box.shown() == (-6900, True, False)
    box.operation_mode.set(0)
    box.pass_ms(200)
    assert box.back_ma() == 10000


def test_silence_of_the_ems_ends_it_and_it_has_to_be_written_anew():
    for value in (-6900, 6900):
        box = SetpointBox()
        assert box.put(value) == 0
        box.living(20000)
        assert box.shown() == (value, True, True)
        box.sign()
        box.pass_ms(3900)
        assert box.shown()[1] and (box.back_ma() == 10000) == (value < 0)
        box.subscribe(to=SETPOINT)
        box.told()
        box.pass_ms(200)
        assert box.back_ma() == 0 and box.shown() == (value, False, True) and box.offered_ma() == 32000
        box.pass_ms(1000)
        assert [data["setpointData"][0]["isSetpointActive"] for _, function, data in box.told()
                if function == "setpointListData"] == [False]
        assert box.put(value) == 7, "an EMS that is silent may not begin"
        box.sign()
        box.pass_ms(500)
        assert box.back_ma() == 0 and box.put(value) == 0 and box.shown()[1]


def test_an_ems_that_fails_leaves_or_unbinds_ends_it():
    for how in ("failure", "closed", "unbound"):
        box = SetpointBox()
        assert box.put(-6900) == 0 and box.back_ma() == 10000
        if how == "failure":
            box.tell("notify", STATE % "failure", to=((1,), 7), source=((1,), 4))
        elif how == "closed":
            box.peer.close()
        else:
            assert box.relate(to=SETPOINT, delete=True) == 0
        box.pass_ms(100)
        assert box.back_ma() == 0, how


def test_a_new_car_begins_without():
    box = SetpointBox()
    assert box.put(-6900) == 0
    box.unplug()
    assert box.back_ma() == 0 and not box.setpoint.active
    box.plug()
    assert box.offered_ma() == 32000 and box.shown() == (-6900, False, True)


def test_a_second_ems_may_not_set_it():
    box = SetpointBox()
    other = box.connect()
    assert box.relate(to=SETPOINT, peer=other) == 7


def test_what_was_set_on_echonet_lite_is_seen_here_and_the_reverse():
    box = SetpointBox()
    setpoint = box.setpoint
    assert setpoint.back.set_method(6) and box.load_control.set_method(6)
    assert setpoint.set_signed_w(-4000) and box.shown() == (-4000, True, True) and box.operation_mode.mode == 1
    box.pass_ms(20000)
    assert box.shown() == (-4000, True, True), "no heartbeat is asked of whom has none"
    box.sign()
    assert box.put(-3000) == 0 and box.load_control.signed_w == -3000 and setpoint.mode() == 1
    assert box.put(8000) == 0 and setpoint.mode() == 0, "the direction is that of the last writer"
    assert setpoint.back.set_method(3) and setpoint.back.set_power_w(5000) and box.operation_mode.set(1)
    setpoint.directed()
    assert box.shown() == (-5000, True, True) and box.back_ma() == 7200
    box.pass_ms(10000)
    assert box.back_ma() == 7200, "nor does the silence of the EMS end it"


def test_the_plan_gives_way_to_a_setpoint_and_opev_does_not():
    box = SetpointBox()
    assert box.charge_plan.demand(10000, 7200)
    box.pass_ms(100)
    assert box.put(9000) == 0 and box.offered_ma() == 13000
    assert box.relate(to=((1, 1), 7)) == 0
    box.sign()
    assert box.phases([(8, 0)] * 3) == 0 and box.offered_ma() == 8000


def characteristics(box):
    rows = box.list("electricalConnectionCharacteristicListData", ELECTRICAL, "electricalConnectionCharacteristicData")
    assert len(set([row["characteristicId"] for row in rows])) == len(rows)
    return dict([(row["characteristicType"], row["value"]["number"]) for row in rows])


def test_dbevc_3_characteristics():
    box = SetpointBox(ev_data=True)
    found = characteristics(box)
    assert found == {"powerConsumptionMin": 4140, "powerConsumptionMax": 22080, "powerConsumptionNominalMax": 22080,
                     "powerProductionMin": 0, "powerProductionMax": 22080, "powerProductionNominalMax": 22080}
    box.station.readings.ev_capacity_wh = 60000
    box.station.guard.cable_ma = 20000
    found = characteristics(box)
    assert found["energyCapacityNominalMax"] == 60000 and len(found) == 7
    assert found["powerConsumptionMax"] == found["powerProductionMax"] == 13800
    box.subscribe(to=ELECTRICAL)
    box.told()
    box.told_by_car(False)
    assert "electricalConnectionCharacteristicListData" in [function for _, function, _ in box.told()]
    assert "powerProductionMax" not in characteristics(box)


def requests(box):
    kinds = box.list("timeSeriesDescriptionListData", SERIES, "timeSeriesDescriptionData")
    rows = box.list("timeSeriesListData", SERIES, "timeSeriesData")
    assert [row["timeSeriesId"] for row in kinds] == [row["timeSeriesId"] for row in rows]
    return dict([(kinds[i]["timeSeriesType"], rows[i].get("timeSeriesSlot", [None])[0]) for i in range(len(rows))])


def test_dbevc_2_energy_requests():
    box = SetpointBox(ev_data=True)
    assert "value" not in (requests(box)["dischargingEnergyRequest"] or {}), "nobody knows"
    box.station.readings.ev_soc_per_cent = 50
    box.station.readings.ev_capacity_wh = 60000
    box.pass_ms(100)
    found = requests(box)
    assert found["dischargingEnergyRequest"]["maxValue"]["number"] == 30000
    assert found["energyRequest"]["value"]["number"] == 0
    assert "dischargingEnergyRequest" not in requests(SetpointBox(can=False))


def test_energy_that_is_missing_is_not_drawn_below_unless_that_is_permitted():
    box = SetpointBox(ev_data=True)
    box.station.readings.ev_soc_per_cent = 50
    box.station.readings.ev_capacity_wh = 60000
    assert box.put(-6900) == 0 and box.back_ma() == 10000
    assert box.charge_plan.demand(10000, 7200)
    box.pass_ms(100)
    assert box.back_ma() == 0 and box.range_w()[0] == 0 and box.put(-100) == 7
    assert requests(box)["energyRequest"]["value"]["number"] == 10000
    assert requests(box)["dischargingEnergyRequest"]["maxValue"]["number"] == 0
    assert box.identification.learn({"below_target": True}) is None
    box.pass_ms(100)  # the car is shown anew
    rows = box.list("deviceConfigurationKeyValueListData", CONFIGURATION, "deviceConfigurationKeyValueData")
    assert rows[2]["value"] == {"boolean": True} and not rows[2]["isValueChangeable"]
    box.own()
    assert box.put(-6900) == 0 and box.back_ma() == 10000
    box.meter(power_w=-6900, energy_wh=1000, current_ma=(-10000,) * 3)
    box.station.readings.exported_wh = 0
    box.living(4000)
    box.station.readings.exported_wh = 7
    box.living(4000)
    assert box.charge_plan.left_wh() == 10007, "what was taken out is missing, too"


def test_mpc_2_energy_produced_is_what_came_out_of_the_car():
    box = SetpointBox()
    box.station.readings.exported_wh = 100
    box.pass_ms(1000)
    box.station.readings.exported_wh = 103
    box.pass_ms(2000)
    values = box.list("measurementListData", ((1,), 6), "measurementData")
    assert [row["value"]["number"] for row in values if row["measurementId"] == 12] == [103]
    rows = box.list("measurementConstraintsListData", ((1,), 6), "measurementConstraintsData")
    least = dict([(row["measurementId"], row["valueRangeMin"]["number"]) for row in rows])
    assert least[0] == -44160 and least[5] == -64 and least[8] == 0
