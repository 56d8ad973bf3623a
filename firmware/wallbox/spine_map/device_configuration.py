"""5.2.6 UCF_Device_Configuration on SPINE (tables 71-83): DeviceConfiguration server of the EVSE (LPC scenario 2).
That of the car: ev_configuration.py."""

from bounded.compat import const
from spine.numbers import scaled
from spine.restricted import CLEARED
from spine.schema import schema

NUMBER = const(4)
_REJECTED = const(7)
_LIMIT = const(0)  # key ids
_DURATION = const(1)

# T73, T74
DESCRIPTIONS = schema(
    b"deviceConfigurationKeyValueDescriptionListData:(deviceConfigurationKeyValueDescriptionData:"
    b"[keyId:k keyName:s valueType:s unit:s])"
)
# T77, T80, T81; places: 0 key, 1 duration, 2 and 3 the number, 4 changeable
_VALUES = schema(
    b"deviceConfigurationKeyValueListData:(deviceConfigurationKeyValueData:"
    b"[keyId:k value:(duration:d scaledNumber:n) isValueChangeable:b])"
)


class DeviceConfigurationFeature:
    """The failsafe values: `failsafeConsumptionActivePowerLimit` and `failsafeDurationMinimum`."""

    def __init__(self, device, station, power_limit):
        self._device = device
        self._station = station
        self._consumption = power_limit.consumption
        self._told = None

    def functions(self, feature):
        """As lib/spine/device.py wants them."""
        descriptions = (
            (_LIMIT, "failsafeConsumptionActivePowerLimit", "scaledNumber", "W"),
            (_DURATION, "failsafeDurationMinimum", "duration", None),
        )
        return ((DESCRIPTIONS, descriptions), (_VALUES, self._read, self._write))

    def _read(self, field, index):
        limit = self._consumption
        if index == _LIMIT:
            return (_LIMIT, None, limit.failsafe_w, 0, True)
        if index == _DURATION:
            return (_DURATION, limit.duration_ms, None, None, True)
        return None

    def _write(self, rows, peer, full):
        limit = self._consumption
        for row in rows:  # all or nothing: first look
            value = row[1] if row[0] == _DURATION else row[2] if row[0] == _LIMIT else None
            if value is None or value is CLEARED or isinstance(value, str) or value < 0:
                return _REJECTED
        old = limit.failsafe_w, limit.duration_ms
        good = True
        for row in rows:
            good = (
                limit.set_duration_ms(row[1]) if row[0] == _DURATION else limit.set_failsafe_w(scaled(row[2], row[3]))
            )
            if not good:
                limit.failsafe_w = old[0]
                if len(rows) > 1:
                    limit.duration_ms = old[1]  # alone, a value above the maximum sets the maximum (022/5)
                break
        self._station.written = True  # to be kept over a power cut
        self.step()
        return 0 if good else _REJECTED

    def step(self):
        """Notify the values when they changed."""
        now = self._consumption.failsafe_w, self._consumption.duration_ms
        if self._told != now:
            self._told = now
            self._device.changed(self, _VALUES)
