"""Websocket (RFC 6455) for one connection, both roles: HTTP upgrade, frames in and out. Pure: no socket here.

Bytes received lie in a small buffer and are handed on where they lie, unmasked in place; a message is never whole
in memory. SHIP 10: subprotocol "ship", binary frames, no extension. Clients split long messages (pitfall 30).
"""

from binascii import b2a_base64
from hashlib import sha1
from os import urandom

from bounded.compat import const, micropython, ptr8  # noqa: F401  (ptr8: a word of the viper compiler)

HEAD = const(8)  # room for the longest header of an outgoing frame
_MESSAGE = const(131072)  # the longest message taken
_BINARY = const(2)
_CLOSE = const(8)
_PING = const(9)
_PONG = const(10)


@micropython.viper
def _mask(buf: ptr8, key: ptr8, at: int, end: int):
    """Exclusive-or `buf[at:end]` with the four bytes of `key`; key[4] is where in the key to go on."""
    turn = int(key[4])
    while at < end:
        buf[at] = buf[at] ^ key[turn]
        turn = (turn + 1) & 3
        at += 1
    key[4] = turn


class Frames:
    """The frame layer. What is received lies in `inb[at:end]`, what is to be sent in `out[sent:fill]`."""

    def __init__(self, server):
        self.server = server  # whether the peer is the websocket client
        self._header = bytearray(14)
        self._key = bytearray(5)
        self._need = 2  # bytes of header to collect, 0 while in the payload
        self._got = 0
        self._left = 0  # payload bytes to come
        self._total = 0  # of this message
        self._opcode = 0
        self._within = False  # a message has begun and not ended
        self.control = b""  # payload of a ping or close
        self.owed = 0
        self.failed = False
        self.at = self.end = self.sent = self.fill = 0

    def take(self, inb, out):
        """Give it its two buffers: `inb` received bytes, `out` (at least 256 bytes) bytes to send."""
        self.inb = inb
        self.view = memoryview(inb)
        self.out = out

    def feed(self):
        """Take in `inb[at:end]`, at most up to the end of one message; True when that was reached."""
        buf = self.inb
        while self.at < self.end:
            if self.failed:
                self.at = self.end
            elif self._need:
                self._header[self._got] = buf[self.at]
                self.at += 1
                self._got += 1
                if self._got == self._need and self._parse():
                    if self._frame_ends():
                        return True
            else:
                at = self.at
                stop = min(self.end, at + self._left)
                if self.server:
                    _mask(buf, self._key, at, stop)
                self._left -= stop - at
                self.at = stop
                if self._opcode >= _CLOSE:
                    self.control += bytes(self.view[at:stop])
                else:
                    self.piece(at, stop)
                if not self._left and self._frame_ends():
                    return True
        return False

    def _parse(self):
        """Two bytes or the whole header are there: True when the frame has no payload to wait for."""
        header = self._header
        size = header[1] & 127
        if self._need == 2:
            opcode = header[0] & 15
            if (
                header[0] & 0x70  # no extension was agreed
                or (header[1] > 127) != self.server
                or (size > 125 or header[0] < 128 if opcode >= _CLOSE else (opcode == 0) != self._within)
                or opcode not in (0, _BINARY, _CLOSE, _PING, _PONG)
            ):
                self.fail(1003 if opcode == 1 else 1002)
                return False
            if opcode:
                self._opcode = opcode
            else:
                self._opcode = _BINARY
            self._need = 2 + (8 if size == 127 else 2 if size == 126 else 0) + (4 if self.server else 0)
            if self._need > 2:
                return False
        at = self._need
        if self.server:
            at -= 4
            for i in range(4):
                self._key[i] = header[at + i]
            self._key[4] = 0
        if at > 2:
            size = 0
            for i in range(2, at):
                if size >> 20:
                    break
                size = size << 8 | header[i]
        if self._opcode == _BINARY:
            if not self._within:
                self._within = True
                self._total = 0
            self._total += size
            if self._total > _MESSAGE:
                self.fail(1009)
                return False
        else:
            self.control = b""
        self._need = 0
        self._left = size
        return not size

    def _frame_ends(self):
        """True when a message ended with it."""
        self._need = 2
        self._got = 0
        opcode = self._opcode
        if opcode == _BINARY:
            if self._header[0] & 128:
                self._within = False
                self.whole()
                return True
        elif opcode == _PING:
            self.pinged()
        elif opcode == _CLOSE:
            code = self.control[:2]
            self.closed(int.from_bytes(code, "big") if len(code) == 2 else 1005)
        return False

    def put(self, opcode, data):
        """Append a frame to `out`; False when it does not fit now."""
        at = self.fill
        if at + HEAD + len(data) > len(self.out):
            return False
        at = self._lead(at, 128 | opcode, len(data))
        end = at + len(data)
        self.out[at:end] = data
        self._cover(at, end)
        self.fill = end
        return True

    def put_piece(self, first, last, size):
        """Make `out[HEAD:HEAD + size]`, already filled, a fragment of a message; `out` must be empty otherwise."""
        self.sent = HEAD - 2 - (2 if size > 125 else 0) - (0 if self.server else 4)
        self._lead(self.sent, (_BINARY if first else 0) | (128 if last else 0), size)
        self.fill = HEAD + size
        self._cover(HEAD, self.fill)

    def _lead(self, at, first, size):
        """Write a header at `at`; returns where the payload goes."""
        out = self.out
        bit = 0 if self.server else 128
        out[at] = first
        if size < 126:
            out[at + 1] = bit | size
            at += 2
        else:
            out[at + 1] = bit | 126
            out[at + 2] = size >> 8
            out[at + 3] = size & 255
            at += 4
        if bit:
            out[at : at + 4] = urandom(4)
            at += 4
        return at

    def _cover(self, at, end):
        if not self.server:
            key = self._key
            for i in range(4):
                key[i] = self.out[at - 4 + i]
            key[4] = 0
            _mask(self.out, key, at, end)


def _accept(key):
    return b2a_base64(sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).strip()


def _fields(head):
    """First line split in three, and the header fields used here by lower-case name."""
    lines = bytes(head).split(b"\r\n")
    fields = {}
    for line in lines[1:]:
        at = line.find(b":")
        if at > 0:
            fields[line[:at].lower()] = line[at + 1 :].strip()
    return lines[0].split(b" ", 2), fields


def answer(head, path):
    """Judge an upgrade request (all up to the empty line) for `path`: (True when it is one, the response)."""
    first, fields = _fields(head)
    field = fields.get
    key = field(b"sec-websocket-key", b"")
    if len(first) != 3 or first[0] != b"GET" or not first[2].startswith(b"HTTP/1.1"):
        status = b"400 Bad Request"
    elif first[1].strip(b"/") not in (b"", path.strip(b"/")):
        status = b"404 Not Found"
    elif (
        field(b"upgrade", b"").lower() != b"websocket"
        or b"upgrade" not in field(b"connection", b"").lower()
        or field(b"sec-websocket-version") != b"13"
        or len(key) != 24
    ):
        status = b"426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"
    elif b"ship" not in [each.strip() for each in field(b"sec-websocket-protocol", b"").split(b",")]:
        status = b"400 Bad Request"
    else:
        return True, (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + _accept(key) + b"\r\nSec-WebSocket-Protocol: ship\r\n\r\n"
        )
    return False, b"HTTP/1.1 " + status + b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def request(host, path):
    """A new key, and the upgrade request that carries it, for a server at `host` ("address:port")."""
    key = b2a_base64(urandom(16)).strip()
    return key, (
        b"GET " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ship\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n"
    )


def accepted(head, key):
    """Whether a server's response (all up to the empty line) accepts the request that carried `key`."""
    first, fields = _fields(head)
    return (
        len(first) > 1
        and first[1] == b"101"
        and fields.get(b"sec-websocket-accept") == _accept(key)
        and fields.get(b"sec-websocket-protocol") == b"ship"
    )
