"""5.3.5 UCF_Measurement on ECHONET Lite: the meter (D3-D9) and, when known, the car's battery (E4, E2, D0 ...)."""


class MeasurementMap:
    """What is unknown answers "not possible"."""

    def __init__(self, app):
        self._station = app.station
        self._battery = app.measurement

    def get(self, epc):
        readings = self._station.readings
        if epc == 0xD8:
            return _counted(self._station.energy)
        if epc == 0xD6:
            return _counted(self._station.exported)
        if 0xD3 <= epc <= 0xD5 and not self._station.meter_fresh:
            return None
        if epc == 0xD3:
            return readings.power_w
        if epc == 0xD4:
            current_ma = None
            for phase_ma in readings.current_ma:
                if phase_ma is not None and (current_ma is None or abs(phase_ma) > abs(current_ma)):
                    current_ma = phase_ma
            return None if current_ma is None else current_ma // 100
        if epc == 0xD5:
            voltage_mv = readings.voltage_mv[0]
            return None if voltage_mv is None else voltage_mv // 1000
        if epc == 0xE4 or epc == 0xC4:
            return self._battery.soc_per_cent()
        if epc == 0xE2 or epc == 0xC2:
            return self._battery.stored_wh()
        capacity_wh = self._battery.capacity_wh()
        if epc == 0xCF:
            stored_wh = self._battery.stored_wh()
            return None if stored_wh is None else capacity_wh - stored_wh
        return capacity_wh  # D0, CE, C0

    def set(self, epc, value):
        """D9: the charged energy counts from now. D7: the discharged one, where there is any."""
        if epc == 0xD9:
            energy = self._station.energy
            if energy.total_wh is None:
                return False
            energy.reset_wh = energy.total_wh
        elif self._station.exported:
            exported = self._station.exported
            if exported.total_wh is None:
                return False
            exported.reset_wh = exported.total_wh
            self._station.written = True
        return True


def _counted(energy):
    """Wh since a controller reset the counter, None while unknown."""
    return None if energy.total_wh is None else (energy.total_wh - energy.reset_wh) % 1000000000
