"""Words for the journal's codes. Only a console needs them."""

from bounded.compat import const
from bounded.lines import Lines

_FIRST = const(32)
# words, and for those with %s what the values 0, 1, 2 ... are called
_TEXTS = Lines(b"""start after %s|unknown cause|power on|reset|watchdog|deep sleep|soft reset
settings had a problem
a task failed, failures so far: %d
safe state
car %s|left|came
network %s|down|up
EMS connections: %d
consumption limit %s|not yet known|in force|lifted by the EMS|failsafe|lifted, no EMS
clock set
trusted peers: %d
stood still for %d ms
flash cannot be written
safe mode: %d quick starts
factory reset %s|refused|by the button|by a word|with identity and records
self-test: failed parts %d (1 pilot, 2 residual current monitor, 4 contactor)
update %s|failed|installed|proven""", "|")


def text(code, value):
    """An event in words."""
    if code < _FIRST:
        from wallbox.evse import texts

        if code < len(texts.EVENTS):
            return texts.event_text((code, value))
    if code < _FIRST or code - _FIRST >= len(_TEXTS):
        return "event %d, %d" % (code, value)
    row = _TEXTS[code - _FIRST]
    if len(row) > 1:
        return row[0] % (row[value + 1] if 0 <= value < len(row) - 1 else value)
    return row[0] % value if "%" in row[0] else row[0]


def duration(seconds):
    """Seconds since start as `1d 02:03:04`."""
    days = seconds // 86400
    hours = "%02d:%02d:%02d" % (seconds // 3600 % 24, seconds // 60 % 60, seconds % 60)
    return "%dd %s" % (days, hours) if days else hours
