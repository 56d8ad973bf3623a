"""Temperature inside the box: settles towards ambient plus the heat of the current; a sensor read once a second."""

PERIOD_MS = 1000
_FINE = 1000  # parts of 0.1 degree Celsius


class Thermal:
    """`temperature_dc` is the truth in 0.1 degree Celsius, `measured_dc` what the sensor said `age_ms` ago."""

    def __init__(self):
        self.ambient_dc = 250
        self.rise_dc = 250  # at 32 A on all phases, settled
        self.settle_s = 600  # time constant
        self.temperature_dc = self.ambient_dc
        self.measured_dc = None
        self.age_ms = 0
        self._fine = self.ambient_dc * _FINE
        self._since_ms = PERIOD_MS  # the first reading comes at once

    def step(self, dt_ms, current_ma, faults):
        """Live `dt_ms` with `current_ma` on the hottest phase."""
        self.age_ms += dt_ms
        self._since_ms += dt_ms
        if self._since_ms < PERIOD_MS:
            return
        self._since_ms -= PERIOD_MS
        ambient = self.ambient_dc
        if faults:
            ambient = faults.get("ambient", ambient)
            if "temperature" in faults:
                self._fine = faults["temperature"] * _FINE
        amps = current_ma // 100
        goal = (ambient + self.rise_dc * amps // 320 * amps // 320) * _FINE
        if not faults or "temperature" not in faults:
            self._fine += (goal - self._fine) // self.settle_s
        self.temperature_dc = self._fine // _FINE
        self._read(faults)

    def _read(self, faults):
        if faults:
            if "temperature_silent" in faults or "i2c_hangs" in faults:
                return
            if "temperature_frozen" in faults:
                self.age_ms = self._since_ms
                return
        self.age_ms = self._since_ms
        self.measured_dc = self.temperature_dc
        if faults:
            if "temperature_open" in faults:
                self.measured_dc = -550
            elif "temperature_short" in faults:
                self.measured_dc = 2000
            elif "temperature_nan" in faults:
                self.measured_dc = None
