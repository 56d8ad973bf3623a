"""Energy meter behind the contactor: true power and energy, and the telegram the box gets every 200 ms."""

PERIOD_MS = 200
_UWS_PER_MWH = 3600000


class Meter:
    """`power_mw` (negative: out of the car), `energy_mwh` and `exported_mwh` are the truth; the others are the last
    telegram, None before the first."""

    def __init__(self):
        self.energy_mwh = self.exported_mwh = 0
        self.power_mw = 0
        self.age_ms = 0
        self.voltage_mv = [None, None, None]
        self.current_ma = [None, None, None]
        self.power_w = None
        self.energy_wh = self.exported_wh = None
        self.frequency_mhz = None
        self._uws = self._back_uws = 0
        self._since_ms = 0
        self._known = False
        self._rollover_wh = 0

    def step(self, dt_ms, mains_mv, current_ma, mains_mhz, faults):
        """Integrate `dt_ms` of these currents; returns the mWh that were completed, less those that flowed back."""
        power = 0
        for i in range(3):
            if current_ma[i]:
                power += mains_mv[i] // 10 * current_ma[i] // 100
        self.power_mw = power
        if power < 0:
            self._back_uws -= power * dt_ms
            gained = self._back_uws // _UWS_PER_MWH
            self._back_uws -= gained * _UWS_PER_MWH
            self.exported_mwh += gained
            gained = -gained
        else:
            self._uws += power * dt_ms
            gained = self._uws // _UWS_PER_MWH
            if gained:
                self._uws -= gained * _UWS_PER_MWH
                self.energy_mwh += gained
        self.age_ms += dt_ms
        self._since_ms += dt_ms
        if self._since_ms >= PERIOD_MS:
            self._since_ms %= PERIOD_MS
            if faults:
                self._faulty_telegram(mains_mv, current_ma, mains_mhz, faults)
            else:
                self._telegram(mains_mv, current_ma, mains_mhz)
        return gained

    def _telegram(self, mains_mv, current_ma, mains_mhz):
        self._known = True
        self.age_ms = self._since_ms
        for i in range(3):
            self.voltage_mv[i] = mains_mv[i]
            self.current_ma[i] = current_ma[i]
        self.power_w = (self.power_mw + 500) // 1000
        self.energy_wh = self.energy_mwh // 1000
        self.exported_wh = self.exported_mwh // 1000
        self.frequency_mhz = mains_mhz

    def _faulty_telegram(self, mains_mv, current_ma, mains_mhz, faults):
        if "meter_silent" in faults or "i2c_hangs" in faults:
            return
        if "meter_frozen" in faults:
            self.age_ms = self._since_ms
            return
        self._telegram(mains_mv, current_ma, mains_mhz)
        if "meter_rollover" in faults:
            if not self._rollover_wh:
                self._rollover_wh = self.energy_wh
            self.energy_wh -= self._rollover_wh
        else:
            self._rollover_wh = 0
        self.energy_wh = max(0, self.energy_wh + faults.get("meter_energy_shift", 0))
        factor = faults.get("meter_scale", 1)
        self.power_w *= -factor if "meter_sign" in faults else factor
        for i in range(3):
            self.current_ma[i] *= factor
            if "meter_no_voltage" in faults or "meter_crc" in faults:
                self.voltage_mv[i] = None
            if "meter_crc" in faults:
                self.current_ma[i] = None
        if "meter_crc" in faults:
            self.power_w = self.energy_wh = self.exported_wh = self.frequency_mhz = None

    def measure(self, readings):
        """Fill the meter's readings: the last telegram and its age (None before the first)."""
        for i in range(3):
            readings.voltage_mv[i] = self.voltage_mv[i]
            readings.current_ma[i] = self.current_ma[i]
        readings.power_w = self.power_w
        readings.energy_wh = self.energy_wh
        readings.exported_wh = self.exported_wh
        readings.frequency_mhz = self.frequency_mhz
        readings.meter_age_ms = self.age_ms if self._known else None
