"""The SHIP node: listener, dialer, and which connection to a peer is the one (SHIP 12.2.2).

`owner` is told of everything: `await before_handshake()` and `await after_handshake()` around the arithmetic of
TLS, which blocks a microcontroller; `connected(session)` returns the receiver of SPINE payload (begin and end, see
connection.py); `disconnected(session)`.
"""

import asyncio
import socket
import tls
from os import urandom

from bounded.compat import const, peer_ip
from bounded.on_demand import release
from bounded.wait import readable, sleep_ms

from ship.connection import DATA, HELLO, NEW
from ship.session import Session
from ship.websocket import DEAD

_SUITES = (
    "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256",
    "TLS-ECDHE-ECDSA-WITH-AES-128-CBC-SHA256",  # the mandatory one
    "TLS1-3-AES-128-GCM-SHA256",  # hosts only (T4)
)
_TICK = const(100)
_SOON = const(1000)  # ms until it is seen whether a peer is to be dialled now
_HTTP = const(2)  # states up to here have no websocket yet
_WAITING = const(3)  # sockets that may wait for a handshake beside the sessions
_TARGETS = const(8)
_ADDRESSES = const(8)
_AGAIN = const(60000)  # ms until the next dial when this one leads to no session at all
_PROBE = const(4000)  # ms in which a peer has to answer a ping when its place is needed
_BURST = const(6)
_EVERY = const(10000)  # ms between handshakes of one address in the long run; trusted peers are not counted
_BACK_OFF = const(b"\x00\x03\x03\x0a\x0a\x14\x14\x3c")  # seconds, from and to


def _buffers():
    return bytearray(256), bytearray(1024)


class Node:
    """Serves and dials; `sessions` peers at once. The buffers of one are there for good, those of another while it is.

    `identity` is certificate and key in DER, or a function that reads them."""

    def __init__(self, owner, identity, ship_id, ski, trust, clock, path="/ship/", sessions=2, hurry=1):
        self.owner = owner
        self.ship_id = ship_id
        self.ski = ski
        self.path = path.encode()
        self.trust = trust
        self.clock = clock
        self.hurry = hurry  # time runs that much faster (tests)
        self._then = clock()
        self.pool = [_buffers()]
        self.unmade = sessions - 1  # pairs of buffers
        self.sessions = []
        self._most = sessions + _WAITING
        self.counts = {}
        self.shaking = None
        self._targets = {}
        self._debts = {}
        self._identity = identity
        self._contexts = [None, None]
        self.context(True)

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    # --- what sessions ask and tell

    def context(self, server):
        """The TLS context of a role; that of a client (2 KB) is made when it dials for the first time."""
        context = self._contexts[server]
        if context is None:
            identity = self._identity() if callable(self._identity) else self._identity
            context = tls.SSLContext(tls.PROTOCOL_TLS_SERVER if server else tls.PROTOCOL_TLS_CLIENT)
            context.verify_mode = tls.CERT_OPTIONAL if server else tls.CERT_NONE
            context.load_cert_chain(identity[0], identity[1])
            try:  # the list of all that are known would take 11 KB
                context.set_ciphers(_SUITES)
            except (OSError, ValueError):
                context.set_ciphers(_SUITES[:2])
            self._contexts[server] = context
        return context

    async def turn(self, session, host):
        """Wait until it may shake hands: one at a time, with a pair of buffers, not too often from one address."""
        if session.server:
            now = self.clock()
            due = max(now, self._debts.get(host, 0)) + _EVERY
            if due > now + _BURST * _EVERY:
                session.why = "limit"
                raise OSError("too often")
            if len(self._debts) >= _ADDRESSES:
                self._debts = {}
            self._debts[host] = due
        while self.shaking or not (self.pool or self.unmade):
            if not self.shaking:
                self._make_room()
            await sleep_ms(20)
        session.pair = self._pair(session)
        self.shaking = session
        session.inb, session.out = session.pair
        session.view = memoryview(session.inb)

    def _pair(self, session):
        if self.pool:
            return self.pool.pop()
        session.why = "memory"
        release()
        pair = _buffers()
        session.why = "lost"
        self.unmade -= 1
        return pair

    def _make_room(self):
        for session in self.sessions:
            if session.state == HELLO and not session.trusted:
                self.drop(session, "room")
                return
        for session in self.sessions:
            if session.state == DATA and session.silence > _PROBE:  # is it alive?
                session.silence = _PROBE
                session.ping_in = 0

    def drop(self, session, why):
        """Cut it, now."""
        if session.state != DEAD:
            session.why = why
            session.state = DEAD
        task = session.task
        if task:
            session.task = None
            task.cancel()

    def joined(self, session, host):
        """The peer has proven its SKI: decide about other connections with it that are not in use yet."""
        ski = session.ski
        if self.trust.is_trusted(ski) and session.server:
            self._debts[host] = self._debts.get(host, 0) - _EVERY
        for other in self.sessions:
            if other is not session and other.ski == ski and NEW < other.state < DATA:
                if other.server == session.server:
                    self.drop(other, "double")
                elif self.ski > ski:
                    # both dialled: the bigger SKI decides; peers of the old rule too keep what it dialled
                    if session.server:
                        raise ValueError("double")
                    self.drop(other, "double")

    def admits(self, ski):
        now = self.clock()
        trust = self.trust
        return trust.is_trusted(ski) or trust.admit(ski, now)

    def opened(self, session):
        """It carries data from now on; an older one with the same peer ends."""
        for other in self.sessions:
            if other is not session and other.ski == session.ski and other.state == DATA:
                self.drop(other, "double")
                self._closed(other)
        target = self._targets.get(session.ski)
        if target:
            target[3] = 0
        if session.peer_id and self.trust.is_trusted(session.ski):
            try:
                self.trust.add(session.ski, session.peer_id)
            except (OSError, ValueError):  # remembering it is a courtesy
                self.count("id")
        session.open = True
        session.receiver = self.owner.connected(session)

    def _closed(self, session):
        if session.open:
            session.open = False
            session.receiver = session.reader = None
            self.owner.disconnected(session)

    def left(self, session):
        """It is over."""
        if self.shaking is session:
            self.shaking = None
        if session.pair:
            if self.pool:
                self.unmade += 1
            else:
                self.pool.append(session.pair)
            session.pair = session.inb = session.out = session.view = None
        if session in self.sessions:
            self.sessions.remove(session)
        self._closed(session)
        self.count(session.why)
        target = self._targets.get(session.ski)
        if target:
            if session.why in ("rejected", "aborted", "pending"):
                target[3] = 3
            self._later(target)

    # --- tasks

    async def listen(self, host="0.0.0.0", port=4712):
        """Accept peers, for ever."""
        sock = self.socket = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(socket.getaddrinfo(host, port)[0][-1])
        sock.listen(4)
        sock.setblocking(False)
        while True:
            await readable(sock)
            try:
                raw, address = sock.accept()
            except OSError:
                await sleep_ms(_TICK)
                continue
            self._begin(raw, None, peer_ip(address))
            await sleep_ms(0)

    def _begin(self, raw, ski, *rest):
        """A session for a socket: of a peer that came (`ski` None), or of one to be dialled."""
        raw.setblocking(False)
        if len(self.sessions) >= self._most:
            for session in self.sessions:
                if session.state == NEW:  # it said nothing so far: the oldest makes room
                    self.drop(session, "crowd")
                    break
            else:
                raw.close()
                self.count("crowd")
                return
        session = Session(self, not ski, ski)
        self.sessions.append(session)
        session.task = asyncio.create_task(session.run(raw, *rest))

    def seen(self, ski, host, port, path="/ship/"):
        """A trusted peer was discovered at this address: dial it while there is no connection with it."""
        if self.trust.is_trusted(ski):
            target = self._targets.get(ski)
            if target:
                target[0], target[1], target[2] = host, port, path
            elif len(self._targets) < _TARGETS:
                target = self._targets[ski] = [host, port, path, 0, 0]
                self._later(target)

    def _later(self, target):
        step = target[3]
        low, high = _BACK_OFF[2 * step], _BACK_OFF[2 * step + 1]
        target[3] = min(step + 1, 3)
        target[4] = low * 1000 + (high - low) * 1000 * urandom(1)[0] // 256

    async def keep(self):
        """Time for all connections, and the dialer, for ever: `step` every 100 ms."""
        while True:
            await sleep_ms(_TICK)
            self.step()

    def step(self):
        """Some time has passed."""
        now = self.clock()
        dt_ms = (now - self._then) * self.hurry
        self._then = now
        self.tick(dt_ms)

    def tick(self, dt_ms):
        """`dt_ms` have passed for everybody."""
        for session in self.sessions:
            try:
                session.tick(dt_ms)
                session.deliver()
                if session.state == DATA and not self.trust.is_trusted(session.ski):
                    session.leave("removedConnection")
                if _HTTP < session.state < DEAD:
                    session.pump()
            except Exception as error:
                self.error = error
                session.state = DEAD
            if session.state == DEAD:
                self.drop(session, "")
        for ski in self._targets:
            target = self._targets[ski]
            if target[4] > 0:
                target[4] -= dt_ms
            elif self._dialled(ski, target):
                break

    def _dialled(self, ski, target):
        """Dial a trusted peer that has no connection, while there is a place; whether that was begun."""
        target[4] = _SOON
        if not self.trust.is_trusted(ski) or len(self.sessions) >= self._most:
            return False
        for session in self.sessions:
            if session.ski == ski:
                return False
        target[4] = _AGAIN  # unless `left` says when
        address = socket.getaddrinfo(target[0], target[1])[0][-1]
        host = "%s:%d" % (target[0], target[1])
        self._begin(socket.socket(), ski, host, target[2], address)
        return True
