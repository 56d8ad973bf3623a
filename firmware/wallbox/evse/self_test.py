"""Self-test of pilot, residual current monitor and contactor, while no car is there. Loaded when a person asks for it.

The guard lets it have the pilot: 10 % for a second, F for a second, x1 again. The residual current monitor is tested
as before each session. The contactor stays open, as nothing may be live in a plug without a car (I1): it is tested
for what mirror contacts and load side say. The first sign of a car ends it.
"""

from bounded.compat import const

_X1 = const(1000)
_X2 = const(100)
_BETWEEN_MS = const(5000)  # between duty changes (I6)
_PERMITTED_MS = const(15000)
_LOOK_MS = const(1000)  # after a change of the pilot
_RCM_MS = const(1000)
_PILOT = const(1)
_MONITOR = const(2)
_CONTACTOR = const(4)
_OF_RCM = const(1 << 11 | 1 << 12)  # fault bits, see faults.py
_OF_CONTACTOR = const(1 << 7 | 1 << 8 | 1 << 9 | 1 << 10)
_LIVE_MV = const(50000)


class SelfTest:
    """over: it has ended, `told`: the journal knows.    failed: mask, 1 pilot, 2 residual current monitor, 4 contactor
    found: (what, sentence) of each part that was looked at"""

    def __init__(self, ratings):
        self.over = self.told = False
        self.failed = 0
        self.found = []
        self._ratings = ratings
        self._ms = 0
        self._act = self._wait

    def tick(self, dt_ms, state, held_ms, permitted, readings, faults, rcm, is_open):
        """One turn of the guard; what is to be on the pilot. `permitted`: a car might have 6 A, so that one that is
        plugged in at this moment is told nothing it may not have. `is_open`: the contactor is known to be off."""
        self._ms += dt_ms
        if state not in "AF" or faults:
            part = 0
            if faults:
                part = _MONITOR if faults & _OF_RCM else _CONTACTOR if faults & _OF_CONTACTOR else _PILOT
            return self._end(part, "by a fault" if faults else "by a car")
        if self._act == self._wait:
            if held_ms >= _BETWEEN_MS and permitted:
                return self._next(self._oscillating, _X2)
            return _X1 if self._ms < _PERMITTED_MS else self._end(0, "for charging is not permitted: see why")
        if self._act == self._oscillating and not permitted:
            return self._end(0, "for charging is not permitted any more")
        return self._act(readings, rcm, is_open)

    def _end(self, part, words):
        self._tell(part, "ended", words)
        self.over = True
        return _X1

    def _tell(self, part, what, words):
        self.failed |= part
        self.found.append((what, words))

    def _next(self, act, wanted):
        self._act = act
        self._ms = 0
        return wanted

    def _wait(self, readings, rcm, is_open):
        return _X1

    def _oscillating(self, readings, rcm, is_open):
        if self._ms < _LOOK_MS:
            return _X2
        high, low = readings.pilot_high_mv, readings.pilot_low_mv
        good = high is not None and 11000 <= high <= 13000 and low is not None and -13000 <= low <= -11000
        words = "high %s mV, low %s mV" % (high, low)
        if self._ratings.generator_check:
            hz, permille = readings.pilot_hz, readings.pilot_permille
            words += ", %s Hz, %s per mille" % (hz, permille)
            good = good and hz is not None and 980 <= hz <= 1020
            good = good and permille is not None and _X2 - 5 <= permille <= _X2 + 5
        self._tell(0 if good else _PILOT, "pilot", words)
        return self._next(self._negative, 0)

    def _negative(self, readings, rcm, is_open):
        if self._ms < _LOOK_MS:
            return 0
        high = readings.pilot_high_mv
        good = high is not None and -13000 <= high <= -11000
        self._tell(0 if good else _PILOT, "pilot F", "%s mV" % high)
        if rcm:
            rcm.due = 1
        return self._next(self._residual, _X1)

    def _residual(self, readings, rcm, is_open):
        if rcm is None:
            self._tell(0, "residual current monitor", "not fitted")
        elif not rcm.due and rcm.ok:
            self._tell(0, "residual current monitor", "answered and let go within 250 ms")
        elif self._ms < _RCM_MS:
            return _X1
        else:
            self._tell(_MONITOR, "residual current monitor", "did not pass")
        ratings, live_mv = self._ratings, readings.load_side_mv
        if not ratings.aux_contacts and live_mv is None:
            self._tell(0, "contactor", "has no feedback")
        else:
            good = is_open and not readings.poles_closed and (live_mv is None or live_mv < _LIVE_MV)
            self._tell(0 if good else _CONTACTOR, "contactor", "poles closed: %d, load side %s mV" % (
                readings.poles_closed, live_mv))
        self.over = True
        return _X1
