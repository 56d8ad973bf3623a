"""Wrong input to the firmware process while a car charges: it stays alive, the pilot stays where it is, all is counted.

Truncations of every example frame, lengths that lie, frames of full size, random datagrams, a storm by multicast.
"""

import itertools
import random

import pytest

from host_tests.peers.echonet_box import GROUP, Box, Raw, octets

BOX, OWN = "127.0.67.2", "127.0.67.3"
DUTY, OFFER_MA = 166, 10000
_NUMBERS = itertools.count()

# reference 1.7 and 1.8, and one frame of each service that can act; all that act ask for what must not happen
GOLDEN = [octets(text) for text in (
    "1081 8001 0EF001 0EF001 73 01 D5 04 01 02A101",
    "1081 0003 05FF01 0EF001 62 01 D6 00",
    "1081 0001 05FF01 02A101 62 01 DA 00",
    "1081 0002 05FF01 02A101 61 01 EB 04 00000E60",
    "1081 0002 05FF01 02A101 61 01 DA 01 43",
    "1081 0001 05FF01 02A101 62 02 E4 00 DA 00",
    "1081 8002 02A101 0EF001 73 01 DA 01 44",
    "1081 0001 0EF001 0EF001 62 05 D6 00 83 00 9D 00 9E 00 9F 00",
    "1081 0001 05FF01 0EF000 62 01 D6 00",
    "1081 0002 05FF01 02A101 61 03 99 02 1000 87 01 00 DA 01 44",
    "1081 0002 05FF01 02A101 60 02 80 01 31 ED 02 0000",
    "1081 0001 05FF01 02A101 6E 02 DA 01 44 EB 04 00000000 02 DA 00 EB 00",
    "1081 0001 05FF01 02A101 63 02 DA 00 80 00",
    "1081 0001 05FF01 02A101 74 02 DA 01 44 80 01 31",
)]
SETS = (0x60, 0x61, 0x6E)


@pytest.fixture(scope="module")
def box():
    with Box("--set", "rise_ma_per_5s=80000", bind=BOX) as running, Raw(OWN, BOX) as ems:
        assert ems.set("ed", "0064")
        running.plug(ready=True)
        running.settled(OFFER_MA)
        running.ems = ems
        yield running


@pytest.fixture
def ems(box):
    """The controller; afterwards nothing has moved, nothing failed, the heap is as it was."""
    for _ in range(30):  # whatever is allocated once has been
        box.ems.get("da")
    before = least(box)
    operations = box.state()["contactor"]["operations"]
    settings = asked(box.ems)
    box.ems.drain()
    yield box.ems
    box.ems.drain()
    unmoved(box)
    state = box.state()
    assert asked(box.ems) == settings
    assert state["contactor"]["operations"] == operations and state["contactor"]["closed"] and not state["faults"]
    assert state["echonet"]["failure"] is None and state["firmware"] == "ok"
    assert least(box) - before < 800, "the heap grew"


def least(box):
    """The least used heap of a few looks: a look may come while something is being done."""
    return min(box.control.call("memory", release=True)["used"] for _ in range(5))


def asked(ems):
    """Every setting."""
    return [ems.get(epc) for epc in ("80", "81", "87", "93", "99", "da", "e7", "eb", "ed")]


def unmoved(box):
    state = box.state()
    assert state["pilot"]["duty_permille"] == DUTY and state["offer_ma"] == OFFER_MA
    assert state["current_ma"] == [DUTY * 60] * 3


def counted(box, act):
    """How the counts of the node grew by `act()`."""
    before = box.state()["echonet"]["counts"]
    act()
    return [now - then for now, then in zip(box.state()["echonet"]["counts"], before)]


def caught_up(ems):
    """Wait until everything sent so far has been dealt with; what else was answered is thrown away."""
    question = "1081%04x05ff010ef0016201d300" % (0x8000 + next(_NUMBERS))
    for _ in range(20):  # where the socket's queue was full the question is lost, too
        ems.send(question)
        reply = ems.hear(timeout_s=1)
        while reply is not None:
            if reply[:8] == question[:8] and reply[20:26] == "7201d3":
                return
            reply = ems.hear(timeout_s=1)
    raise AssertionError("dead")


def acts(data):
    """Whether this is a well-formed Set to an object of the box, however harmless: such do not belong here."""
    if len(data) < 12 or data[:2] != b"\x10\x81" or data[10] not in SETS:
        return False
    return data[7:9] in (b"\x02\xa1", b"\x02\x7e")


def flaw_of(data):
    """The count (see lib/echonet/node.py) that must grow for a truncated golden frame."""
    return 1 if len(data) < 12 else 5


def test_every_truncation_of_every_frame_at_every_byte_is_silent(box, ems):
    cut = [frame[:size] for frame in GOLDEN for size in range(len(frame))]
    grown = counted(box, lambda: [ems.silent(each) or pytest.fail(each.hex()) for each in cut])
    assert grown[1] == len([each for each in cut if len(each) < 12])
    assert grown[5] == len([each for each in cut if len(each) >= 12])
    assert grown[0] >= len(cut) and grown[2] == grown[3] == grown[4] == grown[8] == 0


def test_inflated_counts_and_lengths_are_silent(box, ems):
    sent = 0

    def send():
        nonlocal sent
        for frame in GOLDEN:
            for opc in (frame[11] + 1, 100, 255):
                wrong = bytearray(frame)
                wrong[11] = opc
                if frame[10] == 0x6E:  # its second list is read as part of the first then
                    continue
                assert ems.silent(bytes(wrong)), wrong.hex()
                sent += 1
            for pdc in (frame[13] + len(frame), 128, 255):
                wrong = bytearray(frame)
                wrong[13] = min(pdc, 255)
                assert ems.silent(bytes(wrong)), wrong.hex()
                sent += 1

    grown = counted(box, send)
    assert grown[5] == sent


def test_frames_of_full_size(box, ems):
    head = octets("1081 0001 05FF01 02A101")
    gets = head + b"\x62\xff" + b"\xda\x00" * 255
    frames = [
        gets + bytes(1472 - len(gets)),  # what is left after the last property does not matter
        head + b"\x61\xff" + b"\xda\x01\x43" * 255,  # a Set whose EDT could not be echoed
        head + b"\x61\x06" + b"\xfe\xf0" * 1 + bytes(1458),
        b"\x10\x81" + bytes(1470), bytes(1472), b"\xff" * 1472,
        head + b"\x62\x05" + (b"\xda\xff" + bytes(255)) * 5 + bytes(100),
    ]
    for frame in frames:
        assert len(frame) <= 1472
        ems.send(frame)
        caught_up(ems)
    ems.send(head + b"\x61\xff" + (b"\xda\x03" + b"\x43" * 3) * 255)
    caught_up(ems)
    ems.drain()
    ems.send(gets + bytes(1472 - len(gets)))
    reply = ems.hear()
    assert reply[20:24] == "52ff" and len(reply) // 2 <= 522


def test_ten_thousand_random_datagrams(box, ems):
    numbers = random.Random(63380)
    sent = 0

    def flood():
        nonlocal sent
        for turn in range(10000):
            kind = turn % 4
            data = bytearray(numbers.choice(GOLDEN))
            if kind == 0:
                data = bytearray(numbers.randbytes(numbers.choice((0, 1, 11, 12, 14, 40, 200, 600))))
            elif kind == 1:
                for _ in range(numbers.randrange(1, 4)):
                    data[numbers.randrange(len(data))] = numbers.randrange(256)
            elif kind == 2:
                at = numbers.randrange(len(data))
                data[at:at] = numbers.randbytes(numbers.randrange(1, 20))
            else:
                data[10] = numbers.randrange(256)
                data += numbers.randbytes(numbers.randrange(40))
            if acts(data):
                continue
            ems.send(bytes(data))
            sent += 1
            if turn % 40 == 39:
                caught_up(ems)
                sent += 1
            if turn % 1000 == 999:
                unmoved(box)
        caught_up(ems)
        sent += 1

    grown = counted(box, flood)
    assert sent > 8000
    assert sum(grown) >= sent, "every datagram is counted once; what others say to the group comes on top"
    assert sum(grown) - grown[6] <= sent + 50 and min(grown[:8]) > 0 and grown[8] == 0, grown


def test_a_storm_by_multicast_starves_nobody(box, ems):
    frames = [octets(text) for text in (
        "1081 0001 0EF001 0EF001 62 01 D6 00", "1081 0001 05FF01 0EF000 62 01 D6 00",
        "1081 8001 0EF001 0EF001 73 01 D5 04 01 05FF01", "1081 0001 05FF01 02A100 62 01 DA 00",
        "1081 0001 05FF01 013001 62 01 80 00")]
    before = box.state()["echonet"]["multicast"]
    heard = 0
    for turn in range(3000):
        ems.send(frames[turn % 5], to=GROUP)
        if turn % 30 == 29:
            caught_up(ems)
        if turn % 500 == 499:
            heard += 1
            unmoved(box)
    while ems.hear(timeout_s=1.3) is not None:
        pass  # who asks all instances waits up to 1 s
    state = box.state()
    assert state["echonet"]["multicast"] - before >= 100, "what the socket's queue held"
    assert state["loop_gap_ms"] < 300, "the guard's turn came all the time"
    caught_up(ems)
    ems.drain()
    for _ in range(10):  # the group is heard as before
        ems.send("1081 0077 0EF001 0EF001 62 01 D6 00", to=GROUP)
        reply = ems.hear(timeout_s=1)
        while reply is not None and reply[4:8] != "0077":  # late ones: who asks all instances waits up to 1 s
            reply = ems.hear(timeout_s=1)
        if reply is not None:
            break
    assert reply is not None and reply[8:26] == "0ef0010ef0017201d6" and heard == 6


def test_requests_as_fast_as_they_can_be_sent_leave_the_guard_its_turn(box, ems):
    for _ in range(5):
        for turn in range(400):
            ems.send("1081 %04X 05FF01 02A101 62 01 DA 00" % turn)
        unmoved(box)
        caught_up(ems)
    assert box.state()["loop_gap_ms"] < 300
