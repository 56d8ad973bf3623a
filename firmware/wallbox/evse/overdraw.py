"""Measured current against the offer: a car that takes more than it may."""

from bounded.compat import const

_OVERDRAW = const(1 << 14)

_PATIENCE_MS = const(7000)  # a car has 5 s to follow a change of the duty cycle
_STALE_MS = const(10000)
_ABSURD_MA = const(200000)


class Overdraw:
    """`unknown`: the meter has said nothing believable for 10 s."""

    def __init__(self, ratings):
        self.unknown = False
        self._phases = ratings.phases
        self._discharge = ratings.discharge
        self._silent_ms = 0
        self._over_ms = 0

    def tick(self, dt_ms, readings, charging, offered_ma):
        """While `charging`, compare every phase with (offered_ma + 0.5 A) * 1.10. Returns fault bits."""
        if not charging:
            self._silent_ms = self._over_ms = 0
            self.unknown = False
            return 0
        most = 0
        age_ms = readings.meter_age_ms
        for i in range(self._phases):
            current = readings.current_ma[i]
            if current is not None and current < 0 and (self._discharge or current > -1000):
                current = -current
            if current is None or not 0 <= current <= _ABSURD_MA:
                age_ms = None
            elif current > most:
                most = current
        if age_ms is None:
            if self._silent_ms < _STALE_MS:
                self._silent_ms += dt_ms
        else:
            self._silent_ms = age_ms
        self.unknown = self._silent_ms >= _STALE_MS
        if self.unknown or age_ms is not None and most * 10 <= (offered_ma + 500) * 11:
            self._over_ms = 0
        elif age_ms is not None and self._over_ms < _PATIENCE_MS:
            self._over_ms += dt_ms
        return _OVERDRAW if self._over_ms >= _PATIENCE_MS else 0
