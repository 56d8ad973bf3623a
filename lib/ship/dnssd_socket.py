"""The socket of the DNS-SD responder (dnssd.py): port 5353, bound once, through changes of the network."""

import asyncio
import errno
import socket
from os import urandom

from bounded.compat import const
from bounded.wait import readable, sleep_ms

_PORT = const(5353)
_MAX_PACKET = const(1024)  # longer ones are read in part; recvfrom takes this much heap for a moment
_STEP_MS = const(100)
_NETWORK_GONE_MS = const(2000)


class Announcer:
    """Carries the packets of `responder`; `clock()` gives monotonic ms. Call `step` every 100 ms in an event loop.

    The port is bound before there is an address: a device's own mDNS takes it at that moment. Port 5353 in use is the
    state "port taken", tried again every `again_ms`. While nothing can be sent the state is "no network"; once it can,
    all is probed and announced anew.
    """

    def __init__(self, responder, clock, again_ms=30000):
        self._responder = responder
        self._clock = clock
        self._again_ms = again_ms
        self._socket = self._listener = None
        self._address = self._interface = None  # with which the group is joined
        self._due_ms = 0

    async def serve(self):
        """`step`, until cancelled; then the group gets a goodbye."""
        try:
            while True:
                self.step()
                await sleep_ms(_STEP_MS)
        finally:
            self.close()
            await sleep_ms(0)  # the listener lets go of the socket

    def step(self):
        """Some time has passed: say what is due."""
        now_ms = self._clock()
        if now_ms < self._due_ms:
            return
        responder = self._responder
        try:
            if not self._address or self._address != responder.address or self._interface != responder.interface:
                self._follow(now_ms)
            while self._address:
                packet = responder.tick(now_ms)
                if not packet:
                    break
                self._send(packet)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            responder.state = "port taken" if taken else "no network"
            self._address = None
            self._due_ms = now_ms + (self._again_ms if taken else _NETWORK_GONE_MS)

    def close(self):
        """Take everything back and let go of the port."""
        try:
            self._leave()
        except OSError:
            pass
        if self._listener:
            self._listener.cancel()
        if self._socket:
            self._socket.close()

    def _follow(self, now_ms):
        """The network changed, or there is none."""
        joined = self._address
        if joined:
            self._leave()
        if not self._socket:
            self._socket = _bound()
            self._listener = asyncio.create_task(self._listen())
        if not self._responder.address:
            self._responder.state = "no network"
        elif not joined:
            self._join()
            return
        self._due_ms = now_ms + urandom(1)[0]  # not all boxes of a street at once

    def _join(self):
        responder = self._responder
        address, interface = responder.address, responder.interface
        member = b"\xe0\0\0\xfb" + (interface or address)
        try:  # numbers of Linux where the platform names none; a device has one interface and takes no choice of it
            self._socket.setsockopt(0, getattr(socket, "IP_ADD_MEMBERSHIP", 35), member)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:  # a member already
                raise
        if interface:
            self._socket.setsockopt(0, getattr(socket, "IP_MULTICAST_IF", 32), interface)
        responder.network(address, interface)
        self._address, self._interface = address, interface

    def _leave(self):
        self._address = None
        packet = self._responder.goodbye()
        if packet:
            self._send(packet)

    def _send(self, packet):
        self._socket.sendto(packet, socket.getaddrinfo("224.0.0.251", _PORT)[0][-1])

    async def _listen(self):
        while True:
            await readable(self._socket)
            if not self._receive():
                await sleep_ms(20)

    def _receive(self):
        """Take one packet, in a function of its own: the task would keep it while it waits. False when that failed."""
        try:
            packet, sender = self._socket.recvfrom(_MAX_PACKET)
            port = sender[1] if isinstance(sender, tuple) else sender[2] << 8 | sender[3]
            packet = self._responder.handle(packet, port, self._clock())
            if packet:
                self._socket.sendto(packet, sender)
            return True
        except (OSError, MemoryError):
            return False


def _bound():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(socket.getaddrinfo("0.0.0.0", _PORT)[0][-1])
    except OSError:
        sock.close()
        raise
    return sock
