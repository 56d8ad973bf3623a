"""UCF_EV_Connected (IEC 63380-2 5.2.8; ECHONET Lite 5.3.3): is a car connected, and can it be charged."""

from bounded.compat import const

NO_CAR = const(0)
CANNOT = const(1)  # connected, but charging is not possible
CAN = const(2)
UNKNOWN = const(3)  # the pilot tells neither


class EvConnected:
    """The connection as the control pilot shows it."""

    def __init__(self, station):
        self._station = station

    def state(self):
        """NO_CAR, CANNOT, CAN or UNKNOWN."""
        guard = self._station.guard
        if guard.state == "A":
            return NO_CAR
        if guard.state in "BCD":
            return CANNOT if guard.faults or not self._station.well else CAN
        return UNKNOWN
