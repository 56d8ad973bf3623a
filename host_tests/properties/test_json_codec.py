"""The JSON codec against random values, layouts, splits and damage."""

import json
import re
import string

from hypothesis import given, settings
from hypothesis import strategies as st

from bounded.iso8601 import duration_ms, epoch_s, put_duration, put_timestamp
from bounded.json_reader import JsonReader
from bounded.json_writer import JsonWriter
from host_tests.pure.damage import Chance, damaged
from host_tests.pure.test_json_reader import ADDRESS, LIMIT_WRITE, LIMITS, read

INT64 = st.integers(-(1 << 63), (1 << 63) - 1)
ENTITY = st.lists(st.integers(0, 1023), min_size=1, max_size=4)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def packed(numbers):
    value = 1
    for number in numbers:
        value = value << 10 | number
    return value


def maybe(strategy):
    return st.none() | strategy


ROW = st.tuples(
    maybe(TEXT), maybe(ENTITY.map(packed)), maybe(st.integers(0, 1 << 40)),
    maybe(st.lists(TEXT, min_size=1, max_size=4)),
    maybe(st.lists(st.integers(0, 99), min_size=1, max_size=4)), maybe(TEXT),
    maybe(st.integers(-(10**6), 10**9).map(lambda s: s * 1000)),
    maybe(st.booleans()), maybe(st.just(True)), maybe(INT64), maybe(INT64),
    maybe(st.lists(st.tuples(st.integers(0, 5)).map(list), min_size=1, max_size=4)), maybe(INT64),
    maybe(st.integers(-128, 127)),
)


@settings(max_examples=300, deadline=None)
@given(ROW, st.integers(1, 60), st.integers(1, 60))
def test_rows_survive_writing_and_reading(row, out_size, in_size):
    writer = JsonWriter()
    buffer = bytearray(out_size)
    text = b""
    writer.start(buffer)
    unit = 0
    while unit < 3:
        if unit == 1:
            writer.members(ADDRESS + b")", 0, row, 0)
        else:
            writer.raw(b"]" if unit else b"[")
        if writer.done():
            unit += 1
        else:
            text += bytes(buffer)
            writer.start(buffer)
    text += bytes(buffer[: writer.written()])
    json.loads(text)
    back = list(row)
    if row[12] is not None and row[13] is None:
        sound, problem, got = read(text, ADDRESS, 14, in_size)
        assert type(got[13]) is object
        got[13] = None
    else:
        sound, problem, got = read(text, ADDRESS, 14, in_size)
    assert sound and not problem
    assert got == back


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False,
    allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(string.ascii_lowercase, max_size=5),
    inner, max_size=4),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None)
@given(PLAIN.filter(lambda v: isinstance(v, (list, dict))), st.booleans(), st.integers(1, 40))
def test_any_json_is_taken_and_unknown_elements_change_nothing(value, ascii_only, step):
    text = json.dumps({"unknown": value, "v": 7}, ensure_ascii=ascii_only).encode()
    assert read(text, b"v:i", 1, step) == (True, 0, [7])
    assert read(json.dumps(value, ensure_ascii=ascii_only).encode(), b"zzzzzzz:i", 1, step)[0]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40), st.integers(1, 5))
def test_what_is_taken_of_random_bytes_is_json(data, step):
    for text in (data, b'{"v":' + data + b"}", b"[" + data + b"]"):
        sound = read(text, b"v:i", 1, step)[0]
        if sound:
            # Words (numbers, true ...) of elements nobody wants are known by their first character only.
            plain = text.rstrip(b"\0 \t\r\n").decode("utf-8", "replace")
            json.loads(re.sub(r'("(?:[^"\\]|\\.)*")|[-0-9tfn][^],} \t\r\n]*', lambda m: m.group(1) or "0", plain))


def test_damaged_messages_never_raise_and_stay_bounded():
    chance = Chance(4)
    reader = JsonReader(max_rows=8)
    complete = 0
    for _ in range(20000):
        text = damaged(chance, LIMIT_WRITE)
        sound, problem, row = read(text, LIMITS, 1, (1, 7, 1000)[chance.below(3)], reader)
        complete += sound
        assert row[0] is None or len(row[0]) <= 8
    assert 1000 < complete < 19000


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 10**9))
def test_times_survive(seconds):
    out = bytearray(40)
    assert duration_ms(out, put_duration(seconds * 1000, out)) == seconds * 1000
    n = put_timestamp(seconds * 4, out)
    assert epoch_s(out, n) == seconds * 4


@settings(max_examples=500, deadline=None)
@given(st.datetimes(), st.text("0123456789PYMWDTHS.,+-:Z", max_size=30))
def test_time_stamps_agree_with_datetime(moment, garbage):
    from datetime import timezone

    moment = moment.replace(tzinfo=timezone.utc)
    text = moment.isoformat().encode()
    assert epoch_s(text, len(text)) == int(moment.replace(microsecond=0).timestamp())
    duration_ms(garbage.encode(), len(garbage))
    epoch_s(garbage.encode(), len(garbage))
