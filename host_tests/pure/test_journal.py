"""The journal: order, repeats, rate of writing, times, restarts, a flash that fails or loses power."""

from boards.sim.flash import Flash, PowerCut
from bounded.ring import Ring
from wallbox.journal import BOOT, CAR, EMS, STALL, Journal
from wallbox.journal_text import duration, text


def codes(journal):
    return [(row[1], row[4]) for row in journal.kept()]


def flushed(journal, now_ms=0, wall_s=None):
    return journal.flush(now_ms, wall_s)


def test_events_are_kept_with_start_and_times():
    flash = Flash()
    journal = Journal(flash, 1)
    journal.note(61999, CAR, 1)
    assert flushed(journal, 70000) == 2
    journal.note(80000, CAR, 0)
    assert flushed(journal, 90500, 1_700_000_000) == 1
    assert list(journal.kept()) == [
        (1, CAR, 80, 1_700_000_000 - 10, 0),
        (1, CAR, 61, 0, 1),
        (1, BOOT, 0, 0, 1),
    ]
    journal = Journal(flash, 3)
    assert journal.start == 2
    flushed(journal)
    assert list(journal.kept())[0] == (2, BOOT, 0, 0, 3)
    assert Journal(flash).start == 3


def test_wall_clock_counts_for_each_event_in_turn():
    journal = Journal(Flash())
    journal.note(10000, CAR, 1)
    journal.note(20000, CAR, 0)
    assert journal.flush(30000, 1_700_000_030) == 3
    assert [row[3] for row in journal.kept()] == [1_700_000_020, 1_700_000_010, 1_700_000_000]


def test_repeats_are_counted_once_written():
    journal = Journal(Flash())
    for n in range(50):
        journal.note(n * 1000, EMS, 2)
    assert journal.ring.newest() == (0, EMS, 2, 49) and len(journal.ring) == 2
    assert flushed(journal) == 2


def test_rate_is_bounded():
    journal = Journal(Flash(), length=32)
    for n in range(30):
        journal.note(0, STALL, n)
    assert flushed(journal) == 16 and codes(journal)[0] == (STALL, 14)
    assert flushed(journal, 59999) == 0
    assert flushed(journal, 60000) == 1
    assert flushed(journal, 240000) == 3
    assert journal.lost == 0
    assert flushed(journal, 100_000_000) == 11
    total = 0
    for second in range(3600):
        for n in range(5):
            journal.note(200_000_000 + second * 1000, STALL, second * 5 + n)
        total += flushed(journal, 200_000_000 + second * 1000)
    assert 16 + 59 <= total <= 16 + 60 and journal.lost > 10000


def test_due_soon_while_idle_later_while_charging():
    journal = Journal(Flash())
    assert journal.due(10000) and flushed(journal) == 1 and not journal.due(10000)
    journal.note(10000, CAR, 1)
    assert not journal.due(19999) and journal.due(20000)
    assert not journal.due(39999, True) and journal.due(40000, True)
    for n in range(8):
        journal.note(11000, STALL, n)
    assert not journal.due(19999, True) and journal.due(20000, True)  # half of the ring waits
    journal.flush(20000)
    assert not journal.due(100000)
    journal.note(100000, CAR, 0)
    journal.note(100000, 1, 7)
    assert not journal.due(100999) and journal.due(101000)  # a fault soon


def test_due_only_as_far_as_the_rate_allows():
    journal = Journal(Flash())
    for n in range(16):
        journal.note(0, STALL, n)
        journal.flush(0)
    assert journal.failed == 0 and codes(journal)[0] == (STALL, 14)
    assert not journal.due(59999) and journal.due(60000)
    journal.paid_ms = 60000 + 960000  # as health.py does for want of memory
    assert not journal.due(60000) and journal.due(120000)


def test_states_and_duties_alone_are_nothing_to_write():
    journal = Journal(Flash())
    journal.flush(0)
    for n in range(40):
        journal.note(0, 3, 65 + n % 3)
        journal.note(0, 7, n)
    assert not journal.due(100000) and journal.lost == 0
    journal.note(0, CAR, 1)
    journal.note(0, 7, 100)
    assert journal.due(100000) and journal.flush(100000) == 1 and codes(journal)[0] == (CAR, 1)


def test_guards_events():
    events = Ring(16)
    events.push(1, 7)
    events.push(3, ord("C"))
    events.push(7, 533)
    events.push(2, 7)
    journal = Journal(Flash())
    journal.take(5000, events)
    assert [journal.ring.newest(back)[1] for back in range(5)] == [2, 7, 3, 1, BOOT]
    assert flushed(journal) == 3 and codes(journal) == [(2, 7), (1, 7), (BOOT, 0)]  # states and duties stay in RAM


def test_without_flash_and_with_a_bad_one():
    journal = Journal()
    journal.note(0, CAR, 1)
    assert flushed(journal) == 0 and not journal.due(100000) and codes(journal) == [] and len(journal.ring) == 2
    flash = Flash()
    flash.read_only = True
    journal = Journal(flash)
    journal.note(0, CAR, 1)
    assert flushed(journal) == 2 and journal.failed == 2 and len(journal.ring) == 2
    flash.read_only = False
    journal.note(0, CAR, 0)
    assert flushed(journal) == 1 and codes(journal) == [(CAR, 0)]


def test_power_cut_while_writing():
    for cut_after in range(0, 60):
        flash = Flash()
        journal = Journal(flash)
        journal.note(0, CAR, 1)
        journal.note(0, CAR, 0)
        flash.cut_after(cut_after)
        try:
            flushed(journal)
        except PowerCut:
            pass
        flash.power_on()
        journal = Journal(flash)
        got = codes(journal)
        assert got == [(CAR, 0), (CAR, 1), (BOOT, 0)][3 - len(got) :]
        assert len(got) >= cut_after // 26
        flushed(journal)
        assert codes(journal) == [(BOOT, 0)] + got


def test_flash_is_bounded():
    flash = Flash()
    journal = Journal(flash)
    now_ms = 0
    for n in range(1000):
        now_ms += 60000
        journal.note(now_ms, STALL, n)
        flushed(journal, now_ms)
    assert sum([len(flash.files[name]) for name in flash.files]) <= 4 * 64 * 24
    got = codes(Journal(flash))
    assert 192 < len(got) <= 256 and got == [(STALL, 999 - back) for back in range(len(got))]


def test_words():
    assert text(BOOT, 3) == "start after watchdog" and text(BOOT, 99) == "start after 99"
    assert text(CAR, 1) == "car came" and text(STALL, 120) == "stood still for 120 ms"
    assert text(1, 7) == "fault WELD" and text(3, ord("C")) == "state C"
    assert text(77, 5) == "event 77, 5"
    assert text(45, 0) == "factory reset refused" and text(44, 10) == "safe mode: 10 quick starts"
    for code in list(range(1, 10)) + list(range(32, 48)):
        for value in (0, 1, 5):
            assert "%" not in text(code, value) and text(code, value)[:5] != "event"
    assert text(47, 2) == "update proven" and text(48, 1) == "event 48, 1" and text(10, 1) == "event 10, 1"
    assert duration(59) == "00:00:59" and duration(90061) == "1d 01:01:01"
