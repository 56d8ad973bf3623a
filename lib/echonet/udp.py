"""ECHONET Lite over UDP: port 3610, group 224.0.23.0, replies always to port 3610 of whoever asked.

On a device one socket on 0.0.0.0 gets everything. Where several nodes share a host, `bind` names this node's own
address; a second socket on the group's address then gets the multicast frames, and `interface` is the address of
the interface that carries the group.
"""

import asyncio
import socket
from random import randrange

from bounded.compat import const
from bounded.wait import readable, sleep_ms

_PORT = const(3610)
_RX = const(1472)
_POOR = const(256)
_TX = const(522)  # 512, and what 255 properties without value take
_GROUP = "224.0.23.0"
_TICK_MS = const(100)
_RETRY_MS = const(2000)  # between attempts to announce while the network is away
_LATER = const(4)  # requests to all instances that wait at a time
_KEEP = const(128)  # and how long such a one may be; what is more is answered at once


def _octets(address):
    return bytes(map(int, address.split(".")))


def _port_3610(address):
    # The peer's own address with our port in it, in the form the platform gives addresses in.
    if isinstance(address, tuple):
        return (address[0], _PORT)
    address = bytearray(address)
    address[2] = _PORT >> 8
    address[3] = _PORT & 255
    return address


class Server:
    """Carries the frames of `node`. Await `run()` once, for ever, or call `step()` every 100 ms.

    Requests to all instances (instance 00) are answered after a random 100 ms to `spread_ms` (200 or more); the
    instance list is announced again, and the group joined again, every `repeat_ms`.
    """

    def __init__(self, node, bind="0.0.0.0", interface="0.0.0.0", spread_ms=1000, repeat_ms=300000):
        self.node = node
        self.bind = bind
        self._member = b"\xe0\0\x17\0" + _octets(interface)
        self._spread = spread_ms // _TICK_MS - 1
        self._repeat_ms = repeat_ms
        self._out = memoryview(bytearray(_TX))
        self._reply = self._send  # bound once
        self._sockets = []
        self._tasks = ()  # that listen
        self._later = []  # [ticks left, datagram, its sender]
        self._wait_ms = 0  # until the instance list is announced again
        self.multicast = 0  # datagrams on the group's own socket, or to all instances where there is none
        self.sent = 0
        self.errors = 0  # of the sockets
        self.failure = None  # the last exception out of a part's module: a defect here, not a peer's doing

    def renew(self):
        """The network is there again, or its address changed: join the group and announce ourselves soon."""
        self._wait_ms = 0

    async def run(self):
        """`step` every 100 ms, until cancelled."""
        try:
            while True:
                self.step()
                await sleep_ms(_TICK_MS)
        finally:
            self._close()

    def step(self):
        """100 ms have passed in an event loop: announce what changed and answer what was put off. Opens the sockets,
        again and again while the address is not there."""
        self._wait_ms -= _TICK_MS
        if self._later:
            self._answer_late()
        if self._wait_ms <= 0 and (self._sockets or self._begin()):
            self._repeat()
        if self._sockets:
            self._announce()

    def _begin(self):
        """Open the sockets; False when that must be tried again."""
        try:
            self._open()
        except OSError:
            self.errors += 1
            self._close()
            self._wait_ms = _RETRY_MS
            return False
        self._tasks = [asyncio.create_task(self._listen(sock)) for sock in self._sockets]
        for each in self.node.objects:
            each.changes(self._out)  # what is there at the start is no change
        return True

    def _repeat(self):
        try:
            self._sockets[-1].setsockopt(0, getattr(socket, "IP_ADD_MEMBERSHIP", 35), self._member)
        except OSError:
            pass  # still a member, or the network is away: tried again with the next announcement
        self._wait_ms = self._repeat_ms
        self._send(self.node.instances(self._out), True)

    def _answer_late(self):
        i = 0
        while i < len(self._later):
            late = self._later[i]
            late[0] -= 1
            if late[0]:
                i += 1
            else:
                self._later.pop(i)
                self._answer(late[1], late[2])

    def _open(self):
        self._group = socket.getaddrinfo(_GROUP, _PORT)[0][-1]
        for address in (self.bind,) if self.bind == "0.0.0.0" else (self.bind, _GROUP):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._sockets.append(sock)
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(socket.getaddrinfo(address, _PORT)[0][-1])
        if address == _GROUP:
            # Numbers of Linux where the platform does not name them. A device has one socket and needs none of it.
            self._sockets[0].setsockopt(0, getattr(socket, "IP_MULTICAST_IF", 32), _octets(self.bind))

    def _close(self):
        for task in self._tasks:
            task.cancel()
        self._tasks = ()
        while self._sockets:
            self._sockets.pop().close()

    async def _listen(self, sock):
        room = _RX
        while True:
            await readable(sock)  # one datagram a turn: the guard's task comes first
            room = self._receive(sock, room)
            if not room:
                room = _RX
                await sleep_ms(_TICK_MS)

    def _receive(self, sock, room):
        """Take one datagram of up to `room` bytes, in a function of its own: a task would keep it while it waits.

        Gives the room for the next one; 0, none came: wait a little."""
        try:
            data, sender = sock.recvfrom(room)
        except (OSError, MemoryError) as error:
            self.errors += 1
            if room == _RX and isinstance(error, MemoryError):
                return _POOR  # a heap in pieces: what is longer is cut off, and then dropped as such
            return 0
        grouped = sock is self._sockets[-1]
        everyone = 11 < len(data) < _KEEP and not data[9]
        try:
            if grouped and (everyone or len(self._sockets) > 1):
                self.multicast += 1
                # A Set acts at once; what only asks can wait, so that not all nodes answer in one moment.
                if everyone and data[10] in b"\x62\x63\x74" and len(self._later) < _LATER:
                    self._later.append([randrange(self._spread) + 2, data, sender])
                    return _RX
            self._answer(data, sender)
        except MemoryError:  # not even the code that answers found room
            self.errors += 1
        return _RX

    def _answer(self, data, sender):
        self._peer = _port_3610(sender)
        try:
            if self.node.handle(data, len(data), self._out, self._reply) in b"\x60\x61\x6e":
                self._announce()
        except Exception as error:
            self.failure = error

    def _announce(self):
        try:
            for each in self.node.objects:
                size = self.node.announce(each, self._out)
                if size and not self._send(size, True):
                    each.forget()
        except Exception as error:
            self.failure = error

    def _send(self, size, to_group):
        try:
            self._sockets[0].sendto(self._out[:size], self._group if to_group else self._peer)
            self.sent += 1
            return True
        except OSError:
            self.errors += 1
            self._wait_ms = _RETRY_MS  # the network may be away: announce ourselves when it is back
            return False
