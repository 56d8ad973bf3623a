"""5.2.4 UCF_Charging_Power_Limits on SPINE (tables 58-61, EVCC scenario 6): ElectricalConnection server of the car.

One feature carries, since an entity may have only one of a type, the parameters and the connection of 5.2.2 for the
car (EVCEM), the permitted currents of 5.2.12 (OPEV, OSCEV; tables 110, 114, 115) and the characteristics of 5.2.3: the
capacity of its battery (EVSOC scenario 2), and the power it can take and give (DBEVC; table 55). Parameter ids: 0 the
total power that may be charged, 1-3 current, 4-6 power of a phase that the station has, 7 total power measured, 8
energy charged; 1-8 are the ids of the measurements, too.
"""

from bounded.compat import const
from spine.schema import schema
from wallbox.spine_map.bidirectional_inferred import Inferred
from wallbox.spine_map.electrical_connection import CHARACTERISTICS, CONNECTION, PARAMETERS
from wallbox.spine_map.measurement import ids

NUMBER = const(5)

# T61, T114, T115
_PERMITTED = schema(
    b"electricalConnectionPermittedValueSetListData:(electricalConnectionPermittedValueSetData:"
    b"[electricalConnectionId:k parameterId:k permittedValueSet:[value:[number:i scale:i] range:[min:n max:n]]])"
)
_PAUSE = ((0, 0),)  # beside the range: nothing


class ChargingPowerLimitsFeature:
    """Of the EV entity; `step` notifies what changed."""

    def __init__(self, device, station, measurement, setpoint):
        self._device = device
        self._station = station
        self._measurement = measurement
        self._setpoint = setpoint
        self._ids = [0] + ids(station.ratings.phases)
        self._told = self._now()

    def functions(self, feature):
        """As lib/spine/device.py wants them."""
        return ((PARAMETERS, self._parameter), (CONNECTION, self._connect), (_PERMITTED, self._permit),
                (CHARACTERISTICS, self._characterise))

    def _now(self):
        station = self._station
        return (station.facts.phases, self._bounds(), self._measurement.capacity_wh(), self._setpoint.can)

    def _bounds(self):
        """(least, most) in mA per phase by board, cable and car."""
        station = self._station
        cable_ma = station.guard.cable_ma
        most_ma = station.facts.max_ma if cable_ma is None else min(cable_ma, station.facts.max_ma)
        return station.facts.min_ma, max(most_ma, station.facts.min_ma)

    def _parameter(self, field, index):
        if index >= len(self._ids):
            return None
        number = self._ids[index]
        every = "abc"[: self._station.ratings.phases]
        scope = "acPowerTotal" if number == 0 else "acCurrent" if number < 4 else "acPower" if number < 8 else "charge"
        if 0 < number < 7:
            return (0, number, number, "ac", every[(number - 1) % 3], "neutral", "real", "rms", scope)
        return (0, number, number or None, "ac", every, None, "real", "rms" if number else None, scope)

    def _connect(self, field, index):
        return None if index else (0, "ac", self._station.facts.phases, "consume")

    def _watts(self):
        facts = self._station.facts
        return [ma * facts.phases * (facts.nominal_mv // 1000) // 1000 for ma in self._bounds()]

    def _permit(self, field, index):
        if index > self._station.ratings.phases:
            return None
        if index:
            least, most = self._bounds()
            return (0, index, ((_PAUSE, ((least, -3, most, -3),)),))
        least, most = self._watts()
        return (0, 0, ((_PAUSE, ((least, 0, most, 0),)),))

    def _characterise(self, field, index):
        capacity_wh = self._measurement.capacity_wh()
        if capacity_wh is not None:
            if not index:
                context, kind = Inferred().characteristic(6)
                return (0, 0, 0, context, kind, capacity_wh, 0, "Wh")
            index -= 1
        if index >= (6 if self._setpoint.can else 3):
            return None
        least, most = self._watts()
        value = (0 if index > 2 else least, most, self._station.rated_w)[index % 3]
        context, kind = Inferred().characteristic(index)
        return (0, 0, index + 1, context, kind, value, 0, "W")

    def step(self):
        """Notify phases, bounds, capacity and whether it can be discharged when they changed."""
        now = self._now()
        told = self._told
        if now != told:
            self._told = now
            changed = self._device.changed
            if now[0] != told[0]:
                changed(self, CONNECTION)
            if now[:2] != told[:2]:
                changed(self, _PERMITTED)
            changed(self, CHARACTERISTICS)
