"""Every row of the node's decision table (reference 1.3) and every example frame (1.7), byte for byte."""

from host_tests.interop.echonet_node_fixture_objects import Demo, charger, node

MADE = "1081 0001 05FF01 02A101 "  # the head of most requests below
BACK = "1081 0001 02A101 05FF01 "


def octets(text):
    return bytes([int(text[i : i + 2], 16) for text in text.split() for i in range(0, len(text), 2)])


def ask_all(one, request):
    """The node's replies to the frame written in hex: (frame, to the group?)."""
    out = bytearray(522)
    replies = []
    rx = octets(request)
    one.handle(rx, len(rx), out, lambda size, group: replies.append((bytes(out[:size]), group)))
    return replies


def answered(request, reply, one=None, to_group=False):
    got = ask_all(one or node(), request)
    assert got == [(octets(reply), to_group)], got
    return True


def silent(request, reason, one=None):
    one = one or node()
    assert ask_all(one, request) == []
    counts = [0] * 9
    counts[reason] = 1
    assert one.counts == counts, one.counts
    return True


def demo_node():
    demo = Demo()
    return demo, node(charger(demo=demo))


def look(one):
    """Take all announced values for known, as the server does at the start."""
    for each in one.objects:
        each.changes(bytearray(522))


def informed(one):
    """What the objects have to announce, as frames."""
    out = bytearray(522)
    frames = []
    for each in one.objects:
        size = one.announce(each, out)
        if size:
            frames.append(bytes(out[:size]))
    return frames


# --- 1.7, the example frames


def test_start_announces_the_instance_list():
    out = bytearray(522)
    size = node().instances(out)
    assert out[:size] == octets("1081 8001 0EF001 0EF001 73 01 D5 04 01 02A101")


def test_discovery():
    answered("1081 0003 05FF01 0EF001 62 01 D6 00", "1081 0003 0EF001 05FF01 72 01 D6 04 01 02A101")


def test_get_da():
    answered(MADE + "62 01 DA 00", BACK + "72 01 DA 01 42")


def test_setc_eb():
    demo, one = demo_node()
    answered("1081 0002 05FF01 02A101 61 01 EB 04 00000E60", "1081 0002 02A101 05FF01 71 01 EB 00", one)
    assert demo.values[0xEB] == 3680


def test_setc_da_43_on_a_plain_charger():
    demo, one = demo_node()
    answered(MADE + "61 01 DA 01 43", BACK + "51 01 DA 01 43", one)
    assert demo.values[0xDA] == 0x42


def test_get_e4_unknown_and_da():
    answered(MADE + "62 02 E4 00 DA 00", BACK + "52 02 E4 00 DA 01 42")


def test_inf_after_setc_da_44():
    one = node()
    look(one)
    assert informed(one) == []
    one.instances(bytearray(522))
    answered(MADE + "61 01 DA 01 44", BACK + "71 01 DA 00", one)
    assert informed(one) == [octets("1081 8002 02A101 0EF001 73 01 DA 01 44")]


# --- 1.3, the decision table


def test_wrong_header_is_silent():
    silent("1082 0001 05FF01 02A101 62 01 DA 00", 2)
    silent("1181 0001 05FF01 02A101 62 01 DA 00", 2)


def test_fewer_than_12_bytes_are_silent():
    silent("", 1)
    silent("1081 0001 05FF01 02A101 62", 1)


def test_unknown_service_is_silent():
    for esv in "65 00 6F 7F 75 FF 4E 6D".split():
        silent(MADE + esv + " 01 DA 00", 3)


def test_unknown_class_or_instance_is_silent():
    silent("1081 0001 05FF01 02A201 62 01 DA 00", 7)
    silent("1081 0001 05FF01 02A102 62 01 DA 00", 7)
    silent("1081 0001 05FF01 02A200 62 01 DA 00", 7)
    silent("1081 0001 05FF01 0EF002 62 01 D6 00", 7)


def test_more_opc_than_properties_is_silent():
    silent(MADE + "62 02 DA 00", 5)
    silent(MADE + "62 FF DA 00", 5)
    silent(MADE + "62 01", 5)
    silent(MADE + "62 01 DA", 5)


def test_pdc_beyond_the_end_is_silent_and_does_nothing():
    demo, one = demo_node()
    silent(MADE + "61 02 DA 01 44 EB 04 000000", 5, one)
    assert demo.values[0xDA] == 0x42


def test_bytes_after_the_last_property_are_ignored():
    answered(MADE + "62 01 DA 00 FF FF FF", BACK + "72 01 DA 01 42")


def test_opc_0_is_silent():
    silent(MADE + "62 00", 4)
    silent(MADE + "61 00 DA 01 44", 4)


def test_get_of_unknown_property():
    answered(MADE + "62 03 DA 00 F1 00 80 00", BACK + "52 03 DA 01 42 F1 00 80 01 30")
    answered(MADE + "62 02 00 00 7F 00", BACK + "52 02 00 00 7F 00")  # not even in the property range


def test_get_of_write_only_property():
    answered(MADE + "62 03 CD 00 D9 00 DA 00", BACK + "52 03 CD 00 D9 00 DA 01 42")


def test_get_carrying_edt():
    answered(MADE + "62 02 DA 02 0102 80 01 FF", BACK + "72 02 DA 01 42 80 01 30")


def test_same_property_twice_in_one_get():
    answered(MADE + "62 02 DA 00 DA 00", BACK + "72 02 DA 01 42 DA 01 42")


def test_set_with_pdc_0():
    answered(MADE + "61 01 DA 00", BACK + "51 01 DA 00")
    answered(MADE + "60 01 DA 00", BACK + "50 01 DA 00")
    answered(MADE + "61 01 81 00", BACK + "51 01 81 00")  # a raw property


def test_set_that_cannot_be_echoes_its_edt():
    for bad in (
        "DA 02 4242",  # wrong size
        "EB 02 0E60",
        "DA 01 41",  # outside the enumeration
        "ED 02 FFFE",  # outside the range
        "EB 04 3B9ACA00",
        "EB 04 FFFFFFFF",
        "EB 04 00002AF9",  # refused by what is behind it: above the rated power
        "C5 04 00000001",  # read-only
        "9F 01 00",
        "82 04 00005202",
        "F0 01 00",  # unknown
        "3A 01 00",
        "81 02 0100",  # refused raw value
    ):
        answered(MADE + "61 01 " + bad, BACK + "51 01 " + bad)
        answered(MADE + "60 01 " + bad, BACK + "50 01 " + bad)


def test_partly_failing_set_executes_the_good_ones():
    for esv, sna in (("61", "51"), ("60", "50")):
        demo, one = demo_node()
        answered(
            MADE + esv + " 04 DA 01 44 DA 01 99 ED 02 0064 C5 01 01",
            BACK + sna + " 04 DA 00 DA 01 99 ED 00 C5 01 01",
            one,
        )
        assert demo.values[0xDA] == 0x44 and demo.values[0xED] == 100


def test_seti_good_has_no_reply_but_an_inf():
    demo, one = demo_node()
    look(one)
    assert ask_all(one, MADE + "60 01 DA 01 47") == []
    assert one.counts[0] == 1
    assert informed(one) == [octets("1081 8001 02A101 0EF001 73 01 DA 01 47")]


def test_inf_req_good_goes_to_the_group():
    answered("1081 1234 05FF01 02A101 63 02 DA 00 C7 00", "1081 1234 02A101 05FF01 73 02 DA 01 42 C7 01 30", None, True)


def test_inf_req_failing_goes_back():
    answered(MADE + "63 02 DA 00 E4 00", BACK + "53 02 DA 01 42 E4 00")


def test_infc_is_confirmed():
    answered(
        "1081 0007 0EF001 0EF001 74 02 D5 04 01 013001 80 01 30", "1081 0007 0EF001 0EF001 7A 02 D5 00 80 00"
    )


def test_inf_and_responses_are_not_answered():
    for esv in "73 71 72 7A 50 51 52 53".split():
        silent(MADE + esv + " 01 DA 01 44", 6)
    for esv in "7E 5E".split():
        silent(MADE + esv + " 01 DA 00 01 DA 01 42", 6)


def test_setget():
    demo, one = demo_node()
    answered(
        MADE + "6E 02 EB 04 00000E60 ED 02 0064 03 EB 00 DA 00 ED 00",
        BACK + "7E 02 EB 00 ED 00 03 EB 04 00000E60 DA 01 42 ED 02 0064",
        one,
    )
    assert demo.values[0xEB] == 3680


def test_setget_failing_in_either_list():
    answered(MADE + "6E 01 DA 01 43 01 DA 00", BACK + "5E 01 DA 01 43 01 DA 01 42")
    demo, one = demo_node()
    answered(MADE + "6E 01 DA 01 44 02 E4 00 DA 00", BACK + "5E 01 DA 00 02 E4 00 DA 01 44", one)


def test_setget_with_a_list_missing_is_silent():
    demo, one = demo_node()
    silent(MADE + "6E 01 DA 01 44", 5, one)
    assert demo.values[0xDA] == 0x42
    silent(MADE + "6E 01 DA 01 44 00", 4)
    silent(MADE + "6E 01 DA 01 44 02 DA 00", 5)


def test_instance_00_every_instance_answers():
    one = node(charger(), charger(0x02A102), charger(0x023F01))
    assert ask_all(one, "1081 0009 05FF01 02A100 62 01 DA 00") == [
        (octets("1081 0009 02A101 05FF01 72 01 DA 01 42"), False),
        (octets("1081 0009 02A102 05FF01 72 01 DA 01 42"), False),
    ]
    answered("1081 0003 05FF01 0EF000 62 01 D6 00", "1081 0003 0EF001 05FF01 72 01 D6 0A 03 02A101 02A102 023F01", one)


def test_instance_00_set_acts_on_all_and_only_the_failing_reply_to_seti():
    first, second = Demo(), Demo()
    one = node(charger(demo=first), charger(0x02A102, second, keep=b"\x80"))
    assert ask_all(one, "1081 0009 05FF01 02A100 60 01 DA 01 44") == [
        (octets("1081 0009 02A102 05FF01 50 01 DA 01 44"), False)
    ]
    assert first.values[0xDA] == 0x44 and second.values[0xDA] == 0x42


def test_instance_00_inf_req():
    one = node(charger(), charger(0x02A102, keep=b"\x80"))
    assert ask_all(one, "1081 0009 05FF01 02A100 63 01 DA 00") == [
        (octets("1081 0009 02A101 05FF01 73 01 DA 01 42"), True),
        (octets("1081 0009 02A102 05FF01 53 01 DA 00"), False),
    ]


def test_get_of_d5():
    answered("1081 0001 05FF01 0EF001 62 01 D5 00", "1081 0001 0EF001 05FF01 72 01 D5 04 01 02A101")


def test_set_to_the_value_already_present_has_no_inf():
    demo, one = demo_node()
    look(one)
    answered(MADE + "61 01 DA 01 42", BACK + "71 01 DA 00", one)
    assert informed(one) == []


def test_any_sender_class_is_accepted():
    for sender in ("0EF001", "05FF01", "000000", "FFFFFF", "02A101"):
        answered(
            "1081 FFFF " + sender + " 02A101 62 01 DA 00", "1081 FFFF 02A101 " + sender + " 72 01 DA 01 42"
        )


# --- sizes


def test_255_properties_in_one_get_are_all_in_the_reply():
    request = MADE + "62 FF " + "DA 00 " * 255
    assert len(octets(request)) == 522
    answered(request, BACK + "52 FF " + "DA 00 " * 255)


def test_what_does_not_fit_into_512_bytes_is_not_possible_but_present():
    demo, one = demo_node()
    (reply, _), = ask_all(one, MADE + "62 50 " + "83 00 " * 80)
    assert len(reply) <= 512 and reply[10] == 0x52 and reply[11] == 80
    at = 12
    full = 0
    for _ in range(80):
        assert reply[at] == 0x83 and reply[at + 1] in (0, 17)
        full += reply[at + 1] == 17
        at += 2 + reply[at + 1]
    assert at == len(reply) and full == 20  # 12 + 160 + 20 * 17 = 512


def test_a_longer_request_may_have_a_longer_reply():
    (reply, _), = ask_all(node(), MADE + "62 FB " + "DA 00 " * 251)
    assert len(reply) == 514 and reply[10] == 0x52 and reply[11] == 251


def test_a_longer_request_may_have_a_longer_reply_full_of_values():
    asked = "83 00 " * 26 + "DA 00 " * 3
    (short, _), = ask_all(node(), MADE + "62 1D " + asked)
    (reply, _), = ask_all(node(), MADE + "62 1D " + asked + "00" * 500)
    assert len(short) <= 512 and short[10] == 0x52
    assert len(reply) == 515 and reply[10] == 0x72
    (reply, _), = ask_all(node(), MADE + "62 1E 83 00 " + asked + "00" * 1400)
    assert len(reply) <= 522 and reply[10] == 0x52 and reply[11] == 30


def test_a_set_too_long_to_be_echoed_does_nothing():
    demo, one = demo_node()
    silent(MADE + "61 AC " + "DA 01 44 " * 172, 8, one)  # 528 bytes
    assert demo.values[0xDA] == 0x42
    answered(MADE + "61 AA " + "DA 01 44 " * 170, BACK + "71 AA " + "DA 00 " * 170, one)  # 522
    assert demo.values[0xDA] == 0x44


def test_1472_bytes_are_accepted():
    answered(MADE + "62 08 " + ("DA B4 " + "00" * 180 + " ") * 8, BACK + "72 08 " + "DA 01 42 " * 8)
    answered(MADE + "62 01 DA 00 " + "00" * 1458, BACK + "72 01 DA 01 42")
