"""The contactor with its mirror contacts, and the plug lock: things that need time to move."""


class Contactor:
    """Three poles moved by one coil. `wired` is the mask of poles that exist, `poles` the mask closed now."""

    def __init__(self, phases):
        self.wired = (1 << phases) - 1
        self.close_ms = 20
        self.interlock_ms = 100  # without outputs, then the hardware opens it
        self.open_ms = 15
        self.commanded = False
        self.poles = 0
        self.moved_ms = 1 << 20  # since the poles last moved
        self.operations = 0
        self._travel_ms = 0
        self._pulled = False
        self._welded = 0

    def step(self, dt_ms, commanded, faults):
        """Let the coil be on or off for `dt_ms`."""
        if commanded != self.commanded:
            self.commanded = commanded
            self._travel_ms = self.close_ms if commanded else self.open_ms
            if faults:
                self._travel_ms = faults.get("contactor_slow", self._travel_ms)
        if self._travel_ms > 0:
            self._travel_ms -= dt_ms
        if self._travel_ms <= 0:
            self._pulled = commanded
        poles = self.wired if self._pulled else 0
        if faults:
            if "contactor_dead" in faults:
                poles = 0
            poles &= ~faults.get("pole_open", 0)
            if "weld" in faults:
                self._welded |= self.poles & faults["weld"]
            else:
                self._welded = 0
            poles |= self._welded | (faults.get("weld_closed", 0) & self.wired)
        else:
            self._welded = 0
        if poles != self.poles:
            self.poles = poles
            self.moved_ms = 0
            self.operations += 1
        elif self.moved_ms < 1 << 20:
            self.moved_ms += dt_ms

    def measure(self, readings, mains_mv, faults, noise):
        """Fill mirror contacts and load-side voltage. `noise(n)` gives the flicker."""
        poles = self.poles
        load = 0
        for i in range(3):
            if poles >> i & 1 and mains_mv[i] > load:
                load = mains_mv[i]
        if faults:
            poles &= ~faults.get("aux_stuck_open", 0)
            poles |= faults.get("aux_stuck_closed", 0) & self.wired
            if "aux_noisy" in faults and noise(1) > 0:
                poles ^= faults["aux_noisy"] & self.wired
            load = faults.get("load_sense", load)
        readings.poles_closed = poles
        readings.load_side_mv = load


class Lock:
    """A motor that locks the plug; it keeps its position without supply."""

    def __init__(self):
        self.travel_ms = 300
        self.closed = False
        self._moving_ms = 0

    def step(self, dt_ms, wanted, faults):
        """Drive towards `wanted` for `dt_ms`."""
        if wanted == self.closed or (faults and "lock_stuck" in faults):
            self._moving_ms = 0
            return
        self._moving_ms += dt_ms
        if self._moving_ms >= self.travel_ms:
            self.closed = wanted
            self._moving_ms = 0

    def feedback(self, faults):
        """What the lock's switch says."""
        return self.closed != bool(faults and "lock_feedback_inverted" in faults)
