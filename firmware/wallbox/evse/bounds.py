"""What bounds the current besides the offer: temperature, and a meter that watches the car.

A temperature sensor that says nothing counts as hot; a meter that says nothing makes the car draw the minimum.
"""

from bounded.compat import const

_OVER_TEMPERATURE = const(1 << 13)
_OVERDRAW = const(1 << 14)

_STALE_MS = const(10000)  # of both sensors

# 0.1 degree Celsius, per mille of the maximum, and so on upwards; beyond the last point: fault
_CURVE = (550, 1000, 750, 400, 800, 0)
_COLDEST_DC = const(-400)  # outside of these the sensor is open, shorted or broken
_HOTTEST_DC = const(1250)
_RISE_MS = const(1000)

_PATIENCE_MS = const(7000)  # a car has 5 s to follow a change of the duty cycle
_ABSURD_MA = const(200000)


def derate_permille(curve, temperature_dc):
    """Per mille of the maximum at this temperature: linear between the points of `curve`, rounded down."""
    t0 = curve[0]
    p0 = curve[1]
    if temperature_dc <= t0:
        return p0
    for i in range(2, len(curve), 2):
        t1 = curve[i]
        p1 = curve[i + 1]
        if temperature_dc <= t1:
            return p0 + (p1 - p0) * (temperature_dc - t0) // (t1 - t0)
        t0 = t1
        p0 = p1
    return 0


class Temperature:
    """`permille` of the maximum current allowed now. Decreases at once, increases when they have lasted 1 s."""

    def __init__(self, curve=None):
        self.permille = 0
        self.stale = False
        self._curve = curve or _CURVE
        self._age_ms = _STALE_MS
        self._rise_ms = 0

    def tick(self, dt_ms, temperature_dc, age_ms):
        """Take a reading in 0.1 degree Celsius and its age. Returns fault bits present now."""
        faults = 0
        if temperature_dc is None or age_ms is None or not _COLDEST_DC <= temperature_dc <= _HOTTEST_DC:
            if self._age_ms < _STALE_MS:
                self._age_ms += dt_ms
            wanted = self.permille
        else:
            self._age_ms = age_ms
            wanted = derate_permille(self._curve, temperature_dc)
            if temperature_dc > self._curve[-2]:
                faults = _OVER_TEMPERATURE
        self.stale = self._age_ms >= _STALE_MS
        if self.stale:
            wanted = faults = 0
        if wanted <= self.permille:
            self.permille = wanted
            self._rise_ms = 0
        else:
            self._rise_ms += dt_ms
            if self._rise_ms >= _RISE_MS:
                self.permille = wanted
        return faults


class Overdraw:
    """`unknown`: the meter has said nothing believable for 10 s."""

    def __init__(self, ratings):
        self.unknown = False
        self._phases = ratings.phases
        self._discharge = ratings.discharge
        self._silent_ms = 0
        self._over_ms = 0

    def tick(self, dt_ms, readings, charging, offered_ma, back_ma=0):
        """While `charging`, compare every phase with (offered_ma + 0.5 A) * 1.10; what flows back on a board that can
        discharge with back_ma instead. Returns fault bits."""
        if not charging:
            self._silent_ms = self._over_ms = 0
            self.unknown = False
            return 0
        over = False
        age_ms = readings.meter_age_ms
        for i in range(self._phases):
            current = readings.current_ma[i]
            most = offered_ma
            if current is not None and current < 0 and (self._discharge or current > -1000):
                current = -current
                if self._discharge:
                    most = back_ma
            if current is None or not 0 <= current <= _ABSURD_MA:
                age_ms = None
            elif current * 10 > (most + 500) * 11:
                over = True
        if age_ms is None:
            if self._silent_ms < _STALE_MS:
                self._silent_ms += dt_ms
        else:
            self._silent_ms = age_ms
        self.unknown = self._silent_ms >= _STALE_MS
        if self.unknown or age_ms is not None and not over:
            self._over_ms = 0
        elif age_ms is not None and self._over_ms < _PATIENCE_MS:
            self._over_ms += dt_ms
        return _OVERDRAW if self._over_ms >= _PATIENCE_MS else 0
