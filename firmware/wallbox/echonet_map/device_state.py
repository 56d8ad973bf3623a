"""5.3.2 UCF_Device_State on ECHONET Lite: EPC 80, 88, 89, with 81 and 93."""

from bounded.compat import const

_ON = const(0x30)
_OFF = const(0x31)
_FAULT = const(0x41)
_NO_FAULT = const(0x42)

# 89 by bit of the guard's faults (evse/faults.py): 01 unplug and retry, 03 wrongly set up, 0A safety device tripped,
# 1E sensor, 3C component (contactor, lock), 5A control board
_DESCRIPTION = b"\x01\x5a\x5a\x01\x03\x5a\x01\x3c\x3c\x3c\x3c\x0a\x1e\x0a\x01\x3c\x5a"


class DeviceStateMap:
    """Operation status, fault status and fault description."""

    def __init__(self, app):
        self._state = app.device_state
        self._location = bytearray(18)  # size, then the installation location
        self._location[0] = 1
        self._remote = 0x41

    def get(self, epc):
        if epc == 0x80:
            return _ON if self._state.in_service else _OFF
        if epc == 0x88:
            return _FAULT if self._state.faults() else _NO_FAULT
        if epc == 0x89:
            mask = self._state.faults()
            bit = 0
            while mask and not mask >> bit & 1:
                bit += 1
            return _DESCRIPTION[bit] if mask else 0
        return self._remote

    def set(self, epc, value):
        if epc == 0x80:
            return self._state.set_in_service(value == _ON)
        self._remote = value
        return True

    def read(self, epc, out, at):
        location = self._location
        for i in range(location[0]):
            out[at + i] = location[1 + i]
        return location[0]

    def write(self, epc, data, at, size):
        if size != 1 and not (size == 17 and data[at] == 1):
            return False
        location = self._location
        location[0] = size
        for i in range(size):
            location[1 + i] = data[at + i]
        return True
