"""Simulated time: a guard and a plant in one process, moved together without a clock.

`World(guard, plant, checker=None)`. Each tick is 10 ms: the plant moves (in finer steps), its readings go to
`guard.tick(dt_ms, readings)`, `guard.out` goes to the plant. Then `checker(world)` looks, if given. A test
that must act like the rest of the firmware (renew the permission, say) sets `world.before_tick` to a function
taking the world.
"""

from wallbox.board import Readings

TICK_MS = 10
_STEP_MS = 5
_TRACE_ROWS = 200


class World:
    """now_ms; readings of the last tick; trace: the last changes as (ms, state, duty, coil, poles, mA)."""

    def __init__(self, guard, plant, checker=None):
        self.guard = guard
        self.plant = plant
        self.checker = checker
        self.before_tick = None
        self.readings = Readings()
        self.now_ms = 0
        self.trace = []

    def run(self, ms):
        """Let `ms` pass, in whole ticks."""
        end = self.now_ms + ms
        while self.now_ms < end:
            self.tick()

    def until(self, predicate, limit_ms):
        """Tick until `predicate()` holds; the ms that took, or None when `limit_ms` passed without."""
        start = self.now_ms
        while not predicate():
            if self.now_ms - start >= limit_ms:
                return None
            self.tick()
        return self.now_ms - start

    def tick(self):
        """One tick; a pending loop stall of the plant passes first, without the guard."""
        plant = self.plant
        dt_ms = (plant.take_stall_ms() + TICK_MS - 1) // TICK_MS * TICK_MS + TICK_MS
        for _ in range(dt_ms // _STEP_MS):
            plant.step(_STEP_MS)
        self.now_ms += dt_ms
        if self.before_tick is not None:
            self.before_tick(self)
        plant.sample(self.readings)
        self.guard.tick(dt_ms, self.readings)
        plant.apply(self.guard.out)
        row = (
            getattr(self.guard, "state", None), plant.permille, plant.coil, plant.contactor.poles,
            plant.car.current_ma if plant.car else 0,
        )
        if not self.trace or self.trace[-1][1:5] != row[:4]:
            self.trace.append((self.now_ms,) + row)
            if len(self.trace) > _TRACE_ROWS:
                del self.trace[0]
        if self.checker is not None:
            self.checker(self)

    def story(self):
        """The trace as text, one line a change: for the message of a failed assertion."""
        return "\n".join("%8d ms  %s duty %4d coil %d poles %d  %d mA" % row for row in self.trace)
