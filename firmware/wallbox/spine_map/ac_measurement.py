"""5.2.2 UCF_AC_Measurement on SPINE (tables 4-52), use case MPC: Measurement server of the EVSE.

The measurement ids, shared with the parameters in electrical_connection.py:
0 total power, 1-3 power, 4 energy consumed, 5-7 current, 8-10 voltage of the phases, 11 frequency, 12 energy produced
(0 for a station that cannot discharge).
"""

from bounded.compat import const
from spine.schema import schema

NUMBER = const(6)
_STEP_MS = const(1000)  # between two looks for a change
_POWER = const(0)
_ENERGY = const(4)
_FREQUENCY = const(11)
_PRODUCED = const(12)

# T7 T9 T16 T17 T25 T31 T34
MEASUREMENTS = schema(
    b"measurementDescriptionListData:(measurementDescriptionData:[measurementId:k measurementType:s commodityType:s "
    b"unit:s scopeType:s])"
)
# T10-T13 T19 T20 T27 T32 T35
CONSTRAINTS = schema(
    b"measurementConstraintsListData:(measurementConstraintsData:"
    b"[measurementId:k valueRangeMin:n valueRangeMax:n valueStepSize:n])"
)
# T14 T22 T23 T29 T33 T36
VALUES = schema(
    b"measurementListData:(measurementData:[measurementId:k valueType:s timestamp:s value:n valueSource:s "
    b"valueState:s])"
)


def kind_and_phase(measurement):
    """(kind 0..6 as in AcMeasurementFeature.words, phase 0..2 or -1) of a measurement id."""
    if measurement == _POWER:
        return 0, -1
    if measurement < _ENERGY:
        return 1, measurement - 1
    if measurement == _ENERGY:
        return 2, -1
    if measurement >= _FREQUENCY:
        return measurement - 6, -1
    return (3, measurement - 5) if measurement < 8 else (4, measurement - 8)


def ids(phases):
    """The measurement ids of a station with so many phases."""
    return [each for each in range(_PRODUCED + 1) if kind_and_phase(each)[1] < phases]


class AcMeasurementFeature:
    """Values of the meter; what is unknown is not in the list."""

    def __init__(self, device, station, clock):
        self._device = device
        self._station = station
        self._clock = clock
        self._looked_ms = 0
        self._told = None
        self.ids = ids(station.ratings.phases)

    def functions(self, feature):
        """As lib/spine/device.py wants them."""
        return ((MEASUREMENTS, self._describe), (CONSTRAINTS, self._constrain), (VALUES, self._read))

    def _describe(self, field, index):
        if index >= len(self.ids):
            return None
        measurement = self.ids[index]
        kind, unit, scope_type = self.words(kind_and_phase(measurement)[0])
        return (measurement, kind, "electricity", unit, scope_type)

    def words(self, kind):
        """measurementType, unit and scopeType of a kind."""
        return (
            ("power", "W", "acPowerTotal"),
            ("power", "W", "acPower"),
            ("energy", "Wh", "acEnergyConsumed"),
            ("current", "A", "acCurrent"),
            ("voltage", "V", "acVoltage"),
            ("frequency", "Hz", "acFrequency"),
            ("energy", "Wh", "acEnergyProduced"),
        )[kind]

    def _constrain(self, field, index):
        if index >= len(self.ids):
            return None
        measurement = self.ids[index]
        ratings = self._station.ratings
        kind = kind_and_phase(measurement)[0]
        # what the meter may show, above what the station may draw
        high = (self._station.rated_w * 2, ratings.max_ma * (ratings.nominal_mv // 1000) // 500, 999999999,
                ratings.max_ma // 500, 500, 70, 999999999)[kind]
        low = -high if ratings.discharge and kind in (0, 1, 3) else 0
        return (measurement, low, 0, high, 0, 1, -3 if 3 <= kind <= 5 else 0)

    def value(self, measurement):
        """(number, scale) of a measurement in its unit; number None while it is unknown."""
        station = self._station
        readings = station.readings
        kind, phase = kind_and_phase(measurement)
        if kind == 2:
            return station.energy.total_wh, 0
        if kind == 6:
            return station.exported.total_wh if station.exported else 0, 0
        if not station.meter_fresh:
            return None, 0
        if kind == 0:
            return readings.power_w, 0
        if kind == 5:
            return readings.frequency_mhz, -3
        current_ma = readings.current_ma[phase]
        voltage_mv = readings.voltage_mv[phase]
        if kind == 3:
            return current_ma, -3
        if kind == 4:
            return voltage_mv, -3
        return (None if current_ma is None or voltage_mv is None else current_ma * (voltage_mv // 100) // 10000), 0

    def _read(self, field, index):
        for measurement in self.ids:
            number, scale = self.value(measurement)
            if number is not None:
                if not index:
                    return (measurement, "value", self._clock.timestamp(), number, scale, "measuredValue", "normal")
                index -= 1
        return None

    def step(self):
        """Notify when a value changed, once a second at the most."""
        if self._station.now_ms - self._looked_ms >= _STEP_MS:
            self._looked_ms = self._station.now_ms
            now = [self.value(each)[0] for each in self.ids]
            if now != self._told:
                self._told = now
                self._device.changed(self, VALUES)
