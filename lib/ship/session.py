"""One peer on one socket: TLS handshake, SKI check, websocket upgrade, then the SHIP connection (SHIP 9, 10, 12).

Runs on MicroPython's `tls`, whose traps it avoids: the raw socket is kept and closed here (T1); every phase has a
deadline, kept by the node's tick (T2); an interrupted write is offered again exactly as it was (T3).

Measured on the 32-bit runtime: a session takes 1.7 KB of heap, TLS object and task included, beside its two buffers of
256 and 1024 B, of which the node keeps one pair for good; a refused one leaves nothing. TLS itself takes about 25 KB
more on an ESP32.
"""

from bounded.compat import const
from bounded.on_demand import forget_stack, release, room
from bounded.wait import readable, sleep_ms, writable

from ship.connection import DATA, Connection
from ship.messages import SILENCE
from ship.websocket import DEAD, HEAD

_TLS = const(1)
_HTTP = const(2)
_T_TLS = const(3000)  # nobody else shakes hands meanwhile, and charging may pause
_T_HTTP = const(5000)
_PAUSE = const(4)  # ms between two looks at a full socket
_FRAMES = const(10)  # as deep as feed() goes


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

    # What needs a lot is done in plain functions: a coroutine keeps alive whatever its expressions touched.

    def shaken(self):
        """Whether the handshake is over and brought a certificate."""
        return self.tls.getpeercert(True) is not None

    def prove(self):
        """The certificate is there and its SKI is true, and the one expected; ValueError or TypeError when not."""
        from ship.ski import proven_ski  # here: its 1 KB is needed once a connection

        ski = proven_ski(self.tls.getpeercert(True))
        if self.ski and self.ski != ski:
            raise ValueError("another SKI")
        self.ski = ski

    def upgrade(self, end, key):
        """Judge the HTTP head in out[:end], once it is whole; True when the websocket is open.

        Answers it when we are the server, else it must answer the request that carried `key`. What follows the head
        goes to `inb`. ValueError for a head that is wrong or too long."""
        view = memoryview(self.out)
        at = bytes(view[:end]).find(b"\r\n\r\n") + 4
        if at < 4:
            if end == len(view):
                raise ValueError("a long head")
            return False
        head = bytes(view[:at])
        from ship.upgrade import accepted, answer  # as with ship.ski

        if self.server:
            good, head = answer(head, self.node.path)
            self.tls.write(head)
        else:
            good = accepted(head, key)
        self.end = end - at
        if not good or self.end > len(self.inb):
            raise ValueError("no upgrade")
        self.view[: self.end] = view[at:end]
        return True

    async def run(self, raw, host, path=None, address=None):
        """Serve the peer at `host` behind `raw` until the end; as a client, dial `address` first, ask for `path`."""
        node = self.node
        self.host = host
        try:
            if self.server:
                await readable(raw)  # who connects and says nothing costs no more than this socket
            else:
                await self.dial(raw, address)
            await node.turn(self, host)
            release()  # what is to last finds its place beside the rest, not between code that goes again
            await self.open_websocket(raw, path)
            tls = self.tls
            while True:
                while self.at < self.end:
                    self.take()
                    work = self.deliver()
                    if work:
                        await work
                        work = None
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
                self.tls = None  # here and in what follows: a stale word on the stack may keep this object for a while
            raw.close()
            node.left(self)

    def take(self):
        """Take in what was read. (feed() is called from here, for its place on the stack is not that of deliver().)"""
        room()
        self.feed()
        forget_stack(_FRAMES)

    async def dial(self, raw, address):
        """Connect `raw` to `address`."""
        try:
            raw.connect(address)
        except OSError as error:
            if error.errno not in (115, 119):  # in progress: Linux, lwIP
                raise
        await writable(raw)

    async def open_websocket(self, raw, path):
        """Shake hands, look at the certificate, and open the websocket."""
        end, key = await self.shake_hands(raw, path)
        self.why = "certificate"
        self.prove()
        self.why = "double"
        self.node.joined(self, self.host)
        self.why = "http"
        self.state = _HTTP
        self.wait = _T_HTTP
        while not self.upgrade(end, key):  # the head is read into `out`, which is free now
            n = self.tls.readinto(memoryview(self.out)[end:])
            if n:
                end += n
            elif n is None:
                await readable(raw)
            else:
                raise OSError("closed")
        self.why = "lost"
        self.start()

    async def shake_hands(self, raw, path):
        """TLS; how much of the peer's HTTP head is in `out`, and of our own the key in it."""
        node = self.node
        server = self.server
        key = head = None
        try:
            await node.owner.before_handshake()
            self.why = "tls"
            self.state = _TLS
            self.wait = _T_TLS
            tls = self.tls = node.context(server).wrap_socket(raw, server_side=server, do_handshake_on_connect=False)
            if not server:
                from ship.upgrade import request

                key, head = request(self.host.encode(), path.encode())
            while True:  # the first read or write shakes hands
                end = tls.readinto(self.out) if server else tls.write(head)
                if end is not None or server and self.shaken():
                    return end if server and end else 0, key
                await readable(raw)
        finally:
            await node.owner.after_handshake()
            node.shaking = None

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
            view = memoryview(self.out)[HEAD:]
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
                await sleep_ms(0)  # a long message must not hold up the others
                await self.drained()
            self.put(first | 128, used)
            first = 2
        finally:
            self.streaming = False
            if not first:
                self.state = DEAD  # half a message is out
        self.pump()
