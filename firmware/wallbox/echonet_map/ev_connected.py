"""5.3.3 UCF_EV_Connected on ECHONET Lite: EPC C7, CD; E6 is a constant, since a Type 2 car does not tell who it is."""

from wallbox.functions.ev_connected import UNKNOWN

_CONNECTION = b"\x30\x40\x41\xff"  # NO_CAR, CANNOT, CAN, UNKNOWN


class EvConnectedMap:
    """Vehicle connection and its check."""

    def __init__(self, app):
        self._connected = app.ev_connected

    def get(self, epc):
        return _CONNECTION[self._connected.state()]

    def set(self, epc, value):
        """CD: the control pilot is watched all the time, so that a check has nothing to start."""
        return self._connected.state() != UNKNOWN
