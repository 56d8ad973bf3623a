"""UCF_Load_Control (IEC 63380-2 5.2.12, tables 107-117; ECHONET Lite 5.3.4): set-points the load follows."""

from bounded.compat import const
from wallbox.limits.sources import OBLIGATION, PERMISSION

ALL = const(0)  # every set-point that was written counts
MAXIMUM = const(1)  # none counts
BY_POWER = const(3)  # only the power set-point
BY_CURRENT = const(4)  # only the current set-point
BY_SIGNED_POWER = const(6)  # only the signed set-point (vehicle to grid)


class LoadControl:
    """Set-points for charging: power, current, signed power and an amount of energy after which to stop."""

    def __init__(self, station):
        self._station = station
        self._power = station.add_source("charging power", OBLIGATION, station.fallback)
        self._current = station.add_source("charging current", OBLIGATION, station.fallback)
        self._amount = station.add_source("charging amount", PERMISSION)
        self.sources = (self._power, self._current)
        self.method = ALL
        self.power_w = None
        self.current_ma = None
        self.signed_w = 0
        self.amount_wh = 0
        self._amount_end_wh = None
        station.allow(self._amount, True)

    def set_power_w(self, power_w):
        """Follow `power_w` W, 0 (pause) to the rated power; False beyond it. None lifts the set-point."""
        if power_w is not None and power_w > self._station.rated_w:
            return False
        self.power_w = power_w
        self._apply()
        return True

    def set_current_ma(self, current_ma):
        """Follow `current_ma` per phase, 0 (pause) to the rated current; False beyond it. None lifts it."""
        if current_ma is not None and current_ma > self._station.ratings.max_ma:
            return False
        self.current_ma = current_ma
        self._apply()
        return True

    def set_signed_w(self, signed_w):
        """Follow `signed_w` W >= 0; False where BY_SIGNED_POWER is not chosen or it is out of range. (Where a setpoint
        can be negative or come from an EMS, setpoint.py stands before this.)"""
        if self.method != BY_SIGNED_POWER or not 0 <= signed_w <= self._station.rated_w:
            return False
        self.put_signed_w(signed_w)
        return True

    def put_signed_w(self, signed_w):
        """Take `signed_w`, already judged."""
        self.signed_w = signed_w
        if self.method == BY_SIGNED_POWER:
            self._apply()

    def set_method(self, method):
        """Choose which set-points count; False for a method this station has no data for."""
        if method not in (ALL, MAXIMUM, BY_POWER, BY_CURRENT, BY_SIGNED_POWER):
            return False
        self.method = method
        self._apply()
        return True

    def set_amount_wh(self, amount_wh):
        """Stop after `amount_wh` Wh more from now; 0 = no such bound. Ends with the session."""
        self.amount_wh = amount_wh
        energy_wh = self._station.energy.total_wh
        self._amount_end_wh = energy_wh + amount_wh if amount_wh and energy_wh is not None else None
        self.step()
        return True

    def step(self):
        """Look whether the amount is reached; to be called now and then."""
        station = self._station
        if self._amount_end_wh is None and self.amount_wh and station.energy.total_wh is not None:
            self._amount_end_wh = station.energy.total_wh + self.amount_wh
        reached = self._amount_end_wh is not None and station.energy.total_wh >= self._amount_end_wh
        back = station.discharge and station.discharge.on
        station.allow(self._amount, not reached or back)

    def end_session(self):
        """The car left: an amount asked for it is forgotten."""
        self.amount_wh = 0
        self._amount_end_wh = None
        self.step()

    def _apply(self):
        station = self._station
        method = self.method
        power_w = self.power_w if method in (ALL, BY_POWER) else None
        if method == BY_SIGNED_POWER:
            power_w = max(self.signed_w, 0)
        station.bound_w(self._power, power_w)
        station.bound_ma(self._current, self.current_ma if method in (ALL, BY_CURRENT) else None)
