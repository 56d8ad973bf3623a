"""Texts in one piece of bytes."""

from bounded.lines import Lines
from host_tests.pure.support import raises
from wallbox.evse import led, texts


def test_lines():
    lines = Lines("one\ntwo \u00e4\n\nfour".encode())
    assert len(lines) == 4 and [lines[i] for i in range(4)] == ["one", "two \u00e4", "", "four"]
    assert list(lines) == ["one", "two \u00e4", "", "four"]
    for index in (4, 99, -1):
        assert raises(IndexError, lambda: lines[index])
    assert list(Lines(b"a|b\nc", "|")) == [("a", "b"), ("c",)]


def test_every_pattern_of_the_led_has_words():
    for pattern in range(18):
        known = pattern < 8 or pattern > 11
        assert bool(texts.LED[pattern]) == known


def shape(pattern):
    return tuple([led.brightness(pattern, ms) for ms in range(0, 12000, 20)])


def test_no_two_patterns_of_the_led_look_alike():
    seen = {}
    for pattern in (0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15, 16, 17):
        found = shape(pattern)
        assert found not in seen, (pattern, seen[found])
        seen[found] = pattern
        assert min(found) >= 0 and 100 <= max(found) <= 255


def test_faults_blink_as_often_as_their_class():
    for pattern, blinks in ((12, 2), (13, 3), (14, 4), (15, 5), (16, 6), (17, 7)):
        period = blinks * 400 + 1200
        levels = [led.brightness(pattern, ms) for ms in range(0, period, 10)]
        rises = 0
        for i in range(len(levels)):
            if levels[i] and not levels[i - 1]:
                rises += 1
        assert rises == blinks and not any(levels[(blinks * 400) // 10 :])
