# heap: 512K
"""UCF_Setpoint on SPINE with an end of its own (table 156, timePeriod), as a duration and as a time stamp."""

from host_tests.pure.spine_station import PARTIAL
from host_tests.pure.test_spine_map_setpoint import SETPOINT, SetpointBox, period


def row(box):
    return box.list("setpointListData", SETPOINT, "setpointData")[0]


def test_an_end_of_its_own_counts_down_and_lapses():
    for value, start, end in ((6900, None, "PT10S"), (-6900, "PT0S", "PT10S"),
                              (6900, "2026-11-23T06:11:57Z", "2026-11-23T06:12:07Z"),
                              (-6900, "2026-11-23T06:00:00Z", "2026-11-23T07:12:07+01:00")):
        box = SetpointBox()
        box.subscribe(to=SETPOINT)
        assert box.put(value, more=period(end, start)) == 0
        assert box.shown() == (value, True, True) and (box.back_ma() or box.offered_ma()) == 10000
        box.told()
        box.living(4000)
        assert row(box)["timePeriod"] == {"endTime": "PT6S"} and box.told() == [], "it counts down, untold"
        box.living(5900)
        assert box.shown()[1]
        box.sign()
        box.pass_ms(200)
        assert box.shown() == (value, False, True) and "timePeriod" not in row(box)
        assert box.back_ma() == 0 and box.offered_ma() == 32000
        box.living(1000)
        rows = [data["setpointData"][0] for _, function, data in box.told() if function == "setpointListData"]
        assert len(rows) == 1 and rows[0]["isSetpointActive"] is False and "timePeriod" not in rows[0]


def test_what_becomes_of_an_end_by_the_next_write():
    box = SetpointBox()
    assert box.put(6900, more=period("PT1H")) == 0 and box.put(8000, on=None) == 0
    assert row(box)["timePeriod"] == {"endTime": "PT1H"}, "what did not come stays"
    assert box.put(on=False) == 0 and box.put(on=True) == 0 and row(box)["timePeriod"] == {"endTime": "PT1H"}
    assert box.put(on=None, more=period("PT30M")) == 0 and row(box)["timePeriod"] == {"endTime": "PT30M"}
    delete = ('[{"cmdControl":[{"delete":[]}]},{"setpointListDataSelectors":[{"setpointId":1}]},'
              '{"setpointDataElements":[{"timePeriod":[]}]}],' + PARTIAL)
    assert box.put(9000, filters=delete) == 0 and "timePeriod" not in row(box)
    assert box.put(9000, more=period("PT1H")) == 0 and box.put(9000, filters=None) == 0
    assert "timePeriod" not in row(box), "a whole write without an end"
    assert box.put(8000, more=period("PT0S")) == 0 and box.shown() == (8000, False, True), "over at once"
    assert box.put(8000, more=period("2026-11-23T06:11:50Z")) == 0 and not box.shown()[1]
    assert box.put(8000, more=period("PT2S")) == 0 and box.put(on=False) == 0
    box.living(3000)
    assert box.put(on=True) == 0 and "timePeriod" not in row(box) and box.shown() == (8000, True, True)
    assert box.put(more=period("PT3S")) == 0 and box.load_control.set_method(6) and box.setpoint.set_signed_w(5000)
    box.living(5000)
    assert box.shown() == (5000, True, True), "it was of the EMS's setpoint alone"


def test_an_end_as_a_time_stamp_needs_the_time():
    box = SetpointBox()
    assert box.put(6900) == 0
    box.clock.start_s = None
    for end, start in (("2026-11-23T06:21:57Z", None), ("PT1H", "2026-11-23T06:00:00Z")):
        assert box.put(8000, more=period(end, start)) == 7
        assert box.shown() == (6900, True, True) and "timePeriod" not in row(box)
    assert box.put(8000, more=period("PT1H")) == 0
