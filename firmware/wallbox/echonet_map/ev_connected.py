"""5.3.3 UCF_EV_Connected on ECHONET Lite: EPC C7, CD; E6 is a constant, since a Type 2 car does not tell who it is."""

from wallbox.functions.ev_connected import CAN, UNKNOWN

_CONNECTION = b"\x30\x40\x41\xff"  # NO_CAR, CANNOT, CAN, UNKNOWN


class EvConnectedMap:
    """Vehicle connection and its check; with `station`, that of 027E, also whether the car can be discharged."""

    def __init__(self, app, station=None):
        self._connected = app.ev_connected
        self._station = station

    def get(self, epc):
        state = self._connected.state()
        if state == CAN and self._station and self._station.readings.ev_discharge:
            return 0x42 if self._station.readings.ev_soc_per_cent == 100 else 0x43
        return _CONNECTION[state]

    def set(self, epc, value):
        """CD: the control pilot is watched all the time, so that a check has nothing to start."""
        return self._connected.state() != UNKNOWN
