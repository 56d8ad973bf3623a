"""DNS-SD responder for one SHIP service, `_ship._tcp.local` (RFC 6762 mDNS, RFC 6763 DNS-SD, SHIP 7.3).

`Responder` is pure: packets and the time go in, packets come out. Its socket: dnssd_socket.py.

A name that turns out to be taken gets a number: "wallbox (2)" for the service, "wallbox-2.local" for the host.
An AAAA question for the host is answered with NSEC ("IPv4 only"), so that nobody waits for an IPv6 address.
Answers that others might give as well wait for a random 20..120 ms; nothing is multicast twice within a second,
except in defence of a name. Probes ask for multicast answers, so that several responders may share the port.
Names go out uncompressed: the largest answer stays below 1 KB, and compression costs more code than it saves.
"""

from os import urandom

from bounded.compat import const

_PORT = const(5353)
_TTL_S = const(120)  # SHIP 7.3 for all records of the service
_LEGACY_TTL_S = const(10)
_RECENT_MS = const(30000)  # a quarter of the TTL: what was multicast since may be answered by unicast

_LABEL_BYTES = const(57)  # leaves room for a number within the 63 of a label
_TEXT_BYTES = const(400)

# What can be said: the records 0..5 as bits.
_POINTER = const(1)  # service -> instance
_SERVER = const(2)
_TEXT = const(4)
_ADDRESS = const(8)
_TYPE = const(16)  # the list of service types -> service
_NO_OTHER = const(32)  # NSEC: the host has nothing but A
_ALL = const(15)
_UNIQUE = const(46)
_KIND = b"\x0c\x21\x10\x01\x0c\x2f"
_ANY = const(255)

_SERVICE = b"\x05_ship\x04_tcp\x05local\0"

# Steps: 0..2 probe, 3 and 4 announce, 5 done.
_ANNOUNCE = const(3)
_DONE = const(5)


def read_name(packet, at):
    """The name at `at`, in lower case, with the length before each label; and where it ends in the packet.

    ValueError or IndexError when it is malformed. A pointer must lead to before the part of the name that holds
    it, so that no chain of pointers loops.
    """
    name = b""
    end = 0
    limit = at
    while True:
        size = packet[at]
        if size > 191:
            end = end or at + 2
            at = (size & 63) << 8 | packet[at + 1]
            if at >= limit:
                raise ValueError
            limit = at
        else:
            name += packet[at : at + size + 1]
            at += size + 1
            if size > 63 or len(name) > 255 or at > len(packet):
                raise ValueError
            if not size:
                return name.lower(), end or at


def read_records(packet, at, count):
    """Yield (name, type, ttl in s, start and end of the data) of `count` records from `at` on; errors as above."""
    while count:
        name, at = read_name(packet, at)
        end = at + 10 + (packet[at + 8] << 8 | packet[at + 9])
        if end > len(packet):
            raise ValueError
        kind = packet[at] << 8 | packet[at + 1]
        yield name, kind, int.from_bytes(packet[at + 4 : at + 8], "big"), at + 10, end
        at = end
        count -= 1


class Responder:
    """Answers for the service `instance` on `host`.local:`port`. Give it an address with `network`.

    `fields` is a sequence of (key, value) for the TXT record: id, path, ski, brand, type, model, serial, cat;
    txtvers and register are added here. `state` is "off", "no network", "port taken", "probing" or "announced".
    ValueError when a field has more than 255 bytes or all have more than 400.
    """

    def __init__(self, instance, host, port, fields):
        self.state = "off"
        self.address = None  # of the A record, 4 bytes; None while there is no network
        self.interface = None  # for multicast where there is a choice, 4 bytes
        self.peers = None  # a ship.dnssd_peers.Peers, when peers are looked for
        instance = instance.encode()[:_LABEL_BYTES]
        host = host.encode()[:_LABEL_BYTES]
        self._labels = instance, host
        self._numbers = bytearray(2)
        self._port = bytes((0, 0, 0, 0, port >> 8, port & 255))
        text = b"\x09txtvers=1"
        for key, value in fields:
            entry = (key + "=" + value).encode()
            text += bytes((len(entry),)) + entry
        if len(text) > _TEXT_BYTES:
            raise ValueError("TXT record too long")
        self._text = text + b"\x0eregister=false"
        self._names = self._keys = self._data = self._out = None  # made for each packet; 2 KB
        self._step = 0
        self._next_ms = 0
        self._pending = 0  # what is to be multicast at _due_ms
        self._due_ms = 0
        self._said_ms = -_RECENT_MS

    def register(self, on):
        """Say that this node accepts any peer now (`register=true`), or no longer; announces the change."""
        text = self._text[: self._text.rfind(b"register=") - 1]
        self._text = text + (b"\x0dregister=true" if on else b"\x0eregister=false")
        self.announce()

    def announce(self):
        """Announce again, twice, as after a change; without effect before the names are probed."""
        if self._step > _ANNOUNCE:
            self._step = _ANNOUNCE
            self._next_ms = 0

    def network(self, address, interface=None):
        """The node has the IPv4 address `address` (4 bytes) now, None for no network; it is probed and announced.

        On a host with several interfaces `interface` is the address of the one for multicast.
        """
        self.interface = interface
        self.address = address
        self._probe(0, 0)
        if not address:
            self.state = "no network"

    def _build(self):
        """Make the names and data of the records."""
        names = []
        for at in (0, 1):
            name = self._labels[at]
            if self._numbers[at]:
                name += (b" (%d)", b"-%d")[at] % (self._numbers[at] + 1)
            names.append(bytes((len(name),)) + name + _SERVICE[11 * at :])
        instance, host = names
        types = b"\x09_services\x07_dns-sd\x04_udp" + _SERVICE[11:]
        self._names = (_SERVICE, instance, instance, host, types, host)
        self._keys = [name.lower() for name in self._names]
        self._data = (instance, self._port + host, self._text, self.address, _SERVICE, host + b"\0\1\x40")

    def _probe(self, now_ms, wait_ms):
        self.state = "probing"
        self._step = self._pending = 0
        self._next_ms = now_ms + wait_ms

    def _begin(self, head):
        self._out = bytearray(head + bytes(12 - len(head)))

    def _end(self):
        out = self._out
        self._names = self._keys = self._data = self._out = None
        return out

    def _ask(self, record, kind):
        self._out += self._names[record] + bytes((kind >> 8, kind & 255, 0, 1))
        self._out[5] += 1

    def _records(self, section, say, unique, ttl):
        """Append records to a section: 7 answer, 9 authority, 11 additional."""
        for at in range(6):
            if say >> at & 1:
                data = self._data[at]
                size = len(data)
                flush = (unique >> at & 1) << 7
                self._out += self._names[at] + bytes((0, _KIND[at], flush, 1, 0, 0, 0, ttl, size >> 8, size & 255))
                self._out += data
                self._out[section] += 1

    def _answer(self, say, ttl, unique=_UNIQUE):
        """Append answers and what belongs to them."""
        self._records(7, say, unique, ttl)
        more = 0
        if say & _POINTER:
            more = _ALL
        elif say & (_SERVER | _NO_OTHER):
            more = _ADDRESS
        self._records(11, more & ~say, unique, ttl)

    def _tell(self, say, ttl):
        """The message that says it to the group, or to a peer's own port."""
        self._build()
        self._begin(b"\0\0\x84")
        self._answer(say, ttl)
        return self._end()

    def _claim(self):
        """A probe: does anybody have our names?"""
        self._build()
        self._begin(b"")
        self._ask(1, _ANY)
        self._ask(3, _ANY)
        self._records(9, _SERVER | _TEXT | _ADDRESS, 0, _TTL_S)
        return self._end()

    def tick(self, now_ms):
        """The next packet for the group, or None; to be asked every 100 ms or so, again at once after a packet."""
        if not self.address:
            return None
        if self._step < _DONE and now_ms >= self._next_ms:
            self._step += 1
            if self._step <= _ANNOUNCE:
                self._next_ms = now_ms + 250
                return self._claim()
            self._next_ms = now_ms + 1000
            self.state = "announced"
            self._pending |= _ALL
            self._due_ms = now_ms
        if self._pending and now_ms >= self._due_ms:
            say = self._pending
            self._pending = 0
            self._said_ms = now_ms
            return self._tell(say, _TTL_S)
        return self.peers and self.peers.ask(now_ms)

    def goodbye(self):
        """Stop: a packet that takes all records back, or None when nothing was announced."""
        announced = self.state == "announced"
        self.state = "off"
        self._step = 0
        return self._tell(_ALL, 0) if announced and self.address else None

    def handle(self, packet, port, now_ms):
        """Take in a packet that came from `port`; returns the reply to its sender, or None.

        What the group shall hear comes from `tick`. A malformed packet counts as far as it can be read.
        """
        if len(packet) < 12:
            return None
        self._build()
        self._take(packet, port, now_ms)
        return self._end()

    def _take(self, packet, port, now_ms):
        # What `handle` does, while the names are there.
        direct = say = known = conflict = heard = stronger = number = asked = 0
        response = packet[2] & 128
        answers = packet[7]  # as many as 255 would not fit in what is read
        count = answers + packet[9]
        at = 12
        try:
            for _ in range(packet[5]):
                name, at = read_name(packet, at)
                kind = packet[at] << 8 | packet[at + 1]
                at += 4
                for record in range(5):
                    if response or name != self._keys[record]:
                        continue
                    bit = 1 << record
                    if kind != _KIND[record] and kind != _ANY:
                        bit = _NO_OTHER if record == 3 else 0
                    if bit and (port != _PORT or packet[at - 2] & 128):
                        direct |= bit
                        asked = record, kind
                    else:
                        say |= bit
            if response:
                count += packet[11]
                if self.peers:
                    self.peers.take(packet, at, count, now_ms, self._keys[1])
            for name, kind, ttl, at, end in read_records(packet, at, count):
                for record in range(4):
                    if name != self._keys[record] or kind != _KIND[record]:
                        continue
                    ours = self._data[record]
                    theirs = packet[at:end]
                    if record < 2:  # the data end in a name
                        ours = ours.lower()
                        theirs = theirs[: 6 * record].lower() + read_name(packet, at + 6 * record)[0]
                    bit = 1 << record
                    if response:
                        if ttl and theirs != ours:
                            conflict |= bit
                    elif number >= answers:
                        heard |= bit
                        if theirs > ours:
                            stronger |= bit
                    elif theirs == ours and ttl >= _TTL_S // 2:
                        known |= bit
                number += 1
        except (IndexError, ValueError):
            pass
        if self.state == "probing":
            for which, bits in ((0, _SERVER | _TEXT), (1, _ADDRESS)):
                if conflict & bits:  # the name is taken: the next number, slowly in a long quarrel
                    self._numbers[which] = number = self._numbers[which] % 99 + 1
                    self._probe(now_ms, 5000 if number > 14 else urandom(1)[0])
            # Two probe at once (RFC 6762 8.2): the records sorted by type are compared, who has the greater wins.
            if stronger & (_TEXT | _ADDRESS) or heard & (_SERVER | _TEXT) == _SERVER:
                self._probe(now_ms, 1000)
            return
        if self.state != "announced":
            return
        if conflict & (_SERVER | _ADDRESS):
            self._probe(now_ms, 0)
            return
        if not packet[5]:  # more known answers to an earlier question
            self._pending &= ~known
        direct &= ~known
        say &= ~known
        if port == _PORT and now_ms - self._said_ms >= _RECENT_MS:
            say |= direct
            direct = 0
        if say:
            wait_ms = 0
            if packet[2] & 2:  # truncated: known answers follow
                wait_ms = 420
            elif say & (_POINTER | _TYPE):
                wait_ms = 20 + (urandom(1)[0] * 100 >> 8)
            due_ms = max(now_ms + wait_ms, self._said_ms + 1000)
            if packet[9]:  # a probe for our name
                due_ms = now_ms
            if not self._pending or due_ms < self._due_ms:
                self._due_ms = due_ms
            self._pending |= say
        if not direct:
            return
        if port == _PORT:
            self._begin(b"\0\0\x84")
            self._answer(direct, _TTL_S)
            return
        self._begin(packet[:2] + b"\x84")  # a plain resolver wants its question back, and no cache-flush bit
        self._ask(*asked)
        self._answer(direct, _LEGACY_TTL_S, 0)
