"""One peer on one socket: TLS handshake, SKI check, websocket upgrade, then the SHIP connection (SHIP 9, 10, 12).

Runs on MicroPython's `tls`, whose traps it avoids: the raw socket is kept and closed here (T1); every phase has a
deadline, kept by the node's tick (T2); an interrupted write is offered again exactly as it was (T3).
"""

from bounded.compat import const
from bounded.wait import readable, sleep_ms, writable

from ship.connection import DATA, DEAD, SILENCE, Connection
from ship.ski import proven_ski
from ship.upgrade import accepted, answer, request

_TLS = const(1)
_HTTP = const(2)
_DEADLINE = const(5000)  # of either
_HEAD = const(8)  # as in connection.py
_PAUSE = const(4)  # ms between two looks at a full socket


class Session(Connection):
    """A connection with its socket. `ski` is the peer's: proven by its certificate, before that the one expected."""

    def __init__(self, node, server, ski=None):
        super().__init__(server, node.ship_id)
        self.node = node
        self.ski = ski
        self.task = self.tls = self.pair = None
        self.open = False  # its owner knows it

    def admits(self):
        return self.node.admits(self.ski)

    def opened(self):
        self.node.opened(self)

    async def run(self, raw, host, path=None, address=None):
        """Serve the peer at `host` behind `raw` until the end; as a client, dial `address` first and ask for `path`."""
        node = self.node
        server = self.server
        self.host = host
        try:
            if server:
                await readable(raw)  # who connects and says nothing costs no more than this socket
            else:
                try:
                    raw.connect(address)
                except OSError as error:
                    if error.errno not in (115, 119):  # in progress: Linux, lwIP
                        raise
                await writable(raw)
            await node.turn(self, host)
            out = self.out
            view = memoryview(out)
            try:
                await node.owner.before_handshake()
                self.why = "tls"
                self.state = _TLS
                self.wait = _DEADLINE
                tls = self.tls = node.contexts[server].wrap_socket(
                    raw, server_side=server, do_handshake_on_connect=False
                )
                if not server:
                    key, head = request(host.encode(), path.encode())
                while True:  # the first read or write shakes hands
                    end = tls.readinto(out) if server else tls.write(head)
                    if end is None and server and tls.getpeercert(True):
                        end = 0
                    if end is not None:
                        break
                    await readable(raw)
            finally:
                await node.owner.after_handshake()
                node.shaking = None
            self.why = "certificate"
            ski = proven_ski(tls.getpeercert(True))
            if self.ski and self.ski != ski:
                raise ValueError("another SKI")
            self.ski = ski
            self.why = "double"
            node.joined(self, host)
            self.why = "http"
            self.state = _HTTP
            self.wait = _DEADLINE
            if not server:
                end = 0
            while True:  # the head is read into `out`, which is free now
                at = bytes(view[:end]).find(b"\r\n\r\n") + 4
                if at > 3:
                    break
                n = tls.readinto(view[end:])
                if n:
                    end += n
                elif n is None:
                    await readable(raw)
                else:
                    raise OSError("end, or a head too long")
            head = bytes(view[:at])
            if server:
                good, head = answer(head, node.path)
                tls.write(head)
            else:
                good = accepted(head, key)
            self.end = end - at  # what follows the head
            if not good or self.end > len(self.inb):
                raise ValueError("no upgrade")
            self.view[: self.end] = view[at:end]
            self.why = "lost"
            self.start()
            head = ski = view = None
            while True:
                while self.at < self.end:
                    self.feed()
                    if self.answer:
                        work, self.answer = self.answer, None
                        await work
                    while not self.pump():
                        await sleep_ms(_PAUSE)
                while not self.pump():
                    await sleep_ms(_PAUSE)
                if self.state == DEAD:
                    break
                n = tls.readinto(self.inb)
                if n:
                    self.silence = SILENCE
                    self.at = 0
                    self.end = n
                    await sleep_ms(0)
                elif n is None:
                    await readable(raw)
                else:
                    break
        except Exception as error:  # whatever a peer causes ends here
            node.error = error
        finally:
            self.state = DEAD
            if self.tls:
                self.tls.close()
            raw.close()
            node.left(self)

    def pump(self):
        """Send what is in `out`, then what is owed; False when the socket takes no more now."""
        while self.sent < self.fill or self.emit():
            n = self.tls.write(self.out, self.sent, self.fill - self.sent)
            if n is None:
                return False
            self.sent += n
        return True

    async def drained(self):
        """Wait until `out` is free; OSError when the connection is not, or no more, in the data phase."""
        while self.state == DATA:
            if self.pump():
                return
            await sleep_ms(_PAUSE)
        raise OSError("ship closed")

    async def send(self, producer):
        """Send one SHIP data message: `producer(buf)` writes its next bytes of JSON into `buf` and returns how many,
        0 at the end. The type byte is added here. Waits for its turn; OSError when the connection ends."""
        while self.streaming:
            await sleep_ms(_PAUSE)
        self.streaming = True
        first = 2
        try:
            await self.drained()
            view = memoryview(self.out)[_HEAD:]
            held = 2  # the type byte; later the last byte of a full buffer, so that the last fragment is never empty
            while True:
                view[0] = held
                used = n = 1
                while n and used < len(view):
                    n = producer(view[used:])
                    used += n
                if not n:
                    break
                held = view[used - 1]
                self.put(first, used - 1)
                first = 0
                await self.drained()
            self.put(first | 128, used)
            first = 2
        finally:
            self.streaming = False
            if not first:
                self.state = DEAD  # half a message is out
        self.pump()
