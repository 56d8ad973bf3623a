"""Durations and time stamps: the forms of the reference (3.7), lenient ones, and what is not one."""

from bounded.iso8601 import duration_ms, epoch_s, put_duration, put_timestamp


def duration(text):
    return duration_ms(text, len(text))


def stamp(text):
    return epoch_s(text, len(text))


def written(put, value):
    out = bytearray(40)
    return bytes(out[: put(value, out)])


def test_durations():
    for text, ms in (
        (b"PT4S", 4000), (b"PT2H", 7200000), (b"P0D", 0), (b"PT0S", 0), (b"P1DT2H", 93600000), (b"-PT1H",
        -3600000), (b"PT60S", 60000),
        (b"PT15M", 900000), (b"PT1H59M59S", 7199000), (b"PT0.5S", 500), (b"PT0,25S", 250), (b"PT1.2345S",
        1234), (b"PT1.5H", 5400000),
        (b"P1W", 604800000), (b"P1M", 2592000000), (b"P1Y", 31536000000), (b"P1Y2M3W4DT5H6M7S", 38898367000),
        (b"PT3600S", 3600000),
    ):
        assert duration(text) == ms, text


def test_what_is_not_a_duration():
    for text in (b"", b"P", b"-P", b"PT", b"P1", b"PT1", b"1S", b"T1S", b"P1S", b"PT1D", b"PT1W", b"P1DT",
    b"PT.5S", b"PT5.S", b"PT1.2.3S", b"P1D ", b"PTS",
                 b"P-1D", b"pt1s", b"P1TT1S", b"PT1H1", b"PT" + b"9" * 60 + b"S", b"2026-01-01T00:00:00Z",
                 b"P1DT1H1.", b"+PT1S"):
        assert duration(text) is None, text


def test_only_the_length_given_counts():
    assert duration_ms(b"PT4S99", 4) == 4000
    assert duration_ms(bytearray(b"PT4SxxxxS"), 4) == 4000


def test_durations_are_written_in_whole_seconds():
    for ms, text in (
        (0, b"PT0S"), (4000, b"PT4S"), (60000, b"PT60S"), (61000, b"PT1M1S"), (120000, b"PT2M"), (7199999,
        b"PT1H59M59S"), (7200000, b"PT2H"),
        (93600000, b"PT26H"), (3601000, b"PT1H1S"), (-3600000, b"-PT1H"), (-999, b"PT0S"), (999, b"PT0S"),
        (10**9, b"PT277H46M40S"),
    ):
        assert written(put_duration, ms) == text
        assert duration(text) == abs(ms) // 1000 * (1000 if ms >= 0 else -1000)


def test_time_stamps():
    for text, seconds in (
        (b"1970-01-01T00:00:00Z", 0), (b"2026-11-23T06:11:57Z", 1795414317), (b"2000-02-29T23:59:59Z",
        951868799), (b"2038-01-19T03:14:08Z", 1 << 31),
        (b"2026-11-23T06:11:57.123456Z", 1795414317), (b"2026-11-23T06:11:57,5", 1795414317),
        (b"2026-11-23T06:11:57", 1795414317),
        (b"2026-11-23T08:11:57+02:00", 1795414317), (b"2026-11-23T01:41:57.9-0430", 1795414317),
        (b"2026-11-23T07:11:57+01", 1795414317),
        (b"2100-03-01T00:00:00Z", 4107542400), (b"1999-12-31T23:59:60z", 946684800),
        (b"2024-12-31t24:00:00Z", 1735689600),
    ):
        assert stamp(text) == seconds, text


def test_what_is_not_a_time_stamp():
    for text in (b"", b"2026-11-23", b"2026-11-23T06:11Z", b"2026-13-23T06:11:57Z", b"2026-00-23T06:11:57Z",
    b"2026-11-32T06:11:57Z", b"2026-11-00T06:11:57Z",
                 b"2026-11-23T25:11:57Z", b"2026-11-23T06:60:57Z", b"2026-11-23T06:11:61Z",
                 b"2026/11-23T06:11:57Z", b"2026-11-23T06:11:57Zx",
                 b"2026-11-23T06:11:57x", b"2026-11-23T06:11:57+", b"2026-11-23T06:11:57+aa:bb",
                 b"20261-11-3T06:11:57Z",
                 b"PT4S", b"2026-11-23T06 11 57Z", b"xxxx-xx-xxTxx:xx:xxZ"):
        assert stamp(text) is None, text


def test_time_stamps_are_written_as_they_are_read():
    for seconds in (0, 951782400, 951868799, 1795414317, 1 << 31, 4107542400, 1735689599, 68169600):
        text = written(put_timestamp, seconds)
        assert len(text) == 20
        assert stamp(text) == seconds
    assert written(put_timestamp, 1795414317) == b"2026-11-23T06:11:57Z"
