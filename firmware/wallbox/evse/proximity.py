"""Proximity contact of a socket outlet: which cable is plugged in (IEC 61851-1 Table B.2)."""

from bounded.compat import const

_PROXIMITY = const(1 << 6)

# ohm from, ohm to, mA of the cable; between the windows and below 60 ohm nothing is believed
_CABLES = (80, 140, 63000, 164, 308, 32000, 400, 936, 20000, 1100, 2460, 13000)
_SETTLE_MS = const(200)
_PATIENCE_MS = const(1000)  # the plug's contacts do not meet all at once


def cable_ma(ohm, phases=3):
    """Current rating of the cable with this resistor in mA; 0 for no plug, an error or an unknown value."""
    if ohm is not None:
        for i in range(0, 12, 3):
            if _CABLES[i] <= ohm <= _CABLES[i + 1]:
                return 70000 if not i and phases == 1 else _CABLES[i + 2]
    return 0


class Proximity:
    """`ma`: the cable's rating as found at plug-in, 0 = none or unknown."""

    def __init__(self, phases):
        self.ma = 0
        self._phases = phases
        self._seen = 0
        self._same_ms = 0
        self._wrong_ms = 0

    def tick(self, dt_ms, ohm, connected):
        """Watch the resistance. A cable that changes or cannot be told while a car is connected is a fault."""
        seen = cable_ma(ohm, self._phases)
        if seen != self._seen:
            self._seen = seen
            self._same_ms = 0
        if self._same_ms < _SETTLE_MS:
            self._same_ms += dt_ms
        if self._same_ms >= _SETTLE_MS and (not connected or not self.ma):
            self.ma = seen
        if not connected or seen and seen == self.ma:
            self._wrong_ms = 0
        elif self._wrong_ms < _PATIENCE_MS:
            self._wrong_ms += dt_ms
        if self._wrong_ms >= (_SETTLE_MS if self.ma else _PATIENCE_MS):
            return _PROXIMITY
        return 0
