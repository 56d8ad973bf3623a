"""DNS messages (RFC 1035) in one fixed buffer: names with compression, questions and records.

A name is bytes in wire form without compression: each label after its length, a zero at the end.
"""

from struct import pack_into

from bounded.compat import const

_LONGEST_NAME = const(255)


def read_name(packet, at):
    """The name at `at` in lower case, and where it ends there. ValueError or IndexError when it is malformed.

    A pointer must lead to before the part of the name that holds it, so no chain of pointers can loop.
    """
    name = b""
    end = 0
    limit = at
    while True:
        size = packet[at]
        if size > 191:
            target = (size & 63) << 8 | packet[at + 1]
            end = end or at + 2
            if target >= limit:
                raise ValueError("pointer leads forward")
            at = limit = target
        else:
            name += packet[at : at + size + 1]
            at += size + 1
            if size > 63 or len(name) > _LONGEST_NAME or at > len(packet):
                raise ValueError("bad name")
            if not size:
                return name.lower(), end or at


def read_records(packet, at, count):
    """Yield (name, type, ttl in s, start and end of the data) of `count` records from `at` on; errors as above."""
    for _ in range(count):
        name, at = read_name(packet, at)
        end = at + 10 + (packet[at + 8] << 8 | packet[at + 9])
        if end > len(packet):
            raise ValueError("record cut short")
        kind = packet[at] << 8 | packet[at + 1]
        yield name, kind, int.from_bytes(packet[at + 4 : at + 8], "big"), at + 10, end
        at = end


class Message:
    """One outgoing message; `size` must hold whatever is put in (the buffer is made once and reused)."""

    def __init__(self, size):
        self._buffer = bytearray(size)
        self._names = {}
        self._at = 0

    def begin(self, ident, flags):
        """Start a message with nothing in it yet."""
        pack_into(">HHHHHH", self._buffer, 0, ident, flags, 0, 0, 0, 0)
        self._names.clear()
        self._at = 12

    def put(self, data):
        """Append bytes as they are."""
        end = self._at + len(data)
        if end > len(self._buffer):
            raise ValueError("message too long")
        self._buffer[self._at : end] = data
        self._at = end

    def name(self, name):
        """Append a name; what of it stands in the message already becomes a pointer."""
        while len(name) > 1:
            pointer = self._names.get(name)
            if pointer:
                self.put(bytes((pointer >> 8 | 192, pointer & 255)))
                return
            self._names[name] = self._at
            end = name[0] + 1
            self.put(name[:end])
            name = name[end:]
        self.put(name)

    def question(self, name, kind):
        """Append a question of class IN for records of type `kind`."""
        self.name(name)
        self.put(bytes((0, kind, 0, 1)))
        self._buffer[5] += 1

    def record(self, section, name, kind, unique, ttl, data, target, tail):
        """Append a record of class IN to the section (7 answer, 9 authority, 11 additional).

        Its data are the bytes `data`, the name `target` (or None) and the bytes `tail`. `unique` sets the
        cache-flush bit, `ttl` counts seconds.
        """
        self.name(name)
        start = self._at + 10
        self.put(bytes(10))
        self.put(data)
        if target:
            self.name(target)
        self.put(tail)
        pack_into(">HHIH", self._buffer, start - 10, kind, 0x8001 if unique else 1, ttl, self._at - start)
        self._buffer[section] += 1

    def end(self):
        """The message: a view that is valid until the next one begins."""
        return memoryview(self._buffer)[: self._at]
