"""What is learnt about other SHIP nodes from DNS-SD, how long it holds, and what is asked for."""

from host_tests.pure.dnssd_packets import ANY, HOST, PTR, SERVICE, SKI, SRV, TXT, A, announced, query, read, response
from ship.dnssd_peers import Peers

EMS = b"\x03ems" + SERVICE
EMS_HOST = b"\x07ems-box\x05local\0"
EMS_SKI = "a" * 40
PORT = b"\0\0\0\0\x12\x69"
EMS_ADDRESS = bytes((192, 0, 2, 99))


def text(*entries):
    data = b""
    for entry in entries:
        data += bytes((len(entry),)) + entry
    return data


EMS_TEXT = text(b"txtvers=1", b"id=EMS-1", b"path=/ship/", b"ski=" + EMS_SKI.encode(), b"register=true")
POINTER = (SERVICE, PTR, 120, b"", EMS)
SERVER = (EMS, SRV, 120, PORT, EMS_HOST)
TEXT = (EMS, TXT, 120, EMS_TEXT, None)
ADDRESS = (EMS_HOST, A, 120, EMS_ADDRESS, None)
FOUND = (EMS_SKI, "EMS-1", "192.0.2.99", 4713, "/ship/", True)


def hearing(*packets, limit=3):
    """The Peers of a responder that heard the packets at 10000 ms."""
    responder = announced()
    responder.peers = Peers(limit)
    for packet in packets:
        responder.handle(packet, 5353, 10000)
    return responder.peers


def test_one_packet_with_everything_is_enough_in_any_order():
    for records in ((POINTER, SERVER, TEXT, ADDRESS), (ADDRESS, TEXT, SERVER, POINTER), (ADDRESS, SERVER, TEXT)):
        assert hearing(response(*records)).known(10000) == [FOUND]


def test_the_records_may_come_one_by_one():
    assert hearing(*[response(record) for record in (POINTER, TEXT, SERVER, ADDRESS)]).known(10000) == [FOUND]
    assert hearing(*[response(record) for record in (POINTER, TEXT, SERVER)]).known(10000) == []


def test_it_holds_as_long_as_its_server_record():
    peers = hearing(response(POINTER, SERVER, TEXT, ADDRESS))
    assert peers.known(129999) == [FOUND] and peers.known(130000) == []


def test_an_address_that_is_taken_back_is_none():
    gone = (EMS_HOST, A, 0, EMS_ADDRESS, None)
    assert hearing(response(POINTER, SERVER, TEXT, gone)).known(10000) == []


def test_a_farewell_ends_it():
    goodbyes = (SERVICE, PTR, 0, b"", EMS), (EMS, SRV, 0, PORT, EMS_HOST)
    for goodbye in goodbyes:
        assert hearing(response(SERVER, TEXT, ADDRESS), response(goodbye)).known(10000) == []
    farewell_of_an_unknown = response((SERVICE, PTR, 0, b"", b"\x01x" + SERVICE))
    assert hearing(response(SERVER, TEXT, ADDRESS), farewell_of_an_unknown).known(10000) == [FOUND]


def test_a_change_replaces_what_was_known():
    new = text(b"SKI=" + b"B" * 40, b"ski=" + b"c" * 40, b"Register=false", b"flag")
    peers = hearing(response(SERVER, TEXT, ADDRESS), response((EMS, TXT, 120, new, None)))
    assert peers.known(10000) == [("b" * 40, None, "192.0.2.99", 4713, "/", False)]


def test_a_node_without_a_proper_ski_is_none():
    for entry in (b"ski=" + b"a" * 39, b"other=1", b"ski"):
        assert hearing(response(SERVER, (EMS, TXT, 120, text(entry), None), ADDRESS)).known(10000) == []


def test_we_are_not_our_own_peer():
    responder = announced()
    responder.peers = Peers(3)
    responder.announce()
    responder.handle(bytes(responder.tick(10000)), 5353, 10000)
    assert responder.peers.known(10000) == []


def test_other_services_and_questions_teach_nothing():
    other = (b"\x03ems\x05_http\x04_tcp\x05local\0", SRV, 120, PORT, EMS_HOST)
    other_text = (other[0],) + TEXT[1:]
    asked = query(known=(POINTER, SERVER, TEXT, ADDRESS))
    assert hearing(response(other, other_text, ADDRESS), asked).known(10000) == []


def test_there_are_never_more_than_the_limit():
    peers = Peers(2)
    responder = announced()
    responder.peers = peers
    for number in range(9):
        name = bytes((1, 0x61 + number)) + SERVICE
        ski = b"ski=" + b"%040x" % number
        records = (name, SRV, 120, PORT, EMS_HOST), (name, TXT, 120, text(ski), None), ADDRESS
        responder.handle(response(*records), 5353, 10000 + number)
    assert sorted([peer[0] for peer in peers.known(11000)]) == ["%040x" % 7, "%040x" % 8]


def questions(packet):
    return read(packet)[1]


def test_it_asks_at_once_and_then_ever_less_often():
    peers = Peers(3)
    asked = []
    for now_ms in range(0, 300000, 100):
        packet = peers.ask(now_ms)
        if packet:
            assert questions(packet) == [(SERVICE, PTR, 1)]
            asked.append(now_ms)
    assert asked == [0, 1000, 4000, 13000, 40000, 100000, 160000, 220000, 280000]
    peers.search()
    assert peers.ask(300000) and not peers.ask(300999) and peers.ask(301000)


def test_the_questions_wait_for_our_own_announcement():
    responder = announced()
    responder.peers = Peers(3)
    responder.network(bytes((192, 0, 2, 7)))
    first = read(bytes(responder.tick(10000)))
    assert first[1][1] == (HOST, ANY, 1)  # a probe


def test_what_is_missing_is_asked_for():
    peers = hearing(response(POINTER))
    assert questions(peers.ask(10000))[1:] == [(EMS, ANY, 1)]
    peers = hearing(response(SERVER, TEXT))
    assert questions(peers.ask(10000))[1:] == [(EMS, ANY, 1), (EMS_HOST, A, 1)]
    peers = hearing(response(SERVER, TEXT, ADDRESS))
    assert questions(peers.ask(10000))[1:] == []


def test_a_name_that_never_gets_its_records_is_forgotten():
    peers = hearing(response(POINTER))
    assert len(questions(peers.ask(19999))) == 2
    assert len(questions(peers.ask(90000))) == 1 and not peers._nodes


def test_every_truncation_of_an_answer_is_survived():
    whole = response(POINTER, SERVER, TEXT, ADDRESS)
    for length in range(len(whole)):
        assert hearing(whole[:length]).known(10000) == []
    assert SKI != EMS_SKI
