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
    """Carries the frames of `node`. Await `run()` once, for ever.

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
        """Open the sockets (again and again while the address is not there), announce and answer until cancelled."""
        tasks = []
        try:
            while True:
                try:
                    self._open()
                    break
                except OSError:
                    self.errors += 1
                    self._close()
                    await sleep_ms(_RETRY_MS)
            for sock in self._sockets:
                tasks.append(asyncio.create_task(self._listen(sock)))
            for each in self.node.objects:
                each.changes(self._out)  # what is there at the start is no change
            while True:
                if self._wait_ms <= 0:
                    try:
                        self._sockets[-1].setsockopt(0, getattr(socket, "IP_ADD_MEMBERSHIP", 35), self._member)
                    except OSError:
                        pass  # still a member, or the network is away: tried again with the next announcement
                    self._wait_ms = self._repeat_ms
                    self._send(self.node.instances(self._out), True)
                self._announce()
                await sleep_ms(_TICK_MS)
                self._wait_ms -= _TICK_MS
                i = 0
                while i < len(self._later):
                    late = self._later[i]
                    late[0] -= 1
                    if late[0]:
                        i += 1
                    else:
                        self._later.pop(i)
                        self._answer(late[1], late[2])
        finally:
            for task in tasks:
                task.cancel()
            self._close()

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
        while self._sockets:
            self._sockets.pop().close()

    async def _listen(self, sock):
        room = _RX
        while True:
            await readable(sock)  # one datagram a turn: the guard's task comes first
            try:
                data, sender = sock.recvfrom(room)
                room = _RX
            except (OSError, MemoryError) as error:
                self.errors += 1
                if room == _RX and isinstance(error, MemoryError):
                    room = _POOR  # a heap in pieces: what is longer is cut off, and then dropped as such
                else:
                    await sleep_ms(_TICK_MS)
                continue
            grouped = sock is self._sockets[-1]
            everyone = 11 < len(data) < _KEEP and not data[9]
            if grouped and (everyone or len(self._sockets) > 1):
                self.multicast += 1
                # A Set acts at once; what only asks can wait, so that not all nodes answer in one moment.
                if everyone and data[10] in b"\x62\x63\x74" and len(self._later) < _LATER:
                    self._later.append([randrange(self._spread) + 2, data, sender])
                    continue
            self._answer(data, sender)

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
