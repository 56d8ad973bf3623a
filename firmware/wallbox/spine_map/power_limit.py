"""5.2.16 UCF_Power_Limit on SPINE (tables 138-142): LoadControl server of the EVSE, use case LPC scenario 1."""

from bounded.compat import const
from spine.numbers import scaled
from spine.restricted import CLEARED
from spine.schema import schema
from wallbox.limits.failsafe import DELETE, KEEP

NUMBER = const(3)  # of the feature
_REJECTED = const(7)
_NEVER_MS = const(-3)  # a duration that the limit refuses

# T140
LIMIT_DESCRIPTIONS = schema(
    b"loadControlLimitDescriptionListData:(loadControlLimitDescriptionData:[limitId:k limitType:s limitCategory:s "
    b"limitDirection:s measurementId:u unit:s scopeType:s])"
)
# T141, T142; places in a row: 0 id, 1 changeable, 2 active, 3 and 4 start and end of the period, 5 and 6 the value
LIMITS = schema(
    b"loadControlLimitListData:(loadControlLimitData:"
    b"[limitId:k isLimitChangeable:b isLimitActive:b timePeriod:p value:n])"
)


class PowerLimitFeature:
    """Of the EVSE entity; `step` notifies what changed."""

    def __init__(self, device, station, power_limit, clock):
        self._clock = clock
        self._device = device
        self._station = station
        self._power_limit = power_limit
        self._told = None

    def functions(self, feature):
        """As lib/spine/device.py wants them."""
        description = (0, "signDependentAbsValueLimit", "obligation", "consume", 0, "W", "activePowerLimit")
        return ((LIMIT_DESCRIPTIONS, (description,)), (LIMITS, self._read, self._write))

    def _read(self, field, index):
        if index:
            return None
        limit = self._power_limit.consumption
        return (0, True, limit.is_active(), None, limit.remaining_ms(self._station.now_ms), limit.value_w, 0)

    def _write(self, rows, peer, full):
        limit = self._power_limit.consumption
        if len(rows) != 1:
            return _REJECTED
        row = rows[0]
        end = row[4]
        if row[0] or row[1] is False or row[5] is CLEARED or row[2] is CLEARED:
            return _REJECTED
        if end is None:
            end = KEEP
        elif end is CLEARED:
            end = DELETE
        else:
            end = self._clock.until_ms(end)
            if end is None:
                end = _NEVER_MS
        accepted = limit.write(self._station.now_ms, scaled(row[5], row[6]), row[2], end)
        self._power_limit.step()  # now, not with the next round of the arbiter
        self.step()
        return 0 if accepted else _REJECTED

    def step(self):
        """Notify the limit when it changed."""
        if self._told != self._power_limit.consumption.version:
            self._told = self._power_limit.consumption.version
            self._device.changed(self, LIMITS)
