"""Energy and power from the pulses of an S0 output (EN 62053-31). Pure: counts and time go in."""

from bounded.compat import const

_QUIET_MS = const(60000)  # without a pulse for so long: the power is below what one pulse in it means, so 0


class Pulses:
    """`energy_wh` since the start; `power_w`, None until a pulse interval or a quiet minute was seen."""

    def __init__(self, per_kwh):
        self._per_kwh = per_kwh
        self._last = 0  # what the counter showed
        self._total = 0
        self._since_ms = 0  # the last pulse
        self._any = False
        self.energy_wh = 0
        self.power_w = None

    def step(self, dt_ms, count):
        """The counter shows `count`, `dt_ms` after the last look; True when it should be set to 0 (call `cleared`)."""
        new = count - self._last
        self._last = count
        self._since_ms += dt_ms
        if new > 0:
            self._total += new
            self.energy_wh = self._total * 1000 // self._per_kwh
            if self._any:
                self.power_w = self._power(new)
            self._any = True
            self._since_ms = 0
        elif self._since_ms >= _QUIET_MS:
            self._since_ms = _QUIET_MS
            self._any = False
            self.power_w = 0
        elif self.power_w:
            self.power_w = min(self.power_w, self._power(1))  # it cannot be more, or there had been a pulse
        return count >= 16384

    def cleared(self, count):
        """The counter was set to 0 when it showed `count`."""
        self._total += count - self._last
        self._last = 0

    def _power(self, pulses):
        return pulses * (3600000000 // self._per_kwh) // max(self._since_ms, 1)
