"""5.2.5 UCF_Consumption_Curve on SPINE (tables 62-70, CEVC scenarios 1 and 4, DBEVC 2): TimeSeries server of the car.

Series 1 is the demand, 2 the curve of the EMS (5.2.14, maximum_power_limitation_curve.py), 3 the plan, 4 the demand as
DBEVC is thought to name it, and 5, where the board can discharge, what can be drawn from the battery. The EMS writes
the whole list with only its own series in it; the others stay.
"""

from bounded.compat import const
from spine.device import FIRST, FULL_ONLY
from spine.numbers import scaled
from spine.schema import schema
from wallbox.functions.charge_plan import MOST_SLOTS
from wallbox.spine_map.bidirectional_inferred import Inferred
from wallbox.spine_map.maximum_power_limitation_curve import Slots

NUMBER = const(8)
_REJECTED = const(7)
_CURVE = const(2)
_SLOT = const(10)  # places in the row of a slot
_LONGEST_MS = const(604800000)

# T66, T67, T125
_DESCRIPTIONS = schema(
    b"timeSeriesDescriptionListData:(timeSeriesDescriptionData:[timeSeriesId:k timeSeriesType:s timeSeriesWriteable:b "
    b"updateRequired:b unit:s])"
)
# T126
_CONSTRAINTS = schema(
    b"timeSeriesConstraintsListData:(timeSeriesConstraintsData:[timeSeriesId:k slotCountMin:u slotCountMax:u "
    b"slotDurationMin:d slotDurationMax:d slotDurationStepSize:d])"
)
# T68, T127, T128; places of a slot: 0 id, 1 and 2 start and end, 3 duration, 4 to 9 value, least and most
_SERIES = schema(
    b"timeSeriesListData:(timeSeriesData:[timeSeriesId:k timePeriod:p timeSeriesSlot:"
    b"[timeSeriesSlotId:k timePeriod:p duration:d value:n minValue:n maxValue:n]])"
)


class ConsumptionCurveFeature:
    """Of the EV entity; `step` notifies what changed."""

    def __init__(self, device, plan, clock, setpoint, battery):
        """`battery`: functions/measurement.py where something can be discharged, else None."""
        self._device = device
        self._plan = plan
        self._setpoint = setpoint
        self._battery = battery
        self._back = self._back_wh()
        self._staged = Slots(clock, MOST_SLOTS)
        self._curve = None
        self._told = plan.version
        self._wanted = plan.updates

    def functions(self, feature):
        """As lib/spine/device.py wants them."""
        return (
            (_DESCRIPTIONS, self._describe),
            (_CONSTRAINTS, ((_CURVE, 1, MOST_SLOTS, 1000, _LONGEST_MS, 1000),), None, FIRST),
            (_SERIES, self._read, self._write, FULL_ONLY, self._stage),
        )

    def _describe(self, field, index):
        if index > (4 if self._battery else 3):
            return None
        kind = Inferred().series(index - 3) if index > 2 else ("singleDemand", "constraints", "plan")[index]
        curve = index == 1
        wanted = bool(self._plan.updates & 1) if curve else None
        return (index + 1, kind, curve, wanted, "W" if index in (1, 2) else "Wh")

    def _read(self, field, index):
        plan = self._plan
        if index == 0 or index == 3:
            left_s = plan.left_s()
            slot = (0, None, None, left_s * 1000 if left_s else None, plan.left_wh(), 0,
                    plan.min_wh, 0, max(plan.max_wh, plan.left_wh()), 0)
            return (index + 1, 0, None, (slot,))
        if index == 1:
            return (_CURVE, None, None, _Read(plan.curve, plan.curve, 2, 8) if plan.curve else None)
        if index == 2:
            return (3, None, None, _Read(plan.starts, plan.powers, 1, 4) if len(plan.powers) else None)
        if index == 4 and self._battery:
            back_wh = self._back_wh()
            slot = (0, None, None, None, back_wh, 0, 0, 0, back_wh, 0)
            return (5, 0, None, None if back_wh is None else (slot,))
        return None

    def _back_wh(self):
        """What can be discharged, None while unknown."""
        if not self._battery:
            return None
        return self._battery.stored_wh() if self._setpoint.can else 0

    def _stage(self, at, row):
        if row is None:
            self._staged.begin()
            self._curve = None
        elif len(row) == _SLOT:
            high_w = scaled(row[8], row[9])
            self._staged.take(row[1], row[2], row[3], high_w if high_w is None or 0 <= high_w else None)
        else:
            if row[0] == _CURVE:
                self._curve = self._staged.complete()
            self._staged.begin()
        return True

    def _write(self, rows, peer, full):
        if self._curve is None:
            return _REJECTED
        self._plan.set_curve(self._curve)
        self._curve = None
        self.step()
        return 0

    def step(self):
        """Notify the series when plan, demand or curve changed, and when the EMS is wanted."""
        plan = self._plan
        if self._wanted != plan.updates:
            self._wanted = plan.updates
            self._device.changed(self, _DESCRIPTIONS)
        back_wh = self._back_wh()
        if self._told != plan.version or self._back != back_wh:
            self._told = plan.version
            self._back = back_wh
            self._device.changed(self, _SERIES)


class _Read:
    """The rows of slots, made as they are written: slot i begins at starts[i * step], its value is the one behind it
    in the same array (step 2) or values[i] (step 1); `place` of the value in the row."""

    def __init__(self, starts, values, step, place):
        self._starts = starts
        self._values = values
        self._step = step
        self._place = place

    def __len__(self):
        return (len(self._starts) - 1) // self._step

    def __getitem__(self, i):
        step = self._step
        row = [None] * _SLOT
        row[0] = i
        row[3] = (self._starts[(i + 1) * step] - self._starts[i * step]) * 1000
        row[self._place] = self._values[i * step + step - 1]
        row[self._place + 1] = 0
        return row
