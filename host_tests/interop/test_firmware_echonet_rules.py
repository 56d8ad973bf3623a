"""The decision table, the example frames and the addresses of ECHONET Lite (reference 1.3, 1.4, 1.7) on the firmware.

One test a row of the table. Two objects are served, the charger 02A1 and the charger/discharger 027E.
"""

import socket
import struct
import time

import pytest

from host_tests.peers.echonet_box import GROUP, Box, Raw, parsed

BOX, OWN, SECOND = "127.0.65.5", "127.0.65.6", "127.0.65.7"
CHARGER, V2X, PROFILE = "02a101", "027e01", "0ef001"


@pytest.fixture(scope="module")
def box():
    with Box("--set", "echonet_v2x=true", bind=BOX) as running:
        running.wait(lambda state: state["session_wh"] is not None)
        yield running


@pytest.fixture(scope="module")
def socket_one(box):
    with Raw(OWN, BOX) as ems:
        yield ems


@pytest.fixture(scope="module")
def socket_two(box):
    with Raw(SECOND, BOX) as ems:
        yield ems


@pytest.fixture
def ems(box, socket_one):
    changed = False
    for epc, edt in (("da", "42"), ("80", "30"), ("ed", "0140"), ("eb", "00005640"), ("99", "5640"), ("81", "00")):
        if socket_one.get(epc) != edt:
            assert socket_one.set(epc, edt)
            changed = True
    if changed:
        box.lived(250)  # what changed is announced
    socket_one.drain()
    return socket_one


@pytest.fixture
def two(socket_two):
    socket_two.drain()
    return socket_two


def flat(text):
    return text.replace(" ", "").lower()


def counts(box):
    """What became of the datagrams: see lib/echonet/node.py."""
    return box.state()["echonet"]["counts"]


def quiet(box, ems, flaw, *frames):
    """Each frame is met with silence, and counted as this flaw."""
    before = counts(box)[flaw]
    for frame in frames:
        assert ems.silent(frame), frame
    assert counts(box)[flaw] - before == len(frames)


# --- 1.7, the example frames


def test_start_announces_the_instance_list():
    with Raw(OWN, "127.0.65.8") as listener, Box(bind="127.0.65.8"):
        frame = listener.hear(listener.group)
        assert frame[:4] == "1081" and int(frame[4:8], 16) >= 0x8000
        assert frame[8:] == flat("0EF001 0EF001 73 01 D5 04 01 02A101")


@pytest.mark.parametrize("request_frame, reply", [
    ("1081 0003 05FF01 0EF001 62 01 D6 00", "1081 0003 0EF001 05FF01 72 01 D6 07 02 02A101 027E01"),
    ("1081 0001 05FF01 02A101 62 01 DA 00", "1081 0001 02A101 05FF01 72 01 DA 01 42"),
    ("1081 0002 05FF01 02A101 61 01 EB 04 00000E60", "1081 0002 02A101 05FF01 71 01 EB 00"),
    ("1081 0002 05FF01 02A101 61 01 DA 01 43", "1081 0002 02A101 05FF01 51 01 DA 01 43"),
    ("1081 0002 05FF01 02A101 62 02 E4 00 DA 00", "1081 0002 02A101 05FF01 52 02 E4 00 DA 01 42"),
])
def test_example_frames(ems, request_frame, reply):
    assert ems.ask(request_frame) == flat(reply)


def test_announcement_after_a_set(ems):
    assert ems.ask("1081 0002 05FF01 02A101 61 01 DA 01 44") == flat("1081 0002 02A101 05FF01 71 01 DA 00")
    told = ems.hear(ems.group)
    assert told[8:] == flat("02A101 0EF001 73 01 DA 01 44") and int(told[4:8], 16) >= 0x8000


# --- 1.3, row by row


def test_wrong_header_or_too_short_is_silent_and_counted(box, ems):
    quiet(box, ems, 2, "1082 0001 05FF01 02A101 62 01 DA 00", "1181 0001 05FF01 02A101 62 01 DA 00",
          "0000 0001 05FF01 02A101 62 01 DA 00")
    quiet(box, ems, 1, "", "10", "1081 0001 05FF01 02A101 62")


def test_unknown_service_or_object_is_silent(box, ems):
    quiet(box, ems, 3, *["1081 0001 05FF01 02A101 %02X 01 DA 00" % esv for esv in (0x65, 0x00, 0x6F, 0xFF, 0x64)])
    quiet(box, ems, 7, *["1081 0001 05FF01 %s 62 01 DA 00" % eoj for eoj in ("02A102", "02A201", "0EF002", "013001")])


def test_properties_beyond_the_end_are_silent(box, ems):
    quiet(box, ems, 5, "1081 0001 05FF01 02A101 62 02 DA 00", "1081 0001 05FF01 02A101 61 01 DA 02 42",
          "1081 0001 05FF01 02A101 61 01 DA FF 44", "1081 0001 05FF01 02A101 61 02 DA 01 44 ED 02 00",
          "1081 0001 05FF01 02A101 6E 01 DA 01 44")
    assert ems.get("da") == "42"


def test_bytes_after_the_last_property_are_ignored(ems):
    assert ems.ask("1081 0001 05FF01 02A101 62 01 DA 00 FFFFFF") == flat("1081 0001 02A101 05FF01 72 01 DA 01 42")


def test_no_property_is_silent(box, ems):
    quiet(box, ems, 4, *["1081 0001 05FF01 02A101 %s 00" % esv for esv in ("60", "61", "62", "63", "74", "6E")])


def test_get_of_an_unknown_property_gives_the_others(ems):
    assert ems.exchange(0x62, ("da", ""), ("fe", ""), ("00", ""), ("88", "")) == (
        0x52, [("da", "42"), ("fe", ""), ("00", ""), ("88", "42")])


def test_get_of_write_only_properties(ems):
    for epc in ("cd", "d9"):
        assert ems.exchange(0x62, (epc, "")) == (0x52, [(epc, "")])
    assert ems.exchange(0x62, ("d7", ""), eoj=V2X) == (0x52, [("d7", "")])


def test_get_that_carries_a_value_is_a_get(ems):
    assert ems.exchange(0x62, ("da", "44")) == (0x72, [("da", "42")])
    assert ems.get("da") == "42"


def test_the_same_property_twice_is_answered_twice(ems):
    assert ems.exchange(0x62, ("da", ""), ("da", "")) == (0x72, [("da", "42"), ("da", "42")])


def test_set_without_a_value_fails(ems):
    assert ems.exchange(0x61, ("da", "")) == (0x51, [("da", "")])
    assert ems.exchange(0x60, ("da", "")) == (0x50, [("da", "")])


def test_set_that_fails_echoes_what_was_asked(ems):
    for epc, edt in (("da", "4444"), ("da", "55"), ("c7", "41"), ("fe", "01"), ("ed", "ffff")):
        assert ems.exchange(0x61, (epc, edt)) == (0x51, [(epc, edt)])
        assert ems.exchange(0x60, (epc, edt)) == (0x50, [(epc, edt)])
    assert ems.get("da") == "42"


def test_seti_is_silent_when_it_works_and_announces(ems):
    assert ems.silent("1081 0001 05FF01 02A101 60 01 DA 01 44")
    assert ems.get("da") == "44"
    ems.told((CHARGER, "da", "44"))


def test_inf_req_is_answered_to_the_group_or_alone_when_it_fails(ems):
    ems.send("1081 1234 05FF01 02A101 63 01 DA 00")
    assert ems.hear(ems.group) == flat("1081 1234 02A101 05FF01 73 01 DA 01 42")
    assert ems.ask("1081 1234 05FF01 02A101 63 02 DA 00 E4 00") == flat(
        "1081 1234 02A101 05FF01 53 02 DA 01 42 E4 00")
    assert ems.hear(ems.group, 0.2) is None and ems.hear(timeout_s=0.1) is None


def test_infc_is_confirmed_and_inf_is_not(ems):
    assert ems.ask("1081 0005 05FF01 02A101 74 02 80 01 30 D5 04 01 05FF01") == flat(
        "1081 0005 02A101 05FF01 7A 02 80 00 D5 00")
    assert ems.ask("1081 0005 0EF001 0EF001 74 01 D5 04 01 05FF01") == flat("1081 0005 0EF001 0EF001 7A 01 D5 00")
    assert ems.silent("1081 0005 05FF01 02A101 73 01 80 01 31")
    assert ems.get("80") == "30"


def test_responses_are_never_answered(ems):
    for esv in "71 72 7A 7E 50 51 52 53 5E".split():
        tail = "01 DA 01 44" if esv in ("7E", "5E") else ""
        assert ems.silent("1081 0005 05FF01 02A101 %s 01 DA 01 44 %s" % (esv, tail))
    assert ems.get("da") == "42"


def test_setget_sets_then_gets(ems):
    assert ems.ask("1081 0006 05FF01 02A101 6E 01 DA 01 44 02 DA 00 88 00") == flat(
        "1081 0006 02A101 05FF01 7E 01 DA 00 02 DA 01 44 88 01 42")
    assert ems.ask("1081 0006 05FF01 02A101 6E 02 DA 01 43 ED 02 0064 01 E4 00") == flat(
        "1081 0006 02A101 05FF01 5E 02 DA 01 43 ED 00 01 E4 00")
    assert ems.get("da") == "44" and ems.get("ed") == "0064"


def test_instance_0_means_every_instance(ems):
    assert ems.ask("1081 0007 05FF01 02A100 62 01 DA 00") == flat("1081 0007 02A101 05FF01 72 01 DA 01 42")
    assert ems.ask("1081 0007 05FF01 0EF000 62 01 D6 00") == flat(
        "1081 0007 0EF001 05FF01 72 01 D6 07 02 02A101 027E01")
    assert ems.ask("1081 0007 05FF01 027E00 61 01 DA 01 44") == flat("1081 0007 027E01 05FF01 71 01 DA 00")
    ems.send("1081 0008 0EF001 0EF000 62 01 D6 00", to=GROUP)
    assert ems.hear()[8:] == flat("0EF001 0EF001 72 01 D6 07 02 02A101 027E01")


def test_get_of_d5(ems):
    assert ems.get("d5", PROFILE) == "0202a101027e01"


def test_any_source_port_is_answered_on_3610(ems):
    ems.send("1081 0009 05FF01 02A101 62 01 DA 00", ems.other)
    assert ems.hear() == flat("1081 0009 02A101 05FF01 72 01 DA 01 42")
    assert ems.hear(ems.other, 0.2) is None


def test_a_change_is_announced_after_the_reply_by_each_object_once(ems):
    assert ems.set("ed", "0064")
    frames = []
    for _ in range(2):
        frames.append(ems.hear(ems.group))
    assert ems.hear(ems.group, 0.3) is None
    assert sorted(frame[8:] for frame in frames) == sorted(
        flat("%s 0EF001 73 01 ED 02 0064" % eoj) for eoj in (CHARGER, V2X))
    tids = [int(frame[4:8], 16) for frame in frames]
    assert min(tids) >= 0x8000 and len(set(tids)) == 2


def test_reply_and_announcement_leave_in_this_order(ems):
    def arrived(sock):
        data, more, _, _ = sock.recvmsg(2048, 64)
        seconds, nanoseconds = struct.unpack("qq", more[0][2])
        return data[10], seconds * 10**9 + nanoseconds

    for sock in (ems.home, ems.group):
        sock.setsockopt(socket.SOL_SOCKET, 35, 1)  # SO_TIMESTAMPNS: when the kernel got it
        sock.settimeout(20)
    for turn in range(10):
        ems.send("1081 000A 05FF01 02A101 61 01 ED 02 %04X" % (100 + turn))
        (reply, replied), (inf, informed) = arrived(ems.home), arrived(ems.group)
        assert (reply, inf) == (0x71, 0x73) and replied < informed
        assert arrived(ems.group)[0] == 0x73, "of the other object"


def test_the_same_value_again_is_not_announced(ems):
    assert ems.set("da", "42") and ems.set("ed", "0140") and ems.set("80", "30")
    assert ems.hear(ems.group, 0.4) is None


def test_any_sender_object_is_answered(ems):
    for seoj in ("05FF01", "0EF001", "05FD01", "000000", "FFFFFF"):
        assert ems.ask("1081 000B %s 02A101 62 01 DA 00" % seoj) == flat(
            "1081 000B 02A101 %s 72 01 DA 01 42" % seoj)


def test_a_partly_failing_set_does_what_it_can(ems):
    assert ems.exchange(0x61, ("da", "43"), ("ed", "0064"), ("fe", "00"), ("87", "32")) == (
        0x51, [("da", "43"), ("ed", ""), ("fe", "00"), ("87", "")])
    assert ems.get("da") == "42" and ems.get("ed") == "0064" and ems.get("87") == "32"
    assert ems.set("87", "64")


def test_the_number_of_the_request_comes_back(ems):
    for tid in ("0000", "0001", "7FFF", "8000", "FFFF"):
        assert ems.ask("1081 %s 05FF01 02A101 62 01 DA 00" % tid)[4:8] == tid.lower()


# --- 1.4, 1.9


def test_a_reply_holds_every_property_asked_for_up_to_255(ems):
    reply = ems.ask("1081 000C 05FF01 02A101 62 FF " + "DA 00" * 255)
    assert reply == flat("1081 000C 02A101 05FF01 52 FF" + "DA 00" * 255), "no room for a value"
    reply = ems.ask("1081 000C 05FF01 02A101 62 C8 " + "DA 00" * 200)
    assert len(reply) // 2 == 512
    assert parsed(reply) == [("da", "42")] * 100 + [("da", "")] * 100
    reply = ems.ask("1081 000C 05FF01 02A101 62 19 " + "DA 00" * 25)
    assert reply == flat("1081 000C 02A101 05FF01 72 19" + "DA 01 42" * 25)


def test_two_controllers_with_equal_numbers_interleaved(ems, two):
    for turn in range(20):
        ems.send("1081 %04X 05FF01 02A101 62 01 DA 00" % turn)
        two.send("1081 %04X 05FF01 02A101 62 01 C7 00" % turn)
        ems.send("1081 %04X 05FF01 02A101 61 01 ED 02 %04X" % (turn, 100 + turn))
        two.send("1081 %04X 05FF01 02A101 61 01 EB 04 %08X" % (turn, 9000 + turn))
        assert ems.hear() == flat("1081 %04X 02A101 05FF01 72 01 DA 01 42" % turn)
        assert ems.hear() == flat("1081 %04X 02A101 05FF01 71 01 ED 00" % turn)
        assert two.hear() == flat("1081 %04X 02A101 05FF01 72 01 C7 01 30" % turn)
        assert two.hear() == flat("1081 %04X 02A101 05FF01 71 01 EB 00" % turn)
        assert ems.get("eb") == "%08x" % (9000 + turn) and two.get("ed") == "%04x" % (100 + turn)


def test_requests_in_flight_are_queued_and_answered_in_order(ems):
    for turn in range(12):
        ems.send("1081 %04X 05FF01 02A101 62 01 DA 00" % turn)
    assert [ems.hear()[4:8] for _ in range(12)] == ["%04x" % turn for turn in range(12)]


def test_a_get_is_answered_fast(ems):
    times = []
    for _ in range(100):
        start = time.monotonic()
        ems.get("da")
        times.append(time.monotonic() - start)
    assert sorted(times)[50] < 0.1, times
