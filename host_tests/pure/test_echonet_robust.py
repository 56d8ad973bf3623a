# heap: 64K
"""What a hostile or broken sender can do: nothing. And what answering costs in memory: nothing."""

import gc
import random

from bounded.compat import micropython
from echonet.frame import check
from host_tests.interop.echonet_node_fixture_objects import Demo, charger, node

GOLDEN = (
    "108180010EF0010EF00173 01D5040102A101",
    "1081000305FF010EF00162 01D600",
    "1081000105FF0102A10162 01DA00",
    "1081000205FF0102A10161 01EB0400000E60",
    "1081000105FF0102A10161 01DA0143",
    "1081000105FF0102A10162 02E400DA00",
    "108180020EF00102A10173 01DA0144",
    "1081000105FF0102A10160 02DA0144EB0400000E60",
    "1081000105FF0102A10163 02DA00C700",
    "1081000105FF0102A1006E 01EB0400000E6002EB00DA00",
    "1081000705FF010EF00174 01D5040102A101",
    "1081000105FF0102A10162 0380008100C700",
    "1081000105FF0102A10172 01DA0142",
)


def octets(text):
    text = text.replace(" ", "")
    return bytes([int(text[i : i + 2], 16) for i in range(0, len(text), 2)])


class Sink:
    def __init__(self):
        self.out = bytearray(522)
        self.count = 0
        self.reply = self._reply
        self.size = 0

    def _reply(self, size, to_group):
        assert 14 <= size <= len(self.out)
        self.count += 1
        self.size = size


def test_every_truncation_of_every_golden_frame_is_silent():
    for text in GOLDEN:
        frame = octets(text)
        for length in range(len(frame)):
            demo = Demo()
            one = node(charger(demo=demo))
            before = dict(demo.values)
            sink = Sink()
            one.handle(frame, length, sink.out, sink.reply)  # the rest of the buffer is still there
            one.handle(frame[:length], length, sink.out, sink.reply)
            assert sink.count == 0 and demo.values == before
            assert one.counts[0] == 0 and sum(one.counts) == 2


def test_inflated_counts_are_silent():
    for text in GOLDEN:
        frame = bytearray(octets(text))
        count = frame[11]
        for inflated in (count + 1, 2 * count + 1, 255):
            frame[11] = inflated
            refused(frame)
        frame[11] = count
        at = 13
        for _ in range(count):
            size = frame[at]
            frame[at] = 255
            refused(frame)
            frame[at] = size
            at += 2 + size


def test_setget_frames_have_two_lists_in_all_their_forms():
    for esv in (0x6E, 0x7E, 0x5E):
        frame = bytearray(octets("1081000105FF0102A1006E 01EB0400000E6002EB00DA00"))
        frame[10] = esv
        assert check(frame, len(frame)) == 0
        for length in range(12, len(frame)):
            assert check(frame, length) == 5
        frame[18] = 0
        assert check(frame, len(frame)) == 4


def refused(frame):
    demo = Demo()
    before = dict(demo.values)
    sink = Sink()
    one = node(charger(demo=demo))
    one.handle(frame, len(frame), sink.out, sink.reply)
    assert sink.count == 0 and demo.values == before and one.counts[0] == 0


def mem_alloc():
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0


def test_ten_thousand_random_datagrams_leave_the_heap_flat():
    one = node(charger(), charger(0x02A102), charger(0x027E01))
    sink = Sink()
    rx = bytearray(1472)
    random.seed(1)
    golden = [octets(text) for text in GOLDEN]
    for turn in range(10000):
        if turn == 100:
            before = mem_alloc()
        length = random.randrange(1473) if turn % 16 == 0 else random.randrange(60)
        for i in range(min(length, 64)):
            rx[i] = random.getrandbits(8)
        if turn & 3:  # most look like frames at first, or all along
            frame = golden[turn % len(golden)]
            for i in range(len(frame) if turn & 1 else 11):
                rx[i] = frame[i]
            if turn & 2:
                rx[random.randrange(len(frame))] = random.getrandbits(8)
                length = max(length, len(frame))
        one.handle(rx, length, sink.out, sink.reply)
    assert sum(one.counts) == 10000 and sink.count > 100
    assert mem_alloc() - before <= 0, mem_alloc() - before
    after = Sink()
    frame = golden[2]
    one.handle(frame, len(frame), after.out, after.reply)  # alive
    assert after.count == 1


def test_two_controllers_with_equal_numbers_get_their_own_answers():
    one = node()
    sink = Sink()
    for turn in range(50):
        for sender, epc in ((0x05FF01, 0xDA), (0x0EF001, 0xC7)):
            frame = bytearray(octets("108100 00 000000 02A101 62 01 0000"))
            frame[3] = turn
            frame[4], frame[5], frame[6] = sender >> 16, sender >> 8 & 255, sender & 255
            frame[12] = epc
            one.handle(frame, len(frame), sink.out, sink.reply)
            out = sink.out
            assert out[3] == turn and out[12] == epc and sink.size == 15
            assert out[7] << 16 | out[8] << 8 | out[9] == sender


def allocates_nothing(*frames):
    one = node()
    sink = Sink()
    frames = [octets(frame) for frame in frames]
    for frame in frames:  # dictionary keys and the like come once
        one.handle(frame, len(frame), sink.out, sink.reply)
    for each in one.objects:
        one.announce(each, sink.out)
    sink.count = 0
    gc.collect()
    micropython.heap_lock()
    try:
        for frame in frames:
            one.handle(frame, len(frame), sink.out, sink.reply)
        for each in one.objects:
            one.announce(each, sink.out)
    finally:
        micropython.heap_unlock()
    assert sink.count


def test_a_get_allocates_nothing():
    allocates_nothing("1081000105FF0102A10162 01DA00")
    many = "DA00C700C8009F009D009E00830082008A00D300D400D800E000E6008100" + "EB00" * 8
    allocates_nothing("1081000105FF0102A10162 17" + many)
    allocates_nothing("1081000105FF010EF00062 05D6008300 9D009E009F00")
    allocates_nothing("1081000105FF0102A10162 03E400F000CD00", "1081000105FF0102A10163 02DA00C700")


def test_a_set_allocates_nothing():
    allocates_nothing("1081000205FF0102A10161 01EB0400000E60", "1081000205FF0102A10161 01EB0400000E61")
    allocates_nothing("1081000205FF0102A10161 02DA0144E004C4653601", "1081000205FF0102A10161 02DA0142E0043B9AC9FF")
    allocates_nothing("1081000205FF0102A10161 03EB04FFFFFFFFDA0199810101", "1081000205FF0102A10160 01C50400000000")
    allocates_nothing("1081000105FF0102A1006E 01EB0400000E6002EB00DA00")


def test_a_dropped_datagram_allocates_nothing():
    one = node()
    sink = Sink()
    frames = [octets(frame)[:-1] for frame in GOLDEN] + [b"", b"\x10\x82" + bytes(20)]
    micropython.heap_lock()
    try:
        for frame in frames:
            one.handle(frame, len(frame), sink.out, sink.reply)
    finally:
        micropython.heap_unlock()
    assert sink.count == 0 and sum(one.counts) == len(frames)
