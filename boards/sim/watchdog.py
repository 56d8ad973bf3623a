"""The watchdog of the simulated controller: once fed it bites when it is not fed for a while. Part of the simulator."""


class Watchdog:
    """`timeout_ms` as on boards with an ESP32; `bites` counts."""

    def __init__(self):
        self.timeout_ms = 8000
        self.bites = 0
        self._left_ms = None  # None: not armed

    def feed(self):
        self._left_ms = self.timeout_ms

    def disarm(self):
        """The controller is in reset."""
        self._left_ms = None

    def step(self, dt_ms):
        """Live `dt_ms`; True when it bites now."""
        if self._left_ms is None:
            return False
        self._left_ms -= dt_ms
        if self._left_ms > 0:
            return False
        self._left_ms = None
        self.bites += 1
        return True
