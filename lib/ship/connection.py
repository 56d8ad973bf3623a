"""The SHIP states of one connection (SHIP 13.4): pure, bytes and elapsed time in, frames owed out.

CMI, hello, protocol handshake, PIN (none), access methods, data, close. What has to be sent is noted as a bit in
`owed` and becomes a frame when `out` is empty (emit), so nothing a peer does can make answers pile up. Golden
frames and timers: SHIP 13.4.3 to 13.4.7, TC_SHIP_*.
"""

from bounded.compat import const
from bounded.json_reader import JsonReader

from ship.websocket import Frames

# States. Below CMI the session is on its way there (session.py).
NEW = const(0)
_CMI = const(3)
_HELLO = const(4)
_PROTOCOL = const(5)
_SELECT = const(6)  # server: waits for the client's echo
_PIN = const(7)
_ACCESS = const(8)
DATA = const(9)
_LEAVING = const(10)  # announced the end, waits for the confirmation
_ENDING = const(11)  # a websocket close is on its way
DEAD = const(12)

# What is owed, in the order of sending.
_PONG = const(1)
_PING = const(2)
_INIT = const(4)
_GREET = const(8)
_PROLONG = const(16)
_ABORT = const(32)
_OFFER = const(64)
_ERROR = const(128)
_NO_PIN = const(256)
_ASK = const(512)
_ID = const(1024)
_LEAVE = const(2048)
_CONFIRM = const(4096)
_BYE = const(8192)  # websocket close
_BETWEEN = const(8195)  # what may go out between the fragments of a message

# Control messages, and where their values lie in the row that the reader fills (no two messages share a place).
_SCHEMA = (
    b"connectionHello:(phase:s waiting:u prolongationRequest:b) "
    b"messageProtocolHandshake:(handshakeType:s version:(major:u) formats:(format:S)) "
    b"messageProtocolHandshakeError:e error:e connectionPinState:(pinState:s) "
    b"accessMethodsRequest:e accessMethods:(id:s) connectionClose:(phase:s))"
)
_PHASE = const(0)
_WAITING = const(1)
_REQUEST = const(2)
_TYPE = const(3)
_MAJOR = const(4)
_FORMATS = const(5)
_REFUSED = const(6)  # an error frame, or the flat form of an old stack (pitfall 18)
_FLAT = const(7)
_PIN_STATE = const(8)
_ASKED = const(9)
_SHIP_ID = const(10)
_CLOSING = const(11)
_VALUES = const(12)
_CONTROL = const(1024)  # the longest control message taken

# Timers in ms.
_T_CMI = const(10000)
_T_HELLO = const(60000)  # T_hello_init and T_hello_inc
_T_PROLONG_THR = const(30000)
_T_PROLONG_GAP = const(15000)
_T_PROLONG_MIN = const(1000)
_T_STEP = const(10000)  # protocol handshake, PIN, access methods
_T_LEAVE = const(500)
_T_END = const(1000)
_T_PING = const(45000)
_T_SILENCE = const(60000)
_T_STALL = const(15000)
_LONGEST = const(600000)


class Connection(Frames):
    """One SHIP connection. Its owner feeds it, ticks it, and sends what emit() puts into `out`.

    Subclasses say whom they admit and hear of progress: admits(), opened(), and `receiver` for the payload.
    `why` is one word for what ended it; `answer` what receiver.end() returned.
    """

    def __init__(self, server, ship_id):
        super().__init__(server)
        self.ship_id = ship_id
        self.peer_id = None  # its SHIP ID, as text
        self.reader = self.row = None  # of the control message that comes in
        self.state = NEW
        self.why = "lost"
        self.code = 0  # of the websocket close: the peer's, else ours
        self.receiver = self.answer = None
        self.streaming = False  # a message of several fragments is on its way out
        self.trusted = self.ready = self.asked = False
        self.over = False  # the peer has closed the websocket
        self.kind = -1  # first byte of the message that comes in
        self.size = 0  # of its rest
        self.prolong = self.granted = self.stall = 0
        self.wait = _T_CMI  # ms until _late(), 0 = no limit
        self.ping_in = _T_PING
        self.silence = _T_SILENCE  # ms until a peer that says nothing is taken for dead

    def start(self):
        """The websocket is open."""
        self.state = _CMI
        self.wait = _T_CMI
        if not self.server:
            self.owed |= _INIT

    def admits(self):
        """Whether the peer is trusted now; asked again at every tick while it waits."""
        return False

    def opened(self):
        """The data phase begins: sets `receiver`."""

    def finish(self, why, code=4001):
        """End it with a websocket close, after what is owed."""
        if self.state < _ENDING:
            self.state = _ENDING
            self.wait = _T_END
            self.why = why
            self.code = code
            self.owed = self.owed & ~_PING | _BYE

    def leave(self, reason="unspecific"):
        """Announce the end to the peer ("unspecific" or "removedConnection"), then close."""
        if self.state == DATA:
            self.state = _LEAVING
            self.wait = _T_LEAVE
            self.reason = reason
            self.owed |= _LEAVE
        elif self.state == _HELLO:
            self.abort(reason)
        elif self.state < _CMI:
            self.state = DEAD
        else:
            self.finish(reason)

    def probe(self):
        """Ask for a sign of life now: a peer that gives none is dropped within seconds."""
        self.ping_in = 0
        self.silence = min(self.silence, 4000)

    # --- time

    def tick(self, dt_ms):
        """`dt_ms` have passed."""
        state = self.state
        if state >= _CMI:
            self.ping_in -= dt_ms
            if self.ping_in <= 0:
                self.ping_in = _T_PING
                if state < _ENDING:
                    self.owed |= _PING
            self.silence -= dt_ms
            if self.silence <= 0:
                self.die("silent")
            if self.fill:
                self.stall += dt_ms
                if self.stall > _T_STALL:
                    self.die("stalled")
        if self.wait:
            self.wait -= dt_ms
            if self.wait <= 0:
                self.wait = 0
                self.late()
        if self.state == _HELLO and not self.trusted:
            if self.admits():
                self.greet(True)
                if self.ready:
                    self.protocol()
            elif self.prolong:
                self.prolong -= dt_ms
                if self.prolong <= 0:
                    self.prolong = 0
                    if self.asked:  # and got no answer
                        self.abort("pending")
                    else:
                        self.asked = True
                        self.prolong = self.granted
                        self.owed |= _PROLONG

    def late(self):
        state = self.state
        if state == _HELLO:
            self.abort("pending" if not self.trusted else "hello")
        elif state == _PROTOCOL or state == _SELECT:
            self.refuse(1)
        elif state == _ACCESS:
            self.begin_data()  # the answer is a courtesy, its lack no reason to refuse a peer
        elif state == _PIN or state == _LEAVING:
            self.finish("pin" if state == _PIN else self.reason)
        elif state == _CMI:
            self.finish("cmi")
        else:
            if state < _CMI:
                self.why = "slow"
            self.state = DEAD

    def die(self, why):
        if self.state < _ENDING:
            self.why = why
        self.state = DEAD

    # --- frames in

    def piece(self, at, stop):
        """A part of a message lies in inb[at:stop]."""
        kind = self.kind
        if kind < 0:
            kind = self.kind = self.inb[at]
            at += 1
            self.size = 0
            if kind == 1 or kind == 3:
                self.row = [None] * _VALUES
                self.reader = JsonReader(64, 16, 4)
                self.reader.begin(_SCHEMA, 0, self.row)
        if at == stop:
            return
        if kind == 2:
            if self.state == _ACCESS and not self.size:
                self.begin_data()  # the peer is there already (TC_SHIP_AMDATA)
            if self.receiver and self.state == DATA:
                if not self.size:
                    self.receiver.begin()
                self.receiver.feed(self.view, at, stop)
        elif kind == 0:
            if self.inb[at]:
                self.size = 2
        elif kind == 1 or kind == 3:
            if self.size + stop - at <= _CONTROL:
                self.reader.feed(self.inb, at, stop)
        self.size += stop - at

    def whole(self):
        """The message is complete."""
        kind = self.kind
        self.kind = -1
        state = self.state
        if state == _CMI:
            if not kind and self.size == 1:
                if self.server:
                    self.owed |= _INIT
                self.state = _HELLO
                self.greet(self.admits())
            else:
                if self.server:  # the answer comes before the end (pitfall 18)
                    self.owed |= _INIT
                self.finish("cmi")
        elif kind == 1 or kind == 3:
            row = self.row
            if not self.reader.complete or self.size > _CONTROL:
                row = [None] * _VALUES
            self.reader = self.row = None
            self.message(row)
        elif kind == 2 and state == DATA:
            if self.size and self.receiver:
                self.answer = self.receiver.end()
        elif kind == 0 or kind == 2:
            self.unexpected()

    def message(self, row):
        state = self.state
        phase = row[_PHASE]
        if row[_CLOSING] and state > _HELLO:
            if row[_CLOSING] == "announce":
                self.owed |= _CONFIRM
                self.finish("left")
            elif row[_CLOSING] == "confirm":
                self.finish(self.reason if state == _LEAVING else "left")
        elif state == _HELLO:
            self.hello(phase, row[_WAITING], row[_REQUEST])
        elif phase == "aborted":
            self.finish("aborted")
        elif state == _PROTOCOL or state == _SELECT:
            first = self.server and state == _PROTOCOL
            major = row[_MAJOR]
            if row[_TYPE]:
                if row[_TYPE] != ("announceMax" if first else "select"):
                    self.refuse(2)
                elif not major or major > 1 and not first or "JSON-UTF8" not in (row[_FORMATS] or ()):
                    self.refuse(3)
                else:
                    if state == _PROTOCOL:
                        self.owed |= _OFFER
                    self.state = _SELECT if first else _PIN
                    self.wait = _T_STEP
                    if not first:
                        self.owed |= _NO_PIN
            elif row[_REFUSED] or row[_FLAT]:
                self.finish("protocol")
            elif phase != "ready":  # a request for time and its answer may cross
                self.refuse(2)
        elif row[_ASKED] and state >= _PIN:  # at any time (TC_SHIP_AMDATA)
            self.owed |= _ID
        elif state == _PIN:
            if row[_PIN_STATE] in ("none", "optional", "pinOk"):
                self.state = _ACCESS
                self.wait = _T_STEP
                self.owed |= _ASK
            else:
                self.finish("pin")
        elif state == _ACCESS and row[_SHIP_ID]:
            self.peer_id = row[_SHIP_ID]
            self.begin_data()

    def unexpected(self):
        state = self.state
        if state == _HELLO:
            self.abort("hello")
        elif state == _PROTOCOL or state == _SELECT:
            self.refuse(2)
        elif state < _ACCESS:
            self.finish("pin")

    # --- phases

    def greet(self, trusted):
        self.trusted = trusted
        self.wait = _T_HELLO
        self.owed |= _GREET

    def hello(self, phase, waiting, request):
        """SME hello, SHIP 13.4.4.1.3."""
        if phase == "aborted":
            self.finish("aborted")
            return
        if phase == "ready":
            self.ready = True
            if self.trusted:
                self.protocol()
                return
            self.wait = 0  # only we are waited for now
        elif phase != "pending":
            self.unexpected()
            return
        elif request:
            self.wait = min(self.wait + _T_HELLO, _LONGEST)
            self.owed |= _GREET
            return
        if not self.trusted:
            if not waiting or waiting < _T_PROLONG_MIN:
                waiting = _T_HELLO
            self.granted = waiting = min(waiting, _LONGEST)
            self.asked = False
            self.prolong = waiting - _T_PROLONG_GAP if waiting >= _T_PROLONG_THR else waiting >> 1

    def abort(self, why):
        self.owed = self.owed & ~(_GREET | _PROLONG) | _ABORT
        self.finish(why)

    def protocol(self):
        self.state = _PROTOCOL
        self.wait = _T_STEP
        if not self.server:
            self.owed |= _OFFER

    def refuse(self, number):
        self.number = number
        self.owed |= _ERROR
        self.finish("protocol")

    def begin_data(self):
        self.state = DATA
        self.wait = 0
        self.opened()

    # --- websocket's own

    def fail(self, code):
        """The peer broke the rules of the websocket."""
        self.failed = True
        self.finish("frame", code)

    def pinged(self):
        self.echo = self.control
        self.owed |= _PONG

    def closed(self, code):
        """The peer closes the websocket."""
        if self.state < _ENDING:
            self.finish("rejected" if code == 4452 else "closed", 1000)
            self.code = code
        self.over = True

    # --- frames out

    def emit(self):
        """Put what is owed into `out`, which is empty; True when there is something to send."""
        self.sent = self.fill = 0
        if self.over and not self.owed & _BYE:
            self.state = DEAD
            return False
        bit = 1
        while bit <= _BYE:
            if self.owed & bit and (not self.streaming or bit & _BETWEEN):
                if not self.put_owed(bit):
                    break
                self.owed &= ~bit
            bit <<= 1
        return self.fill > 0

    def put_owed(self, bit):
        kind = b"\x01"
        if bit == _PONG:
            return self.put(10, self.echo)
        elif bit == _PING:
            return self.put(9, b"")
        elif bit == _BYE:
            code = 1000 if self.code in (1005, 4452) else self.code
            return self.put(8, code.to_bytes(2, "big"))
        elif bit == _INIT:
            return self.put(2, b"\0\0")
        elif bit == _GREET:
            text = '{"connectionHello":[{"phase":"%s"},{"waiting":%d}]}' % (
                "ready" if self.trusted else "pending",
                self.state == _HELLO and self.wait or _T_HELLO,
            )
        elif bit == _PROLONG:
            text = '{"connectionHello":[{"phase":"pending"},{"prolongationRequest":true}]}'
        elif bit == _ABORT:
            text = '{"connectionHello":[{"phase":"aborted"}]}'
        elif bit == _OFFER:
            text = (
                '{"messageProtocolHandshake":[{"handshakeType":"%s"},'
                '{"version":[{"major":1},{"minor":0}]},{"formats":[{"format":["JSON-UTF8"]}]}]}'
                % ("select" if self.state > _PROTOCOL else "announceMax")
            )
        elif bit == _ERROR:
            text = '{"messageProtocolHandshakeError":[{"error":%d}]}' % self.number
        elif bit == _NO_PIN:
            text = '{"connectionPinState":[{"pinState":"none"}]}'
        elif bit == _ASK:
            text = '{"accessMethodsRequest":[]}'
        elif bit == _ID:
            text = '{"accessMethods":[{"id":"%s"}]}' % self.ship_id
        else:
            kind = b"\x03"
            if bit == _LEAVE:
                text = '{"connectionClose":[{"phase":"announce"},{"maxTime":500},{"reason":"%s"}]}' % self.reason
            else:
                text = '{"connectionClose":[{"phase":"confirm"}]}'
        return self.put(2, kind + text.encode())
