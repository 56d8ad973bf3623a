"""Discharging on a board that can: what of it is asked for, by the signed setpoint or by mode (IEC 63380-2 5.2.12 and
5.2.18; ECHONET Lite 5.3.4 and 5.3.6). Loaded only there, beside setpoint.py."""

from wallbox.functions.load_control import ALL, BY_CURRENT, BY_POWER, BY_SIGNED_POWER, MAXIMUM
from wallbox.limits.discharge import Discharge


class Discharging:
    """`method`, `power_w` and `current_ma` are those for discharging by mode; what a controller without heartbeat asked
    for has the lease of its limits, from `heard_ms` on."""

    def __init__(self, station, load):
        self._station = station
        self._load = load
        self.method = ALL
        self.power_w = self.current_ma = None
        self.heard_ms = 0
        station.discharge = Discharge()

    def set_method(self, method):
        """Choose what counts while discharging by mode; False for a method without data."""
        if method not in (ALL, MAXIMUM, BY_POWER, BY_CURRENT, BY_SIGNED_POWER):
            return False
        self.method = method
        return True

    def set_power_w(self, power_w):
        """Discharge with `power_w` W, 0 to the rated power (None: as much); False beyond it."""
        if power_w is not None and power_w > self._station.rated_w:
            return False
        self.power_w = power_w
        return True

    def set_current_ma(self, current_ma):
        """Discharge with `current_ma` per phase, 0 to the rated current (None: as much); False beyond it."""
        if current_ma is not None and current_ma > self._station.ratings.max_ma:
            return False
        self.current_ma = current_ma
        return True

    def possible(self, plan, identified):
        """Whether the car says it can, and no energy is still missing that may not be drawn below."""
        if self._station.readings.ev_discharge is not True:
            return False
        if plan and plan.departure_s is not None and not identified.below_target:
            return not plan.left_s() or not plan.left_wh()
        return True

    def leased(self):
        """Whether the lease of what was set without a heartbeat still runs."""
        station = self._station
        return station.lease_ms is None or station.now_ms - self.heard_ms < station.lease_ms

    def most(self, method):
        """(W, mA per phase) that are asked for by this method, whichever is less."""
        station = self._station
        most_w = station.rated_w
        most_ma = station.ratings.max_ma
        if method == BY_SIGNED_POWER:
            most_w = max(-self._load.signed_w, 0)
        if method in (ALL, BY_POWER) and self.power_w is not None:
            most_w = self.power_w
        if method in (ALL, BY_CURRENT) and self.current_ma is not None:
            most_ma = self.current_ma
        return most_w, most_ma

    def step(self, on, allowed, active):
        """Hand to the arbiter whether the direction is out of the car, and how much."""
        if on and allowed:
            most_w, most_ma = self.most(BY_SIGNED_POWER if active else self.method)
            self._station.discharge.ask(True, most_w, most_ma)
        else:
            self._station.discharge.ask(on)
