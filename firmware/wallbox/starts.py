"""Counts starts that follow each other quickly: a box that keeps resetting must not keep closing its contactor (L3).

A start by the watchdog weighs 2, any other 1 (in MicroPython a brown-out looks like power-on), one from the REPL
nothing. At LIMIT, five bites of the watchdog or ten other starts, the station begins in safe mode. The count ends
once the firmware has run well for a while (health.py) or by a word of a person. It is written before anything else is
begun that could fail; a store that cannot be written counts nothing.
"""

from bounded.compat import const
from bounded.files import Files
from bounded.records import Slots

LIMIT = const(10)
_WEIGHT = b"\1\1\1\2\0\0"  # by reset cause: unknown, power-on, reset, watchdog, deep sleep, soft reset


def _slots(storage):
    return Slots(Files(storage) if isinstance(storage, str) else storage, "starts", 1)


def begin(storage, cause):
    """Count this start; the count when it has led to safe mode, else 0."""
    slots = _slots(storage)
    kept = slots.read()
    count = kept[0] if kept else 0
    weight = _WEIGHT[cause] if cause < len(_WEIGHT) else 1
    if weight and count < LIMIT:
        count += weight
        try:
            slots.write(bytes((count,)))
        except OSError:
            pass
    return count if count >= LIMIT else 0


def forget(storage):
    """The firmware runs well, or a person wants it to start as usual. OSError: the store failed."""
    slots = _slots(storage)
    if slots.read() not in (None, b"\0"):
        slots.write(b"\0")
