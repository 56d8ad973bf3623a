"""Frames and property rows against a plain model: what is encoded comes back, whatever the bytes."""

from hypothesis import given
from hypothesis import strategies as st

from echonet.frame import begin, check, put
from echonet.node import Node
from echonet.object import EchonetObject, constant

_SIZES = {1: 1, 2: 2, 3: 2, 4: 4, 5: 1, 10: 2, 12: 4}
_RANGES = {1: (0, 253), 2: (0, 65533), 3: (0, 32766), 4: (0, 999999999), 5: (0, 100), 10: (-32767, 32766),
           12: (-999999999, 999999999)}
_PROPERTIES = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=255)), min_size=1, max_size=255)
_EOJ = st.integers(0, 0xFFFFFF)


def frame(tid, seoj, deoj, esv, *lists):
    body = b"".join(
        bytes((len(each),)) + b"".join(bytes((epc, len(edt))) + edt for epc, edt in each) for each in lists)
    return b"\x10\x81" + tid.to_bytes(2, "big") + seoj.to_bytes(3, "big") + deoj.to_bytes(3, "big") + bytes(
        (esv,)) + body


def parse(data):
    """The property lists of a frame, read the plain way; None when it is malformed."""
    lists = []
    at = 11
    try:
        for _ in range(2 if data[10] & 15 == 14 else 1):
            each = []
            count = data[at]
            at += 1
            for _ in range(count):
                size = data[at + 1]
                edt = data[at + 2:at + 2 + size]
                if len(edt) < size:
                    return None
                each.append((data[at], edt))
                at += 2 + size
            lists.append(each)
    except IndexError:
        return None
    return lists if all(lists) else None


def answers(node, request, room=522):
    out = bytearray(room)
    replies = []
    node.handle(request, len(request), out, lambda size, group: replies.append(bytes(out[:size])))
    return replies


@given(st.integers(0, 65535), _EOJ, _EOJ, st.sampled_from([0x60, 0x61, 0x62, 0x72, 0x73, 0x52]), _PROPERTIES,
       st.binary(max_size=4))
def test_well_formed_frames_are_accepted_and_their_truncations_are_not(tid, seoj, deoj, esv, properties, more):
    data = frame(tid, seoj, deoj, esv, properties)
    assert check(data + more, len(data + more)) == 0
    for length in (len(data) - 1, 12, 11, 0, len(data) // 2):
        if length < len(data):
            assert check(data, length) in (1, 5)


@given(st.binary(max_size=80), st.sampled_from(b"\x60\x62\x6e\x7e\x74"))
def test_check_agrees_with_the_plain_reading(tail, esv):
    data = b"\x10\x81\0\1\5\xff\1\2\xa1\1" + bytes((esv,)) + tail
    assert (check(data, len(data)) == 0) == (parse(data) is not None)


@given(st.integers(0, 65535), _EOJ, _EOJ, st.integers(0, 255))
def test_head_round_trip(tid, seoj, deoj, esv):
    out = bytearray(11)
    begin(out, tid, seoj, deoj, esv)
    assert out == frame(tid, seoj, deoj, esv)


@given(st.sampled_from(sorted(_SIZES)), st.integers(-(1 << 31), (1 << 32) - 1))
def test_number_round_trip(kind, number):
    class Module:
        value = None

        def get(self, epc):
            return self.value

        def set(self, epc, value):
            self.value = value
            return True

    module = Module()
    one = EchonetObject(0x02A101, ((bytes((0xEB, 0x30 | kind)), module),))
    size = _SIZES[kind]
    low, high = _RANGES[kind]
    edt = (number & (1 << 8 * size) - 1).to_bytes(size, "big")
    meant = int.from_bytes(edt, "big", signed=low < 0)
    assert one.set(0xEB, edt, 0, size) == (low <= meant <= high)
    out = bytearray(8)
    if module.value is not None:
        assert module.value == meant
        assert one.get(0xEB, out, 2, 8) == size and out[2:2 + size] == edt
    module.value = number
    assert one.get(0xEB, out, 0, 8) == (size if low <= number <= high else 0)
    put(out, 0, number, 4)
    assert out[:4] == (number & 0xFFFFFFFF).to_bytes(4, "big")


class _Store:
    """Raw bytes by EPC, refusing those that start with FF."""

    def __init__(self):
        self.kept = {}

    def read(self, epc, out, at):
        value = self.kept.get(epc, b"")
        out[at:at + len(value)] = value
        return len(value)

    def write(self, epc, data, at, size):
        if data[at] == 255:
            return False
        self.kept[epc] = bytes(data[at:at + size])
        return True


_ROWS = b"\x90\x30\xff\x91\x20\xff\x92\x10\xff" + constant(0xA0, b"here")


@given(st.sampled_from([0x60, 0x61, 0x62, 0x63, 0x6E, 0x74]), st.lists(st.tuples(
    st.sampled_from([0x90, 0x91, 0x92, 0xA0, 0xB0, 0x10]), st.binary(max_size=12)), min_size=1, max_size=20),
    st.lists(st.tuples(st.sampled_from([0x90, 0x92, 0xA0, 0xB0]), st.just(b"")), min_size=1, max_size=20))
def test_replies_follow_a_model(esv, first, second):
    store = _Store()
    node = Node(b"abc", b"0123456789abc", (EchonetObject(0x02A101, ((_ROWS, store),)),))
    request = frame(7, 0x05FF01, 0x02A101, esv, *([first, second] if esv == 0x6E else [first]))
    replies = answers(node, request)

    kept, good, expected = {}, True, []
    for at, each in enumerate([first, second] if esv == 0x6E else [first]):
        made = []
        for epc, edt in each:
            if esv in (0x60, 0x61) or esv == 0x6E and at == 0:
                fine = epc in (0x90, 0x91) and edt != b"" and edt[0] != 255
                if fine:
                    kept[epc] = edt
                made.append((epc, b"" if fine else edt))
            elif esv == 0x74:
                fine = True
                made.append((epc, b""))
            else:
                value = b"here" if epc == 0xA0 else kept.get(epc, b"") if epc != 0x91 else b""
                fine = value != b""
                made.append((epc, value))
            good = good and fine
        expected.append(made)
    assert store.kept == kept
    if esv == 0x60 and good:
        assert replies == []
    else:
        result = (0x7A if esv == 0x74 else esv + 0x10) if good else esv - 0x10
        assert replies == [frame(7, 0x02A101, 0x05FF01, result, *expected)]


@given(st.lists(st.tuples(st.sampled_from([0x90, 0xA0, 0xB0]), st.binary(max_size=30)), min_size=1, max_size=255),
       st.integers(1, 255))
def test_long_gets_keep_every_property_within_the_size(asked, size):
    store = _Store()
    store.kept[0x90] = bytes(size)
    node = Node(b"abc", b"0123456789abc", (EchonetObject(0x02A101, ((_ROWS, store),)),))
    request = frame(7, 0x05FF01, 0x02A101, 0x62, asked)
    (reply,) = answers(node, request)
    assert len(reply) <= min(max(512, len(request)), 522)
    (properties,) = parse(reply)
    assert [epc for epc, _ in properties] == [epc for epc, _ in asked]
    for epc, edt in properties:
        assert edt in {0x90: (b"", bytes(size)), 0xA0: (b"", b"here"), 0xB0: (b"",)}[epc]
    assert reply[10] == (0x72 if all(edt for _, edt in properties) else 0x52)


@given(st.sets(st.integers(0x80, 0xFF)))
def test_maps_of_any_set_of_properties(codes):
    codes -= {0x9D, 0x9E, 0x9F}

    rows = b"".join(bytes((epc, 0x21)) for epc in sorted(codes))
    one = EchonetObject(0x02A101, ((rows, None),))
    out = bytearray(20)
    size = one.get(0x9E, out, 0, 20)
    assert out[0] == len(codes) and size == min(len(codes), 16) + 1
    if len(codes) < 16:
        found = set(out[1:size])
    else:
        found = {(8 + bit) << 4 | low for low in range(16) for bit in range(8) if out[1 + low] >> bit & 1}
    assert found == codes
