"""One SHIP connection: the states of SHIP 13.4 on a websocket. Pure: bytes and elapsed time in, frames out; no socket
here. Golden frames and timers: SHIP 13.4.3 to 13.4.7 and the test cases TC_SHIP_*.

Session, the subclass with the socket, has no private names: images for a device shorten them module by module.
"""

from bounded.compat import const
from bounded.json_reader import JsonReader
from bounded.on_demand import release
from ship.messages import (
    ABORT_FRAME, ASKED, ASK_FRAME, CLOSING, CONFIRM_FRAME, CONTROL, ERROR_FRAME, FLAT, FORMATS, HELLO_FRAME,
    ID_FRAME, LEAVE_FRAME, LONGEST, MAJOR, PHASE, PIN_FRAME, PIN_STATE, PROLONG_FRAME, PROTOCOL_FRAME,
    REFUSED, REQUEST, SCHEMA, SHIP_ID, SILENCE, TYPE, T_END, T_HELLO, T_LEAVE, T_PING, T_PROLONG_GAP, T_PROLONG_MIN,
    T_PROLONG_THR, T_STEP, VALUES, WAITING,
)
from ship.websocket import DEAD, ENDING, WebSocket

# States. Below _CMI the session is on its way there (session.py).
NEW = const(0)
_CMI = const(3)
HELLO = const(4)
_PROTOCOL = const(5)
_SELECT = const(6)  # server: waits for the client's echo
_PIN = const(7)
_ACCESS = const(8)
DATA = const(9)
_LEAVING = const(10)  # announced the end, waits for the confirmation

class Connection(WebSocket):
    """Its owner also calls tick(), and after feed() and tick() comes deliver(): what reads SPINE payload is large, and
    so is feed(), so on a device they do not run within each other (the code of both would be in memory).

    A subclass has admits(), whether the peer is trusted (asked again at every tick while it waits), and opened(),
    called when the data phase begins, where it sets `receiver` of SPINE payload: its begin() returns what has
    feed(buf, at, stop) for the bytes of a datagram, its end() what deliver() returns. `why` is one word for what
    ended the connection.
    """

    def __init__(self, server, ship_id):
        self.prepare(server)
        self.ship_id = ship_id
        self.peer_id = None  # the peer's SHIP ID, once it told
        self.state = NEW
        self.wait = T_STEP  # ms until this state has lasted too long, 0 = it may last
        self.why = "lost"
        self.trusted = False
        self.receiver = self.reader = None  # of SPINE payload; `reader` of the message that arrives
        self.opening = False  # opened() is due
        self.ended = False  # a message is complete
        self.silence = SILENCE  # ms until a peer that says nothing is taken for dead
        self.ping_in = T_PING
        self._kind = 0  # of a message: its first byte, which `size` does not count
        self._row = None  # of values of a message of SHIP itself
        self._ready = False  # the peer said hello, ready
        self._prolong = self._granted = 0

    def start(self):
        """The websocket is open."""
        self.state = _CMI
        self.wait = T_STEP
        if not self.server:
            self.say(b"\x82\0\0")

    def finish(self, why, code=b"\x88\x0f\xa1"):
        """End it with a websocket close (4001 unless told), after what is owed."""
        if self.state < ENDING:
            if self.state < _LEAVING:
                self.why = why
            self.say(code)
            self.state = ENDING
            self.wait = T_END

    def leave(self, reason="unspecific"):
        """Announce the end to the peer ("unspecific" or "removedConnection"), then close."""
        if self.state == DATA:
            self.why = reason
            self.state = _LEAVING
            self.wait = T_LEAVE
            self.say(LEAVE_FRAME % reason.encode())
        elif self.state == HELLO:
            self._abort(reason)
        else:
            self.finish(reason)

    def tick(self, dt_ms):
        """`dt_ms` have passed."""
        if self.state >= _CMI:
            self.ping_in -= dt_ms
            if self.ping_in <= 0:
                self.ping_in = T_PING
                self.say(b"\x89")
            self.silence -= dt_ms
            if self.silence <= 0:
                self.finish("silent")
                self.state = DEAD
        if self.wait:
            self.wait -= dt_ms
            if self.wait <= 0:
                self.wait = 0
                self._waited()
        if self.state == HELLO and not self.trusted:
            self._hope(dt_ms)

    def _waited(self):
        """This state has lasted too long."""
        state = self.state
        if state == HELLO:
            self._abort("pending")
        elif state == _PROTOCOL or state == _SELECT:
            self._refuse(1)
        elif state == _ACCESS:
            self._open()  # the answer is a courtesy, its lack no reason to refuse a peer
        elif _CMI <= state < ENDING:
            self.finish("slow")
        else:
            if state < _CMI:
                self.why = "slow"
            self.state = DEAD

    def _hope(self, dt_ms):
        """Is the peer trusted now? Else ask for more time when it is due."""
        if self.admits():
            self._greet(True, T_HELLO)
            if self._ready:
                self._agree()
        elif self._prolong:
            self._prolong -= dt_ms
            if self._prolong <= 0:
                self._prolong = self._granted
                self._granted = 0
                if self._prolong:
                    self.say(PROLONG_FRAME)
                else:  # we asked before and got no answer
                    self._abort("pending")

    # --- messages

    def deliver(self):
        """Hand on what feed() found, act on a message of SHIP itself, and open the data phase when that is due."""
        if self.piece < self.stop:
            if self.reader is None:
                self._begin()
            if self.reader:
                self.reader.feed(self.view, self.piece, self.stop)
            self.piece = self.stop
        work = None
        if self.ended:
            self.ended = False
            size = self.size
            self.size = -1
            if self._kind == 2 and self.state == DATA:
                work = self.receiver and size and self.receiver.end()
            elif self.state < ENDING:
                self._control(self._kind, size)
            self.reader = self._row = None
        if self.opening:
            self._opened()
        return work

    def part(self, at, stop):
        """A part of a message lies in inb[at:stop]."""
        if self.size < 0:
            self._kind = self.inb[at]
            at += 1
            self.size = 0
        if self._kind and self.size < CONTROL or self._kind == 2:
            self.piece = at
            self.stop = stop
        elif not self._kind and at < stop and self.inb[at]:
            self.size = 2
        self.size += stop - at

    def whole(self):
        """A message is complete."""
        self.ended = True

    def _begin(self):
        """A message begins: who reads it, if anybody does."""
        if self._kind & 1:
            self._row = [None] * VALUES
            self.reader = JsonReader(64, 16, 4)
            self.reader.begin(SCHEMA, 0, self._row)
        elif self._kind == 2:
            if self.state == _ACCESS:
                self._open()  # the peer is there already (TC_SHIP_AMDATA)
                self._opened()
            if self.state == DATA and self.receiver:
                self.reader = self.receiver.begin()

    def _opened(self):
        self.opening = False
        release()
        self.opened()

    def _control(self, kind, size):
        """A message is complete that is no SPINE payload, or comes before its time."""
        state = self.state
        if state == _CMI:
            if self.server:  # also before an end (pitfall 18)
                self.say(b"\x82\0\0")
            if kind or size != 1:
                self.finish("cmi")
            else:
                self.state = HELLO
                self._greet(self.admits(), T_HELLO)
            return
        row = self._row
        if not kind & 1 and state >= _ACCESS:
            return
        if not row or not self.reader.complete:
            row = [None] * VALUES  # what it is worth in this state
        phase = row[PHASE]
        if phase == "aborted" and state < _ACCESS:
            self.finish(phase)
        elif row[CLOSING] and state > HELLO:
            if row[CLOSING] == "announce":
                self.say(CONFIRM_FRAME)
            self.finish("left")
        elif state == HELLO:
            self._hello(phase, row[WAITING], row[REQUEST])
        elif state <= _SELECT:
            self._select(row, state == _PROTOCOL and self.server)
        elif row[ASKED]:  # at any time (TC_SHIP_AMDATA)
            self.say(ID_FRAME % self.ship_id.encode())
        elif state == _PIN:
            if row[PIN_STATE] in ("none", "optional", "pinOk"):
                self.state = _ACCESS
                self.wait = T_STEP
                self.say(ASK_FRAME)
            else:
                self.finish("pin")
        elif state == _ACCESS and row[SHIP_ID]:
            self.peer_id = row[SHIP_ID]
            self._open()

    def _greet(self, trusted, wait):
        """Say hello, ready or pending, and how long we wait for the peer to be ready."""
        self.trusted = trusted
        self.wait = wait
        self.say(HELLO_FRAME % (b"ready" if trusted else b"pending", wait))

    def _hello(self, phase, waiting, request):
        """SME hello, SHIP 13.4.4.1.3."""
        if phase == "ready":
            self._ready = True
            if self.trusted:
                self._agree()
                return
            self.wait = 0  # only we are waited for now
        elif phase != "pending":
            self._abort("hello")
        elif request:
            self._greet(self.trusted, min(self.wait + T_HELLO, LONGEST))
            return
        if not self.trusted:
            if not waiting or waiting < T_PROLONG_MIN:
                waiting = T_HELLO
            self._granted = waiting = min(waiting, LONGEST)
            self._prolong = waiting - T_PROLONG_GAP if waiting >= T_PROLONG_THR else waiting >> 1

    def _abort(self, why):
        self.say(ABORT_FRAME)
        self.finish(why)

    def _agree(self):
        """Both are ready: protocol handshake."""
        self.state = _PROTOCOL
        self.wait = T_STEP
        if not self.server:
            self.say(PROTOCOL_FRAME % b"announceMax")

    def _select(self, row, proposal):
        """The server got a proposal, or either side the selection."""
        major = row[MAJOR]
        if row[TYPE] == ("announceMax" if proposal else "select"):
            if not major or major > 1 and not proposal or "JSON-UTF8" not in (row[FORMATS] or ()):
                self._refuse(3)
                return
            self.wait = T_STEP
            if proposal or not self.server:
                self.say(PROTOCOL_FRAME % b"select")
            if proposal:
                self.state = _SELECT
            else:
                self.state = _PIN
                self.say(PIN_FRAME)
        elif row[REFUSED] or row[FLAT]:
            self.finish("protocol")
        elif row[PHASE] != "ready":  # a request for time and its answer may cross
            self._refuse(2)

    def _refuse(self, number):
        """1 timeout, 2 unexpected message, 3 selection mismatch."""
        self.say(ERROR_FRAME % number)
        self.finish("protocol")

    def _open(self):
        self.state = DATA
        self.wait = 0
        self.opening = True
