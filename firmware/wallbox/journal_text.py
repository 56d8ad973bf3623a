"""Words for the journal's codes. Only a console needs them."""

from wallbox.evse.texts import event_text

_FIRST = 32
_TEXTS = (
    "start after %s", "settings had a problem", "a task failed, %d times by now", "safe state", "car %s",
    "network %s", "EMS connections: %d", "consumption limit %s", "clock set", "trusted peers: %d",
    "stood still for %d ms",
)
_VALUES = {
    32: ("unknown cause", "power on", "reset button", "watchdog", "deep sleep", "soft reset"),
    36: ("left", "came"),
    37: ("down", "up"),
    39: ("not yet known", "in force", "lifted by the EMS", "failsafe", "lifted, no EMS"),
}


def text(code, value):
    """An event in words."""
    if code < _FIRST:
        return event_text((code, value))
    if code - _FIRST >= len(_TEXTS):
        return "event %d, %d" % (code, value)
    words = _TEXTS[code - _FIRST]
    if code in _VALUES:
        values = _VALUES[code]
        return words % (values[value] if 0 <= value < len(values) else value)
    return words % value if "%" in words else words


def duration(seconds):
    """Seconds since start as `1d 02:03:04`."""
    days = seconds // 86400
    hours = "%02d:%02d:%02d" % (seconds // 3600 % 24, seconds // 60 % 60, seconds % 60)
    return "%dd %s" % (days, hours) if days else hours
