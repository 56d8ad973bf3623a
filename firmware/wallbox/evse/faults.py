"""Faults and warnings: which bit is what, which ones latch, which heal, and what is told of them.

Every fault withdraws permission (x1) and opens the contactor at once, except OVERDRAW, which leaves the car the
6 s of seq 10.2. Four kinds:

    latched   WELD, RCM_TRIP                stay until a person resets them, WELD only with contacts seen open
    counted   NOT_CLOSED, DROPPED_OUT,      heal like the next kind, three times; from the fourth on they stay until
              FEEDBACK, RCM_TEST, LOCK,     reset. The count ends with 60 s of undisturbed charging
              OVERDRAW
    healing   all others                    end when no such condition was seen for 30 s (that is also the lock-out
                                            after D, E and F)
    warnings  TEMPERATURE_SENSOR, METER,    a mask of their own; live, they bound the current and never open
              UNLOCK
The bits are repeated as private constants in the module that raises them (constants cost no memory); a test
compares. Texts are in texts.py, which only a console needs.
"""

from bounded.compat import const

_LATCHED = const(1 << 7 | 1 << 11)
_COUNTED = const(1 << 8 | 1 << 9 | 1 << 10 | 1 << 12 | 1 << 14 | 1 << 15)
_RCM = const(1 << 11 | 1 << 12)
_WELD = const(1 << 7)
_TRIES = const(3)
_HEAL_MS = const(30000)

# events (texts.py)
_FAULT = const(1)  # value: bit number
_HEALED = const(2)  # value: bit number


class Faults:
    """active: mask of faults now. latched: those that do not heal."""

    def __init__(self, events):
        self.active = 0
        self.latched = 0
        self._events = events
        self._tries = 0
        self._quiet_ms = 0

    def tick(self, dt_ms, present, charged_ms):
        """Take the conditions `present` now; `charged_ms`: contactor closed for so long. Returns the new ones."""
        new = present & ~self.active
        if new:
            self.active |= new
            self.latched |= new & _LATCHED
            if new & _COUNTED:
                self._tries += 1
                if self._tries > _TRIES:
                    self.latched |= new & _COUNTED
            self._tell(new, _FAULT)
        elif charged_ms >= 60000:
            self._tries = 0
        if present & ~self.latched:
            self._quiet_ms = 0
        elif self.active & ~self.latched:
            self._quiet_ms += dt_ms
            if self._quiet_ms >= _HEAL_MS:
                self._end(self.latched)
        return new

    def reset(self, person, contacts_open):
        """End what may end: anything but WELD and RCM faults; with a `person` there, these too (WELD: if open)."""
        keep = self.active & (_WELD | _RCM)
        if person:
            keep = 0 if contacts_open else self.active & _WELD
        self._tries = 0
        self.latched &= keep
        self._end(keep)

    def _end(self, keep):
        ended = self.active & ~keep
        self.active &= keep
        self._tell(ended, _HEALED)

    def _tell(self, mask, code):
        bit = 0
        while mask:
            if mask & 1:
                self._events.push(code, bit)
            mask >>= 1
            bit += 1
