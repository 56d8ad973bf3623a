"""Derating by temperature: less current as the box gets hot; a sensor that says nothing counts as hot."""

from bounded.compat import const

_OVER_TEMPERATURE = const(1 << 13)
_SENSOR = const(1 << 0)  # warning

_STALE_MS = const(10000)
_COLDEST_DC = const(-400)  # outside of these the sensor is open, shorted or broken
_HOTTEST_DC = const(1250)
_RISE_MS = const(1000)
_CURVE = (550, 1000, 750, 400, 800, 0)  # 0.1 degree Celsius, per mille of the maximum, ...; beyond the last: fault


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
