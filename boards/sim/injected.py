"""The faults of boards/sim/faults.py that are on. That table, mostly texts, is in memory only while one is switched."""

from bounded.compat import unload


class Faults:
    """The faults that are on now: `active` maps a name to its value."""

    def __init__(self):
        self.active = {}
        self._left_ms = {}

    def switch(self, name, on, value=None, ms=None):
        """Switch a fault on (again: with a new value) or off; with `ms` it ends by itself.

        Raises ValueError for an unknown name or a value that is no integer or not taken.
        """
        from boards.sim.faults import FAULTS

        if name not in FAULTS:
            raise ValueError("unknown fault " + str(name))
        default = FAULTS[name][0]
        del FAULTS
        unload("boards.sim.faults")
        self._left_ms.pop(name, None)
        if not on:
            self.active.pop(name, None)
            return
        if value is None:
            value = True if default is None else default
        elif default is None:
            raise ValueError("fault " + name + " takes no value")
        elif isinstance(value, bool) or not isinstance(value, int) or not -(1 << 30) < value < 1 << 30:
            raise ValueError("the value of fault " + name + " must be an integer")
        if ms is not None:
            if isinstance(ms, bool) or not isinstance(ms, int) or ms <= 0:
                raise ValueError("ms must be a positive integer")
            self._left_ms[name] = ms
        self.active[name] = value

    def step(self, dt_ms):
        """Let faults of limited duration run out."""
        if self._left_ms:
            for name in list(self._left_ms):
                left = self._left_ms[name] - dt_ms
                if left <= 0:
                    del self._left_ms[name]
                    self.active.pop(name, None)
                else:
                    self._left_ms[name] = left
