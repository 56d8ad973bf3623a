"""The inner loop of the EEBUS JSON reader: characters and brackets against a schema, in machine code where it runs.

Written for the viper compiler of MicroPython; on CPython the same lines are plain Python. The state is one bytearray,
so a message may stop and go on at any byte. See json_reader for schema and forms.
"""

from bounded.compat import const, micropython, ptr8  # noqa: F401  (ptr8: a word of the viper compiler)

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
_FRAME = const(8)  # size of a frame; its first two bytes are its place in the schema
_ROW_SLOT = const(2)  # where its values go in the row
_FLOOR = const(3)  # it ends at the closing bracket that leaves this depth
_FLAGS = const(4)
_FIRST_AT = const(5)  # two bytes: the first element that came, of an entry without brackets
_LAST = const(168)  # place of the last of 20 frames
_BRACKETS = const(176)  # from here on one byte per open bracket

# What may come next. Bits: 1 a value, 2 a key, 4 a closing bracket, 8 a colon, 16 a comma.
_VALUE = const(1)
_KEY = const(2)
_CLOSE = const(4)
_FIRST_VALUE = const(5)
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

# Flags of a frame, a value that has begun and not ended.
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

_NOT_SMALL = const(-536870912)


@micropython.viper
def scan(s: ptr8, buf: ptr8, pos: int, end: int, token: ptr8, schema: ptr8, short: ptr8) -> int:
    # Reads until something is to be reported; answers with the new position * 16 + what it is.
    state = int(s[_STATE])
    top = int(s[_TOP])
    at = 0
    slot = 0
    floor = 0
    while True:
        depth = int(s[_DEPTH])
        what = 0
        push = -1  # flags of a frame to be pushed
        if state == _NEXT or state == _DONE:  # a value is complete: leave the frames that end with it
            if s[_SKIP] == depth + 1:
                s[_SKIP] = 0
            while s[_SKIP] == 0 and top >= _FIRST and s[top + _FLOOR] == depth:
                s[_AT] = s[top]
                s[_AT + 1] = s[top + 1]
                top -= _FRAME
                s[_TOP] = top
                if s[top + _FRAME + _FLAGS] & _ENTRY:
                    s[_SLOT] = s[top + _ROW_SLOT]
                    s[_STATE] = state
                    return pos << 4 | _END
        if state == _LOOKUP:  # find the key in the schema of the innermost frame
            flags = int(s[top + _FLAGS])
            text = schema
            if flags & _IN_SHORT:
                text = short
            n = int(s[_LENGTH])
            at = int(s[top]) | int(s[top + 1]) << 8
            slot = int(s[top + _ROW_SLOT])
            k = 0
            while flags & (_LIST | _SCALARS) == 0:
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
            state = _COLON
            if k == 0:
                if flags & OPEN:
                    what = _UNKNOWN
                else:
                    s[_SKIP] = depth + 1
            elif flags & _IMPLICIT and s[top + _FIRST_AT] == at & 255 and s[top + _FIRST_AT + 1] == at >> 8:
                # The first element of an entry without brackets again: the next entry.
                s[top + _FIRST_AT] = 0
                s[top + _FIRST_AT + 1] = 0
                s[_SLOT] = s[top - _FRAME + _ROW_SLOT]
                s[_AT] = s[top]
                s[_AT + 1] = s[top + 1]
                state = _LOOKUP
                what = _SPLIT
            else:
                if s[top + _FIRST_AT] == 0 and s[top + _FIRST_AT + 1] == 0:
                    s[top + _FIRST_AT] = at & 255
                    s[top + _FIRST_AT + 1] = at >> 8
                c = int(text[at + 1])
                s[_SLOT] = slot
                s[_AT] = at & 255
                s[_AT + 1] = at >> 8
                at += 2
                floor = depth
                if c == 40:
                    push = flags & (_IN_SHORT | TAGS)
                elif c == 110 or c == 112 or c == 97:
                    push = flags & TAGS | _IN_SHORT
                    at = A_AT if c == 97 else (N_AT if c == 110 else P_AT)
                elif flags & TAGS or c == 101:
                    s[_SKIP] = depth + 1
                elif c == 91:
                    push = _LIST
                else:
                    s[_LEAF] = c
                    if c < 97:
                        push = _SCALARS
                        at = c
                if flags & TAGS:
                    what = _ELEMENT
                elif c == 101:
                    s[_TYPE] = c
                    what = _GOT_TAG
        elif pos >= end:
            s[_STATE] = state
            return pos << 4
        else:
            c = int(buf[pos])
            if state == _STRING or state == _STRING + 1:
                n = int(s[_LENGTH])
                while c != 34 and c != 92 and c >= 32:
                    if n < s[_TOKEN]:
                        token[n] = c
                        n += 1
                    else:
                        s[_CUT] = 1
                    pos += 1
                    if pos >= end:
                        break
                    c = int(buf[pos])
                s[_LENGTH] = n
                if pos < end:
                    pos += 1
                    if c < 32:
                        what = _BROKEN
                    elif c == 92:
                        state += 2
                    elif state == _STRING:
                        state = _NEXT
                        what = _GOT_STRING
                    else:
                        state = _COLON
                        if s[_SKIP] == 0:
                            state = _LOOKUP
                            if s[_CUT]:
                                s[_LENGTH] = 0
            elif state == _WORD:
                if c == 32 or c == 44 or c == 93 or c == 125 or c == 10 or c == 13 or c == 9:
                    state = _NEXT
                    what = _GOT_WORD
                elif s[_LENGTH] >= s[_TOKEN] or c == 0:
                    what = _BROKEN
                else:
                    token[int(s[_LENGTH])] = c
                    s[_LENGTH] = s[_LENGTH] + 1
                    pos += 1
            elif state > _STRING + 1:
                pos += 1
                what = _GOT_ESCAPED
            else:
                pos += 1
                if c == 32 or c == 10 or c == 13 or c == 9 or (c == 0 and state == _DONE):
                    pass
                elif c == 58 and state == _COLON:
                    state = _VALUE
                elif c == 44 and state == _NEXT:
                    state = _KEY if s[_BRACKETS - 1 + depth] == 123 else _VALUE
                elif (c == 91 or c == 123) and state & _VALUE and depth < s[_MAX_DEPTH]:
                    s[_BRACKETS + depth] = c
                    depth += 1
                    s[_DEPTH] = depth
                    state = _FIRST_VALUE if c == 91 else _FIRST_KEY
                    if s[_SKIP] == 0:
                        flags = int(s[top + _FLAGS])
                        if flags & _LIST:
                            # Inside a list: the second [ or any { opens an entry.
                            floor = int(s[top + _FLOOR])
                            at = int(s[top]) | int(s[top + 1]) << 8
                            slot = 0
                            if c == 123:
                                push = _ENTRY | _IMPLICIT
                            elif depth == floor + 2:
                                push = _ENTRY
                                floor += 1
                            if push > 0:
                                s[_SLOT] = s[top + _ROW_SLOT]
                                s[_AT] = s[top]
                                s[_AT + 1] = s[top + 1]
                                what = _BEGIN
                        elif c == 123 and s[_LEAF]:
                            s[_LEAF] = 0
                            s[_SKIP] = depth
                            what = _STRAY
                elif (c == 93 or c == 125) and state & _CLOSE and s[_BRACKETS - 1 + depth] == c - 2:
                    depth -= 1
                    s[_DEPTH] = depth
                    state = _NEXT if depth else _DONE
                    if s[_SKIP] == 0:
                        s[_LEAF] = 0
                elif depth == 0:
                    what = _BROKEN
                elif c == 34 and state & (_VALUE | _KEY):
                    state = _STRING + 1 if state & _KEY else _STRING
                    s[_LENGTH] = 0
                    s[_CUT] = 0
                elif state & _VALUE and (c == 45 or (c >= 48 and c <= 57) or c == 116 or c == 102 or c == 110):
                    state = _WORD
                    s[_LENGTH] = 0
                    pos -= 1
                else:
                    what = _BROKEN
            if what == _GOT_STRING or what == _GOT_WORD:  # a scalar
                if s[_SKIP]:
                    what = 0
                else:
                    c = int(s[_LEAF])
                    if c == 0 and int(s[top + _FLAGS]) & _SCALARS:
                        c = int(s[top])
                    s[_LEAF] = 0
                    s[_TYPE] = c
                    if c < 97:
                        s[_SLOT] = s[top + _ROW_SLOT]
                        if c == 0:
                            what = _STRAY
                            if token[0] == 110 and s[_LENGTH] == 4:  # null where an object or a list may be
                                what = 0
        if push >= 0:
            if top >= _LAST:
                what = _BROKEN
            else:
                top += _FRAME
                s[_TOP] = top
                s[top] = at & 255
                s[top + 1] = at >> 8
                s[top + _ROW_SLOT] = slot
                s[top + _FLOOR] = floor
                s[top + _FLAGS] = push
                s[top + _FIRST_AT] = 0
                s[top + _FIRST_AT + 1] = 0
        if what:
            if what == _BROKEN:
                state = _DEAD
            s[_STATE] = state
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
def small(token: ptr8, n: int) -> int:
    # The number of up to 9 digits in token[:n]; -2**29 when it is anything else.
    value = 0
    at = 1 if token[0] == 45 else 0
    if n - at > 9 or n == at or (token[at] == 48 and n > at + 1):
        return _NOT_SMALL
    for i in range(at, n):
        c = int(token[i]) - 48
        if c < 0 or c > 9:
            return _NOT_SMALL
        value = value * 10 + c
    if value > 500000000:
        return _NOT_SMALL
    return 0 - value if at else value
