"""5.2.12 UCF_Load_Control on SPINE (tables 107-117): LoadControl server of the car, use cases OPEV and OSCEV.

Limits 1-3 are obligations (overload protection) of phases a, b, c, 4-6 recommendations (self-consumption), of the
phases that the station has; the measurement of a limit is the current of its phase (measurement.py). While the car is
full the recommendations are not changeable.
"""

from bounded.compat import const
from spine.numbers import scaled
from spine.restricted import CLEARED
from wallbox.spine_map.power_limit import LIMIT_DESCRIPTIONS, LIMITS

NUMBER = const(7)
_REJECTED = const(7)


class LoadControlFeature:
    """Of the EV entity; `step` notifies what changed."""

    def __init__(self, device, limits, phases):
        self._device = device
        self._limits = limits
        self._phases = phases
        self._told = limits.version

    def functions(self, feature):
        """As lib/spine/device.py wants them."""
        return ((LIMIT_DESCRIPTIONS, self._describe), (LIMITS, self._read, self._write))

    def _describe(self, field, index):
        index = self._place(index)
        if index > 5:
            return None
        category = "recommendation" if index > 2 else "obligation"
        scope = "selfConsumption" if index > 2 else "overloadProtection"
        return (index + 1, "maxValueLimit", category, "consume", index % 3 + 1, "A", scope)

    def _place(self, index):
        """The place of entry `index` among the six limits; more than 5 behind the last."""
        return index if index < self._phases else index - self._phases + 3 if index < 2 * self._phases else 6

    def _read(self, field, index):
        index = self._place(index)
        if index > 5:
            return None
        limits = self._limits
        return (index + 1, index < 3 or not limits.full, limits.active[index], None, None, limits.ma[index], -3)

    def _write(self, rows, peer, full):
        changes = []
        for row in rows:
            if not 1 <= row[0] <= 6 or (row[0] - 1) % 3 >= self._phases or row[1] is False:
                return _REJECTED
            if row[2] is CLEARED or row[5] is CLEARED:
                return _REJECTED
            if row[4] is not None and row[4] is not CLEARED:
                return _REJECTED  # no limit of a phase ends by itself
            changes.append((row[0] - 1, scaled(row[5], row[6], -3), row[2]))
        if not self._limits.set(changes):
            return _REJECTED
        self.step()
        return 0

    def step(self):
        """Notify the limits when they changed."""
        if self._told != self._limits.version:
            self._told = self._limits.version
            self._device.changed(self, LIMITS)
