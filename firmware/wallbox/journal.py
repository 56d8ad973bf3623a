"""What happened and when: a ring in RAM, copied to flash at a bounded rate, while nothing is charged if that may wait.

An event is a code and a value. Codes below 32 are the guard's (evse/texts.py has its words), the others are here;
journal_text.py has words for all, and only a console loads it. Times are since start; the wall clock stands beside
them in flash when it is known.
"""

from struct import pack_into, unpack

from bounded.compat import const
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
STORE = const(43)  # flash cannot be written; what happens is only in RAM
SAFE_MODE = const(44)  # value: starts in quick succession (starts.py)
FACTORY_RESET = const(45)  # value: 0 refused, 1 by the button, 2 by a word, 3 with identity and records
SELF_TEST = const(46)  # value: mask of what failed, 1 pilot, 2 residual current monitor, 4 contactor
UPDATE = const(47)  # value: 0 failed, 1 installed, 2 the new program has proven itself

_FORMAT = "<HHIIi"  # start, code, seconds since start, wall clock or 0, value
_BYTES = const(16)
_STATE = const(3)  # events of the guard that come too often for flash
_DUTY = const(7)
_EVERY_MS = const(60000)  # for one record, after a burst
_BURST_MS = const(16 * 60000)
_IDLE_MS = const(10000)  # from an event to flash, so that what belongs together is written together
_SOON_MS = const(1000)  # from a fault
_FAULT = const(1)
_BUSY_MS = const(30000)  # while charging: a write may stall the loop, and costs less when there is none before


class Journal:
    """The events of this start in `ring`, rows (seconds since start, code, value, repeats), and those kept in flash.

    `start` counts the starts of this device. `lost`: events that gave way before they were in flash. `failed`:
    writes that failed; the ring goes on without flash. `paid_ms`: the time up to which the rate of writing is used up.
    """

    def __init__(self, store=None, cause=0, length=16):
        """Go on in `store`, a folder or a store as in bounded/files.py (None: no flash); BOOT with the cause."""
        self.ring = Ring(length)
        self.start = 1
        self.lost = 0
        self.failed = 0
        self._store = store
        self._length = length
        self._unsaved = 0  # newest events that are not in flash
        self._since_ms = 0  # when the first of them came
        self.paid_ms = 0
        for row in self.kept():
            self.start = (row[0] + 1) & 0xFFFF
            break
        self.note(0, BOOT, cause)

    def _log(self):
        """The log in flash, in memory only while it is used."""
        from bounded.log import Log

        store = self._store
        if isinstance(store, str):
            from bounded.files import Files

            store = Files(store)
        return Log(store, "journal", _BYTES)

    def note(self, now_ms, code, value=0):
        """Note an event; the same one again only counts its repeats."""
        newest = self.ring.newest()
        if newest and newest[1] == code and newest[2] == value:
            self.ring.again()
            return
        self.ring.push(now_ms // 1000, code, value)
        if self._unsaved >= self._length:
            self.lost += 1
        elif self._unsaved or code != _STATE and code != _DUTY:
            if not self._unsaved:
                self._since_ms = now_ms
            self._unsaved += 1
            if code == _FAULT or code == TASK_FAILED:
                self._since_ms = now_ms - _IDLE_MS + _SOON_MS

    def take(self, now_ms, events):
        """Note all events of the guard's ring, rows (code, value, 0, 0), and empty it."""
        event = events.pop()
        while event:
            self.note(now_ms, event[0], event[1])
            event = events.pop()

    def due(self, now_ms, busy=False):
        """Whether `flush` has something to write and may: soon, or later while a write would disturb (`busy`)."""
        if not self._unsaved or not self._store:
            return False
        wait_ms = _BUSY_MS if busy and self._unsaved < self._length // 2 else _IDLE_MS
        return now_ms - self._since_ms >= wait_ms and self.paid_ms + _EVERY_MS <= now_ms + _BURST_MS

    def flush(self, now_ms, wall_s=None):
        """Write the events that wait, as far as the rate allows; how many were written or failed.

        `wall_s` is the wall clock in seconds since 1970, None while unknown.
        """
        if not self._store:
            return 0
        now_s = now_ms // 1000
        log = self._log()
        raw = bytearray(_BYTES)
        count = 0
        self.paid_ms = max(self.paid_ms, now_ms)
        while self._unsaved and self.paid_ms + _EVERY_MS <= now_ms + _BURST_MS:
            at_s, code, value, _ = self.ring.newest(self._unsaved - 1)
            if code != _STATE and code != _DUTY:
                pack_into(_FORMAT, raw, 0, self.start, code, at_s, wall_s - now_s + at_s if wall_s else 0, value)
                self.paid_ms += _EVERY_MS
                count += 1
                try:
                    log.append(raw)
                except OSError:
                    self.failed += 1
            self._unsaved -= 1
        return count

    def kept(self):
        """Yield what is in flash, newest first: (start, code, seconds since start, wall clock or 0, value)."""
        if self._store:
            for raw in self._log().newest():
                yield unpack(_FORMAT, raw)
