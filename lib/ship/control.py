"""SHIP control messages: reads their EEBUS JSON byte by byte into a few known values, without a tree.

SHIP 13.4. An EEBUS object is an array of one-member objects, in the field also a plain object: only braces are
counted as levels, so both read alike. Structural whitespace, trailing zero bytes, unknown elements and any order
are taken (TC_SHIP_MSG_003, pitfalls 17 and 19); size, depth and the length of a word are bounded.
"""

from bounded.compat import const

_SIZE = const(1024)
_DEPTH = const(16)
_WORD = const(64)

# Message names, in the order of the numbers end() answers with.
_MESSAGES = (
    b"connectionHello",
    b"messageProtocolHandshake",
    b"messageProtocolHandshakeError",
    b"connectionPinState",
    b"accessMethodsRequest",
    b"accessMethods",
    b"connectionClose",
)
# Elements whose values are kept, by the index in `values`. The last two live one level deeper.
_FIELDS = (
    b"phase",
    b"waiting",
    b"prolongationRequest",
    b"handshakeType",
    b"error",
    b"pinState",
    b"id",
    b"major",
    b"format",
)
_DEEPER = const(7)
_FORMAT = const(8)

# What may come next in the text.
_VALUE = const(0)
_KEY = const(1)
_COLON = const(2)
_COMMA = const(3)
_STRING = const(4)  # inside one
_ESCAPE = const(5)  # after its backslash
_LITERAL = const(6)  # inside a number or a word
_BAD = const(7)


class Control:
    """Reader of one control message at a time: begin(), feed() as often as needed, end()."""

    def __init__(self):
        self._word = bytearray(_WORD)
        self.values = [None] * len(_FIELDS)
        self.begin()

    def begin(self):
        """Forget the message before."""
        for i in range(len(_FIELDS)):
            self.values[i] = None
        self._name = None
        self._expect = _VALUE
        self._size = self._length = 0
        self._stack = 1  # open brackets, one bit each below the leading one: 1 for an object
        self._level = 0  # open braces
        self._field = -1
        self._is_key = False

    def feed(self, buf, at, end):
        """Read `buf[at:end]`."""
        self._size += end - at
        if self._size > _SIZE:
            self._expect = _BAD
        while at < end:
            byte = buf[at]
            at += 1
            expect = self._expect
            if expect == _STRING:
                if byte == 34:
                    self._token()
                elif byte < 32:
                    self._expect = _BAD
                else:
                    self._keep(byte)
                    if byte == 92:
                        self._expect = _ESCAPE
                continue
            if expect == _ESCAPE:
                self._keep(byte)
                self._expect = _STRING
                continue
            if expect == _LITERAL:
                if 43 <= byte <= 122 and byte not in b",:[]":
                    self._keep(byte)
                    continue
                self._token()
                expect = self._expect
            if expect == _BAD:
                return
            if byte in b" \t\r\n" or not byte and self._stack == 1 and expect == _COMMA:
                continue
            self._expect = self._structure(byte, expect)

    def _structure(self, byte, expect):
        """What is expected after `byte` outside of words."""
        stack = self._stack
        if byte == 34:
            if expect > _KEY:
                return _BAD
            self._is_key = expect == _KEY
            self._length = 0
            return _STRING
        if byte == 58:
            return _VALUE if expect == _COLON else _BAD
        if byte == 44:
            if expect != _COMMA or stack == 1:
                return _BAD
            return _KEY if stack & 1 else _VALUE
        if byte == 123 or byte == 91:
            if expect != _VALUE or stack >> _DEPTH:
                return _BAD
            self._stack = stack << 1
            if byte == 91:
                return _VALUE
            self._stack += 1
            self._level += 1
            return _KEY
        if byte == 125 or byte == 93:
            # an opening bracket may be closed at once, a comma is forgiven
            if stack == 1 or (stack & 1) != (byte == 125) or expect == _COLON or expect == _VALUE and stack & 1:
                return _BAD
            self._stack = stack >> 1
            if byte == 125:
                self._level -= 1
            return _COMMA
        if expect == _VALUE and stack > 1 and (byte == 45 or 48 <= byte <= 57 or byte in b"tfn"):
            self._is_key = False
            self._length = 0
            self._keep(byte)
            return _LITERAL
        return _BAD

    def _keep(self, byte):
        if self._length < _WORD:
            self._word[self._length] = byte
            self._length += 1

    def _token(self):
        """A string or literal has ended: it is a name, or the value of the element named last."""
        word = bytes(memoryview(self._word)[: self._length])
        string = self._expect == _STRING
        level = self._level
        if self._is_key:
            self._expect = _COLON
            if level == 1:
                self._name = word if self._name is None else b""
            elif level == 2:
                self._outer = word
            if level == 2 or level == 3 and (self._outer == b"version" or self._outer == b"formats"):
                self._field = _FIELDS.index(word) if word in _FIELDS else -1
            else:
                self._field = -1
            return
        self._expect = _COMMA
        field = self._field
        if field < 0 or level != (3 if field >= _DEEPER else 2):
            return
        if not string:
            if word in (b"true", b"false", b"null"):
                word = word == b"true"
            else:
                try:
                    word = int(word)
                except ValueError:  # a fraction: no element here has one
                    return
        if field != _FORMAT or self.values[_FORMAT] != b"JSON-UTF8":  # a list: the one we speak is enough
            self.values[field] = word

    def end(self):
        """The number of the message in _MESSAGES, -1 for an unknown one, -2 for a malformed or oversize one.

        Its elements are in `values`: text as bytes, integers, booleans, None when absent.
        """
        if self._expect != _COMMA or self._stack != 1 or self._name is None:
            return -2
        return _MESSAGES.index(self._name) if self._name in _MESSAGES else -1
