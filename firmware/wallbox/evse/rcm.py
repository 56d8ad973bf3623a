"""Residual direct current monitor: self-test before each session and every 24 h, trip (IEC 62955)."""

from bounded.compat import const

_RCM_TRIP = const(1 << 11)
_RCM_TEST = const(1 << 12)

_BUDGET_MS = const(250)  # for answer and release together
_TRIP_MS = const(50)
_BLANK_MS = const(200)  # after switching; a trip that outlasts it counts from its beginning
_DAY_MS = const(24 * 3600 * 1000)
_HOUR_MS = const(3600 * 1000)


class Rcm:
    """test: drive the test input. ok: last test passed. due: 1 a test is wanted, 2 so much that charging pauses."""

    def __init__(self):
        self.test = False
        self.ok = False
        self.due = 1
        self._busy = False
        self._ms = 0
        self._since_ms = 0
        self._trip_ms = 0

    def tick(self, dt_ms, tripped, may_test, switched_ms):
        """Watch the output `tripped`; start a due test when `may_test` (contactor open). Returns fault bits."""
        if self._since_ms < _DAY_MS + _HOUR_MS:
            self._since_ms += dt_ms
            if self._since_ms >= _DAY_MS:
                self.due = 1
        else:
            self.due = 2
        if self._busy:
            self._ms += dt_ms
            if self._ms > _BUDGET_MS:
                self._busy = self.test = False
                return _RCM_TEST
            if tripped == self.test:
                # first it answers, then it lets go
                if self.test:
                    self.test = False
                else:
                    self._busy = False
                    self.due = 0
                    self.ok = True
                    self._since_ms = 0
        elif may_test and self.due:
            self.ok = False
            if tripped:
                return _RCM_TEST
            self._busy = self.test = True
            self._ms = 0
        elif tripped and self.ok:
            self._trip_ms = min(_TRIP_MS, self._trip_ms + dt_ms)
            if self._trip_ms >= _TRIP_MS and switched_ms >= _BLANK_MS:
                return _RCM_TRIP
        else:
            self._trip_ms = 0
        return 0
