"""5.2.7 UCF_Device_State (tables 84-89) and 5.2.9 UCF_Heartbeat (tables 90-95) on SPINE: DeviceDiagnosis of the EVSE.

One feature carries both, since an entity may have only one server feature of a type.
"""

from bounded.compat import const
from spine.client import HEARTBEAT, STATE
from spine.common_data_types import CLIENT
from spine.device import FIRST

NUMBER = const(2)
WATCH = const(7)  # the client feature, which watches the EMS
_PROMISE_MS = const(60000)  # LPC 006, 032: at least every 60 s
_EVERY_MS = const(30000)


class DeviceDiagnosisFeature:
    """Operating state of the station, and its heartbeat for the energy guard."""

    def __init__(self, device, station, device_state, clock):
        self._device = device
        self._station = station
        self._state = device_state
        self._clock = clock
        self._counter = 0
        self._beaten_ms = station.now_ms
        self._told = 0

    def functions(self, feature):
        """As lib/spine/device.py wants them, of the server and of the client."""
        if feature & CLIENT:
            return ((HEARTBEAT, None), (STATE, None))
        return ((STATE, self._read_state), (HEARTBEAT, self._read_heartbeat, None, FIRST))

    def _read_state(self, field, index):
        if field == 1:
            return "failure" if self._told else "normalOperation"
        return str(self._told) if field == 3 and self._told else None

    def _read_heartbeat(self, field, index):
        if field == 0:
            return self._clock.timestamp()
        return self._counter if field == 1 else _PROMISE_MS

    def step(self):
        """Beat, and notify the state when it changed."""
        faults = self._state.faults()
        if faults != self._told:
            self._told = faults
            self._device.changed(self, STATE)
        if self._station.now_ms - self._beaten_ms >= _EVERY_MS:
            self.beat()

    def beat(self):
        """One heartbeat, out of turn or in it."""
        self._beaten_ms = self._station.now_ms
        self._counter += 1
        self._device.changed(self, HEARTBEAT)
