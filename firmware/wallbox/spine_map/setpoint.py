"""5.2.18 UCF_Setpoint on SPINE (tables 150-157): Setpoint server of the car, use case DBEVC.

One setpoint, the power of the car in W: positive charges, negative discharges. What is out of the range of the moment,
such as any negative one while nothing can be discharged, is refused as a whole (error 7), as is every write while the
setpoint is not changeable. It begins at once, and may have an end, as a duration or, once the time is known, as a time
stamp. What else DBEVC is thought to use: bidirectional_inferred.py.
"""

from bounded.compat import const
from spine.device import FIRST
from spine.numbers import scaled
from spine.restricted import CLEARED
from spine.schema import schema
from wallbox.spine_map.bidirectional_inferred import Inferred

NUMBER = const(10)
_SETPOINT = const(1)  # its id
_REJECTED = const(7)

# T153
_DESCRIPTIONS = schema(
    b"setpointDescriptionListData:(setpointDescriptionData:[setpointId:k measurementId:u setpointType:s unit:s "
    b"scopeType:s])"
)
# T154
_CONSTRAINTS = schema(
    b"setpointConstraintsListData:(setpointConstraintsData:"
    b"[setpointId:k setpointRangeMin:n setpointRangeMax:n setpointStepSize:n])"
)
# T155, T156; places: 0 id, 1 and 2 value, 3 to 6 its bounds, 7 changeable, 8 active, 9 and 10 start and end
_SETPOINTS = schema(
    b"setpointListData:(setpointData:[setpointId:k value:n valueMin:n valueMax:n isSetpointChangeable:b "
    b"isSetpointActive:b timePeriod:p])"
)


class SetpointFeature:
    """Of the EV entity; `step` notifies what changed."""

    def __init__(self, device, station, setpoint, clock):
        self._device = device
        self._station = station
        self._clock = clock
        self._setpoint = setpoint
        self._told = setpoint.version
        self._least_w = setpoint.least_w()

    def functions(self, feature):
        """As lib/spine/device.py wants them."""
        return (
            (_DESCRIPTIONS, self._describe),
            (_CONSTRAINTS, self._constrain, None, FIRST),
            (_SETPOINTS, self._read, self._write),
        )

    def _describe(self, field, index):
        return None if index else Inferred().setpoint()

    def _constrain(self, field, index):
        if index:
            return None
        return (_SETPOINT, self._setpoint.least_w(), 0, self._station.rated_w, 0, 1, 0)

    def _read(self, field, index):
        if index:
            return None
        setpoint = self._setpoint
        value_w, active = setpoint.shown_w()
        left_ms = None if setpoint.end_ms is None else max(setpoint.end_ms - self._station.now_ms, 0)
        return (_SETPOINT, value_w, 0, None, None, None, None, setpoint.changeable(), active, None, left_ms)

    def _write(self, rows, peer, full):
        if len(rows) != 1:
            return _REJECTED
        row = rows[0]
        if row[0] != _SETPOINT or row[1] is CLEARED or row[7] is False:
            return _REJECTED
        for place in (3, 5):  # bounds of its own are not offered
            if row[place] is not None and row[place] is not CLEARED:
                return _REJECTED
        begin, end = row[9], row[10]
        if begin is not None and begin is not CLEARED and self._clock.until_ms(begin) != 0:
            return _REJECTED  # nor is a beginning that is not at once
        if end is CLEARED:
            end = -1
        elif end is not None:
            end = self._clock.until_ms(end)
            if end is None:
                return _REJECTED
        # a whole write that does not say whether it is active means it to be
        active = True if row[8] is CLEARED else row[8]
        if not self._setpoint.set(scaled(row[1], row[2]), active, end):
            return _REJECTED
        self.step()
        return 0

    def step(self):
        """Notify the setpoint and its range when they changed."""
        setpoint = self._setpoint
        if self._told != setpoint.version:
            self._told = setpoint.version
            self._device.changed(self, _SETPOINTS)
            if self._least_w != setpoint.least_w():
                self._least_w = setpoint.least_w()
                self._device.changed(self, _CONSTRAINTS)
