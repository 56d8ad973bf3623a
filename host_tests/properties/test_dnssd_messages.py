"""DNS messages and the responder under made-up input: round trips, zeroconf as second reader, garbage."""

from hypothesis import example, given, settings
from hypothesis import strategies as st
from zeroconf import DNSIncoming

from ship.dnssd import Responder, read_name, read_records
from ship.dnssd_peers import Peers

SERVICE = b"\x05_ship\x04_tcp\x05local\0"
SKI = "0123456789abcdef0123456789abcdef01234567"
HOME = bytes((192, 0, 2, 7))

LABELS = st.lists(st.sampled_from([b"a", b"B", b"box", b"local", b"_ship", b"\xc3\xa4", b"x" * 63]), max_size=3)
NAMES = LABELS.map(lambda labels: b"".join(bytes((len(label),)) + label for label in labels) + b"\0")


@settings(max_examples=150)
@given(st.lists(st.tuples(NAMES, st.binary(max_size=20), NAMES, st.integers(0, 2**31)), max_size=5))
def test_records_written_with_compression_are_read_back(records):
    packet, places = bytes(12), {}

    def put(name):
        written = b""
        while len(name) > 1 and name not in places:
            places[name] = len(packet) + len(written)
            written += name[: name[0] + 1]
            name = name[name[0] + 1 :]
        return written + (name if len(name) == 1 else (places[name] | 0xC000).to_bytes(2, "big"))

    for name, data, target, ttl in records:
        packet += put(name) + b"\0\x63\x80\1" + ttl.to_bytes(4, "big")
        packet += bytes(2) + data  # the length comes when the name is known
        name = put(target)
        packet = packet[: -len(data) - 2] + bytes((0, len(data) + len(name))) + data + name
    read = list(read_records(packet, 12, len(records)))
    assert len(read) == len(records)
    for (name, kind, ttl, at, end), wanted in zip(read, records):
        assert (name, kind, ttl) == (wanted[0].lower(), 99, wanted[3])
        assert packet[at : at + len(wanted[1])] == wanted[1]
        assert read_name(packet, at + len(wanted[1])) == (wanted[2].lower(), end)


TEXTS = st.text("abc \u00e4\u65e5(2).", min_size=1, max_size=19)


@settings(max_examples=60)
@given(instance=TEXTS, host=st.from_regex("[a-z][a-z0-9-]{0,30}", fullmatch=True), port=st.integers(1, 65535),
       address=st.binary(min_size=4, max_size=4), brand=TEXTS, register=st.booleans())  # fmt: skip
def test_zeroconf_reads_what_we_announce(instance, host, port, address, brand, register):
    responder = Responder(instance, host, port, (("id", "x"), ("ski", SKI), ("brand", brand)))
    responder.network(address)
    responder.register(register)
    peers = Peers(2)
    for step in range(4):
        packet = bytes(responder.tick(step * 250))
    read = DNSIncoming(packet)
    assert read.valid
    pointer, server, text, host_address = read.answers()
    assert pointer.name == "_ship._tcp.local." and not pointer.unique
    assert pointer.alias == server.name == text.name == instance + "._ship._tcp.local."
    assert (server.port, server.server, server.ttl, server.unique) == (port, host + ".local.", 120, True)
    assert (host_address.name, host_address.address, host_address.unique) == (host + ".local.", address, True)
    other = Responder("other", "other", 1, ())
    other.peers = peers
    other.handle(packet, 5353, 0)
    shown = "%d.%d.%d.%d" % tuple(address)
    assert peers.known(119999) == [(SKI, "x", shown, port, "/", register)]
    assert peers.known(120000) == []


# Pieces that make packets which come close to being valid.
PIECES = st.sampled_from(
    [SERVICE, b"\x03Box\xc0\x0c", b"\x03Box" + SERVICE, b"\x03box\x05local\0", b"\xc0\x0c", b"\xc0", b"\0\x0c\0\x01",
     b"\0\xff\0\x01", b"\0\x21\x80\x01\0\0\0\x78\0\x08", b"\0\x10\0\x01\0\0\0\x78\0\x04",
     b"\0\x01\0\x01\0\0\0\x78\0\x04",
     b"\xff\xff", b"\0\0\0\0\x12\x68", b"\x03ski", b"\x2eski=" + SKI.encode()[:42], b"\xc0\x02\0\x00"]
)  # fmt: skip
HEADS = st.tuples(st.sampled_from([b"\0\0", b"\x84\0", b"\2\0"]), st.lists(st.integers(0, 3), min_size=4, max_size=4))
PACKETS = st.one_of(
    st.binary(max_size=100),
    st.tuples(HEADS, st.lists(st.one_of(PIECES, st.binary(max_size=6)), max_size=12)).map(
        lambda made: b"\0\0" + made[0][0] + b"".join(bytes((0, count)) for count in made[0][1]) + b"".join(made[1])
    ),
)


@settings(max_examples=500)
@given(st.lists(PACKETS, max_size=6), st.sampled_from([5353, 40000]), st.booleans())
@example([b"\0\0\x84\0\xff\xff\xff\xff\xff\xff\xff\xff" + b"\xc0\x0c" * 20], 5353, True)
def test_garbage_never_raises_and_costs_no_more_than_its_place(received, port, probing):
    responder = Responder("Box", "box", 4712, (("id", "x"), ("ski", SKI)))
    responder.peers = Peers(2)
    responder.network(HOME)
    if not probing:
        for now_ms in range(0, 3000, 250):
            responder.tick(now_ms)
    now_ms = 10000
    for packet in received:
        reply = responder.handle(packet, port, now_ms)
        assert reply is None or DNSIncoming(bytes(reply)).valid
        for _ in range(3):
            sent = responder.tick(now_ms)
            assert sent is None or DNSIncoming(bytes(sent)).valid
        now_ms += 700
    assert len(responder.peers._nodes) <= 2
    for now_ms in range(20000, 30000, 250):
        responder.tick(now_ms)
    assert responder.state == "announced"
