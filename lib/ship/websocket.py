"""The websocket of a SHIP connection (RFC 6455). Pure: bytes in, frames out; no socket here.

What is received lies in a small buffer and is handed on where it lies, unmasked in place; a message is never
whole in memory. What has to be sent waits as a short list of frames, each one at most once, until `out` is free;
so nothing a peer does makes answers pile up.

It has no private names, since images for a device shorten them module by module, and subclasses have theirs.
"""

from os import urandom

from bounded.compat import const
from ship.messages import MESSAGE, mask

ENDING = const(11)  # a state: a websocket close is on its way
DEAD = const(12)
HEAD = const(8)  # room for the longest header of an outgoing frame


class WebSocket:
    """Its owner fills inb[at:end] and calls feed(), and sends out[sent:fill] after emit().

    A subclass has part(at, stop), to which inb[at:stop] of a message is handed, whole() for its end, and finish(why,
    code); it keeps `state`, `size`, the bytes of the message so far, and in inb[piece:stop] what is to be looked at
    before feed() is called again.
    """

    def prepare(self, server):
        """The constructor's part."""
        self.server = server  # whether the peer is the websocket client
        self.streaming = False  # a message of several fragments is on its way out
        self.at = self.end = self.sent = self.fill = 0
        self.piece = self.stop = 0
        self.size = -1
        self.over = False  # the peer has closed the websocket
        self.owed = []
        self.header = bytearray(14)
        self.key = bytearray(5)
        self.got = 0  # bytes of the header
        self.need = 2  # how many it has
        self.left = 0  # bytes of the frame to come
        self.within = False  # a message has begun and not ended
        self.echo = b""  # payload of a ping or close

    def feed(self):
        """Take in `inb[at:end]`, at most up to the end of a message or of a piece of SPINE payload; True when one was
        reached."""
        header = self.header
        server = self.server
        while self.at < self.end:
            at = self.at
            if self.got < self.need:
                header[self.got] = self.inb[at]
                self.at = at + 1
                self.got += 1
                if self.got < self.need:
                    continue
                if not self.begin_frame(header, server):
                    continue
            else:
                stop = min(self.end, at + self.left)
                if server:
                    mask(self.inb, self.key, at, stop)
                self.left -= stop - at
                self.at = stop
                if header[0] & 8:
                    self.echo += bytes(self.view[at:stop])
                else:
                    self.part(at, stop)
                    if self.size > MESSAGE:
                        self.broken(b"\x88\x03\xf1")
                        return False
                    if self.left and self.piece < self.stop:
                        return True
            if not self.left:
                self.got = 0
                self.need = 2
                if header[0] & 8:
                    self.control(header[0] & 15)
                else:
                    if header[0] & 128:
                        self.within = False
                        self.whole()
                        return True
                    if self.piece < self.stop:
                        return True
        return False

    def begin_frame(self, header, server):
        """As much of a frame's header as was asked for is there; whether that was all of it, and good."""
        size = header[1] & 127
        opcode = header[0] & 15
        if self.need == 2:
            if (
                header[0] & 0x70  # no extension was agreed
                or (header[1] > 127) != server
                or opcode not in (0, 2, 8, 9, 10)
                or (size > 125 or header[0] < 128 if opcode > 7 else (opcode == 0) != self.within)
            ):
                self.broken(b"\x88\x03\xea")
                return False
            self.need = 2 + (8 if size == 127 else 2 if size == 126 else 0) + (4 if server else 0)
            if self.need > 2:
                return False
        at = self.need - (4 if server else 0)
        if at > 2:
            size = int.from_bytes(header[2:at], "big")
        self.key[:4] = header[at : at + 4]
        self.key[4] = 0
        self.left = size
        if opcode > 7:
            self.echo = b""
        elif size > MESSAGE:
            self.broken(b"\x88\x03\xf1")
            return False
        else:
            self.within = True
        return True

    def control(self, opcode):
        """A control frame is complete."""
        if opcode == 9:
            self.say(b"\x8a" + self.echo)
        elif opcode == 8:
            self.finish("rejected" if self.echo[:2] == b"\x11\x64" else "closed", b"\x88\x03\xe8")
            self.over = True

    def broken(self, code):
        """The peer broke a rule of the websocket: read no more, close with 1002 or 1009."""
        self.finish("frame", code)
        self.end = 0
        self.left = 1 << 29
        self.got = self.need

    def say(self, frame):
        """Owe a frame; what is owed already is said once, and of pings and pongs only a few."""
        owed = self.owed
        if self.state < ENDING and frame not in owed and len(owed) < (3 if frame[0] > 0x88 else 9):
            owed.append(frame)

    def emit(self):
        """Put a frame that is owed into `out`, which is free; False when there is none."""
        for frame in self.owed:
            if not self.streaming or frame[0] & 8:  # only websocket control may come between fragments
                self.owed.remove(frame)
                size = len(frame) - 1
                self.out[HEAD : HEAD + size] = memoryview(frame)[1:]
                self.put(frame[0], size)
                return True
        self.sent = self.fill = 0
        if self.over:
            self.state = DEAD
        return False

    def put(self, first, size):
        """Make `size` bytes at out[HEAD:] a frame that begins with the byte `first`, in out[sent:fill]."""
        out = self.out
        client = 0 if self.server else 4
        self.fill = HEAD + size
        at = self.sent = HEAD - 2 - client - (2 if size > 125 else 0)
        out[at] = first
        out[at + 1] = client << 5 | min(size, 126)
        if size > 125:
            out[at + 2] = size >> 8
            out[at + 3] = size & 255
        if client:
            out[HEAD - 4 : HEAD] = self.key[:4] = urandom(4)
            self.key[4] = 0
            mask(out, self.key, HEAD, self.fill)
