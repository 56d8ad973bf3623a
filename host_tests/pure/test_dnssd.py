"""The DNS-SD responder, packet by packet: what it answers to whom, and when."""

from host_tests.pure.dnssd_packets import (
    A, AAAA, ANNOUNCEMENT, ANY, HOME, HOST, INSTANCE, NSEC, PTR, QU, SERVICE, SKI, SRV, TEXT, TXT,
    TYPES, announced, kinds, packets, plain, query, read, response,
)  # fmt: skip
from host_tests.pure.support import raises
from ship.dnssd import Responder, read_name


def test_a_question_for_the_service_brings_everything_in_one_packet():
    responder = announced()
    assert responder.handle(query((SERVICE, PTR, 1)), 5353, 10000) is None
    sent = packets(responder, 10000, 11000)
    assert len(sent) == 1 and 10020 <= sent[0][0] <= 10130
    flags, questions, (answers, authority, additional) = read(sent[0][1])
    assert flags == 0x8400 and questions == [] and authority == []
    assert answers == [(SERVICE, PTR, 1, 120, plain(INSTANCE))]
    assert additional == [
        (plain(INSTANCE), SRV, 0x8001, 120, b"\0\0\0\0\x12\x68" + HOST),
        (plain(INSTANCE), TXT, 0x8001, 120, TEXT),
        (HOST, A, 0x8001, 120, HOME),
    ]


def answers_to(*questions):
    responder = announced()
    responder.handle(query(*questions), 5353, 10000)
    sent = packets(responder, 10000, 11000)
    if not sent:
        return None
    assert len(sent) == 1
    sections = read(sent[0][1])[2]
    return kinds(sections[0]), kinds(sections[2])


def test_each_name_and_type_has_its_answer():
    assert answers_to((SERVICE, ANY, 1)) == ([PTR], [SRV, TXT, A])
    assert answers_to((INSTANCE, SRV, 1)) == ([SRV], [A])
    assert answers_to((INSTANCE, TXT, 1)) == ([TXT], [])
    assert answers_to((INSTANCE, ANY, 1)) == ([SRV, TXT], [A])
    assert answers_to((HOST, A, 1)) == ([A], [])
    assert answers_to((HOST, ANY, 1)) == ([A], [])
    assert answers_to((TYPES, PTR, 1)) == ([PTR], [])
    assert answers_to((SERVICE, PTR, 1), (TYPES, PTR, 1), (HOST, A, 1)) == ([PTR, A, PTR], [SRV, TXT])
    assert answers_to((SERVICE, SRV, 1)) is None
    assert answers_to((INSTANCE, A, 1)) is None
    assert answers_to((b"\x05other\x05local\0", A, 1)) is None


def test_names_are_compared_without_case():
    assert answers_to((b"\x05_SHIP\x04_Tcp\x05LOCAL\0", PTR, 1)) == ([PTR], [SRV, TXT, A])
    assert answers_to((b"\x03BOX\x05local\0", A, 1)) == ([A], [])


def test_the_list_of_service_types_names_ours():
    responder = announced()
    responder.handle(query((TYPES, PTR, 1)), 5353, 10000)
    sections = read(packets(responder, 10000, 11000)[0][1])[2]
    assert sections[0] == [(TYPES, PTR, 1, 120, SERVICE)]


def test_who_asks_for_ipv6_learns_that_there_is_only_ipv4():
    responder = announced()
    responder.handle(query((HOST, AAAA, 1)), 5353, 10000)
    sections = read(packets(responder, 10000, 11000)[0][1])[2]
    assert sections[0] == [(HOST, NSEC, 0x8001, 120, HOST + b"\0\1\x40")]
    assert kinds(sections[2]) == [A]


def test_a_known_answer_is_not_repeated():
    responder = announced()
    known = ((SERVICE, PTR, 60, b"", INSTANCE),)
    responder.handle(query((SERVICE, PTR, 1), known=known), 5353, 10000)
    assert packets(responder, 10000, 11000) == []
    for stale in (((SERVICE, PTR, 59, b"", INSTANCE),), ((SERVICE, PTR, 120, b"", b"\x03Bax" + SERVICE),)):
        responder.handle(query((SERVICE, PTR, 1), known=stale), 5353, 20000)
        assert len(packets(responder, 20000, 21500)) == 1
    known = ((INSTANCE, SRV, 120, b"\0\0\0\0\x12\x68", HOST), (HOST, A, 120, HOME, None))
    responder.handle(query((INSTANCE, ANY, 1), (HOST, A, 1), known=known), 5353, 30000)
    assert kinds(read(packets(responder, 30000, 31000)[0][1])[2][0]) == [TXT]


def test_known_answers_may_follow_a_truncated_query():
    responder = announced()
    responder.handle(query((SERVICE, PTR, 1), flags=0x200), 5353, 10000)
    assert packets(responder, 10000, 10400) == []
    responder.handle(query(known=((SERVICE, PTR, 100, b"", INSTANCE),)), 5353, 10400)
    assert packets(responder, 10400, 12000) == []
    responder.handle(query((SERVICE, PTR, 1), flags=0x200), 5353, 20000)
    assert [at for at, _ in packets(responder, 20000, 22000)] == [20420]


def test_nothing_is_multicast_twice_within_a_second():
    responder = announced()
    responder.handle(query((HOST, A, 1)), 5353, 10000)
    assert [at for at, _ in packets(responder, 10000, 10300)] == [10000]
    responder.handle(query((HOST, A, 1)), 5353, 10300)
    responder.handle(query((INSTANCE, TXT, 1)), 5353, 10400)
    sent = packets(responder, 10300, 12000)
    assert [at for at, _ in sent] == [11000]
    assert kinds(read(sent[0][1])[2][0]) == [TXT, A]


def test_a_unicast_question_gets_a_unicast_answer_if_the_group_heard_it_lately():
    responder = announced()  # announced 8 s ago
    reply = responder.handle(query((SERVICE, PTR, 1 | QU)), 5353, 10000)
    flags, questions, sections = read(reply)
    assert flags == 0x8400 and questions == []
    assert kinds(sections[0]) == [PTR] and kinds(sections[2]) == [SRV, TXT, A]
    assert sections[2][0][2] == 0x8001 and sections[2][0][3] == 120
    assert packets(responder, 10000, 11000) == []
    assert responder.handle(query((SERVICE, PTR, 1 | QU)), 5353, 60000) is None
    assert len(packets(responder, 60000, 61000)) == 1


def test_questions_of_both_kinds_are_answered_both_ways():
    responder = announced()
    reply = responder.handle(query((INSTANCE, TXT, 1 | QU), (HOST, A, 1)), 5353, 10000)
    assert kinds(read(reply)[2][0]) == [TXT]
    assert kinds(read(packets(responder, 10000, 11000)[0][1])[2][0]) == [A]


def test_a_plain_resolver_gets_its_question_back_and_short_lives():
    responder = announced()
    for port in (40000, 53):
        reply = responder.handle(query((HOST, A, 1), ident=0xBEEF), port, 10000)
        flags, questions, sections = read(reply)
        assert bytes(reply[:2]) == b"\xbe\xef" and flags == 0x8400
        assert questions == [(HOST, A, 1)]
        assert sections[0] == [(HOST, A, 1, 10, HOME)]  # no cache-flush bit
    reply = responder.handle(query((SERVICE, PTR, 1), ident=1), 40000, 10000)
    flags, questions, sections = read(reply)
    assert questions == [(SERVICE, PTR, 1)]
    assert [record[2:4] for record in sections[0] + sections[2]] == [(1, 10)] * 4
    assert packets(responder, 10000, 11000) == []
    strange = query((HOST, 0, 1))[:-4] + b"\1\0\0\1"  # type 256
    assert read(responder.handle(strange, 40000, 10000))[1] == [(HOST, 256, 1)]


def test_the_longest_names_and_fields_fit():
    fields = (("id", "i" * 63), ("path", "/ship/"), ("ski", SKI), ("brand", "b" * 32), ("type", "t" * 32),
              ("model", "m" * 32), ("serial", "s" * 32), ("cat", "3"))  # fmt: skip
    responder = Responder("n" * 70, "h" * 70, 65535, fields)
    responder.network(HOME)
    for number in range(30):  # "... (31)"
        packets(responder, number * 10000, number * 10000 + 10, 10)
        more = (b" (%d)" % (number + 1), b"-%d" % (number + 1)) if number else (b"", b"")
        name = bytes((57 + len(more[0]),)) + b"n" * 57 + more[0] + SERVICE
        host = bytes((57 + len(more[1]),)) + b"h" * 57 + more[1] + b"\x05local\0"
        responder.handle(response((name, TXT, 1, b"\0", None), (host, A, 1, b"\0\0\0\0", None)), 5353, number * 10000)
    packets(responder, 400000, 420000)
    assert responder.state == "announced"
    name = b"\x3e" + b"n" * 57 + b" (31)" + SERVICE
    host = b"\x3c" + b"h" * 57 + b"-31\x05local\0"
    asked = query((TYPES, PTR, 1), (SERVICE, PTR, 1), (host, AAAA, 1), (host, A, 1), (name, ANY, 1), ident=3)
    sections = read(responder.handle(asked, 999, 420000))[2]
    assert kinds(sections[0]) == [PTR, SRV, TXT, A, PTR, NSEC]
    assert raises(ValueError, Responder, "Box", "box", 4712, (("id", "x" * 253),))
    assert raises(ValueError, Responder, "Box", "box", 4712, [("k%d" % n, "x" * 40) for n in range(10)])


def test_a_pointer_loop_ends():
    for packet in (b"\xc0\x0c", b"\1a\xc0\x0c", b"\xc0\x0e\xc0\x0c", b"\1a\xc0\x0e\xc0\x0c"):
        assert raises(ValueError, read_name, bytes(12) + packet, 12)
    assert raises(ValueError, read_name, b"\x40" + bytes(70), 0)
    assert raises(ValueError, read_name, b"\x3f" + b"a" * 20, 0)
    assert raises(ValueError, read_name, (b"\x3f" + b"a" * 63) * 4 + b"\0", 0)
    assert raises(IndexError, read_name, b"\1a", 0)
    assert read_name(b"\1B\0\1A\xc0\0\xc0\3", 7) == (b"\1a\1b\0", 9)


def test_a_cut_query_is_answered_as_far_as_it_goes():
    whole = query((SERVICE, PTR, 1), (b"\5other\0", A, 1), known=((HOST, A, 120, HOME, None),))
    answered = 0
    for length in range(len(whole)):
        responder = announced()
        responder.handle(whole[:length], 5353, 10000)
        answered += len(packets(responder, 10000, 11000, 50))
    assert answered == len(whole) - 12 - len(SERVICE) - 3  # the last octet of the class is not looked at


def test_every_truncation_and_changed_byte_leaves_it_standing():
    responder = announced()
    probe = query((INSTANCE, ANY, 1), (HOST, ANY, 1), authority=((INSTANCE, SRV, 120, b"\0\0\0\0\1\1", HOST),))
    for packet in (ANNOUNCEMENT, probe):
        for at in range(len(packet)):
            responder.handle(packet[:at], 5353, 10000)
            for value in (0, 0x3F, 0x80, 0xC0, 0xFF):
                responder.handle(packet[:at] + bytes((value,)) + packet[at + 1 :], 5353, 10000)
    responder.network(HOME)
    assert len(packets(responder, 20000, 23000)) == 5
