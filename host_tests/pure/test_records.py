# heap: 320K
"""Slots and log over a flash that loses power after every byte and operation; rows F2, F3 of the fault table."""

import os
from binascii import crc32

from bounded.files import Files
from bounded.log import Log
from bounded.records import Slots
from host_tests.pure.support import raises


class PowerCut(Exception):
    pass


class CutFlash:
    """A store in memory that loses power when `budget` steps are used up; None = never.

    Emptying a file is a step and so is each byte. The byte at which the power goes is `torn`: 0 not written,
    1 written as garbage. `atomic`: like a file system that keeps the old content until the file is closed.
    """

    def __init__(self, torn=0, atomic=False):
        self.files = {}
        self.budget = None
        self.torn = torn
        self.atomic = atomic
        self.full = False
        self.steps = 0

    def size(self, name):
        return len(self.files.get(name, b""))

    def read(self, name, at, count):
        return bytes(self.files.get(name, b"")[at : at + count])

    def write(self, name, data):
        self._put(name, bytearray(), data)

    def append(self, name, data):
        self._put(name, bytearray(self.files.get(name, b"")), data)

    def _put(self, name, content, data):
        if self.full:
            self.files[name] = content + data[: len(data) // 2]
            raise OSError(28)
        old = self.files.get(name)
        if old is None or len(old) != len(content):
            self._step()  # before this the old content is there
            if not self.atomic:
                self.files[name] = content
        for byte in data:
            try:
                self._step()
            except PowerCut:
                if self.torn:
                    content.append(byte ^ 0x55)
                if not self.atomic:
                    self.files[name] = content
                raise
            content.append(byte)
        self._step()  # closing
        self.files[name] = content

    def _step(self):
        self.steps += 1
        if self.budget is not None:
            if self.budget == 0:
                raise PowerCut
            self.budget -= 1


FLASHES = ((0, False), (1, False), (0, True))


def flash_with(kind, files):
    flash = CutFlash(kind[0], kind[1])
    for name in files:
        flash.files[name] = bytearray(files[name])
    return flash


def slots_on(flash):
    return Slots(flash, "s", 60)


def test_slots_keep_a_value_with_its_version():
    flash = CutFlash()
    slots = slots_on(flash)
    assert slots.read() is None and slots.found is None
    slots.write(b"")
    assert slots_on(flash).read() == b""
    slots.write(b"first")
    newer = Slots(flash, "s", 60, 7)
    assert newer.read() == b"first" and newer.found == 1
    newer.write(b"first")
    assert slots_on(flash).read() == b"first"
    slots = slots_on(flash)
    assert slots.read() == b"first" and slots.found == 7
    for n in range(20):
        slots.write(b"value %d" % n)
        assert slots_on(flash).read() == b"value %d" % n
    assert len(flash.files) == 2
    assert raises(ValueError, slots.write, bytes(61))
    slots.write(bytes(60))
    assert slots_on(flash).read() == bytes(60)


def test_same_value_again_costs_no_write():
    flash = CutFlash()
    slots = slots_on(flash)
    slots.write(b"value")
    steps = flash.steps
    slots.write(b"value")
    slots_on(flash).write(b"value")
    assert flash.steps == steps


def test_slots_cut_at_every_step():
    """After a cut anywhere in a write the value is the old or the new one, and the next write works."""
    for kind in FLASHES:
        for values in ((b"old value", b"new"), (b"x", b"a longer new value"), (None, b"first")):
            for before in (0, 1):  # so that both slots get their turn
                base = CutFlash()
                for _ in range(before):
                    slots_on(base).write(b"even older")
                if values[0] is not None:
                    slots_on(base).write(values[0])
                old = slots_on(base).read()
                budget = 0
                done = False
                while not done:
                    flash = flash_with(kind, base.files)
                    slots = slots_on(flash)
                    slots.read()
                    flash.budget = budget
                    try:
                        slots.write(values[1])
                        done = True
                    except PowerCut:
                        pass
                    flash.budget = None
                    slots = slots_on(flash)
                    got = slots.read()
                    assert got == values[1] if done else got in (old, values[1])
                    slots.write(b"after")
                    assert slots_on(flash).read() == b"after"
                    budget += 1
                assert budget > len(values[1]) + 12


def test_slots_find_every_flipped_byte_and_every_truncation():
    flash = CutFlash()
    slots = slots_on(flash)
    slots.write(b"old value")
    slots.write(b"new value")
    whole = flash.files["s.1"]
    for at in range(len(whole)):
        for flip in (1, 0x80, 0xFF):
            raw = bytearray(whole)
            raw[at] ^= flip
            flash.files["s.1"] = raw
            assert slots_on(flash).read() == b"old value"
        flash.files["s.1"] = whole[:at]
        assert slots_on(flash).read() == b"old value"
    for junk in (b"\x00", b"\xff", b"junk"):
        flash.files["s.1"] = whole + junk
        assert slots_on(flash).read() == b"old value"
    for fill in (b"\x00", b"\xff"):
        for length in range(80):
            flash.files["s.1"] = fill * length
            assert slots_on(flash).read() == b"old value"
    flash.files["s.1"] = whole
    assert slots_on(flash).read() == b"new value"
    flash.files["s.0"] = b""
    flash.files["s.1"] = b"?"
    assert slots_on(flash).read() is None


def test_slot_with_something_behind_it_is_refused():
    flash = CutFlash()
    slots = slots_on(flash)
    slots.write(b"old value")
    slots.write(bytes(60))
    flash.files["s.1"] += b"x"
    assert slots_on(flash).read() == b"old value"
    raw = b"\x09\0\0\0\x01\0\x03\0abcd"  # sound, but the length is wrong
    flash.files["s.1"] = bytearray(raw + crc32(raw).to_bytes(4, "little"))
    assert slots_on(flash).read() == b"old value"


def test_refused_newest_gives_the_older_and_survives_the_next_write_being_cut():
    flash = CutFlash()
    slots_on(flash).write(b"good")
    Slots(flash, "s", 60, 9).write(b"from the future")
    slots = slots_on(flash)
    assert slots.read(lambda version, value: version < 9) == b"good" and slots.found == 1
    flash.budget = 3
    assert raises(PowerCut, slots.write, b"better")
    flash.budget = None
    slots = slots_on(flash)
    assert slots.read(lambda version, value: version < 9) == b"good"
    slots.write(b"better")
    assert slots_on(flash).read() == b"better"
    assert slots_on(flash).read(lambda version, value: False) is None


def test_slots_on_a_full_flash_keep_the_old_value():
    flash = CutFlash()
    slots = slots_on(flash)
    slots.write(b"value")
    flash.full = True
    for _ in range(3):
        assert raises(OSError, slots.write, b"another")
        assert slots.read() == b"value" and slots_on(flash).read() == b"value"
    flash.full = False
    slots.write(b"another")
    assert slots_on(flash).read() == b"another"


def test_slots_notice_a_flash_that_keeps_nothing():
    class Worn(CutFlash):
        def write(self, name, data):
            CutFlash.write(self, name, data[:-1] + b"\x00")

    flash = CutFlash()
    slots = slots_on(flash)
    slots.write(b"value")
    worn = Worn()
    worn.files = flash.files
    slots = slots_on(worn)
    assert raises(OSError, slots.write, b"another") and raises(OSError, slots.write, b"another")
    assert slots_on(flash).read() == b"value"


def log_on(flash):
    return Log(flash, "l", 4, 3, 3)


def record(n):
    return b"r%03d" % n


def all_of(log):
    return list(log.newest())


def test_log_is_bounded_and_newest_first():
    flash = CutFlash()
    log = log_on(flash)
    assert all_of(log) == [] and log.seq == 0
    for n in range(1, 40):
        log.append(record(n))
        if n % 5 == 0:
            log = log_on(flash)
        got = all_of(log)
        assert 7 <= len(got) <= 9 or len(got) == n
        assert got == [record(n - back) for back in range(len(got))]
        assert log.seq == n
    assert max([len(flash.files[name]) for name in flash.files]) == 3 * 12 and len(flash.files) == 3
    assert raises(ValueError, log.append, b"12345")
    assert raises(ValueError, log.append, b"123")


def test_log_cut_at_every_step():
    """Whatever append the power goes in, at most that record is lost, and the log goes on after it."""
    for kind in FLASHES:
        for count in range(13):
            base = CutFlash()
            log = log_on(base)
            for n in range(1, count + 1):
                log.append(record(n))
            kept = all_of(log)
            budget = 0
            done = False
            while not done:
                flash = flash_with(kind, base.files)
                log = log_on(flash)
                flash.budget = budget
                try:
                    log.append(record(count + 1))
                    done = True
                except PowerCut:
                    pass
                flash.budget = None
                got = all_of(log_on(flash))
                if got[:1] == [record(count + 1)]:
                    got = got[1:]
                else:
                    assert not done
                least = 6 if count in (9, 12) else len(kept)  # there the oldest segment gives way
                assert got == kept[: len(got)] and len(got) >= least
                log = log_on(flash)
                log.append(b"next")
                log.append(b"last")
                after = all_of(log_on(flash))
                assert after[:2] == [b"last", b"next"]
                rest = [one for one in after[2:] if one != record(count + 1)]
                assert rest == kept[: len(rest)] and len(rest) >= min(len(kept), 3)
                budget += 1


def test_log_survives_cut_after_cut():
    flash = CutFlash()
    kept = 0
    for n in range(1, 200):
        log = log_on(flash)
        flash.budget = n * 7 % 30
        try:
            log.append(record(n))
        except PowerCut:
            pass
        flash.budget = None
        got = all_of(log_on(flash))
        assert got == sorted(got, reverse=True) and len(got) <= 9
        kept += got[:1] == [record(n)]
        assert max([len(flash.files[name]) for name in flash.files]) <= 3 * 12
    assert 60 < kept < 140


def test_log_skips_every_flipped_byte():
    flash = CutFlash()
    log = log_on(flash)
    for n in range(1, 6):
        log.append(record(n))
    for name, first in (("l.0", 1), ("l.1", 4)):
        whole = flash.files[name]
        for at in range(len(whole)):
            for flip in (1, 0x80, 0xFF):
                raw = bytearray(whole)
                raw[at] ^= flip
                flash.files[name] = raw
                lost = record(first + at // 12)
                assert all_of(log_on(flash)) == [record(n) for n in range(5, 0, -1) if record(n) != lost]
        for length in range(len(whole)):
            flash.files[name] = whole[:length]
            lost = [record(n) for n in range(first + length // 12, first + len(whole) // 12)]
            assert all_of(log_on(flash)) == [record(n) for n in range(5, 0, -1) if record(n) not in lost]
        flash.files[name] = whole


def test_log_on_a_full_flash_loses_only_what_it_cannot_write():
    flash = CutFlash()
    log = log_on(flash)
    for n in range(1, 6):
        log.append(record(n))
    flash.full = True
    for _ in range(3):
        assert raises(OSError, log.append, b"lost")
    flash.full = False
    log.append(record(6))
    got = all_of(log_on(flash))
    assert got[0] == record(6) and got[1:3] == [record(5), record(4)]


def test_erased_flash_is_no_record():
    for fill in (b"\x00", b"\xff"):
        for length in range(1, 12):
            flash = CutFlash()
            flash.files["l.0"] = bytearray(fill * 60)
            log = Log(flash, "l", length, 3, 3)
            assert all_of(log) == [] and log.seq == 0


def test_residue_is_that_of_crc32():
    """A table-less computation of the constant that `records` compares with."""
    for data in (b"", b"a", b"some bytes"):
        crc = crc32(data)
        assert crc32(data + bytes([crc >> shift & 0xFF for shift in (0, 8, 16, 24)])) == 0x2144DF1C


def test_files_in_a_folder():
    folder = "records_test_%d" % (id(object()) % 100000)
    os.mkdir(folder)
    try:
        files = Files(folder)
        assert files.size("s.0") == 0 and files.read("s.0", 0, 10) == b""
        slots = Slots(files, "s", 60)
        slots.write(b"one")
        slots.write(b"two")
        assert Slots(files, "s", 60).read() == b"two"
        log = log_on(files)
        for n in range(1, 12):
            log.append(record(n))
        assert all_of(log_on(files))[:3] == [record(11), record(10), record(9)]
        assert files.size("l.0") == 24 and files.read("l.0", 4, 4) == record(10)
        assert raises(OSError, Files(folder + "/none").write, "x", b"")
    finally:
        for name in os.listdir(folder):
            os.remove(folder + "/" + name)
        os.rmdir(folder)
