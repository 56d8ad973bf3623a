"""A SHIP connection without a socket, for the pure tests: frames in, frames out, time by hand."""

from ship.connection import Connection

INIT = b"\0\0"
READY = b'\x01{"connectionHello":[{"phase":"ready"},{"waiting":60000}]}'
PENDING = b'\x01{"connectionHello":[{"phase":"pending"},{"waiting":60000}]}'
PROLONG = b'\x01{"connectionHello":[{"phase":"pending"},{"prolongationRequest":true}]}'
ABORTED = b'\x01{"connectionHello":[{"phase":"aborted"}]}'
ANNOUNCE = (
    b'\x01{"messageProtocolHandshake":[{"handshakeType":"announceMax"},{"version":[{"major":1},{"minor":0}]},'
    b'{"formats":[{"format":["JSON-UTF8"]}]}]}'
)
SELECT = ANNOUNCE.replace(b"announceMax", b"select")
NO_PIN = b'\x01{"connectionPinState":[{"pinState":"none"}]}'
ASK = b'\x01{"accessMethodsRequest":[]}'
BOX_ID = b'\x01{"accessMethods":[{"id":"box"}]}'
PEER_ID = b'\x01{"accessMethods":[{"id":"peer"}]}'
LEAVE = b'\x03{"connectionClose":[{"phase":"announce"},{"maxTime":500},{"reason":"unspecific"}]}'
CONFIRM = b'\x03{"connectionClose":[{"phase":"confirm"}]}'
PING = (9, b"")
DATA_STATE = 9
DEAD_STATE = 12


def error(number):
    return b'\x01{"messageProtocolHandshakeError":[{"error":%d}]}' % number


def bye(code=4001):
    return (8, code.to_bytes(2, "big"))


class Sink:
    """Collects SPINE payload."""

    def __init__(self):
        self.messages = []
        self.text = None

    def begin(self):
        assert self.text is None
        self.text = b""
        return self

    def feed(self, view, start, end):
        assert start < end
        self.text += bytes(view[start:end])

    def end(self):
        self.messages.append(self.text)
        self.text = None


class Box(Connection):
    """The connection under test. `accept` is what a person would say."""

    def __init__(self, server=True, accept=True, room=256):
        super().__init__(server, "box")
        self.accept = accept
        self.sink = Sink()
        self.inb = bytearray(room)
        self.view = memoryview(self.inb)
        self.out = bytearray(1024)
        self.start()

    def admits(self):
        return self.accept

    def opened(self):
        assert self.receiver is None
        self.receiver = self.sink

    def give(self, *messages):
        """Messages of the peer, one after the other; returns what was answered."""
        out = []
        for message in messages:
            out += self.bytes(self.frame(2, message))
        return out

    def frame(self, opcode, payload, final=True, key=b"\x05\xaa\x00\x11"):
        """A frame as the peer would send it."""
        head = bytearray([opcode | (128 if final else 0)])
        masked = 128 if self.server else 0
        size = len(payload)
        if size < 126:
            head.append(masked | size)
        elif size < 65536:
            head += bytes([masked | 126, size >> 8, size & 255])
        else:
            head += bytes([masked | 127]) + b"\0\0\0\0" + size.to_bytes(4, "big")
        if not masked:
            return bytes(head) + payload
        return bytes(head) + key + bytes([payload[i] ^ key[i & 3] for i in range(size)])

    def bytes(self, data, chunk=None):
        """What comes from the socket, in pieces of at most `chunk` bytes; returns the frames sent meanwhile."""
        out = []
        chunk = min(chunk or len(self.inb), len(self.inb))
        for i in range(0, len(data), chunk):
            part = data[i : i + chunk]
            self.inb[: len(part)] = part
            self.at = 0
            self.end = len(part)
            self.silence = 60000
            while self.feed() or self.at < self.end:
                self.deliver()
                out += self.sent_frames()
            self.deliver()
            out += self.sent_frames()
        return out

    def wait_ms(self, ms, alive=True):
        """Time passes; returns what was sent. A peer that is alive answers pings."""
        out = []
        while ms > 0:
            self.tick(min(100, ms))
            self.deliver()
            ms -= 100
            now = self.sent_frames()
            out += now
            if alive and PING in now:
                out += self.bytes(self.frame(10, b""))
        return out

    def sent_frames(self):
        """Take what is owed: message payloads as bytes, websocket control frames as (opcode, payload)."""
        out = []
        while self.state < DEAD_STATE and (self.sent < self.fill or self.emit()):
            data = bytes(memoryview(self.out)[self.sent : self.fill])
            self.sent = self.fill
            while data:
                opcode = data[0] & 15
                size = data[1] & 127
                at = 2
                if size == 126:
                    size = data[2] << 8 | data[3]
                    at = 4
                key = b"\0\0\0\0"
                assert (data[1] > 127) != self.server
                if not self.server:
                    key = data[at : at + 4]
                    at += 4
                payload = bytes([data[at + i] ^ key[i & 3] for i in range(size)])
                out.append(payload if opcode in (0, 2) and data[0] & 128 else (opcode, payload))
                data = data[at + size :]
        self.sent = self.fill = 0
        return out


def data(text):
    """A SHIP data message."""
    return b'\x02{"data":[{"header":[{"protocolId":"ee1.0"}]},{"payload":{"datagram":[' + text + b"]}}]}"


def in_state(name, server=True):
    """A box with the handshake done up to "cmi", "hello", "protocol", "select", "pin", "access" or "data"."""
    box = Box(server)
    steps = (
        (
            ("cmi", INIT, [INIT, READY]),
            ("hello", READY, []),
            ("protocol", ANNOUNCE, [SELECT]),
            ("select", SELECT, [NO_PIN]),
            ("pin", NO_PIN, [ASK]),
            ("access", PEER_ID, []),
        )
        if server
        else (
            ("cmi", INIT, [READY]),
            ("hello", READY, [ANNOUNCE]),
            ("protocol", SELECT, [SELECT, NO_PIN]),
            ("pin", NO_PIN, [ASK]),
            ("access", PEER_ID, []),
        )
    )
    if not server:
        assert box.sent_frames() == [INIT]
    for state, message, answers in steps:
        if state == name:
            return box
        assert box.give(message) == answers
    assert name == "data" and box.state == DATA_STATE
    return box
