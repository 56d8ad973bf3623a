"""Writer of EEBUS JSON from rows of values, by the same schema text as json_reader, into the caller's buffers.

A message is written in units small enough to be written again: what of a unit did not fit into one buffer is written
into the next one by writing the unit once more with its first bytes left out. So nothing is held but the row. A list
in a unit may be long (the slots of a curve): writing ends where the buffer does, and goes on with the entry that it
ended in.
A row may be shorter than its schema; None (or a nested object of which all is None) is left out, an entry of
which all is None too, so `[[]]` never appears.
"""

from bounded.compat import const, micropython, ptr8  # noqa: F401  (ptr8: a word of the viper compiler)
from bounded.iso8601 import put_duration
from bounded.json_scan import A_AT, N_AT, P_AT, SHORT, measure


@micropython.viper
def _copy(out: ptr8, at: int, low: int, high: int, text: ptr8, start: int, end: int) -> int:
    # text[start:end] to out[at:], as far as it lies within low..high; the place behind it.
    while start < end:
        if at >= low and at < high:
            out[at] = text[start]
        at += 1
        start += 1
    return at


@micropython.viper
def _digits(scratch: ptr8, value: int) -> int:
    # Decimal digits of 0..2**30 at the end of the 24 bytes of scratch; where they start.
    at = 24
    while True:
        at -= 1
        scratch[at] = 48 + value % 10
        value //= 10
        if value == 0:
            return at


class JsonWriter:
    """Writes units into buffers: start(buffer), then per unit its text, then done(), until that is False."""

    def __init__(self):
        self._scratch = bytearray(24)
        self._out = None
        self._at = self._low = self._high = 0
        self.reset()

    def reset(self):
        """Forget a unit left half way."""
        self._left_out = 0
        self._list = 0  # place in the schema of the list in which the buffer ended; then its entry, its place in
        self._entry = 0  # the unit, and what leads it
        self._place = 0
        self._lead = b""
        self._within = False  # within a list

    def start(self, out):
        """Write into the buffer `out` from its beginning."""
        self._out = out
        self._low = 0
        self._high = len(out)
        self._at = -self._left_out

    def done(self):
        """The unit is complete: True when all of it is out; False: write it again into the next buffer."""
        if self._at > self._high:
            self._left_out += self._high - self._low
            return False
        self._low = self._at
        self._left_out = self._list = 0
        return True

    def written(self):
        """Bytes in the buffer."""
        return min(self._at, self._high)

    def raw(self, text):
        """Bytes as they are."""
        self._at = _copy(self._out, self._at, self._low, self._high, text, 0, len(text))

    def string(self, text):
        """A str, or bytes of UTF-8, quoted."""
        if isinstance(text, str):
            text = text.encode()
        self.raw(b'"')
        start = 0
        for i in range(len(text)):
            c = text[i]
            if c < 32 or c == 34 or c == 92:
                self._at = _copy(self._out, self._at, self._low, self._high, text, start, i)
                start = i + 1
                self.raw(b"\\u%04x" % c)
        self._at = _copy(self._out, self._at, self._low, self._high, text, start, len(text))
        self.raw(b'"')

    def integer(self, value):
        """An int of any size."""
        if value < 0:
            self.raw(b"-")
            value = -value
        if value > 1 << 29:
            self.raw(str(value).encode())
        else:
            scratch = self._scratch
            self._at = _copy(self._out, self._at, self._low, self._high, scratch, _digits(scratch, value), 24)

    def members(self, schema, at, row, slot):
        """The elements of the object at `at` of `schema` (without its brackets), its values from row[slot] on."""
        lead = b'{"'
        slots = len(row)
        while schema[at] != 41 and schema[at] != 93:
            colon = schema.find(b":", at)
            kind = schema[colon + 1]
            after = colon + 2
            width = 1
            if kind == 40 or kind == 91:
                after = measure(schema, after)
                if kind == 40:
                    width = after & 255
                after >>= 8
            elif kind == 97:
                width = 3
            elif kind == 110 or kind == 112:
                width = 2
            for i in range(slot, min(slot + width, slots)):
                if row[i] is not None:
                    self.raw(lead)
                    lead = b',{"'
                    self._at = _copy(self._out, self._at, self._low, self._high, schema, at, colon)
                    self.raw(b'":')
                    self.value(schema, colon, row, slot)
                    self.raw(b"}")
                    break
            slot += width
            at = after + 1 if schema[after] == 32 else after

    def entry(self, schema, at, row, lead):
        """An entry of the list at `at` of `schema`, with `lead` before it; False: it is empty, nothing was written."""
        for value in row:
            if value is not None:
                self.raw(lead)
                self.raw(b"[")
                self.members(schema, at, row, 0)
                self.raw(b"]")
                return True
        return False

    def value(self, schema, colon, row, slot):
        """The value row[slot] (and following) as the type behind the colon at `colon` of `schema`."""
        kind = schema[colon + 1]
        at = colon + 2
        value = row[slot] if slot < len(row) else None
        if kind == 107 or kind == 117 or kind == 105 or kind == 109:  # k u i m
            self.integer(value)
        elif kind == 115 or (kind == 100 and not isinstance(value, int)):  # s d
            self.string(value)
        elif kind == 100:
            self.raw(b'"')
            n = put_duration(value, self._scratch)
            self._at = _copy(self._out, self._at, self._low, self._high, self._scratch, 0, n)
            self.raw(b'"')
        elif kind == 98:  # b
            self.raw(b"true" if value else b"false")
        else:
            self.raw(b"[")
            if kind == 40:  # (
                self.members(schema, at, row, slot)
            elif kind == 110:  # n
                self.members(SHORT, N_AT, row, slot)
            elif kind == 112:  # p
                self.members(SHORT, P_AT, row, slot)
            elif kind == 97:  # a
                self.members(SHORT, A_AT, row, slot)
            elif kind == 91:  # [
                self._entries(schema, at, value)
            elif kind == 65:  # A
                self._address(value)
            elif kind < 91:  # S U
                self._scalars(kind, value)
            self.raw(b"]")

    def _scalars(self, kind, values):
        # A list of strings or of numbers.
        lead = b""
        for value in values:
            self.raw(lead)
            lead = b","
            if kind == 83:
                self.string(value)
            else:
                self.integer(value)

    def _entries(self, schema, at, rows):
        # The entries of the list at `at` of `schema`, as far as the buffer goes.
        lead = b""
        i = 0
        outermost = not self._within
        if outermost:
            self._within = True
            if self._list == at:
                i = self._entry
                lead = self._lead
                self._at = self._low + self._place - self._left_out
        while i < len(rows) and self._at <= self._high:
            if outermost:
                self._list = at
                self._entry = i
                self._lead = lead
                self._place = self._at - self._low + self._left_out
            if self.entry(schema, at, rows[i], lead):
                lead = b","
            i += 1
        if outermost:
            self._within = False

    def _address(self, packed):
        # The numbers of an entity address: 10 bits each behind a leading 1.
        if packed > 1:
            if packed >> 10 > 1:
                self._address(packed >> 10)
                self.raw(b",")
            self.integer(packed & 1023)
