"""5.2.2 UCF_AC_Measurement of the car (EVCEM; tables 8, 11, 15, 18, 21, 24, 26, 28, 30) and 5.2.15 UCF_Measurement
(EVSOC; tables 130-137) on SPINE: Measurement server of the EV entity.

Measurement ids: 1-3 current, 4-6 power of the phases that the station has, 7 power in all, 8 energy of this session,
9 state of charge (where the board has a source for it), 10 state of health and 11 range (once a modem told them).
"""

from bounded.compat import const
from wallbox.spine_map.ac_measurement import CONSTRAINTS, MEASUREMENTS, VALUES

NUMBER = const(6)
_CHARGE = const(8)
_SOC = const(9)
_SOH = const(10)
_RANGE = const(11)
_STEP_MS = const(1000)  # between two looks for a change


def ids(phases):
    """The ids of what a station with so many phases knows of every car."""
    return [each for each in range(1, _CHARGE + 1) if each > 6 or (each - 1) % 3 < phases]


class EvMeasurementFeature:
    """Values of the meter and of the car; what is unknown is not in the list."""

    def __init__(self, device, station, meter, measurement, clock, identified):
        self._device = device
        self._station = station
        self._meter = meter  # the station's AcMeasurementFeature
        self._measurement = measurement
        self._identified = identified
        self._clock = clock
        self._ids = ids(station.ratings.phases)
        for known, each in ((measurement.has_source, _SOC), (identified.soh_per_cent is not None, _SOH),
                            (identified.range_m is not None, _RANGE)):
            if known:
                self._ids.append(each)
        self._looked_ms = 0
        self._told = None

    def functions(self, feature):
        """As lib/spine/device.py wants them."""
        return ((MEASUREMENTS, self._describe), (CONSTRAINTS, self._constrain), (VALUES, self._read))

    def _describe(self, field, index):
        if index >= len(self._ids):
            return None
        measurement = self._ids[index]
        if measurement < 4:
            return (measurement, "current", "electricity", "A", "acCurrent")
        if measurement < _CHARGE:
            return (measurement, "power", "electricity", "W", "acPower")
        if measurement == _CHARGE:
            return (measurement, "energy", "electricity", "Wh", "charge")
        if measurement == _SOC:
            return (measurement, "percentage", "electricity", "pct", "stateOfCharge")
        if measurement == _SOH:
            return (measurement, "percentage", None, "pct", "stateOfHealth")
        return (measurement, "distance", None, "m", "travelRange")

    def _constrain(self, field, index):
        if index >= len(self._ids):
            return None
        measurement = self._ids[index]
        ratings = self._station.ratings
        # what the meter may show, above what the station may draw
        high = (ratings.max_ma // 500 if measurement < 4 else self._station.rated_w * 2 if measurement < _CHARGE else
                999999999 if measurement == _CHARGE else 2000000 if measurement == _RANGE else 100)
        low = -high if ratings.discharge and measurement < _CHARGE else 0
        return (measurement, low, 0, high, 0, 1, -3 if measurement < 4 else 0)

    def _value(self, measurement):
        if measurement < 4:
            return self._meter.value(measurement + 4)
        if measurement < _CHARGE:
            return self._meter.value((measurement - 3) % 4)
        if measurement == _CHARGE:
            return self._station.energy.session_wh(), 0
        if measurement == _SOC:
            return self._measurement.soc_per_cent(), 0
        return self._identified.soh_per_cent if measurement == _SOH else self._identified.range_m, 0

    def _read(self, field, index):
        for measurement in self._ids:
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
            now = [self._value(each)[0] for each in self._ids]
            if now != self._told:
                self._told = now
                self._device.changed(self, VALUES)
