"""5.3.6 UCF_Operation_Mode on ECHONET Lite: EPC DA; 027E also DC, DD, E1."""

from wallbox.functions.operation_mode import DISCHARGE

_MODE = b"\x42\x43\x44\x47\x40"  # CHARGE, DISCHARGE, STANDBY, IDLE, OTHER


class OperationModeMap:
    """Mode as set (DA), methods (DC, DD) and the mode as it really is (E1). A setpoint has DA show its direction."""

    def __init__(self, app, v2x):
        self._mode = app.operation_mode
        self._load = app.load_control
        self._setpoint = app.setpoint
        self._v2x = v2x

    def get(self, epc):
        setpoint = self._setpoint
        if epc == 0xDA:
            mode = setpoint.mode() if setpoint else self._mode.mode
            return 0x40 if mode == DISCHARGE and not self._v2x else _MODE[mode]
        if epc == 0xE1:
            return _MODE[self._mode.actual()]
        if epc == 0xDC:
            return self._load.method
        return setpoint.back.method if setpoint and setpoint.back else 0

    def set(self, epc, value):
        if epc == 0xDA:
            done = self._mode.set(_MODE.index(bytes((value,))))
            if done and self._setpoint:
                self._setpoint.directed()
            return done
        if epc == 0xDC:
            return self._load.set_method(value)
        back = self._setpoint and self._setpoint.back
        if not back:
            return value == 0
        done = back.set_method(value)
        if done:
            self._setpoint.back_set()
        return done
