"""5.2.6 UCF_Device_Configuration on SPINE (tables 71-83): DeviceConfiguration server of the car (EVCC scenarios 2 and
3, DBEVC)."""

from bounded.compat import const
from spine.schema import schema
from wallbox.spine_map.device_configuration import DESCRIPTIONS

NUMBER = const(1)

# T78, T79
_VALUES = schema(
    b"deviceConfigurationKeyValueListData:(deviceConfigurationKeyValueData:"
    b"[keyId:k value:(boolean:b string:s) isValueChangeable:b])"
)


class EvConfigurationFeature:
    """For the EV entity: how car and station talk, whether phases may be loaded unequally, and under the name
    `below_target` (None: nothing can be discharged) whether it may be discharged below its demand (DBEVC)."""

    def __init__(self, device, identification, below_target):
        self._device = device
        self._identification = identification
        self._told = identification.changes
        self._below_target = below_target

    def functions(self, feature):
        """As lib/spine/device.py wants them."""
        descriptions = (
            (0, "communicationsStandard", "string", None),
            (1, "asymmetricChargingSupported", "boolean", None),
            (2, self._below_target, "boolean", None),
        )
        return ((DESCRIPTIONS, descriptions if self._below_target else descriptions[:2]), (_VALUES, self._value))

    def _value(self, field, index):
        known = self._identification
        if index > (2 if self._below_target else 1):
            return None
        if not index:
            return (0, None, known.standard, False)
        return (index, known.asymmetric if index == 1 else known.below_target, None, False)

    def step(self):
        """Notify what a modem told since."""
        if self._told != self._identification.changes:
            self._told = self._identification.changes
            self._device.changed(self, _VALUES)
