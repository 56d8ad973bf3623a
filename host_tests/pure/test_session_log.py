# heap: 320K
"""Sessions and the energy counter over power cuts at every byte and operation; rows F2, F3 of the fault table."""

import gc

from boards.sim.flash import Flash, PowerCut
from bounded.log import Log
from host_tests.pure.session_box import BILL, Meter, SessionBox
from wallbox.functions.ac_measurement import Energy
from wallbox.session_text import newest


class Story:
    """A session with a bill, one that is long enough for several counters, and what is true at any time of it."""

    def __init__(self, box):
        self.box = box
        self.first = box.session_summary.number + 1
        self.real = {}  # energy by session so far
        self.over = 0  # sessions whose record is in flash
        self.billed = False  # the bill is in flash

    def tell(self):
        box = self.box
        box.settle()
        self.one(300)
        assert box.session_summary.set_bill(list(BILL)) == 0
        box.settle()
        self.billed = True
        self.one(2600)
        self.one(150)

    def one(self, wh):
        box = self.box
        box.plug()
        number = box.session_summary.number
        box.tick()
        while wh > 0:
            self.real[number] = self.real.get(number, 0) + min(wh, 100)
            wh -= 100
            box.charge(min(100, 100 + wh), 100, 20000)
        box.unplug()
        box.settle()
        self.over = number

    def energy(self, box):
        """Wh in the sessions of this story, as listed."""
        return sum([row[1] for row in box.short() if row[0] >= self.first])

    def check(self, box, kept):
        """What the box tells after the power came back, with the records `kept` from before the story."""
        rows = box.short()
        numbers = [row[0] for row in rows]
        assert numbers == sorted(numbers, reverse=True) and len(set(numbers)) == len(numbers)
        found = {row[0]: row for row in rows}
        for number in self.real:
            if number <= self.over:
                assert found[number][1:] == (self.real[number], "unplugged")
            elif number in found:  # the one that ran
                assert found[number][1] == self.real[number], (number, found[number], self.real)
        bills = {row["session"]: row.get("cost") for row in box.list()}
        if self.billed:
            assert bills[self.first] == "4.56"
        old = [row for row in rows if row[0] < self.first]
        assert old == kept[: len(old)] and len(old) >= min(len(kept), 100)


def copied(flash):
    other = Flash(1 << 17)
    for name in flash.files:
        other.files[name] = bytearray(flash.files[name])
    return other


def told(files, cut, meter_wh):
    """The story on a flash with `files` that loses power after `cut` steps: box, story, whether it was cut."""
    flash = Flash(1 << 17)
    for name in files:
        flash.files[name] = bytearray(files[name])
    box = SessionBox(flash, Meter(meter_wh))
    story = Story(box)
    flash.cut_after(cut)
    try:
        story.tell()
    except PowerCut:
        return box, story, True
    return box, story, False


def at_every_step(files, kept, meter_wh=5000):
    cut = 0
    while True:
        box, story, lost = told(files, cut, meter_wh)
        if not lost:
            story.check(box, kept)
            return cut
        total_wh = box.station.energy.total_wh or 0
        box = box.again()
        before = box.station.energy.total_wh
        assert before is None or before <= total_wh
        other = SessionBox(copied(box.flash), Meter(0))  # what a new meter cannot tell
        assert before is None or other.station.energy.total_wh >= meter_wh + story.energy(other)
        rows = box.list()
        box.settle()
        assert box.list()[-len(rows) or 1000 :] == rows  # what is in flash is not touched any more
        assert box.station.energy.total_wh == box.meter.wh >= total_wh
        story.check(box, kept)
        rows = box.short()
        box.session(10)
        after = box.short()
        assert after[0][1:] == (10, "unplugged") and after[1:] == rows[: len(after) - 1]
        box = box.again()
        assert box.short() == after and box.station.energy.total_wh == box.meter.wh
        cut += 1


def test_power_cut_at_every_step_of_a_new_flash():
    assert at_every_step({}, []) > 400


def filled(count):
    """A flash after so many sessions, and what it tells."""
    box = SessionBox(Flash(1 << 17))
    for _ in range(count):
        box.session(100)
    return box.flash.files, box.short(), box.meter.wh


def test_power_cut_at_every_step_while_segments_change():
    """After 62 sessions their segment has room for two more records, and that of the counter for three."""
    files, kept, meter_wh = filled(62)
    assert len(files["sessions.0"]) == 62 * 62
    at_every_step(files, kept, meter_wh)


def test_cut_after_cut_in_one_session():
    """The car stays, the power does not: each start ends one session and begins another; the sum is true."""
    box = SessionBox()
    box.settle()
    start_wh = box.meter.wh
    for n in range(40):
        box.plug()
        box.flash.cut_after(n * 7 % 90)
        try:
            box.charge(60)
            box.tick()
        except PowerCut:
            pass
        box = box.again()
        box.settle()
        assert box.station.energy.total_wh == box.meter.wh
    rows = box.short()
    assert {row[2] for row in rows} == {"power cut"} and len(rows) > 12
    assert sum([row[1] for row in rows]) <= box.meter.wh - start_wh


def test_the_interrupted_session_is_repaired_with_what_the_meter_knows():
    box = SessionBox()
    box.settle()
    box.plug()
    box.tick(10000)
    box.charge(1005)
    box.charge(700)  # in no counter
    box = box.again()
    box.settle()
    row = box.list()[0]
    assert row["ended"] == "power cut" and row["energy_wh"] == 1705 and row["start"] == "2026-11-23T06:11:59Z"
    assert 200 <= row["duration_s"] <= 212  # as long as was known when the counter was kept
    assert box.session_summary.wanted()
    assert box.session_summary.set_bill(list(BILL)) == 0
    box.settle()
    assert len(box.again().list()) == 1 and box.list()[0]["cost"] == "4.56"


def test_a_car_that_is_still_there_begins_at_zero():
    box = SessionBox()
    box.settle()
    box.plug()
    box.charge(100)
    box = box.again()
    box.plug()  # before the meter was heard
    assert box.station.energy.session_wh() == 0
    box.settle()
    assert box.station.energy.session_wh() == 0 and not box.session_summary.wanted()
    box.charge(30)
    box.unplug()
    box.settle()
    assert box.short() == [(2, 30, "unplugged"), (1, 100, "power cut")]


def test_a_meter_that_counts_from_zero_again_or_is_another():
    for wh in (0, 3, 4_000_000):
        box = SessionBox()
        box.settle()
        box.session(1500)
        box.plug()
        box.charge(1200)
        kept_wh = 5000 + 1500 + 1005
        box = SessionBox(box.flash, Meter(wh))
        assert kept_wh <= box.station.energy.total_wh <= 7700
        total_wh = box.station.energy.total_wh
        box.settle()
        assert box.station.energy.total_wh == total_wh
        assert box.short()[0][2] == "power cut" and 1000 <= box.short()[0][1] <= 1200
        box.charge(10)
        assert box.station.energy.total_wh == total_wh + 10


def test_a_meter_that_stays_silent_keeps_nobody_waiting():
    box = SessionBox()
    box.settle()
    box.plug()
    box.charge(100)
    box = SessionBox(box.flash, Meter(None))
    for _ in range(40):
        box.tick()
    assert box.short() == [(1, 5, "power cut")] and box.station.energy.total_wh == 5005
    assert box.writes == 1


def test_energy_counts_on_from_what_was_kept():
    energy = Energy(22080)
    energy.resume(10000, 700, 300)
    assert energy.total_wh == 10000 and energy.session_wh() is not None
    energy.step(1000, 2701)  # more than can have flowed unkept: another meter
    assert energy.total_wh == 10000 and energy.session_wh() == 0
    energy.step(2000, 2702)
    assert energy.total_wh == 10001
    energy = Energy(22080)
    energy.resume(10000, 700, 300)
    energy.step(1000, 2700)
    assert energy.total_wh == 12000 and energy.reset_wh == 300


def test_where_a_controller_counts_from_outlasts_the_power():
    box = SessionBox()
    box.settle()
    box.station.energy.reset_wh = 5000
    box.tick(11000)
    assert box.again().station.energy.reset_wh == 5000


def test_every_flipped_byte_is_found_and_costs_one_record():
    box = SessionBox()
    for wh in (10, 20, 30):
        box.session(wh)
    flash = box.flash
    rows = box.short()
    for name in ("sessions.0", "energy.0"):
        whole = flash.files[name]
        for at in range(len(whole)):
            flash.files[name] = bytearray(whole)
            flash.files[name][at] ^= 1 << at % 8
            box = box.again()
            seen = box.short()
            assert [row for row in seen if row not in rows] == [] and len(seen) >= len(rows) - 1
            assert box.station.energy.total_wh >= 5030
        flash.files[name] = whole


def test_rubbish_in_flash_is_no_record():
    for fill in (b"\x00", b"\xff", b"rubbish "):
        flash = Flash()
        for name in ("sessions", "energy"):
            for n in range(4):
                flash.files[name + ".%d" % n] = bytearray(fill * 100)
        box = SessionBox(flash)
        assert box.list() == [] and box.station.energy.total_wh is None
        box.session(10)
        assert box.again().short() == [(1, 10, "unplugged")]


def test_flash_is_bounded_and_so_is_the_list():
    box = SessionBox(Flash(1 << 17))
    for n in range(300):
        box.session(10)
        box.session_summary._credit = 16
        assert box.session_summary.set_bill(list(BILL)) == 0
        box.settle()
    sizes = {name: len(box.flash.files[name]) for name in box.flash.files}
    assert sum(sizes.values()) <= 4 * 64 * 62 + 2 * 64 * 36 and len(sizes) == 6
    rows = box.list(1000)
    assert 96 <= len(rows) <= 128 and [row["session"] for row in rows] == list(range(300, 300 - len(rows), -1))
    assert len(box.list(5)) == 5


def test_a_list_that_is_read_while_the_log_goes_round_ends():
    box = SessionBox(Flash(1 << 17))
    for _ in range(250):
        box.session(10)
    rows = newest(box.flash, 300)
    first = next(rows)["session"]
    for _ in range(40):
        box.session(10)
    rest = [row["session"] for row in rows]
    assert rest == sorted(rest, reverse=True) and rest[0] < first and len(rest) < 256


def test_the_list_is_made_row_by_row():
    if not hasattr(gc, "mem_alloc"):
        return  # CPython keeps no count
    box = SessionBox(Flash(1 << 17))
    for _ in range(100):
        box.session(10)
        box.session_summary._credit = 16
        assert box.session_summary.set_bill(list(BILL)) == 0
        box.settle()
    sizes = [0] * 100
    count = 0
    for _ in newest(box.flash, 100):
        gc.collect()
        sizes[count] = gc.mem_alloc()
        count += 1
    assert count == 100 and max(sizes[1:]) - min(sizes[1:]) < 256, sizes


def test_the_record_of_another_size_is_none():
    flash = Flash()
    Log(flash, "sessions", 20).append(bytes(20))
    assert SessionBox(flash).list() == []
