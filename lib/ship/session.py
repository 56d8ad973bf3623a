"""One peer on one socket: TLS handshake, SKI check, websocket upgrade, then the SHIP connection (SHIP 9, 10, 12).

Runs on MicroPython's `tls`, whose traps it avoids (T1: the raw socket is kept and closed here; T2: every phase has
a deadline, kept by the node's tick; T3: an interrupted write is offered again exactly as it was; T5, T6).
"""

import asyncio

from bounded.compat import const
from bounded.wait import readable, sleep_ms, writable

from ship.connection import DATA, DEAD, NEW, Connection
from ship.ski import proven_ski
from ship.websocket import HEAD, accepted, answer, request

_TLS = const(1)
_HTTP = const(2)
_T_TLS = const(5000)
_T_HTTP = const(5000)
_PAUSE = const(4)  # ms between two looks at a full socket


class Session(Connection):
    """A connection with its socket. `ski` is the peer's, proven by its certificate, or the one expected."""

    def __init__(self, node, server, ski=None):
        super().__init__(server, node.ship_id)
        self.node = node
        self.ski = ski
        self.task = self.tls = self.pair = None
        self.open = False  # has been in the data phase

    def admits(self):
        return self.node.admits(self.ski)

    def opened(self):
        self.open = True
        self.node.opened(self)

    async def run(self, raw, host, path=None, address=None):
        """Serve the peer behind `raw` until the end; dial `address` first when we are the client."""
        node = self.node
        try:
            if address:
                try:
                    raw.connect(address)
                except OSError as error:
                    if error.errno not in (115, 119, 36):  # in progress: Linux, lwIP, others
                        raise
                await writable(raw)
            else:
                await readable(raw)  # who connects and says nothing costs no more than this socket
            await node.turn(self, host)
            try:
                await node.owner.before_handshake()
                self.why = "tls"
                head, end = await self.handshake(raw, host, path)
            finally:
                node.shaking = None
                await node.owner.after_handshake()
            self.why = "certificate"
            ski = proven_ski(self.tls.getpeercert(True))
            if self.ski and self.ski != ski:
                raise ValueError("another SKI")
            self.ski = ski
            self.why = "double"
            node.joined(self, host)
            self.why = "http"
            await self.upgrade(raw, path, head, end)
            self.why = "lost"
            self.start()
            await self.serve(raw)
        except Exception as error:  # whatever a peer causes ends here
            node.failed(self, error)
        finally:
            self.state = DEAD
            if self.tls:
                self.tls.close()
            raw.close()
            node.left(self)

    async def handshake(self, raw, host, path):
        self.state = _TLS
        self.wait = _T_TLS
        tls = self.tls = self.node.wrap(raw, self.server)
        if self.server:
            self.nonce = None
            while True:
                end = tls.readinto(self.out)
                if end is not None or tls.getpeercert(True):
                    return None, end or 0
                await readable(raw)
        self.nonce, head = request(host.encode(), path.encode())
        at = 0
        while at < len(head):
            n = tls.write(head, at, len(head) - at)
            if n is None:
                await readable(raw)
            else:
                at += n
        return None, 0

    async def upgrade(self, raw, path, head, end):
        """Read the HTTP head into `out`, which is free now; what follows it goes to `inb`."""
        self.state = _HTTP
        self.wait = _T_HTTP
        out = self.out
        view = memoryview(out)
        while True:
            at = bytes(view[:end]).find(b"\r\n\r\n") + 4
            if at > 3:
                break
            if end == len(out):
                raise ValueError("head too long")
            n = self.tls.readinto(view[end:])
            if n is None:
                await readable(raw)
            elif not n:
                raise OSError("closed")
            else:
                end += n
        good = True
        if self.server:
            good, reply = answer(view[:at], self.node.path)
            n = 0
            while n < len(reply):
                n += self.tls.write(reply, n, len(reply) - n) or 0
        elif not accepted(view[:at], self.nonce):
            good = False
        if not good or end - at > len(self.inb):
            raise ValueError("no upgrade")
        self.end = end - at
        self.inb[: self.end] = out[at:end]

    async def serve(self, raw):
        while True:
            while self.feed() or self.at < self.end:
                if self.answer is not None:
                    work, self.answer = self.answer, None
                    await work
                while not self.pump():
                    await sleep_ms(_PAUSE)
            while not self.pump():
                await sleep_ms(_PAUSE)
            if self.state == DEAD:
                return
            n = self.tls.readinto(self.inb)
            if n is None:
                await readable(raw)
                continue
            if not n:
                return
            self.silence = 60000
            self.at = 0
            self.end = n
            await sleep_ms(0)

    def pump(self):
        """Send what waits in `out`, and what is owed; False when the socket takes no more now."""
        while self.sent < self.fill or self.emit():
            n = self.tls.write(self.out, self.sent, self.fill - self.sent)
            if n is None:
                return False
            self.sent += n
            self.stall = 0
        self.fill = self.sent = 0
        return True

    async def drained(self):
        while self.state == DATA and not self.pump():
            await sleep_ms(_PAUSE)
        if self.state != DATA:
            raise OSError("ship closed")

    async def send(self, producer):
        """Send one SHIP data message: `producer(buf)` writes its next bytes of JSON into `buf` and returns how many,
        0 at the end. The type byte is added here. Waits for a message on its way; OSError when the connection ends."""
        while self.streaming:
            await sleep_ms(_PAUSE)
        self.streaming = True
        try:
            await self.drained()
            first = True
            view = memoryview(self.out)[HEAD:]
            size = len(view)
            held = 2  # the type byte; later the last byte of a full buffer, so that the last fragment is never empty
            while True:
                view[0] = held
                used = 1
                n = 1
                while n and used < size:
                    n = producer(view[used:])
                    used += n
                if not n:
                    break
                held = view[size - 1]
                self.put_piece(first, False, size - 1)
                first = False
                await self.drained()
            self.put_piece(first, True, used)
        except Exception:
            if self.state == DATA and not first:
                self.state = DEAD  # half a message is out
            raise
        finally:
            self.streaming = False
        self.pump()
