"""The sockets of ECHONET Lite when memory is short or the address is not there yet."""

from echonet import udp
from host_tests.interop.echonet_node_fixture_objects import node

_REQUEST = b"\x10\x81\0\1\x05\xff\1\2\xa1\1\x62\1\x80\0"


class Sock:
    """What is received: datagrams or exceptions, the next one last."""

    def __init__(self, *what):
        self.what = list(what)
        self.rooms = []
        self.sent = []

    def recvfrom(self, room):
        self.rooms.append(room)
        given = self.what.pop()
        if isinstance(given, Exception):
            raise given
        return given[:room], ("192.0.2.1", 3610)

    def sendto(self, data, address):
        self.sent.append(bytes(data))


def server(sock):
    made = udp.Server(node())
    made._sockets.append(sock)
    return made


def test_a_datagram_that_found_no_room_is_tried_in_less_then_after_a_while():
    sock = Sock(_REQUEST, OSError(11), MemoryError(), MemoryError())
    one = server(sock)
    room = one._receive(sock, 1472)
    assert room == 256
    assert one._receive(sock, room) == 0 and one.errors == 2
    assert one._receive(sock, 1472) == 0 and one.errors == 3
    assert one._receive(sock, 256) == 1472 and len(sock.sent) == 1 and sock.rooms == [1472, 256, 1472, 256]


def test_who_listens_goes_on_when_the_code_that_answers_finds_no_room():
    sock = Sock(_REQUEST, _REQUEST)
    one = server(sock)
    answer = one._answer

    def no_room(*_):
        raise MemoryError

    one._answer = no_room
    assert one._receive(sock, 1472) == 1472 and one.errors == 1 and not sock.sent
    one._answer = answer
    assert one._receive(sock, 1472) == 1472 and one.errors == 1 and sock.sent[0][10] == 0x72


def test_sockets_are_opened_again_every_two_seconds_until_the_address_is_there():
    one = udp.Server(node())
    tries = []

    def away():
        tries.append(step)
        raise OSError(99)

    one._open = away
    for step in range(50):
        one.step()
    assert tries == [0, 20, 40] and one.errors == 3
    one.renew()  # the network came
    one.step()
    assert len(tries) == 4
