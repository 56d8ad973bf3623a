# heap: 512K
"""A new MicroPython for the chip: the place it goes to, its one start on trial, and power cuts at every write."""

import asyncio
import os
from hashlib import sha256

from host_tests import fakes
from host_tests.pure import bundles
from host_tests.pure.support import own_folder

_chip = fakes.install()[2]

from boards.esp32 import ota  # noqa: E402

_STORAGE = own_folder("ota")
_HEAD = bytes((0xE9, 5, 2, 0x20)) + bytes(8) + b"\0\0" + bytes(10)  # chip 0: ESP32
_OLD = _HEAD + b"MicroPython v1.26.1" + b"old" * 9000
_NEW = _HEAD + b"MicroPython v1.27.0" + b"new" * 8000


class _Off(Exception):
    """The bundle was not taken; the text says why."""


def _device(second=True):
    chip = _chip.ota = _chip.Ota(second)
    chip.places[0][: len(_OLD)] = _OLD
    for folder in (".build", ".build/test", _STORAGE):
        try:
            os.mkdir(folder)
        except OSError:
            pass
    for name in os.listdir(_STORAGE):
        os.remove(_STORAGE + "/" + name)
    return chip


async def _turn():
    pass


def update(image=_NEW, data=None, digest=None, size=None):
    """Install `image` as update.py does; what went wrong."""

    async def job():
        source = bundles.Source(image if data is None else data)
        file = (len(image) if size is None else size, digest or sha256(image).digest(), "micropython.bin")
        target = await ota.write(source, file, _turn)
        ota.switch(target, _STORAGE)

    try:
        asyncio.run(job())
    except ValueError as error:
        return str(error)


def start(chip, healthy=True):
    """A reset, what boot.py does with its files, and the trial; (what runs, was it on trial)."""
    place = chip.boot()
    files = os.listdir(_STORAGE)
    if "ota.tried" in files:
        os.remove(_STORAGE + "/ota.tried")
    trial = "ota.trial" in files
    if trial:
        os.rename(_STORAGE + "/ota.trial", _STORAGE + "/ota.tried")
        if healthy:
            ota.prove(_STORAGE)
    content = bytes(chip.places[place])
    return "old" if content[: len(_OLD)] == _OLD else "new" if content[: len(_NEW)] == _NEW else "none", trial


def test_it_runs_on_trial_and_stays():
    chip = _device()
    assert update() is None
    assert start(chip) == ("new", True)
    assert [start(chip) for _ in range(3)] == [("new", False)] * 3 and os.listdir(_STORAGE) == []


def test_it_goes_back_when_it_does_not_prove_itself():
    chip = _device()
    assert update() is None
    assert start(chip, healthy=False) == ("new", True)
    assert [start(chip) for _ in range(3)] == [("old", False)] * 3 and os.listdir(_STORAGE) == []
    assert update() is None and start(chip) == ("new", True) and start(chip) == ("new", False)


def test_what_cannot_run_here_is_refused():
    chip = _device()
    before = bytes(chip.places[1])
    assert update(_NEW[:12] + b"\x09\0" + _NEW[14:]) == "micropython.bin is no image for this chip"
    assert update(b"\0" + _NEW[1:]) == "micropython.bin is no image for this chip"
    assert update(size=chip.SIZE + 24) == "micropython.bin is too large for its place in flash, by 24 bytes"
    assert bytes(chip.places[1]) == before
    assert update(digest=bytes(32)) == "micropython.bin in the bundle is damaged"
    for size in (0, 100, 4096, len(_NEW) - 1):
        assert update(data=_NEW[:size]) == "the bundle ends within micropython.bin"
    assert start(chip) == ("old", False) and os.listdir(_STORAGE) == []


def test_a_layout_without_a_second_place_is_refused():
    chip = _device(second=False)
    said = "this chip's flash has no second place for MicroPython: flash an image of the variant OTA"
    assert update() == said and start(chip) == ("old", False)


def test_flash_that_keeps_something_else_is_noticed():
    chip = _device()
    usual = _chip.Partition.readblocks

    def worn(self, block, buffer, offset=0):
        usual(self, block, buffer, offset)
        if self._place == 1 and block == 2:
            buffer[7] ^= 1

    _chip.Partition.readblocks = worn
    try:
        assert update() == "micropython.bin does not read back as it was written"
    finally:
        _chip.Partition.readblocks = usual
    assert start(chip) == ("old", False)


def test_a_power_cut_at_every_write_leaves_the_old_or_the_new():
    cuts = 0
    found = []
    while True:
        chip = _device()
        chip.left = cuts
        try:
            update()
            done = True
        except _chip.PowerCut:
            done = False
        chip.left = None
        runs, trial = start(chip)
        assert runs == ("new" if done else "old"), cuts
        assert start(chip) == (runs, False)
        found.append(trial)
        if done:
            break
        cuts += 1
    assert cuts == 3 * 6 + 1  # erased, half and whole of 6 blocks, and the switch
    assert found == [False] * (cuts - 1) + [True, True]  # cut within the switch: the old one is looked at, and stays


def test_a_power_cut_in_the_trial_is_a_start():
    chip = _device()
    assert update() is None
    chip.left = 0
    try:
        start(chip)
        assert False
    except _chip.PowerCut:
        pass
    chip.left = None
    assert start(chip) == ("old", False)
