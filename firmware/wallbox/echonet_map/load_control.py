"""5.3.4 UCF_Load_Control on ECHONET Lite: EPC EB, ED, E7; 027E also EC, EE, E0."""

from wallbox.functions.operation_mode import CHARGE


class LoadControlMap:
    """Set-points in W and 0.1 A, amounts in Wh."""

    def __init__(self, app):
        self._load = app.load_control
        self._mode = app.operation_mode
        self._setpoint = app.setpoint
        self._station = app.station

    def get(self, epc):
        load = self._load
        station = self._station
        if epc == 0xEB:
            return station.rated_w if load.power_w is None else load.power_w
        if epc == 0xED:
            return (station.ratings.max_ma if load.current_ma is None else load.current_ma) // 100
        if epc == 0xE7:
            return load.amount_wh
        if epc == 0xE0:
            return load.signed_w
        back = self._setpoint and self._setpoint.back
        if not back:
            return 0  # EC, EE: nothing is discharged
        if epc == 0xEC:
            return station.rated_w if back.power_w is None else back.power_w
        return (station.ratings.max_ma if back.current_ma is None else back.current_ma) // 100

    def set(self, epc, value):
        load = self._load
        if epc == 0xEB:
            return load.set_power_w(value)
        if epc == 0xED:
            return load.set_current_ma(value * 100)
        if epc == 0xE7:
            return load.set_amount_wh(value)
        setpoint = self._setpoint
        if epc == 0xE0:
            if setpoint:
                return setpoint.set_signed_w(value)
            if not load.set_signed_w(value):
                return False
            if value > 0:  # the E0 rule: with DC = 06 a write above 0 sets DA to 42
                self._mode.set(CHARGE)
            return True
        back = setpoint and setpoint.back
        if not back:
            return value == 0  # EC, EE: this station discharges nothing
        done = back.set_power_w(value) if epc == 0xEC else back.set_current_ma(value * 100)
        if done:
            setpoint.back_set()
        return done
