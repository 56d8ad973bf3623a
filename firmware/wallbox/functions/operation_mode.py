"""UCF_Operation_Mode (IEC 63380-2, ECHONET Lite 5.3.6): charge, stand by or stop."""

from bounded.compat import const
from wallbox.limits.sources import PERMISSION

CHARGE = const(0)
DISCHARGE = const(1)
STANDBY = const(2)  # paused, the EMS may resume
IDLE = const(3)  # stopped
OTHER = const(4)

_IDLE_W = const(20)  # below this nothing flows


class OperationMode:
    """The mode that was set, and the one the station is really in."""

    def __init__(self, station):
        self._station = station
        self._permission = station.add_source("operation mode", PERMISSION)
        self.mode = CHARGE
        self.set(CHARGE)

    def set(self, mode):
        """Set CHARGE, STANDBY or IDLE; False for what this station cannot do (DISCHARGE without such hardware)."""
        if mode == DISCHARGE:
            if not self._station.ratings.discharge:
                return False
        elif mode not in (CHARGE, STANDBY, IDLE):
            return False
        self.mode = mode
        self._station.allow(self._permission, mode in (CHARGE, DISCHARGE))
        return True

    def actual(self):
        """What happens now: CHARGE, DISCHARGE, STANDBY (a car waits or is paused) or IDLE (no car, or stopped)."""
        station = self._station
        if station.guard.out.contactor:
            power_w = station.readings.power_w if station.meter_fresh else None
            if power_w is not None and power_w < -_IDLE_W:
                return DISCHARGE
            if power_w is None or power_w > _IDLE_W:
                return CHARGE
        if self.mode == IDLE or station.guard.state == "A":
            return IDLE
        return STANDBY
