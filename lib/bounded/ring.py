"""A fixed ring of small rows of integers, for events: pushing allocates nothing, the oldest row gives way."""

from array import array


class Ring:
    """At most `length` rows of four integers (each 31 bits and sign). `lost` counts rows that gave way."""

    def __init__(self, length):
        self._rows = array("i", [0] * (4 * length))
        self._length = length
        self._next = 0
        self._count = 0
        self.lost = 0

    def __len__(self):
        return self._count

    def push(self, a, b=0, c=0, d=0):
        """Add a row as the newest."""
        rows = self._rows
        at = self._next * 4
        rows[at] = a
        rows[at + 1] = b
        rows[at + 2] = c
        rows[at + 3] = d
        self._next = (self._next + 1) % self._length
        if self._count < self._length:
            self._count += 1
        else:
            self.lost += 1

    def again(self):
        """Add one to the last number of the newest row."""
        self._rows[(self._next - 1) % self._length * 4 + 3] += 1

    def newest(self, back=0):
        """The row `back` places before the newest as a tuple, or None when there is none."""
        if back >= self._count:
            return None
        at = (self._next - 1 - back) % self._length * 4
        return tuple(self._rows[at : at + 4])

    def pop(self):
        """Take out the oldest row; None when the ring is empty."""
        row = self.newest(self._count - 1) if self._count else None
        if row:
            self._count -= 1
        return row
