"""The socket of the DNS-SD responder (dnssd.py): port 5353, bound once, through changes of the network."""

import asyncio
import errno
import socket
from os import urandom

from bounded.compat import const
from bounded.wait import readable, sleep_ms

_PORT = const(5353)
_MAX_PACKET = const(1024)  # longer ones are read in part; recvfrom takes this much heap for a moment
_NETWORK_GONE_MS = const(2000)


async def _listen(sock, responder, clock):
    while True:
        await readable(sock)
        try:
            packet, sender = sock.recvfrom(_MAX_PACKET)
            port = sender[1] if isinstance(sender, tuple) else sender[2] << 8 | sender[3]
            packet = responder.handle(packet, port, clock())
            if packet:
                sock.sendto(packet, sender)
        except (OSError, MemoryError):
            await sleep_ms(20)


async def serve(responder, clock, again_ms=30000):
    """Serve until cancelled, through changes of the network; `clock()` gives monotonic ms.

    The port is bound before there is an address: a device's own mDNS takes it at that moment. Port 5353 in use is the
    state "port taken", tried again every `again_ms`. On cancellation the group gets a goodbye. While nothing can be
    sent the state is "no network"; once it can, all is probed and announced anew.
    """
    sock = listener = None
    try:
        while True:
            wait_ms = urandom(1)[0]  # not all boxes of a street at once
            address = responder.address
            if not address:
                responder.state = "no network"
            try:
                if not sock:
                    sock, wait_ms = _bound(), 0
                    listener = asyncio.create_task(_listen(sock, responder, clock))
                await sleep_ms(wait_ms)
                if address and address == responder.address:
                    await _announced(sock, address, responder, clock)
            except OSError as error:
                taken = error.errno == errno.EADDRINUSE
                responder.state = "port taken" if taken else "no network"
                await sleep_ms(again_ms if taken else _NETWORK_GONE_MS)
    finally:
        if listener:
            listener.cancel()
            await sleep_ms(0)  # it lets go of the socket
        if sock:
            sock.close()


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


async def _announced(sock, address, responder, clock):
    """Join the group and serve until the network changes."""
    interface = responder.interface
    try:  # numbers of Linux where the platform names none; a device has one interface and takes no choice of it
        sock.setsockopt(0, getattr(socket, "IP_ADD_MEMBERSHIP", 35), b"\xe0\0\0\xfb" + (interface or address))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:  # a member already
            raise
    if interface:
        sock.setsockopt(0, getattr(socket, "IP_MULTICAST_IF", 32), interface)
    group = socket.getaddrinfo("224.0.0.251", _PORT)[0][-1]
    responder.network(address, interface)
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
