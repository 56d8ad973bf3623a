"""The DNS-SD responder, packet by packet: what it sends when, and what it answers to whom."""

from binascii import hexlify

from host_tests.pure.support import raises
from ship.dnssd import Responder, read_name, read_records

SKI = "0123456789abcdef0123456789abcdef01234567"
FIELDS = (("id", "W-4711"), ("path", "/ship/"), ("ski", SKI))
SERVICE = b"\x05_ship\x04_tcp\x05local\0"
TYPES = b"\x09_services\x07_dns-sd\x04_udp\x05local\0"
INSTANCE = b"\x03Box" + SERVICE
HOST = b"\x03box\x05local\0"
TEXT = b"\x09txtvers=1\x09id=W-4711\x0bpath=/ship/\x2cski=" + SKI.encode() + b"\x0eregister=false"
A, PTR, TXT, AAAA, SRV, NSEC, ANY = 1, 12, 16, 28, 33, 47, 255
HOME = bytes((192, 0, 2, 7))
QU = 0x8000

# The announcement, octet by octet (RFC 1035 4.1, RFC 6762 18).
ANNOUNCEMENT = (
    b"\0\0\x84\0\0\0\0\x04\0\0\0\0"
    + SERVICE + b"\0\x0c\0\x01\0\0\0\x78\0\x16" + INSTANCE  # shared: no cache-flush bit
    + INSTANCE + b"\0\x21\x80\x01\0\0\0\x78\0\x11" + b"\0\0\0\0\x12\x68" + HOST
    + INSTANCE + b"\0\x10\x80\x01\0\0\0\x78" + bytes((0, len(TEXT))) + TEXT
    + HOST + b"\0\x01\x80\x01\0\0\0\x78\0\x04" + HOME
)  # fmt: skip


def plain(name):
    return name.lower()


def read(packet):
    """(flags, questions, [answers, authority, additional]); a record is (name, type, class, ttl, data)."""
    packet = bytes(packet)
    counts = [packet[at] << 8 | packet[at + 1] for at in (4, 6, 8, 10)]
    at = 12
    questions = []
    for _ in range(counts[0]):
        name, at = read_name(packet, at)
        questions.append((name, packet[at] << 8 | packet[at + 1], packet[at + 2] << 8 | packet[at + 3]))
        at += 4
    sections = []
    for count in counts[1:]:
        records = []
        for name, kind, ttl, start, end in read_records(packet, at, count):
            at = end
            data = packet[start:end]
            if kind == PTR:
                data = read_name(packet, start)[0]
            elif kind == SRV:
                data = packet[start : start + 6] + read_name(packet, start + 6)[0]
            elif kind == NSEC:
                data, rest = read_name(packet, start)
                data += packet[rest:end]
            records.append((name, kind, packet[start - 8] << 8 | packet[start - 7], ttl, data))
        sections.append(records)
    assert at == len(packet)
    return packet[2] << 8 | packet[3], questions, sections


def shorter(packet, name):
    """`name` as it goes after `packet`: compressed when its end stands there already."""
    for at in range(len(name) - 1):
        found = packet.find(name[at:])
        if name[at:] in packet and found >= 12 and at in label_starts(name):
            return name[:at] + bytes((0xC0 | found >> 8, found & 255))
    return name


def label_starts(name):
    starts = [0]
    while name[starts[-1]]:
        starts.append(starts[-1] + name[starts[-1]] + 1)
    return starts


def records_of(packet, records, flush):
    for name, kind, ttl, data, target in records:
        packet += shorter(packet, name) + bytes((0, kind, flush, 1, 0, 0, 0, ttl))
        if target:
            data += shorter(packet + bytes(2) + data, target)
        packet += bytes((0, len(data))) + data
    return packet


def query(*questions, ident=0, flags=0, known=(), authority=()):
    """A query; a question is (name, type, class), a record (name, type, ttl, data, name at the end of the data)."""
    counts = (ident, flags, len(questions), len(known), len(authority), 0)
    packet = b"".join([bytes((count >> 8, count & 255)) for count in counts])
    for name, kind, klass in questions:
        packet += shorter(packet, name) + bytes((0, kind, klass >> 8, klass & 255))
    return records_of(records_of(packet, known, 0), authority, 0)


def response(*records):
    return records_of(bytes((0, 0, 0x84, 0, 0, 0, 0, len(records), 0, 0, 0, 0)), records, 0x80)


def kinds(records):
    return [record[1] for record in records]


def packets(responder, start_ms, end_ms, step_ms=10):
    """[(time, packet)] that go to the group."""
    sent = []
    for now_ms in range(start_ms, end_ms, step_ms):
        packet = responder.tick(now_ms)
        while packet:
            sent.append((now_ms, bytes(packet)))
            packet = responder.tick(now_ms)
    return sent


def announced(now_ms=10000, **more):
    """A responder that is through with probing and announcing at `now_ms`."""
    responder = Responder("Box", "box", 4712, FIELDS)
    responder.network(HOME)
    packets(responder, now_ms - 10000, now_ms)
    assert responder.state == "announced"
    return responder


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


def test_a_taken_instance_name_gets_a_number():
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


def test_the_longest_names_and_fields_fit():
    fields = (("id", "i" * 63), ("path", "/ship/"), ("ski", SKI), ("brand", "b" * 32), ("type", "t" * 32),
              ("model", "m" * 32), ("serial", "s" * 32), ("cat", "3"))  # fmt: skip
    responder = Responder("n" * 70, "h" * 70, 65535, fields)
    responder.network(HOME)
    for number in range(30):  # "... (31)"
        packets(responder, number * 10000, number * 10000 + 10, 10)
        name, host = responder._names[1], responder._names[3]
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
