"""How the DNS-SD responder comes by its names, keeps, announces and gives them up."""

from binascii import hexlify

from host_tests.pure.dnssd_packets import (
    A, ANNOUNCEMENT, ANY, FIELDS, HOME, HOST, INSTANCE, PTR, SERVICE, SRV, TEXT, TXT, announced,
    kinds, packets, plain, query, read, response,
)  # fmt: skip
from ship.dnssd import Responder


def test_it_probes_three_times_and_announces_twice():
    responder = Responder("Box", "box", 4712, FIELDS)
    assert responder.state == "off" and responder.tick(0) is None
    responder.network(HOME)
    assert responder.state == "probing"
    sent = packets(responder, 0, 5000)
    assert [at for at, _ in sent] == [0, 250, 500, 750, 1750]
    for _, packet in sent[:3]:
        flags, questions, sections = read(packet)
        assert flags == 0
        assert questions == [(plain(INSTANCE), ANY, 1), (HOST, ANY, 1)]
        assert kinds(sections[0]) == kinds(sections[2]) == []
        assert sections[1] == [
            (plain(INSTANCE), SRV, 1, 120, b"\0\0\0\0\x12\x68" + HOST),
            (plain(INSTANCE), TXT, 1, 120, TEXT),
            (HOST, A, 1, 120, HOME),
        ]
    assert sent[3][1] == sent[4][1]
    assert hexlify(sent[3][1]) == hexlify(ANNOUNCEMENT)
    assert responder.state == "announced"


def test_it_says_nothing_before_the_names_are_its_own():
    responder = Responder("Box", "box", 4712, FIELDS)
    responder.network(HOME)
    packets(responder, 0, 700)
    assert responder.handle(query((SERVICE, PTR, 1), ident=7), 40000, 700) is None
    assert responder.handle(query((SERVICE, PTR, 1)), 5353, 700) is None
    assert [at for at, _ in packets(responder, 700, 1700)] == [750]


def test_pitfall_15_a_taken_instance_name_gets_a_number():
    responder = Responder("Box", "box", 4712, FIELDS)
    responder.network(HOME)
    packets(responder, 0, 300)
    responder.handle(response((INSTANCE, SRV, 120, b"\0\0\0\0\x12\x69", b"\x05other\x05local\0")), 5353, 300)
    sent = packets(responder, 300, 5000)
    assert len(sent) == 5 and sent[0][0] <= 560
    assert read(sent[0][1])[1][0][0] == b"\x07box (2)" + SERVICE
    assert read(sent[0][1])[1][1][0] == HOST
    answers = read(sent[4][1])[2][0]
    assert answers[0] == (SERVICE, PTR, 1, 120, b"\x07box (2)" + SERVICE)
    responder.network(HOME)
    packets(responder, 6000, 6100)
    responder.handle(response((b"\x07Box (2)" + SERVICE, TXT, 120, b"\0", None)), 5353, 6100)
    assert read(packets(responder, 6100, 6400)[0][1])[1][0][0] == b"\x07box (3)" + SERVICE


def test_a_taken_host_name_gets_a_number():
    responder = Responder("Box", "box", 4712, FIELDS)
    responder.network(HOME)
    packets(responder, 0, 300)
    responder.handle(response((HOST, A, 120, bytes((192, 0, 2, 8)), None)), 5353, 300)
    sent = packets(responder, 300, 5000)
    assert read(sent[0][1])[1][0][0] == plain(INSTANCE)
    answers = read(sent[4][1])[2][0]
    assert answers[1][4] == b"\0\0\0\0\x12\x68\x05box-2\x05local\0"
    assert answers[3] == (b"\x05box-2\x05local\0", A, 0x8001, 120, HOME)


def test_our_own_records_and_farewells_of_others_are_no_conflict():
    responder = Responder("Box", "box", 4712, FIELDS)
    responder.network(HOME)
    packets(responder, 0, 300)
    responder.handle(ANNOUNCEMENT, 5353, 300)
    responder.handle(response((HOST, A, 0, bytes((192, 0, 2, 8)), None)), 5353, 300)
    assert [at for at, _ in packets(responder, 300, 5000)] == [500, 750, 1750]


def test_a_long_quarrel_slows_down():
    responder = Responder("Box", "box", 4712, FIELDS)
    responder.network(HOME)
    now_ms = 0
    for number in range(1, 20):
        name = b"box" if number == 1 else b"box (%d)" % number
        name = bytes((len(name),)) + name + SERVICE
        responder.handle(response((name, TXT, 120, b"\0", None)), 5353, now_ms)
        first = packets(responder, now_ms, now_ms + 6000)[0][0]
        assert first - now_ms >= 5000 if number >= 15 else first - now_ms <= 260
        responder.network(HOME)


def test_a_rival_probe_with_greater_records_makes_us_wait_a_second():
    for record, text_too, yields in (
        ((HOST, A, 120, bytes((192, 0, 2, 8)), None), False, True),
        ((HOST, A, 120, bytes((192, 0, 2, 6)), None), False, False),
        ((HOST, A, 120, HOME, None), False, False),
        ((INSTANCE, TXT, 120, b"\x0atxtvers=10", None), False, True),
        ((INSTANCE, TXT, 120, b"\x08txtvers=", None), False, False),
        ((INSTANCE, SRV, 120, b"\0\0\0\0\0\0", b"\0"), False, True),  # SRV sorts after our TXT
        ((INSTANCE, SRV, 120, b"\0\0\0\0\xff\xff", b"\1z\0"), True, False),  # the TXT decides
    ):
        responder = Responder("Box", "box", 4712, FIELDS)
        responder.network(HOME)
        packets(responder, 0, 300)
        authority = [record]
        if text_too:
            authority.append((INSTANCE, TXT, 120, b"\0", None))
        responder.handle(query((record[0], ANY, 1), authority=authority), 5353, 300)
        first = packets(responder, 300, 3000)[0]
        assert first[0] == (1300 if yields else 500), record
        assert read(first[1])[1][0][0] == plain(INSTANCE)


def test_an_announced_name_is_defended_at_once():
    responder = announced()
    responder.handle(query((HOST, A, 1)), 5353, 9990)
    assert len(packets(responder, 9990, 10000)) == 1
    probe = query((INSTANCE, ANY, 1), authority=((INSTANCE, SRV, 120, b"\0\0\0\0\1\1", HOST),))
    responder.handle(probe, 5353, 10000)
    sent = packets(responder, 10000, 10010)
    assert kinds(read(sent[0][1])[2][0]) == [SRV, TXT]


def test_nothing_is_answered_while_the_name_is_in_doubt_or_after_the_goodbye():
    responder = announced()
    responder.handle(query((SERVICE, PTR, 1)), 5353, 10000)
    responder.handle(response((HOST, A, 120, bytes((192, 0, 2, 8)), None)), 5353, 10000)
    sent = packets(responder, 10000, 10700)
    assert len(sent) == 3 and all(read(packet)[0] == 0 for _, packet in sent)  # probes
    assert responder.handle(query((HOST, A, 1)), 40000, 10700) is None
    responder = announced()
    responder.goodbye()
    assert responder.handle(query((HOST, A, 1)), 40000, 10000) is None


def test_a_record_cut_short_is_no_conflict():
    responder = Responder("Box", "box", 4712, FIELDS)
    responder.network(HOME)
    packets(responder, 0, 300)
    responder.handle(ANNOUNCEMENT[:-60], 5353, 300)  # ends within the TXT record
    assert [at for at, _ in packets(responder, 300, 5000)] == [500, 750, 1750]


def test_a_conflict_after_the_announcement_is_probed_again():
    responder = announced()
    responder.handle(response((HOST, A, 120, bytes((192, 0, 2, 8)), None)), 5353, 10000)
    assert responder.state == "probing"
    sent = packets(responder, 10000, 13000)
    assert len(sent) == 5 and read(sent[0][1])[1][1][0] == HOST  # the name is kept unless it is claimed again


def test_an_old_text_of_our_own_is_no_conflict():
    responder = announced()
    responder.register(True)
    responder.handle(ANNOUNCEMENT, 5353, 10000)
    assert responder.state == "announced"


def test_the_register_flag_is_announced():
    responder = announced()
    responder.register(True)
    sent = packets(responder, 10000, 13000)
    assert [at for at, _ in sent] == [10000, 11000]
    assert read(sent[0][1])[2][0][2][4].endswith(b"\x0dregister=true")
    responder.register(False)
    assert read(packets(responder, 13000, 13100)[0][1])[2][0][2][4] == TEXT


def test_a_new_address_is_probed_and_announced():
    responder = announced()
    responder.network(None)
    assert responder.state == "no network"
    responder.handle(query((HOST, A, 1)), 5353, 10000)
    assert packets(responder, 10000, 20000, 100) == []
    responder.network(bytes((198, 51, 100, 9)))
    sent = packets(responder, 20000, 23000)
    assert len(sent) == 5
    assert read(sent[3][1])[2][0][3] == (HOST, A, 0x8001, 120, bytes((198, 51, 100, 9)))


def test_it_says_goodbye_once():
    responder = announced()
    flags, _, sections = read(responder.goodbye())
    assert flags == 0x8400
    assert [(record[1], record[3]) for record in sections[0]] == [(PTR, 0), (SRV, 0), (TXT, 0), (A, 0)]
    assert sections[2] == []
    assert responder.state == "off" and responder.goodbye() is None
    responder = Responder("Box", "box", 4712, FIELDS)
    responder.network(HOME)
    assert responder.goodbye() is None  # nothing was announced yet
