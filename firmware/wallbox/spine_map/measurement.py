"""5.2.2 UCF_AC_Measurement of the car (EVCEM; tables 8, 11, 15, 18, 21, 24, 26, 28, 30) and 5.2.15 UCF_Measurement
(EVSOC; tables 130-137) on SPINE: Measurement server of the EV entity.

Measurement ids: 1-3 current, 4-6 power of the phases, 7 power in all, 8 energy of this session, 9 state of charge
(where the board has a source for it).
"""

from bounded.compat import const
from wallbox.spine_map.ac_measurement import MEASUREMENTS, VALUES

NUMBER = const(6)
_CHARGE = const(8)
_SOC = const(9)
_STEP_MS = const(1000)  # between two looks for a change


class EvMeasurementFeature:
    """Values of the meter and of the car; what is unknown is not in the list."""

    def __init__(self, device, station, meter, measurement, clock):
        self._device = device
        self._station = station
        self._meter = meter  # the station's AcMeasurementFeature
        self._measurement = measurement
        self._clock = clock
        self._most = _SOC if measurement.has_source else _CHARGE
        self._looked_ms = 0
        self._told = None
        self.feature = (NUMBER, "Measurement", "server", ((MEASUREMENTS, self._describe), (VALUES, self._read)))

    def _describe(self, field, index):
        measurement = index + 1
        if measurement > self._most:
            return None
        if measurement < 4:
            return (measurement, "current", "electricity", "A", "acCurrent")
        if measurement < _CHARGE:
            return (measurement, "power", "electricity", "W", "acPower")
        if measurement == _CHARGE:
            return (measurement, "energy", "electricity", "Wh", "charge")
        return (measurement, "percentage", "electricity", "pct", "stateOfCharge")

    def _value(self, measurement):
        if measurement < 4:
            return self._meter.value(measurement + 4)
        if measurement < _CHARGE:
            return self._meter.value((measurement - 3) % 4)
        if measurement == _CHARGE:
            return self._station.energy.session_wh(), 0
        return self._measurement.soc_per_cent(), 0

    def _read(self, field, index):
        for measurement in range(1, self._most + 1):
            number, scale = self._value(measurement)
            if number is not None:
                if not index:
                    return (measurement, "value", self._clock.timestamp(), number, scale, "measuredValue", "normal")
                index -= 1
        return None

    def step(self):
        """Notify when a value changed, once a second at the most."""
        if self._station.now_ms - self._looked_ms >= _STEP_MS:
            self._looked_ms = self._station.now_ms
            now = [self._value(each)[0] for each in range(1, self._most + 1)]
            if now != self._told:
                self._told = now
                self._device.changed(self.feature, VALUES)
