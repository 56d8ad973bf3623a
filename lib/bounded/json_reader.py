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

from bounded.compat import const, micropython, ptr8  # noqa: F401  (ptr8: a word of the viper compiler)
from bounded.iso8601 import duration_ms

# What the letters n, p, a stand for, with the places where they start.
SHORT = b"number:m scale:i)startTime:d endTime:d)device:s entity:A feature:u)"
N_AT = const(0)
P_AT = const(17)
A_AT = const(39)

# The state of the scanner, all in one bytearray.
_STATE = const(0)
_DEPTH = const(1)
_LENGTH = const(2)  # of the token so far
_SKIP = const(3)  # 1 + depth of the element being skipped, 0: none
_MAX_DEPTH = const(4)
_TOKEN = const(5)  # size of the token buffer
_TOP = const(6)  # place of the innermost frame in this bytearray
_LEAF = const(7)  # type letter of the scalar that must come, 0: none
_SLOT = const(8)
_CUT = const(9)  # the string was longer than the token buffer
_TYPE = const(11)  # of the scalar that came
_AT = const(12)  # two bytes: place of the element in the schema, after its colon
_FIRST = const(16)  # place of the first frame
_FRAME = const(8)  # size of a frame: schema place (2), slot, floor, flags, first element of an implicit entry (2)
_FRAMES = const(14)
_BRACKETS = const(128)  # _FIRST + _FRAMES * _FRAME: one byte per open bracket

# What may come next. Bits: 1 a value, 2 a key, 4 a closing bracket, 8 a colon, 16 a comma.
_VALUE = const(1)
_FIRST_VALUE = const(5)
_KEY = const(2)
_FIRST_KEY = const(6)
_COLON = const(8)
_NEXT = const(20)
_DONE = const(32)
_STRING = const(64)  # +1: it is a key; +2: after a backslash; +4: in \uXXXX
_ESCAPE = const(66)
_HEX = const(68)
_WORD = const(72)
_LOOKUP = const(73)  # a key is complete, to be found in the schema
_DEAD = const(255)

# Flags of a frame: a value with an end of its own, at the closing bracket that leaves depth == floor.
_IN_SHORT = const(1)
_LIST = const(2)
_ENTRY = const(4)  # its end is reported
_IMPLICIT = const(8)  # an entry without brackets of its own
OPEN = const(16)  # unknown keys are reported
TAGS = const(32)  # only which elements came is reported, not their values
_SCALARS = const(64)
_PUSHED = const(128)  # its schema is another text

# What the scanner reports.
_MORE = const(0)
_GOT_STRING = const(1)
_GOT_WORD = const(2)
_GOT_TAG = const(3)
_BEGIN = const(4)
_END = const(5)
_SPLIT = const(6)
_UNKNOWN = const(7)
_ELEMENT = const(8)
_GOT_ESCAPED = const(9)
_STRAY = const(10)
_BROKEN = const(11)


@micropython.viper
def _scan(s: ptr8, buf: ptr8, pos: int, end: int, token: ptr8, schema: ptr8, short: ptr8) -> int:
    # Reads until something is to be reported; answers with the new position * 16 + what it is.
    state = int(s[0])
    top = int(s[6])
    at = 0
    slot = 0
    floor = 0
    while True:
        depth = int(s[1])
        what = 0
        push = -1  # flags of a frame to be pushed
        if state == 20 or state == 32:  # a value is complete: leave the frames that end with it
            if s[3] == depth + 1:
                s[3] = 0
            while s[3] == 0 and top >= 16 and s[top + 3] == depth:
                s[12] = s[top]
                s[13] = s[top + 1]
                top -= 8
                s[6] = top
                if s[top + 12] & 4:
                    s[8] = s[top + 2]
                    s[0] = state
                    return pos << 4 | 5
        if state == 73:  # find the key in the schema of the innermost frame
            flags = int(s[top + 4])
            text = schema
            if flags & 1:
                text = short
            n = int(s[2])
            at = int(s[top]) | int(s[top + 1]) << 8
            slot = int(s[top + 2])
            k = 0
            while flags & 66 == 0:
                k = 0
                while k < n and text[at + k] == token[k]:
                    k += 1
                if k == n and text[at + n] == 58:
                    at += n
                    k = -1
                    break
                k = 0
                while True:  # to the next element of the same object
                    while text[at] != 58:
                        at += 1
                    c = int(text[at + 1])
                    at += 2
                    if c == 40:
                        k += 1
                    elif k < 64:
                        slot += 3 if c == 97 else (2 if c == 110 or c == 112 else 1)
                    if c == 91:
                        k += 64
                    while k > 0 and (text[at] == 41 or text[at] == 93):
                        k -= 1 if text[at] == 41 else 64
                        at += 1
                    if text[at] == 32:
                        at += 1
                    if k == 0:
                        break
                if text[at] == 41 or text[at] == 93:
                    break
            state = 8
            if k == 0:
                if flags & 16:
                    what = 7
                else:
                    s[3] = depth + 1
            elif flags & 8 and s[top + 5] == at & 255 and s[top + 6] == at >> 8:
                # The first element of an entry without brackets again: the next entry.
                s[top + 5] = 0
                s[top + 6] = 0
                s[8] = s[top - 6]
                s[12] = s[top]
                s[13] = s[top + 1]
                state = 73
                what = 6
            else:
                if s[top + 5] == 0 and s[top + 6] == 0:
                    s[top + 5] = at & 255
                    s[top + 6] = at >> 8
                c = int(text[at + 1])
                s[8] = slot
                s[12] = at & 255
                s[13] = at >> 8
                at += 2
                floor = depth
                if c == 40:
                    push = flags & 33
                elif c == 110 or c == 112 or c == 97:
                    push = flags & 32 | 1
                    at = 39 if c == 97 else (0 if c == 110 else 17)
                elif flags & 32 or c == 101:
                    s[3] = depth + 1
                elif c == 91:
                    push = 2
                else:
                    s[7] = c
                    if c < 97:
                        push = 64
                        at = c
                if flags & 32:
                    what = 8
                elif c == 101:
                    s[11] = c
                    what = 3
        elif pos >= end:
            s[0] = state
            return pos << 4
        else:
            c = int(buf[pos])
            if state == 64 or state == 65:
                n = int(s[2])
                while c != 34 and c != 92 and c >= 32:
                    if n < s[5]:
                        token[n] = c
                        n += 1
                    else:
                        s[9] = 1
                    pos += 1
                    if pos >= end:
                        break
                    c = int(buf[pos])
                s[2] = n
                if pos < end:
                    pos += 1
                    if c < 32:
                        what = 11
                    elif c == 92:
                        state += 2
                    elif state == 64:
                        state = 20
                        what = 1
                    else:
                        state = 8
                        if s[3] == 0:
                            state = 73
                            if s[9]:
                                s[2] = 0
            elif state == 72:
                if c == 32 or c == 44 or c == 93 or c == 125 or c == 10 or c == 13 or c == 9:
                    state = 20
                    what = 2
                elif s[2] >= s[5] or c == 0:
                    what = 11
                else:
                    token[int(s[2])] = c
                    s[2] = s[2] + 1
                    pos += 1
            elif state > 65:
                pos += 1
                what = 9
            else:
                pos += 1
                if c == 32 or c == 10 or c == 13 or c == 9 or (c == 0 and state == 32):
                    pass
                elif c == 58 and state == 8:
                    state = 1
                elif c == 44 and state == 20:
                    state = 2 if s[127 + depth] == 123 else 1
                elif (c == 91 or c == 123) and state & 1 and depth < s[4]:
                    s[128 + depth] = c
                    depth += 1
                    s[1] = depth
                    state = 5 if c == 91 else 6
                    if s[3] == 0:
                        flags = int(s[top + 4])
                        if flags & 2:
                            # Inside a list: the second [ or any { opens an entry.
                            floor = int(s[top + 3])
                            at = int(s[top]) | int(s[top + 1]) << 8
                            slot = 0
                            if c == 123:
                                push = 12
                            elif depth == floor + 2:
                                push = 4
                                floor += 1
                            if push > 0:
                                s[8] = s[top + 2]
                                s[12] = s[top]
                                s[13] = s[top + 1]
                                what = 4
                        elif c == 123 and s[7]:
                            s[7] = 0
                            s[3] = depth
                            what = 10
                elif (c == 93 or c == 125) and state & 4 and s[127 + depth] == c - 2:
                    depth -= 1
                    s[1] = depth
                    state = 20 if depth else 32
                    if s[3] == 0:
                        s[7] = 0
                elif depth == 0:
                    what = 11
                elif c == 34 and state & 3:
                    state = 65 if state & 2 else 64
                    s[2] = 0
                    s[9] = 0
                elif state & 1 and (c == 45 or (c >= 48 and c <= 57) or c == 116 or c == 102 or c == 110):
                    state = 72
                    s[2] = 0
                    pos -= 1
                else:
                    what = 11
            if what == 1 or what == 2:  # a scalar
                if s[3]:
                    what = 0
                else:
                    c = int(s[7])
                    if c == 0 and int(s[top + 4]) & 64:
                        c = int(s[top])
                    s[7] = 0
                    s[11] = c
                    if c < 97:
                        s[8] = s[top + 2]
                        if c == 0:
                            what = 10
                            if token[0] == 110 and s[2] == 4:  # null where an object or a list may be
                                what = 0
        if push >= 0:
            if top >= 120:
                what = 11
            else:
                top += 8
                s[6] = top
                s[top] = at & 255
                s[top + 1] = at >> 8
                s[top + 2] = slot
                s[top + 3] = floor
                s[top + 4] = push
                s[top + 5] = 0
                s[top + 6] = 0
        if what:
            if what == 11:
                state = 255
            s[0] = state
            return pos << 4 | what


@micropython.viper
def measure(schema: ptr8, at: int) -> int:
    """Of the object whose first element starts at `at`: the place behind it * 256 + the length of its row."""
    slots = 0
    k = 0
    while k >= 0:
        while schema[at] != 58:
            at += 1
        c = int(schema[at + 1])
        at += 2
        if c == 40:
            k += 1
        elif c == 91:
            if k < 64:
                slots += 1
            k += 64
        elif k < 64:
            slots += 3 if c == 97 else (2 if c == 110 or c == 112 else 1)
        while k >= 0 and (schema[at] == 41 or schema[at] == 93):
            k -= 1 if schema[at] == 41 or k < 64 else 64
            at += 1
    return at << 8 | slots


@micropython.viper
def _small(token: ptr8, n: int) -> int:
    # The number of up to 9 digits in token[:n]; -2**29 when it is anything else.
    value = 0
    at = 1 if token[0] == 45 else 0
    if n - at > 9 or n == at or (token[at] == 48 and n > at + 1):
        return -536870912
    for i in range(at, n):
        c = int(token[i]) - 48
        if c < 0 or c > 9:
            return -536870912
        value = value * 10 + c
    if value > 500000000:
        return -536870912
    return 0 - value if at else value


# In the place of a scale that did not come with its number: the stored scale stays.
KEEP = object()


class JsonReader:
    """Reads one message at a time: begin(), feed() as often as needed, then `complete`.

    `problem` says what was wrong with values the schema wanted: 0 nothing, WRONG (type, range, fraction, string
    longer than `token_size`), TOO_MANY (list entries). feed() answers False once the text is not JSON or too deep.
    A subclass may take entries as they come (entry) and name the elements of open frames (unknown, element).
    """

    def __init__(self, token_size=96, depth=40, max_rows=40):
        self._s = bytearray(_BRACKETS + depth)
        self._s[_MAX_DEPTH] = depth
        self._s[_TOKEN] = token_size
        self.token = bytearray(token_size)
        self._max_rows = max_rows
        self._rows = []
        self.begin(b"", 0, None)

    def begin(self, schema, at, row):
        """Expect a message whose elements stand in `schema` from `at` on; their values go to `row`."""
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
        s[top + 2] = 0
        s[top + 3] = s[_DEPTH]
        s[top + 4] = flags | _ENTRY | _PUSHED
        s[top + 5] = s[top + 6] = 0
        self.schema = schema
        self._rows.append(self.row)
        self.row = row

    def skip(self):
        """Pass over the value of the element just named."""
        self._s[_SKIP] = self._s[_DEPTH] + 1

    def open(self):
        """Have unknown() called for elements of this entry that its schema does not name."""
        s = self._s
        s[s[_TOP] + 4] |= OPEN

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

    def feed(self, buf, pos, end):
        """Read `buf[pos:end]`; False: not JSON, nothing more is read of this message."""
        s = self._s
        token = self.token
        while s[_STATE] != _DEAD:
            what = _scan(s, buf, pos, end, token, self.schema, SHORT)
            pos = what >> 4
            what &= 15
            if what == _MORE:
                return True
            if what <= _GOT_TAG:
                letter = s[_TYPE]
                slot = s[_SLOT]
                if what == _GOT_WORD:
                    value = _small(token, s[_LENGTH])
                    if value == -536870912:
                        value = self._word()
                    kind = letter | 32
                    if value is None:
                        continue
                    elif kind == 98:  # b
                        if value is not True and value is not False:
                            self.problem = 1
                            continue
                    elif value is True or value is False or kind == 115 or kind == 100:
                        self.problem = 1
                        continue
                    elif kind == 109:  # m: a number whose scale may follow
                        if self.row[slot + 1] is None:
                            self.row[slot + 1] = KEEP
                    elif value < 0 and kind != 105:
                        self.problem = 1
                        continue
                elif what == _GOT_TAG:
                    value = True
                else:
                    value = self._string(letter)
                    if value is None:
                        self.problem = 1
                        continue
                if letter < 97:
                    value = self._listed(letter, slot, value)
                self.row[slot] = value
            elif what == _BEGIN:
                at = s[_AT] | s[_AT + 1] << 8
                self._rows.append(self.row)
                self.row = [None] * (measure(self.schema, at) & 255)
                self.began(at)
            elif what == _END or what == _SPLIT:
                at = s[_AT] | s[_AT + 1] << 8
                row = self.row
                self.row = self._rows.pop()
                slot = s[_SLOT]
                pushed = what == _END and s[s[_TOP] + _FRAME + 4] & _PUSHED
                if not self._rows:
                    self.complete = True
                elif not self.entry(at, row) and not pushed and row.count(None) < len(row):
                    self._keep(slot, row)
                if pushed:
                    self.schema = self._whole
                if what == _SPLIT:
                    self._rows.append(self.row)
                    self.row = [None] * len(row)
                    self.began(at)
            elif what == _UNKNOWN:
                self.unknown()
            elif what == _ELEMENT:
                self.element(s[_AT] | s[_AT + 1] << 8, s[_SLOT])
            elif what == _GOT_ESCAPED:
                self._escaped(buf[pos - 1])
            elif what == _STRAY:
                self.problem = 1
        return False

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
        # The value of the word in `token`: True, False, None or a number that is integral and fits 64 bits.
        word = self.name()
        if word == b"true":
            return True
        if word == b"false":
            return False
        if word == b"null":
            return None
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
