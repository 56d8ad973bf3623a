"""Slots and log against any sequence of writes, cuts and restarts, and against any file content."""

from hypothesis import given
from hypothesis import strategies as st

from bounded.log import Log
from bounded.records import Slots
from host_tests.pure.test_records import CutFlash, PowerCut

flashes = st.builds(CutFlash, st.integers(0, 1), st.booleans())
power = st.one_of(st.none(), st.integers(0, 40))
steps = st.lists(st.tuples(st.binary(max_size=20), power, st.booleans()), max_size=12)


def cut_short(flash, budget, act, value):
    """Do it with `budget` steps of power; True when it was finished."""
    flash.budget = budget
    try:
        act(value)
        return True
    except PowerCut:
        return False
    finally:
        flash.budget = None


@given(flashes, steps)
def test_slots_hold_the_last_committed_value(flash, sequence):
    slots = Slots(flash, "s", 20)
    committed = None
    for value, budget, restart in sequence:
        done = cut_short(flash, budget, slots.write, value)
        if restart or not done:  # a cut restarts the box
            slots = Slots(flash, "s", 20)
        got = slots.read()
        assert got == value if done else got in (committed, value)
        committed = got


@given(flashes, st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 20)), st.booleans()), max_size=40))
def test_log_loses_only_cut_records(flash, sequence):
    log = Log(flash, "l", 2, 4, 3)
    written = []
    in_doubt = []  # cut, but a remainder of zeros may still complete it at the next append
    number = 0
    for budget, restart in sequence:
        number += 1
        record = number.to_bytes(2, "big")
        done = cut_short(flash, budget, log.append, record)
        if restart or not done:
            log = Log(flash, "l", 2, 4, 3)
        got = list(log.newest())
        assert len(got) <= 12 and (not done or got[0] == record)
        if got[:1] == [record]:
            written.insert(0, record)
        else:
            in_doubt.append(record)
        got = [one for one in got if one not in in_doubt]
        assert got == written[: len(got)]  # in order, without a gap
        assert len(got) + len(in_doubt) >= min(len(written), 4)  # what was cut takes up room as well
    for name in flash.files:
        assert len(flash.files[name]) <= 4 * 10


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_content_is_read_as_nothing(a, b):
    flash = CutFlash()
    flash.files = {"x.0": bytearray(a), "x.1": bytearray(b)}
    assert Slots(flash, "x", 40).read() is None
    log = Log(flash, "x", 4, 5, 2)
    assert list(log.newest()) == [] and log.seq == 0
    log.append(b"next")
    assert list(Log(flash, "x", 4, 5, 2).newest()) == [b"next"]
