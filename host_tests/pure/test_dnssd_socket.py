"""The socket of the DNS-SD responder through changes of the network, in a time of its own."""

import asyncio
import errno

from host_tests.pure.socket_stand_in import SocketStandIn
from ship import dnssd_socket
from ship.dnssd import Responder

_HERE, _THERE = b"\xc0\0\2\1", b"\xc0\0\2\2"


class Net(SocketStandIn):
    """In the place of the module socket. `fails`: what sending, `taken`: whether binding raises."""

    def __init__(self):
        self.joined = []
        self.sent = 0
        self.binds = 0
        self.fails = None
        self.taken = False

    def bind(self, _):
        self.binds += 1
        if self.taken:
            raise OSError(errno.EADDRINUSE, "in use")

    def setsockopt(self, level, option, value):
        if isinstance(value, bytes) and len(value) == 8:
            self.joined.append(value[4:])

    def sendto(self, packet, address):
        if self.fails:
            raise self.fails
        self.sent += 1

    def close(self):
        pass


class Bench:
    """An Announcer that is asked every 100 ms; nobody listens."""

    def __init__(self, address=_HERE, taken=False):
        self.now_ms = 0
        self.net = Net()
        self.net.taken = taken
        self.responder = Responder("box", "box", 4712, ())
        self.responder.network(address)
        self.announcer = dnssd_socket.Announcer(self.responder, lambda: self.now_ms)

    def run(self, ms):
        kept = dnssd_socket.socket, dnssd_socket.readable
        dnssd_socket.socket = self.net
        dnssd_socket.readable = lambda sock: asyncio.sleep(3600)

        async def steps():
            for _ in range(ms // 100):
                self.announcer.step()
                self.now_ms += 100

        try:
            asyncio.run(steps())
        finally:
            dnssd_socket.socket, dnssd_socket.readable = kept


def test_the_port_is_bound_before_there_is_an_address_and_once():
    bench = Bench(None)
    bench.run(3000)
    assert bench.net.binds == 1 and bench.responder.state == "no network" and not bench.net.joined
    bench.responder.network(_HERE)
    bench.run(5000)
    assert bench.net.binds == 1 and bench.net.joined == [_HERE] and bench.responder.state == "announced"


def test_another_address_joins_the_group_anew_and_is_announced():
    bench = Bench()
    bench.run(5000)
    sent = bench.net.sent
    assert bench.net.joined == [_HERE] and bench.responder.state == "announced" and sent >= 5
    bench.responder.network(_THERE)
    bench.run(5000)
    assert bench.net.joined == [_HERE, _THERE] and bench.responder.state == "announced"
    assert bench.net.sent >= sent + 5


def test_a_port_that_is_taken_is_tried_every_30_s():
    bench = Bench(_HERE, True)
    bench.run(29000)
    assert bench.net.binds == 1 and bench.responder.state == "port taken"
    bench.net.taken = False
    bench.run(6000)
    assert bench.net.binds == 2 and bench.responder.state == "announced"


def test_while_nothing_can_be_sent_there_is_no_network_and_then_all_is_announced_anew():
    bench = Bench()
    bench.run(5000)
    bench.net.fails = OSError(101, "network is unreachable")
    bench.responder.announce()
    bench.run(5000)
    assert bench.responder.state == "no network" and 3 <= len(bench.net.joined) <= 4  # every 2 s
    bench.net.fails = None
    sent = bench.net.sent
    bench.run(5000)
    assert bench.responder.state == "announced" and bench.net.sent >= sent + 5
