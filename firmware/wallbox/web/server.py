"""A small HTTP/1.1 server (RFC 9112) for one page and its data, behind a password; only where one is set.

One request at a time, over at most two connections, with one buffer of 512 bytes; each answer ends its connection.
Strangers have 10 requests and 5 more a second, together; so has the address that last gave the right password, for
itself. What is beyond gets 429 and is not read. Wrong passwords: 5 and one more every 10 s, beyond that none is
looked at. A head has 3 s to arrive, 0.2 s while somebody else waits; an answer 10 s to leave.

Only `PageServer.run` is in memory while nobody asks (tools/cold.py). The password crosses the network as it is, as
Basic authentication does (RFC 7617): it keeps neighbours out, not who listens on the wire.
"""

import os
import socket
from hashlib import sha256

from bounded.compat import const, peer_ip, ticks_diff, ticks_ms
from bounded.on_demand import room
from bounded.wait import readable, sleep_ms
from wallbox.web.request import NOT_FOUND, OFTEN, OK, TIMEOUT, UNAUTHORIZED, Head
from wallbox.web.status import Status

_BUFFER = const(512)
_PIECE = const(256)  # read at a time
_EVERY_MS = const(200)  # a request, in the long run
_BURST = const(10)
_GUESS_MS = const(10000)  # a wrong password
_GUESSES = const(5)
_STEP_MS = const(20)  # between two looks at a socket, and two connections
_HEAD_MS = const(3000)
_PATIENCE_MS = const(200)
_ANSWER_MS = const(10000)
_ROOM = const(10240)  # bytes of heap for others, rather than for code that was loaded
_TURN_MS = const(4)  # of work on an answer, then the guard has its turn
_AGAIN_MS = const(5000)  # until the listener is opened again after a failure
_REST = const(16)  # pieces of a refused request that are read, so that the refusal arrives
_AGAIN = const(11)  # EAGAIN

_HERE = __file__.rpartition("/")[0]


class PageServer:
    """Counts of requests: `served`, `wrong` passwords, `often` (429), `refused` otherwise, `lost` (he left, or was too
    slow to take the answer). `failure` is the last exception here that was not a peer's doing."""

    def __init__(self, app, settings):
        self._app = app
        self._name = settings.hostname
        self._digest = sha256(settings.page_password.encode()).digest()
        self.bind = settings.bind or "0.0.0.0"
        self.port = settings.page_port
        self._buffer = bytearray(_BUFFER)
        self._waiting = None  # (socket, address) that comes next
        self._friend = None  # the address that last gave the right password
        self._due_ms = [0, 0]  # requests of strangers and of the friend: when the one after the last is free
        self._guess_ms = 0  # the same of wrong passwords
        self.served = self.wrong = self.often = self.refused = self.lost = 0
        self.failure = None

    def report(self):
        """For the console and the page."""
        return {
            "port": self.port,
            "served": self.served,
            "wrong": self.wrong,
            "often": self.often,
            "refused": self.refused,
            "lost": self.lost,
            "failure": self.failure and repr(self.failure),
        }

    async def run(self):
        """Serve for ever; whatever goes wrong with a visitor is his loss alone."""
        while True:
            listener = None
            try:
                listener = self._listen()
                while True:
                    if self._waiting is None:
                        await readable(listener)
                    try:
                        await self._visit(listener)
                    except MemoryError as error:  # not even the code finds room
                        self.failure = error
                        await sleep_ms(_AGAIN_MS)
                    await sleep_ms(_STEP_MS)
            except (OSError, MemoryError) as error:  # the address is not there yet, or taken
                self.failure = error
            if listener:
                listener.close()
            await sleep_ms(_AGAIN_MS)

    def _listen(self):
        listener = socket.socket()
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(socket.getaddrinfo(self.bind, self.port)[0][-1])
            listener.listen(4)
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
        return listener

    def _accept(self, listener):
        """Let the next visitor wait, if there is one and nobody waits."""
        if self._waiting is None:
            try:
                raw, address = listener.accept()
            except OSError:
                return
            raw.setblocking(False)
            self._waiting = raw, peer_ip(address)

    async def _visit(self, listener):
        """Serve the next visitor."""
        self._accept(listener)
        if self._waiting is None:
            return
        raw, address = self._waiting
        self._waiting = None
        try:
            if self._too_often(address):
                status, head = OFTEN, None
                self._take(raw)
            else:
                head = await self._head(listener, raw)
                status = self._judge(head, address)
            await self._answer(raw, status, head)
        except OSError:
            self.lost += 1
        except Exception as error:
            self.failure = error
        finally:
            raw.close()
            room(_ROOM)

    def _clock(self):
        return self._app.station.now_ms

    def _too_often(self, address):
        known = address == self._friend
        now_ms = self._clock()
        due_ms = max(now_ms, self._due_ms[known]) + _EVERY_MS
        if due_ms > now_ms + _BURST * _EVERY_MS:
            return True
        self._due_ms[known] = due_ms
        return False

    def _take(self, raw):
        """What has arrived: None when nothing yet, nothing when he has left."""
        try:
            return raw.recv(_PIECE)
        except OSError as error:
            if error.errno != _AGAIN:
                raise
            return None

    async def _head(self, listener, raw):
        head = Head(self._buffer)
        begun_ms = self._clock()
        while not head.status:
            data = self._take(raw)
            if data:
                head.feed(data)
            elif data is not None:
                raise OSError(104)
            self._accept(listener)
            if self._clock() - begun_ms > (_PATIENCE_MS if self._waiting else _HEAD_MS):
                head.status = head.status or TIMEOUT
            await sleep_ms(0 if data else _STEP_MS)
        return head

    def _judge(self, head, address):
        """The status of the answer."""
        if head.status != OK:
            return head.status
        if head.password is None:
            return UNAUTHORIZED
        now_ms = self._clock()
        known = address == self._friend
        due_ms = max(now_ms, self._guess_ms) + _GUESS_MS
        if due_ms > now_ms + _GUESSES * _GUESS_MS and not known:
            return OFTEN
        if self._differs(sha256(head.password).digest()):
            self.wrong += 1
            self._guess_ms = due_ms
            if known:
                self._friend = None
            return UNAUTHORIZED
        if not known:
            self._friend = address
            self._due_ms[1] = 0
        return OK if head.path in (b"/", b"/now.json", b"/status.json") else NOT_FOUND

    def _differs(self, digest):
        """Whether this is another digest than the password's, in a time that does not tell where."""
        different = 0
        for i in range(len(digest)):
            different |= digest[i] ^ self._digest[i]
        return different != 0

    async def _answer(self, raw, status, head):
        until_ms = self._clock() + _ANSWER_MS
        if status == OK:
            self.served += 1
            if head.path == b"/":
                await self._page(raw, head.body, until_ms)
            else:
                await self._status(raw, head, until_ms)
            return
        if status == OFTEN:
            self.often += 1
        else:
            self.refused += 1
        await self._send(raw, self._refusal(status), until_ms)
        for _ in range(_REST):
            if not self._take(raw):
                break
            await sleep_ms(0)

    async def _page(self, raw, body, until_ms):
        try:
            file = open(_HERE + "/page.html.gz", "rb")
        except OSError:
            await self._send(raw, self._refusal(NOT_FOUND), until_ms)
            return
        try:
            size = os.stat(_HERE + "/page.html.gz")[6]
            await self._send(raw, self._page_start(size), until_ms)
            while body:
                data = file.read(_BUFFER)
                if not data:
                    break
                await self._send(raw, data, until_ms)
        finally:
            file.close()

    async def _status(self, raw, head, until_ms):
        await self._send(raw, self._start("200 OK\r\nContent-Type: application/json"), until_ms)
        if head.body:
            view = memoryview(self._buffer)
            then = ticks_ms()
            for count in Status(self._app, self._name, head.path == b"/status.json").fill(self._buffer):
                if count:
                    await self._send(raw, view[:count], until_ms)
                elif ticks_diff(ticks_ms(), then) >= _TURN_MS:
                    await sleep_ms(0)
                else:
                    continue
                then = ticks_ms()

    async def _send(self, raw, data, until_ms):
        """Send all of it; the guard has its turn after each piece."""
        while True:
            try:
                sent = raw.send(data) if data else 0
            except OSError as error:
                if error.errno != _AGAIN:
                    raise
                sent = 0
            data = data[sent:]
            await sleep_ms(0 if sent else _STEP_MS if data else 0)
            if not data:
                return
            if self._clock() > until_ms:
                raise OSError(110)

    def _start(self, line):
        """The head of an answer: `line` is the status, and fields of its own behind it."""
        return (
            "HTTP/1.1 %s\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
            "Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n" % line
        ).encode()

    def _page_start(self, size):
        return self._start(
            "200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n"
            "Content-Security-Policy: default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
            "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" % size
        )

    def _refusal(self, status):
        """A whole answer without a body."""
        words = {
            400: "400 Bad Request",
            401: '401 Unauthorized\r\nWWW-Authenticate: Basic realm="wallbox", charset="UTF-8"',
            404: "404 Not Found",
            405: "405 Method Not Allowed\r\nAllow: GET, HEAD",
            408: "408 Request Timeout",
            414: "414 URI Too Long",
            429: "429 Too Many Requests\r\nRetry-After: 2",
            431: "431 Request Header Fields Too Large",
        }[status]
        return self._start(words + "\r\nContent-Length: 0")
