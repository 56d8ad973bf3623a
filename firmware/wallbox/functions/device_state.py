"""UCF_Device_State (IEC 63380-2 5.2.7, tables 84-89; ECHONET Lite 5.3.2): in service or not, healthy or not."""

from bounded.compat import const
from wallbox.limits.sources import PERMISSION

_FIRMWARE = const(1 << 16)  # safe state or safe mode


class DeviceState:
    """Whether the station may serve at all, and whether it is well."""

    def __init__(self, station):
        self._station = station
        self._permission = station.add_source("out of service", PERMISSION)
        self.in_service = True
        self.set_in_service(True)

    def set_in_service(self, on):
        """Take the station into service or out of it; out of service it pauses and keeps every other setting."""
        self.in_service = on
        self._station.allow(self._permission, on)
        return True

    def faults(self):
        """Bit mask of the guard's faults, 0 when it is well (names in evse/texts.py); bit 16: the firmware itself."""
        return self._station.guard.faults | (0 if self._station.well else _FIRMWARE)
