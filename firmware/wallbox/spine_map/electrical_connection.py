"""ElectricalConnection server of the EVSE: parameters and connection of 5.2.2 UCF_AC_Measurement (tables 37-50) and
5.2.3 UCF_Characteristics (tables 53-57, LPC scenario 4; rule 041).

One feature carries both, since an entity may have only one server feature of a type. Nothing in it changes: on a device
it is in memory for a message only (tools/cold_table.py).
"""

from bounded.compat import const
from spine.device import FIRST
from spine.schema import schema
from wallbox.spine_map.ac_measurement import kind_and_phase

NUMBER = const(5)
_PHASES = ("a", "b", "c", "ab", "abc")

# T41 T43 T44 T45 T47 T49 T50
PARAMETERS = schema(
    b"electricalConnectionParameterDescriptionListData:(electricalConnectionParameterDescriptionData:"
    b"[electricalConnectionId:k parameterId:k measurementId:u voltageType:s acMeasuredPhases:s "
    b"acMeasuredInReferenceTo:s acMeasurementType:s acMeasurementVariant:s scopeType:s])"
)
# T39
CONNECTION = schema(
    b"electricalConnectionDescriptionListData:(electricalConnectionDescriptionData:"
    b"[electricalConnectionId:k powerSupplyType:s acConnectedPhases:u positiveEnergyDirection:s])"
)
# T54
CHARACTERISTICS = schema(
    b"electricalConnectionCharacteristicListData:(electricalConnectionCharacteristicData:"
    b"[electricalConnectionId:k parameterId:k characteristicId:k characteristicContext:s characteristicType:s value:n "
    b"unit:s])"
)


class ElectricalConnectionFeature:
    """Parameter and measurement ids are the same numbers."""

    def __init__(self, station, measurement):
        self._station = station
        self._meter = measurement  # an AcMeasurementFeature

    def functions(self, feature):
        """As lib/spine/device.py wants them."""
        station = self._station
        nominal = ((0, 0, 0, "entity", "powerConsumptionNominalMax", station.rated_w, 0, "W"),)
        return (
            (PARAMETERS, self._parameter),
            (CONNECTION, ((0, "ac", station.ratings.phases, "consume"),)),
            (CHARACTERISTICS, nominal, None, FIRST),  # some clients never read it
        )

    def _parameter(self, field, index):
        phases = self._station.ratings.phases
        measurements = self._meter.ids
        if index >= len(measurements):
            return None
        measurement = measurements[index]
        kind, phase = kind_and_phase(measurement)
        every = _PHASES[phases + 1] if phases > 1 else "a"
        return (
            0,
            measurement,
            measurement,
            "ac",
            every if phase < 0 else _PHASES[phase],
            None if phase < 0 else "neutral",
            "real",
            "rms",
            self._meter.words(kind)[2],
        )
