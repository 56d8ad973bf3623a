"""Property rows: maps in both encodings (reference 1.10), kinds and ranges, constants, announcements."""

from echonet.frame import put
from echonet.object import EchonetObject, constant
from host_tests.interop.echonet_node_fixture_objects import Demo, charger, node


def octets(text):
    return bytes([int(text[i : i + 2], 16) for text in text.split() for i in range(0, len(text), 2)])


def value(one, epc, limit=522):
    out = bytearray(600)
    size = one.get(epc, out, 0, limit)
    assert not any(out[size:])
    return bytes(out[:size]) if size else None


def rows(codes, access):
    return b"".join([bytes((code, access << 4 | 1)) for code in octets(codes)])


class Values:
    """Any value, none at first."""

    def __init__(self, value=None):
        self.value = value
        self.calls = []

    def get(self, epc):
        return self.value

    def set(self, epc, value):
        self.calls.append((epc, value))
        return True


# --- 1.10, the map vectors


def test_map_of_42_readable_properties():
    codes = "80 81 82 83 84 85 86 87 88 89 8A 8B 8C 8D 8E 8F 93 97 98 99 9A C5 C7 C8 CA CC CE CF D0 D2 D3 D8 DA"
    one = EchonetObject(0x02A101, ((rows(codes + " E2 E4 E6 E7 EB ED", 1), Values()),))
    assert value(one, 0x9F) == octets("2A 21 01 61 23 41 11 41 53 33 03 33 41 11 43 13 13")


def test_map_of_14_settable_properties():
    one = EchonetObject(0x02A101, ((rows("80 81 87 93 97 98 99 8F CD D9 DA E7 EB ED", 2), Values()),))
    assert value(one, 0x9E)[0] == 14
    assert sorted(value(one, 0x9E)[1:]) == sorted(octets("80 81 87 93 97 98 99 8F CD D9 DA E7 EB ED"))


def test_map_of_the_mandatory_announcements():
    one = EchonetObject(0x02A101, ((rows("80 81 88 C7 DA", 5), Values()),))
    assert value(one, 0x9D) == octets("05 80 81 88 C7 DA")


def test_map_of_the_minimum_get_of_02a1():
    one = EchonetObject(0x02A101, ((rows("80 81 82 88 8A C5 C7 CC DA E6", 1), Values()),))
    assert value(one, 0x9F) == octets("0D 80 81 82 88 8A 9D 9E 9F C5 C7 CC DA E6")
    assert value(one, 0x9E) == value(one, 0x9D) == b"\0"


def test_map_of_the_minimum_get_of_027e():
    one = EchonetObject(0x027E01, ((rows("80 81 82 88 89 8A 8C C5 C6 C7 C8 C9 CA CB CC DA DC DD E6", 1), Values()),))
    assert value(one, 0x9F) == octets("16 01 01 01 00 00 10 50 10 11 11 31 10 31 22 02 02")


def test_maps_of_15_and_16_properties_differ_in_form():
    one = EchonetObject(0x02A101, ((rows("80 81 82 83 84 85 86 87 88 89 8A 8B 8C 8D 8E", 2), Values()),))
    assert len(value(one, 0x9E)) == 16 and value(one, 0x9E)[0] == 15
    one = EchonetObject(0x02A101, ((rows("80 81 82 83 84 85 86 87 88 89 8A 8B 8C 8D 8E FF", 2), Values()),))
    assert value(one, 0x9E) == octets("10 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 80")


def test_maps_of_the_node_profile():
    profile = node().objects[0]
    assert value(profile, 0x9E) == b"\0"
    assert value(profile, 0x9D) == octets("02 80 D5")
    assert value(profile, 0x9F) == octets("0D 80 82 83 8A 8C 9D 9E 9F D3 D4 D5 D6 D7")


def test_every_property_of_the_maps_does_what_the_map_says():
    one = charger()
    out = bytearray(522)
    readable = mapped(value(one, 0x9F))
    settable = mapped(value(one, 0x9E))
    for epc in range(256):
        if epc not in (0xE2, 0xE4):  # in the map, unknown here
            assert (one.get(epc, out, 0, 522) > 0) == (epc in readable), epc
        done = False
        for data in (b"\0\0\0\1", b"\0\1", b"\x30", b"\x42", b"\x10", b"\0"):
            done = one.set(epc, data, 0, len(data)) or done
        assert done == (epc in settable), epc


def mapped(edt):
    if edt[0] < 16:
        return list(edt[1:])
    return [8 + bit << 4 | low for low in range(16) for bit in range(8) if edt[1 + low] >> bit & 1]


# --- the node profile


def test_node_profile_of_one_charger():
    profile = node().objects[0]
    for epc, edt in (
        (0x80, "30"),
        (0x82, "01 0E 01 00"),
        (0x83, "FE FFFFF0 64656D6F20636861726765722000"[:-2]),
        (0x8A, "FFFFF0"),
        (0xD3, "000001"),
        (0xD4, "0002"),
        (0xD5, "01 02A101"),
        (0xD6, "01 02A101"),
        (0xD7, "01 02A1"),
    ):
        assert value(profile, epc) == octets(edt), epc


def test_node_profile_of_three_instances_in_two_classes():
    profile = node(charger(), charger(0x02A102), charger(0x027E01)).objects[0]
    assert value(profile, 0xD3) == octets("000003")
    assert value(profile, 0xD4) == octets("0003")
    assert value(profile, 0xD6) == octets("03 02A101 02A102 027E01")
    assert value(profile, 0xD7) == octets("02 02A1 027E")


# --- kinds

_NUMBERS = (
    # kind, size, lowest and highest value and how they look
    (1, 0, "00", 253, "FD"),
    (2, 0, "0000", 65533, "FFFD"),
    (3, 0, "0000", 32766, "7FFE"),
    (4, 0, "00000000", 999999999, "3B9AC9FF"),
    (5, 0, "00", 100, "64"),
    (10, -32767, "8001", 32766, "7FFE"),
    (12, -999999999, "C4653601", 999999999, "3B9AC9FF"),
)


def test_numbers_at_the_ends_of_their_range():
    for kind, low, low_edt, high, high_edt in _NUMBERS:
        module = Values()
        one = EchonetObject(0x02A101, ((bytes((0x99, 0x30 | kind)), module),))
        for number, edt in ((low, octets(low_edt)), (high, octets(high_edt))):
            module.value = number
            assert value(one, 0x99) == edt
            assert one.set(0x99, b"\0\0" + edt, 2, len(edt))
            assert module.calls.pop() == (0x99, number)
        for number in (low - 1, high + 1, None):
            module.value = number
            assert value(one, 0x99) is None
            if number is not None:
                edt = bytearray(len(edt))
                put(edt, 0, number, len(edt))
                assert not one.set(0x99, edt, 0, len(edt))
        for size in range(6):
            if size != len(edt):
                assert not one.set(0x99, bytes(8), 0, size)
        assert module.calls == []


def test_enumeration_takes_only_its_values():
    module = Values(0xFF)
    one = EchonetObject(0x02A101, ((b"\xc7\x36\x03\x30\x40\xff", module),))
    assert [byte for byte in range(256) if one.set(0xC7, bytes((byte,)), 0, 1)] == [0x30, 0x40, 0xFF]
    assert not one.set(0xC7, b"\x30\x30", 0, 2)
    assert value(one, 0xC7) == b"\xff"


def test_write_only_cannot_be_read():
    module = Values(5)
    one = EchonetObject(0x02A101, ((b"\xd9\x21\xda\x11", module),))
    assert value(one, 0xDA) == b"\5" and value(one, 0xD9) is None
    assert one.set(0xD9, b"\5", 0, 1) and not one.set(0xDA, b"\5", 0, 1)


def test_constant_cannot_be_set():
    one = EchonetObject(0x02A101, ((constant(0x8A, b"abc") + constant(0x8B, b"def"), None),))
    assert value(one, 0x8A) == b"abc" and value(one, 0x8B) == b"def"
    assert not one.set(0x8A, b"abc", 0, 3)


def test_value_of_two_numbers():
    assert value(charger(), 0xC8) == octets("00000578 00002AF8")


def test_nothing_is_written_beyond_the_limit():
    one = charger()
    for epc in range(0x80, 0x100):
        size = len(value(one, epc) or b"")
        for limit in range(size):
            assert value(one, epc, limit) is None


def test_keep_leaves_out_the_rest():
    one = charger(keep=b"\x80\xda")
    assert value(one, 0x9F) == octets("05 80 9D 9E 9F DA")
    assert value(one, 0x9E) == value(one, 0x9D) == octets("02 80 DA")
    assert value(one, 0x82) is None and not one.set(0xEB, bytes(4), 0, 4)


def test_one_module_may_serve_two_objects():
    demo = Demo()
    first, second = charger(0x02A101, demo), charger(0x027E01, demo)
    assert first.set(0xDA, b"\x44", 0, 1)
    assert value(second, 0xDA) == b"\x44"


def test_more_than_256_bytes_of_rows():
    table = b"".join([constant(epc, b"0123456789") for epc in range(0xA0, 0xE0)])
    one = EchonetObject(0x02A101, ((table, None), (b"\xe0\x11", Values(5))))
    assert value(one, 0xDF) == b"0123456789" and value(one, 0xE0) == b"\5"


# --- announcements


def told(one):
    out = bytearray(522)
    end = one.changes(out)
    assert end == 0 or end > 12
    return bytes(out[11:end]) if end else None


def test_the_first_call_has_them_all_and_the_second_none():
    demo = Demo()
    one = charger(demo=demo)
    assert told(one) == octets("08 80 01 30 81 01 00 88 01 42 99 02 2AF8 C7 01 30 DA 01 42 EB 04 00002AF8 ED 02 00A0")
    assert told(one) is None


def test_several_changes_share_one_announcement():
    demo = Demo()
    one = charger(demo=demo)
    told(one)
    demo.values[0xC7] = 0x41
    demo.values[0xEB] = 7000
    demo.values[0xD3] = 1  # not announced
    assert told(one) == octets("02 C7 01 41 EB 04 00001B58")
    assert told(one) is None


def test_a_value_that_comes_and_goes():
    demo = Demo()
    del demo.values[0xED]
    one = charger(demo=demo)
    told(one)
    assert told(one) is None
    demo.values[0xED] = 100  # known now
    assert told(one) == octets("01 ED 02 0064")
    del demo.values[0xED]
    assert told(one) is None
    demo.values[0xED] = 100  # the same again
    assert told(one) is None


def test_a_value_that_changes_its_size():
    demo = Demo()
    one = charger(demo=demo)
    told(one)
    assert one.set(0x81, b"\1" + bytes(16), 0, 17)
    assert told(one) == octets("01 81 11 01") + bytes(16)
    assert one.set(0x81, b"\1", 0, 1)
    assert told(one) == octets("01 81 01 01")


def test_a_lost_announcement_is_repeated():
    demo = Demo()
    one = charger(demo=demo)
    everything = told(one)
    demo.values[0xDA] = 0x44
    told(one)
    one.forget()
    assert len(told(one)) == len(everything)
    assert told(one) is None


def test_own_transaction_numbers_stay_in_the_upper_half():
    one = node()
    out = bytearray(522)
    last = 0x8000
    for _ in range(0x8001):
        one.instances(out)
        tid = out[2] << 8 | out[3]
        assert tid == (last + 1 if last < 0xFFFF else 0x8000)
        last = tid
