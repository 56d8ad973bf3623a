"""5.3.6 UCF_Operation_Mode on ECHONET Lite: EPC DA; 027E also DC, DD, E1."""

_MODE = b"\x42\x43\x44\x47\x40"  # CHARGE, DISCHARGE, STANDBY, IDLE, OTHER


class OperationModeMap:
    """Mode as set (DA), methods (DC, DD) and the mode as it really is (E1)."""

    def __init__(self, app):
        self._mode = app.operation_mode
        self._load = app.load_control
        self._station = app.station
        self._discharging_method = 0

    def get(self, epc):
        if epc == 0xDA:
            return _MODE[self._mode.mode]
        if epc == 0xE1:
            return _MODE[self._mode.actual()]
        return self._load.method if epc == 0xDC else self._discharging_method

    def set(self, epc, value):
        if epc == 0xDA:
            return self._mode.set(_MODE.index(bytes((value,))))
        if epc == 0xDC:
            return self._load.set_method(value)
        if value and not self._station.ratings.discharge:
            return False
        self._discharging_method = value
        return True
