"""UCF_Session_Summary without protocol: sessions, the bill of the EMS, and when flash is written."""

from host_tests.pure.session_box import BILL, SessionBox
from wallbox.functions.session_summary import BUSY, COST, CURRENCY, DURATION, ENERGY, GRID, OK, OWN, REFUSED


def box_with_session():
    box = SessionBox()
    box.tick()
    box.session()
    return box


def set_bill(box, *changes):
    bill = list(BILL)
    for at, value in changes:
        bill[at] = value
    return box.session_summary.set_bill(bill)


def test_a_session_is_recorded_at_unplug_by_the_meter():
    box = SessionBox()
    box.tick()
    box.plug()
    box.tick(60000)
    box.charge(100)
    box.tick(39500)
    assert box.list() == []
    box.unplug()
    box.settle()
    row = box.list()[0]
    assert row == {"session": 1, "start": "2026-11-23T06:11:57Z", "duration_s": 119, "energy_wh": 100,
                   "ended": "unplugged"}
    box.session(50)
    assert box.short() == [(2, 50, "unplugged"), (1, 100, "unplugged")]
    assert box.station.energy.session_wh() == 50


def test_a_session_without_energy_is_forgotten():
    box = box_with_session()
    writes = box.writes
    for _ in range(50):
        box.plug()
        box.settle()
        box.unplug()
        box.settle()
    assert box.writes == writes and len(box.list()) == 1
    assert box.session_summary.last[0] == 1 and box.session_summary.wanted()
    box.session()
    assert len(box.list()) == 2


def test_time_of_a_start_is_unknown_without_a_clock():
    box = SessionBox(clock=False)
    box.session()
    assert box.list()[0]["start"] is None


def test_a_clock_that_is_set_late_still_tells_the_start():
    box = SessionBox(clock=False)
    box.plug()
    box.charge(100)
    box.clock.set = True
    box.unplug()
    box.settle()
    assert box.list()[0]["start"] == "2026-11-23T06:11:57Z"


def test_a_bill_is_asked_for_after_unplug_and_only_then():
    box = SessionBox()
    summary = box.session_summary
    box.tick()
    assert not summary.wanted() and summary.set_bill(list(BILL)) == REFUSED
    box.plug()
    box.charge(100)
    assert not summary.wanted() and summary.set_bill(list(BILL)) == REFUSED
    box.unplug()
    assert summary.wanted()
    box.plug()  # another car before the EMS came to it
    assert not summary.wanted() and summary.set_bill(list(BILL)) == REFUSED
    box.unplug()
    assert summary.wanted() and summary.set_bill(list(BILL)) == OK
    assert not summary.wanted() and summary.bill == BILL


def test_a_bill_is_added_to_its_session():
    box = box_with_session()
    version = box.session_summary.version
    assert set_bill(box) == OK and box.session_summary.version == version + 1
    box.settle()
    box.session(7)
    rows = box.list()
    assert len(rows) == 2 and "cost" not in rows[0] and rows[1]["session"] == 1 and rows[1]["energy_wh"] == 100
    assert (rows[1]["cost"], rows[1]["currency"], rows[1]["billed_wh"]) == ("4.56", "EUR", "12345")
    assert (rows[1]["grid_per_cent"], rows[1]["own_per_cent"]) == ("65", "35.0")
    assert (rows[1]["grid_cost_per_cent"], rows[1]["own_cost_per_cent"]) == ("90", "10.0")


def test_what_a_bill_may_hold():
    box = box_with_session()
    nothing = None
    for good in ((GRID, 0), (GRID, 66), (OWN, nothing), (COST, -5), (DURATION, nothing), (CURRENCY, nothing),
                 (DURATION, 0), (ENERGY, 0), (COST, 2**31 - 1), (COST + 1, -9), (COST, 0)):
        assert set_bill(box, good) == OK, good
    for bad in ((GRID, 101), (GRID, -1), (OWN, 1001), (OWN, 370), (GRID + 2, 92), (ENERGY, -1), (DURATION, -1),
                (COST, 2**31), (ENERGY, 2**31), (COST + 1, -10), (ENERGY + 1, 10), (CURRENCY, "EURO"),
                (CURRENCY, "\u20ac"), (CURRENCY, "\u20ac\u20ac\u20ac"), (DURATION, 2**31)):
        assert set_bill(box, bad) == REFUSED, bad
    assert box.session_summary.set_bill([nothing] * 14) == REFUSED
    box.settle()
    assert box.again().session_summary.bill == box.session_summary.bill


def test_shares_are_told_by_any_scale():
    box = box_with_session()
    for number, scale, answer in ((1, 2, OK), (2, 2, REFUSED), (1000000001, -7, REFUSED), (1000000000, -7, OK),
                                  (0, 9, OK), (1, 3, REFUSED)):
        assert set_bill(box, (GRID, number), (GRID + 1, scale), (OWN, None)) == answer, (number, scale)


def test_flash_bears_an_ems_that_writes_without_end():
    box = box_with_session()
    assert set_bill(box) == OK
    writes = box.writes
    answers = [set_bill(box, (COST, n)) for n in range(100)]
    assert answers.count(OK) == 15 and answers[15:] == [BUSY] * 85
    assert set_bill(box, (COST, 14)) == OK  # what is there already costs nothing
    box.settle()
    assert box.writes == writes + 1 and box.session_summary.bill[COST] == 14
    box.tick(60000)
    assert [set_bill(box, (COST, n)) for n in range(3)] == [OK, BUSY, BUSY]


def test_the_counter_is_kept_each_kilowatt_hour_or_5_minutes():
    box = SessionBox()
    box.tick()
    assert box.writes == 1  # the first reading
    box.settle()
    box.plug()
    box.tick()
    assert box.writes == 1
    box.charge(5)
    assert box.writes == 2  # the session has begun
    box.charge(900)
    assert box.writes == 2
    box.charge(100)
    assert box.writes == 3
    box.tick(299000)
    box.charge(5)
    assert box.writes == 4
    box.tick(3600000)
    assert box.writes == 4  # nothing flows, nothing is written
    box.unplug()
    box.settle()
    assert box.writes == 6 and not box.session_summary.due
    box.charge(5)  # an hour after the last
    box.tick(3600000)
    assert box.writes == 7


def test_day_of_charging_is_some_hundred_writes():
    box = SessionBox()
    box.plug()
    for _ in range(24 * 60):
        box.meter.wh += 367  # 22 kW
        box.tick(60000)
    assert 400 < box.writes < 530


def test_a_controller_that_counts_anew_all_the_time_is_borne():
    box = SessionBox()
    box.settle()
    writes = box.writes
    for _ in range(1200):
        box.meter.wh += 1
        box.tick(500)
        box.station.energy.reset_wh = box.station.energy.total_wh
    assert box.writes - writes <= 62


def test_the_energy_of_the_session_that_runs_is_open_in_flash():
    box = SessionBox()
    box.settle()
    box.plug()
    box.settle()
    assert box.session_summary.running() == 0
    box.charge(5)
    assert box.session_summary.running() == 1
    box.unplug()
    assert box.session_summary.running() == 0


def test_a_failed_write_is_tried_again_after_a_minute():
    box = box_with_session()
    box.flash.read_only = True
    assert set_bill(box) == OK
    try:
        box.tick()
    except OSError:
        box.session_summary.kept(0)
    writes = box.writes
    box.tick(30000)
    assert box.writes == writes
    box.flash.read_only = False
    box.tick(31000)
    assert box.list()[0]["cost"] == "4.56" and not box.session_summary.due
