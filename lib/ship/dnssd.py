"""DNS-SD responder for one SHIP service, `_ship._tcp.local` (RFC 6762 mDNS, RFC 6763 DNS-SD, SHIP 7.3).

`Responder` is pure: packets and the time go in, packets come out. `serve` gives it a socket on port 5353.

A name that turns out to be taken gets a number: "wallbox (2)" for the service, "wallbox-2.local" for the host.
An AAAA question for the host is answered with NSEC ("IPv4 only"), so that nobody waits for an IPv6 address.
Answers that others might give as well wait for a random 20..120 ms; nothing is multicast twice within a second,
except in defence of a name. Probes ask for multicast answers, so that several responders may share the port.
"""

import asyncio
import errno
import socket
from os import urandom
from struct import unpack_from

from bounded.compat import const
from bounded.wait import readable, sleep_ms
from ship.dns_message import Message, read_name, read_records

_PORT = const(5353)
_ANY = const(255)
_TTL_S = const(120)  # SHIP 7.3 for all records of the service
_LEGACY_TTL_S = const(10)
_RECENT_MS = const(30000)  # a quarter of the TTL: what was multicast since may be answered by unicast

_MAX_PACKET = const(1024)  # longer ones are read in part; recvfrom takes this much heap for a moment
_NETWORK_GONE_MS = const(2000)

# What can be said: the records 0..5 and their bits.
_POINTER = const(1)  # service -> instance
_SERVER = const(2)
_TEXT = const(4)
_ADDRESS = const(8)
_TYPE = const(16)  # the list of service types -> service
_NO_OTHER = const(32)  # NSEC: the host has nothing but A
_ALL = const(15)
_UNIQUE = const(46)
_KIND = b"\x0c\x21\x10\x01\x0c\x2f"

_SERVICE = b"\x05_ship\x04_tcp\x05local\0"
_TYPES = b"\x09_services\x07_dns-sd\x04_udp\x05local\0"

# Steps: 0..2 probe, 3 and 4 announce, 5 done.
_ANNOUNCE = const(3)
_DONE = const(5)


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
        self._labels = [instance.encode()[:57], host.encode()[:57]]
        self._numbers = [1, 1]
        self._port = bytes((0, 0, 0, 0, port >> 8, port & 255))
        text = b"\x09txtvers=1"
        for key, value in fields:
            entry = (key + "=" + value).encode()
            if len(entry) > 255:
                raise ValueError("TXT field too long: " + key)
            text += bytes((len(entry),)) + entry
        if len(text) > 400:
            raise ValueError("TXT record too long")
        self._text = text
        self._message = Message(400 + len(text))
        self._step = 0
        self._next_ms = 0
        self._pending = 0  # what is to be multicast at _due_ms
        self._due_ms = 0
        self._said_ms = -_RECENT_MS
        self.register(False)

    def _build(self):
        """Make the names and data of the records anew."""
        labels = []
        for at, form in ((0, b" (%d)"), (1, b"-%d")):
            label = self._labels[at]
            if self._numbers[at] > 1:
                label += form % self._numbers[at]
            labels.append(bytes((len(label),)) + label)
        instance = labels[0] + _SERVICE
        host = labels[1] + _SERVICE[-7:]
        self._names = (_SERVICE, instance, instance, host, _TYPES, host)
        self._keys = (_SERVICE, instance.lower(), instance.lower(), host.lower(), _TYPES)
        text = self._text + (b"\x0dregister=true" if self._register else b"\x0eregister=false")
        # each record's bytes, then a name
        self._data = ((b"", instance), (self._port, host), (text, None), (self.address, None), (b"", _SERVICE), (b"", host))

    def register(self, on):
        """Say that this node accepts any peer now (`register=true`), or no longer; announces the change."""
        self._register = on
        self._build()
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
        self._build()
        self._probe(0, 0)
        if not address:
            self.state = "no network"

    def _taken(self, which, now_ms):
        """Another host has our name: the next number, and probe once more."""
        self._numbers[which] += 1
        self._build()
        self._probe(now_ms, 5000 if self._numbers[which] > 15 else urandom(1)[0])

    def _probe(self, now_ms, wait_ms):
        self.state = "probing"
        self._step = self._pending = 0
        self._next_ms = now_ms + wait_ms

    def _records(self, section, say, unique, ttl):
        for at in range(6):
            if say >> at & 1:
                data, target = self._data[at]
                tail = b"\0\1\x40" if at == 5 else b""
                kind = _KIND[at]
                self._message.record(section, self._names[at], kind, unique >> at & 1, ttl, data, target, tail)

    def _compose(self, say, ttl, ident=0, asked=None):
        """An answer with what belongs to it; `asked` (record, type) is the question of a legacy resolver."""
        message = self._message
        message.begin(ident, 0x8400)
        unique = _UNIQUE
        if asked:
            message.question(self._names[asked[0]], asked[1])
            unique = 0
        self._records(7, say, unique, ttl)
        more = 0
        if ttl:
            if say & _POINTER:
                more = _SERVER | _TEXT | _ADDRESS
            elif say & (_SERVER | _NO_OTHER):
                more = _ADDRESS
        self._records(11, more & ~say, unique, ttl)
        return message.end()

    def tick(self, now_ms):
        """The next packet for the group, or None; to be asked every 100 ms or so, again at once after a packet.

        A packet is valid until the next call of any method.
        """
        if not self.address:
            return None
        if self._step < _DONE and now_ms >= self._next_ms:
            self._step += 1
            if self._step <= _ANNOUNCE:
                self._next_ms = now_ms + 250
                message = self._message
                message.begin(0, 0)
                message.question(self._names[1], _ANY)
                message.question(self._names[3], _ANY)
                self._records(9, _SERVER | _TEXT | _ADDRESS, 0, _TTL_S)
                return message.end()
            self._next_ms = now_ms + 1000
            self.state = "announced"
            self._pending |= _ALL
            self._due_ms = now_ms
        if self._pending and now_ms >= self._due_ms:
            say = self._pending
            self._pending = 0
            self._said_ms = now_ms
            return self._compose(say, _TTL_S)
        if self.peers:
            return self.peers.ask(self._message, now_ms)
        return None

    def goodbye(self):
        """Stop: a packet that takes all records back, or None when nothing was announced."""
        announced = self.state == "announced"
        self.state = "off"
        self._step = 0
        return self._compose(_ALL, 0) if announced and self.address else None

    def handle(self, packet, port, now_ms):
        """Take in a packet that came from `port`; returns the reply to its sender, or None.

        What the group shall hear comes from `tick`. A malformed packet counts as far as it can be read.
        """
        if len(packet) < 12:
            return None
        direct = say = known = conflict = heard = stronger = number = 0
        asked = None
        response = packet[2] & 128
        questions, answers, authority, more = unpack_from(">HHHH", packet, 4)
        try:
            at = 12
            for _ in range(questions):
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
            count = answers + authority
            if response:
                count += more
                if self.peers:
                    self.peers.take(packet, at, count, now_ms, self._keys[1])
            for name, kind, ttl, at, end in read_records(packet, at, count):
                for record in range(4):
                    if name != self._keys[record] or kind != _KIND[record]:
                        continue
                    ours, target = self._data[record]
                    if target:
                        end = at + len(ours)
                        ours += target.lower()
                    theirs = packet[at:end]
                    if target:
                        theirs += read_name(packet, end)[0]
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
            if conflict & (_SERVER | _TEXT):
                self._taken(0, now_ms)
            if conflict & _ADDRESS:
                self._taken(1, now_ms)
            # Two probe at once (RFC 6762 8.2): the records sorted by type are compared, the greater wins, we wait
            elif stronger & (_TEXT | _ADDRESS) or heard & (_SERVER | _TEXT) == _SERVER:
                self._probe(now_ms, 1000)
            return None
        if self.state != "announced":
            return None
        if conflict & (_SERVER | _ADDRESS):
            self._probe(now_ms, 0)
            return None
        if not questions:  # more known answers to an earlier question
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
            if authority:  # a probe for our name
                due_ms = now_ms
            if not self._pending or due_ms < self._due_ms:
                self._due_ms = due_ms
            self._pending |= say
        if not direct:
            return None
        if port == _PORT:
            return self._compose(direct, _TTL_S)
        return self._compose(direct, _LEGACY_TTL_S, packet[0] << 8 | packet[1], asked)


async def _listen(sock, responder, clock):
    while True:
        await readable(sock)
        try:
            packet, sender = sock.recvfrom(_MAX_PACKET)
            port = sender[1] if isinstance(sender, tuple) else sender[2] << 8 | sender[3]
            reply = responder.handle(packet, port, clock())
            if reply:
                sock.sendto(reply, sender)
        except (OSError, MemoryError):
            await sleep_ms(20)


async def serve(responder, clock, again_ms=30000):
    """Serve until cancelled, through changes of the network; `clock()` gives monotonic ms.

    Port 5353 in use is the state "port taken", tried again every `again_ms`. On cancellation the group gets a
    goodbye. While nothing can be sent the state is "no network"; once it can, all is probed and announced anew.
    """
    group = socket.getaddrinfo("224.0.0.251", _PORT)[0][-1]
    while True:
        while not responder.address:
            responder.state = "no network"
            await sleep_ms(200)
        address = responder.address
        interface = responder.interface
        listener = None
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(socket.getaddrinfo("0.0.0.0", _PORT)[0][-1])
            # Numbers of Linux where the platform names none; a device has one interface and takes no choice of it.
            member = b"\xe0\0\0\xfb" + (interface or address)
            sock.setsockopt(0, getattr(socket, "IP_ADD_MEMBERSHIP", 35), member)
            if interface:
                sock.setsockopt(0, getattr(socket, "IP_MULTICAST_IF", 32), interface)
            await sleep_ms(urandom(1)[0])
            responder.network(address, interface)
            listener = asyncio.create_task(_listen(sock, responder, clock))
            try:
                while responder.address == address and responder.interface == interface:
                    packet = responder.tick(clock())
                    if packet:
                        sock.sendto(packet, group)
                    else:
                        await sleep_ms(100)
            finally:
                packet = responder.goodbye()
                if packet:
                    sock.sendto(packet, group)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            responder.state = "port taken" if taken else "no network"
            await sleep_ms(again_ms if taken else _NETWORK_GONE_MS)
        finally:
            if listener:
                listener.cancel()
                await sleep_ms(0)  # it lets go of the socket
            sock.close()
