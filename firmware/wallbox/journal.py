"""What happened and when: a ring in RAM, copied to flash event by event, at a bounded rate.

An event is a code and a value. Codes below 32 are the guard's (evse/texts.py has its words), the others are here;
journal_text.py has words for all, and only a console loads it. Times are since start; the wall clock stands beside
them in flash when it is known.
"""

from struct import pack_into, unpack

from bounded.compat import const
from bounded.log import Log
from bounded.ring import Ring

BOOT = const(32)  # value: reset cause, as machine.reset_cause(), 0 unknown
SETTINGS = const(33)  # read with a problem, or not saved: settings.problem
TASK_FAILED = const(34)  # value: how often
SAFE_STATE = const(35)  # the supervisor gave up
CAR = const(36)  # value: 1 came, 0 left
NETWORK = const(37)  # value: 1 up, 0 down
EMS = const(38)  # value: connections now
LIMIT = const(39)  # value: state of the consumption limit (limits/failsafe.py)
CLOCK = const(40)  # the wall clock was set
TRUST = const(41)  # value: trusted peers now
STALL = const(42)  # value: ms between two guard ticks

_FORMAT = "<HHIIi"  # start, code, seconds since start, wall clock or 0, value
_BYTES = const(16)
_STATE = const(3)  # events of the guard that come too often for flash
_DUTY = const(7)
_CREDIT = const(16)  # records in a burst,
_REFILL_S = const(60)  # then one in so many seconds


class Journal:
    """The events of this start in `ring`, rows (seconds since start, code, value, repeats), and those kept in flash.

    `start` counts the starts of this device. `lost`: events that gave way before they were in flash. `failed`:
    writes that failed; the ring goes on without flash.
    """

    def __init__(self, store=None, cause=0, length=32):
        """Go on in `store` (bounded/records.py; None: no flash); notes BOOT with the reset cause."""
        self.ring = Ring(length)
        self.start = 1
        self.lost = 0
        self.failed = 0
        self._length = length
        self._unsaved = 0
        self._credit = _CREDIT
        self._refilled_s = 0
        self._raw = bytearray(_BYTES)
        self._log = Log(store, "journal", _BYTES) if store else None
        for row in self.kept():
            self.start = (row[0] + 1) & 0xFFFF
            break
        self.note(0, BOOT, cause)

    def note(self, now_ms, code, value=0):
        """Note an event; the same one again only counts its repeats."""
        newest = self.ring.newest()
        if newest and newest[1] == code and newest[2] == value:
            self.ring.again()
            return
        self.ring.push(now_ms // 1000, code, value)
        if self._unsaved < self._length:
            self._unsaved += 1
        else:
            self.lost += 1

    def take(self, now_ms, events):
        """Note all events of the guard's ring, rows (code, value, 0, 0), and empty it."""
        event = events.pop()
        while event:
            self.note(now_ms, event[0], event[1])
            event = events.pop()

    def flush(self, now_ms, wall_s=None):
        """Write at most one event to flash, if one waits and the rate allows; True when flash was written.

        `wall_s` is the wall clock in seconds since 1970, None while unknown.
        """
        now_s = now_ms // 1000
        refill = (now_s - self._refilled_s) // _REFILL_S
        self._credit = min(self._credit + refill, _CREDIT)
        self._refilled_s += refill * _REFILL_S
        while self._unsaved and self._credit:
            at_s, code, value, _ = self.ring.newest(self._unsaved - 1)
            self._unsaved -= 1
            if self._log and code != _STATE and code != _DUTY:
                self._credit -= 1
                wall_s = wall_s - now_s + at_s if wall_s else 0
                pack_into(_FORMAT, self._raw, 0, self.start, code, at_s, wall_s, value)
                try:
                    self._log.append(self._raw)
                except OSError:
                    self.failed += 1
                return True
        return False

    def kept(self):
        """Yield what is in flash, newest first: (start, code, seconds since start, wall clock or 0, value)."""
        if self._log:
            for raw in self._log.newest():
                yield unpack(_FORMAT, raw)
