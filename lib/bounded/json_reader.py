"""Schema-driven reader of EEBUS JSON (SPINE datagrams): bytes in any split, rows of values out, fixed buffers.

In EEBUS JSON an object is an array of one-member objects and a list an array of such arrays; in the field both
also come as plain objects. The schema decides, so one rule reads all forms: brackets inside an object mean nothing,
inside a list the second `[` or any `{` opens an entry. Unknown elements, structural white space, any order of
elements and trailing zero bytes are taken; the structure itself must be JSON.

A schema is text: `name:T` per element, T being
`k` id of an entry (first, unsigned), `u` unsigned, `i` integer, `b` boolean, `s` string, `e` empty tag (True),
`d` duration in ms, or a time stamp as string, `n` scaled number, `p` time period, `a` SPINE address,
`S` `U` list of strings or unsigned, `A` entity address packed into one int, `(`...`)` object, `[`...`]` list.
The values of an object are one flat row, nested objects included (`n` takes 2 places: number, scale; `p` 2: start, end;
`a` 3: device, entity, feature); a list takes 1 place: a list of rows. What did not come is None.
"""

from bounded.compat import const
from bounded.iso8601 import duration_ms
from bounded.json_scan import OPEN, SHORT, TAGS, measure, scan, small  # noqa: F401  (TAGS: for users of push)
from bounded.on_demand import running

# As in json_scan, where they are explained.
_STATE = const(0)
_DEPTH = const(1)
_LENGTH = const(2)
_SKIP = const(3)
_MAX_DEPTH = const(4)
_TOKEN = const(5)
_TOP = const(6)
_LEAF = const(7)
_SLOT = const(8)
_CUT = const(9)
_TYPE = const(11)
_AT = const(12)
_FIRST = const(16)
_FRAME = const(8)
_ROW_SLOT = const(2)
_FLOOR = const(3)
_FLAGS = const(4)
_FIRST_AT = const(5)
_BRACKETS = const(176)
_VALUE = const(1)
_HEX = const(68)
_DEAD = const(255)
_ENTRY = const(4)
_PUSHED = const(128)
_MORE = const(0)
_GOT_WORD = const(2)
_GOT_TAG = const(3)
_BEGIN = const(4)
_END = const(5)
_SPLIT = const(6)
_UNKNOWN = const(7)
_ELEMENT = const(8)
_GOT_ESCAPED = const(9)
_STRAY = const(10)
_NOT_SMALL = const(-536870912)

# In the place of a scale that did not come with its number: the stored scale stays.
KEEP = object()


class JsonReader:
    """Reads one message at a time: begin(), feed() as often as needed, then `complete`.

    `problem` says what was wrong with values the schema wanted: 0 nothing, WRONG (type, range, fraction, string
    longer than `token_size`), TOO_MANY (list entries). feed() answers False once the text is not JSON or too deep.
    `owner` may take entries as they come and name the elements of open frames: it has the methods began, entry,
    unknown and element of this class.
    """

    def __init__(self, token_size=96, depth=40, max_rows=40, owner=None):
        self.owner = owner or self
        self._s = bytearray(_BRACKETS + depth)
        self._s[_MAX_DEPTH] = depth
        self._s[_TOKEN] = token_size
        self.token = bytearray(token_size)
        self._max_rows = max_rows
        self._rows = []
        self.begin(b"", 0, None)

    def begin(self, schema, at, row):
        """Expect a message whose elements stand in `schema` from `at` on; their values go to `row`.

        The schema must close what it describes: `a:i b:s)` for an object with these two elements.
        """
        s = self._s
        s[_STATE] = _VALUE
        s[_DEPTH] = s[_SKIP] = s[_LEAF] = 0
        s[_TOP] = _FIRST - _FRAME
        self._rows.clear()
        self.room = self._max_rows
        self.problem = 0
        self.complete = False
        self.row = None
        self._code = 1
        self._high = 0
        self._whole = schema
        self.push(schema, at, 0, row)

    def push(self, schema, at, flags, row):
        """Take the value of the element just named as the object at `at` of `schema`, into `row`, until entry()."""
        s = self._s
        top = s[_TOP] + _FRAME
        if top >= _BRACKETS:
            s[_STATE] = _DEAD
            return
        s[_TOP] = top
        s[top] = at & 255
        s[top + 1] = at >> 8
        s[top + _ROW_SLOT] = 0
        s[top + _FLOOR] = s[_DEPTH]
        s[top + _FLAGS] = flags | _ENTRY | _PUSHED
        s[top + _FIRST_AT] = s[top + _FIRST_AT + 1] = 0
        self.schema = schema
        self._rows.append(self.row)
        self.row = row

    def skip(self):
        """Pass over the value of the element just named."""
        self._s[_SKIP] = self._s[_DEPTH] + 1

    def open(self):
        """Have unknown() called for elements of this entry that its schema does not name."""
        s = self._s
        s[s[_TOP] + _FLAGS] |= OPEN

    def began(self, at):
        """An entry of the list at `at` of the schema begins."""

    def entry(self, at, row):
        """An entry of the list at `at` of the schema is complete; True: it is used up, do not keep it."""
        return False

    def unknown(self):
        """An open frame got an element its schema does not name (in `token`): call push() or skip()."""
        self.skip()

    def element(self, at, slot):
        """In a frame pushed with TAGS: the element whose type stands behind `at` was named."""

    def name(self):
        """The name or string just read, as bytes."""
        return bytes(memoryview(self.token)[: self._s[_LENGTH]])

    def parent(self):
        """The row of the entry around the innermost one."""
        return self._rows[-1]

    def feed(self, buf, pos, end):
        """Read `buf[pos:end]`; False: not JSON, nothing more is read of this message."""
        s = self._s
        token = self.token
        running.append(type(self))
        running.append(type(self.owner))
        try:
            while s[_STATE] != _DEAD:
                what = scan(s, buf, pos, end, token, self.schema, SHORT)
                pos = what >> 4
                what &= 15
                if what == _MORE:
                    return True
                if what <= _GOT_TAG:
                    self._scalar(what)
                elif what == _BEGIN:
                    at = s[_AT] | s[_AT + 1] << 8
                    self._rows.append(self.row)
                    self.row = [None] * (measure(self.schema, at) & 255)
                    self.owner.began(at)
                elif what == _END or what == _SPLIT:
                    self._closed(what)
                elif what == _UNKNOWN:
                    self.owner.unknown()
                elif what == _ELEMENT:
                    self.owner.element(s[_AT] | s[_AT + 1] << 8, s[_SLOT])
                elif what == _GOT_ESCAPED:
                    self._escaped(buf[pos - 1])
                elif what == _STRAY:
                    self.problem = 1
        finally:
            running.pop()
            running.pop()
        self.complete = False
        return False

    def _scalar(self, what):
        # The value of an element is there.
        s = self._s
        letter = s[_TYPE]
        slot = s[_SLOT]
        if what == _GOT_WORD:
            value = small(self.token, s[_LENGTH])
            if value == _NOT_SMALL:
                value = self._word()
            if value is None:
                return
            if not self._fits(letter | 32, value):
                self.problem = 1
                return
            if letter | 32 == 109 and self.row[slot + 1] is None:  # m: a number whose scale may follow
                self.row[slot + 1] = KEEP
        elif what == _GOT_TAG:
            value = True
        else:
            value = self._string(letter)
            if value is None:
                self.problem = 1
                return
        if letter < 97:
            value = self._listed(letter, slot, value)
        self.row[slot] = value

    def _fits(self, kind, value):
        # Whether a word of JSON is of the type that the schema wants.
        truth = value is True or value is False
        if kind == 98:  # b
            return truth
        if truth or kind == 115 or kind == 100:
            return False
        return value >= 0 or kind == 105 or kind == 109

    def _closed(self, what):
        # An entry is complete.
        s = self._s
        at = s[_AT] | s[_AT + 1] << 8
        row = self.row
        self.row = self._rows.pop()
        slot = s[_SLOT]
        pushed = what == _END and s[s[_TOP] + _FRAME + _FLAGS] & _PUSHED
        if not self._rows:
            self.complete = True
        elif not self.owner.entry(at, row) and not pushed and row.count(None) < len(row):
            self._keep(slot, row)
        if pushed:
            self.schema = self._whole
        if what == _SPLIT:
            self._rows.append(self.row)
            self.row = [None] * len(row)
            self.owner.began(at)

    def _keep(self, slot, value):
        # Append to the list in `slot`, within the room there is.
        if self.room <= 0:
            self.problem = 2
            return
        self.room -= 1
        if self.row[slot] is None:
            self.row[slot] = [value]
        else:
            self.row[slot].append(value)

    def _listed(self, letter, slot, value):
        # What a list of scalars is after `value` joined it.
        if letter != 65:
            self._keep(slot, value)
            return self.row[slot]
        before = self.row[slot] or 1
        if value > 1023 or before >> 40:
            self.problem = 1
            return before
        return before << 10 | value

    def _string(self, letter):
        # The string in `token` as a value of type `letter`, None when it is not one.
        s = self._s
        if s[_CUT]:
            return None
        kind = letter | 32
        if kind == 115 or kind == 100:
            n = s[_LENGTH]
            if kind == 100 and n and (self.token[0] == 80 or self.token[1] == 80):
                return duration_ms(self.token, n)
            try:
                return str(self.name(), "utf-8")
            except UnicodeError:
                pass
        return None

    def _word(self):
        # The value of the word in `token`: True, False, None or a number.
        word = self.name()
        if word == b"true":
            return True
        if word == b"false":
            return False
        return None if word == b"null" else self._number(word)

    def _number(self, word):
        # The value of a number that is integral and fits 64 bits, None of any other.
        mantissa, e, exponent = word.lower().partition(b"e")
        whole, dot, fraction = mantissa.partition(b".")
        digits = whole[1:] if whole[0] == 45 else whole
        if exponent[:1] in (b"-", b"+") and exponent:
            power = exponent[1:]
        else:
            power = exponent
        if (
            not digits.isdigit()
            or (digits[0] == 48 and len(digits) > 1)
            or (dot and not fraction.isdigit())
            or (e and not power.isdigit())
        ):
            self._s[_STATE] = _DEAD
            return None
        value = int(digits + fraction)
        power = int(power or b"0") if len(power) < 4 else 999
        power = (-power if exponent[:1] == b"-" else power) - len(fraction)
        if value and power:
            if power > 19:
                value = 1 << 64
            elif power > 0:
                value *= 10**power
            elif power < -100 or value % 10**-power:
                value = 1 << 64
            else:
                value //= 10**-power
        if word[0] == 45:
            value = -value
        if -(1 << 63) <= value < 1 << 63:
            return value
        self.problem = 1
        return None

    def _escaped(self, c):
        # A character after a backslash. Two surrogates become one character, a lone one nothing.
        s = self._s
        if s[_STATE] < _HEX:
            if c == 117:  # u
                s[_STATE] += 2
                return
            s[_STATE] -= 2
            i = b'"\\/bfnrt'.find(bytes((c,)))
            if i < 0:
                s[_STATE] = _DEAD
                return
            text = b'"\\/\b\f\n\r\t'[i : i + 1]
        else:
            c |= 32
            if not (48 <= c <= 57 or 97 <= c <= 102):
                s[_STATE] = _DEAD
                return
            code = self._code << 4 | (c - 48 if c < 58 else c - 87)
            self._code = code  # leads with a 1, so four digits are complete at 65536
            if code < 65536:
                return
            self._code = 1
            s[_STATE] -= 4
            code &= 65535
            if code & 0xFC00 == 0xD800:
                self._high = code
                return
            if code & 0xFC00 == 0xDC00:
                if not self._high:
                    return
                code = 0x10000 + ((self._high & 1023) << 10 | code & 1023)
            self._high = 0
            text = chr(code).encode()
        for c in text:
            if s[_LENGTH] < s[_TOKEN]:
                self.token[s[_LENGTH]] = c
                s[_LENGTH] += 1
            else:
                s[_CUT] = 1
