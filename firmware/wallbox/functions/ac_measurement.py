"""UCF_AC_Measurement (IEC 63380-2 5.2.2, tables 4-52): power, energy, current, voltage and frequency of the meter.

The instantaneous values are the board's readings as they are. Energy is what needs care: meters reset, jump and
fall silent, and the total must only ever grow.
"""

from bounded.compat import const

_UNKEPT_WH = const(2000)  # the most that flows between two times the counter is kept (session_summary.py), doubled


class Energy:
    """Energy through the contactor, never falling, never jumping further than the station's power allows."""

    def __init__(self, max_w):
        self._max_w = max_w * 2
        self.meter_wh = None  # the meter's count as it was taken last, None until the meter was read once
        self._kept_wh = None  # the same before the power went
        self._last_ms = 0
        self._session_start_wh = 0
        self.total_wh = None  # delivered by this box in all; None until then, on a box that kept nothing
        self.reset_wh = 0  # a controller counts from here (ECHONET Lite D9)
        self.implausible = 0  # readings that were set aside

    def step(self, now_ms, meter_wh):
        """Take the meter's count `meter_wh` (None = silent) at `now_ms`."""
        if meter_wh is None:
            return
        if self.meter_wh is None:
            if self.total_wh is None:
                self.total_wh = meter_wh
            elif 0 <= meter_wh - self._kept_wh <= _UNKEPT_WH:
                self.total_wh += meter_wh - self._kept_wh  # delivered after it was kept
            self._session_start_wh = self.total_wh
        else:
            grown_wh = meter_wh - self.meter_wh
            elapsed_ms = now_ms - self._last_ms
            if 0 <= grown_wh <= 1 + self._max_w * (elapsed_ms // 1000 + 1) // 3600:
                self.total_wh += grown_wh
            else:
                self.implausible += 1  # the meter was reset, swapped or misread: go on from its new count
        self.meter_wh = meter_wh
        self._last_ms = now_ms

    def resume(self, total_wh, meter_wh, reset_wh):
        """Go on from `total_wh`, which was kept when the meter showed `meter_wh`."""
        self.total_wh = total_wh
        self._kept_wh = meter_wh
        self.reset_wh = reset_wh

    def begin_session(self):
        """A car was plugged in: its energy counts from here."""
        self._session_start_wh = self.total_wh

    def session_wh(self):
        """Energy since the car was plugged in, Wh; None while unknown."""
        if self.total_wh is None:
            return None
        return self.total_wh - (self._session_start_wh or 0)
