"""A new MicroPython for the chip (update.py): into the partition that does not run, then started on trial.

The bootloader gives it one start: unless `prove` marks it as valid the next reset brings back the one before. Needs a
flash layout with two places for MicroPython, as stock images of the variant OTA have. The file MARK says to boot.py
that MicroPython is on trial; boot.py makes TRIED of it, so that it is so for one start.
"""

import os
from hashlib import sha256

from bounded.compat import const
from esp32 import Partition

MARK = "/ota.trial"
TRIED = "/ota.tried"
_BLOCK = const(4096)
_PIECE = const(512)
_ADDRESS, _SIZE, _LABEL = const(2), const(3), const(4)  # places in Partition.info()


async def write(source, file, turn):
    """Bring `file` (size, SHA-256, path), which `source` gives next, to the partition that does not run, and return
    that; `turn()` is awaited between pieces. ValueError when it is not an image that could start there."""
    size, digest, path = file
    block = bytearray(_BLOCK)
    running = Partition(Partition.RUNNING)
    try:
        target = running.get_next_update()
    except OSError:
        target = running
    if target.info()[_ADDRESS] == running.info()[_ADDRESS]:
        raise ValueError("this chip's flash has no second place for MicroPython: flash an image of the variant OTA")
    if size > target.info()[_SIZE]:
        raise ValueError("%s is too large for its place in flash, by %d bytes" % (path, size - target.info()[_SIZE]))
    running.readblocks(0, block)
    kind = bytes(block[12:14])  # of chip
    found = sha256()
    for number in range(_blocks(size)):
        count = min(size - number * _BLOCK, _BLOCK)
        await _fill(source, path, block, count, turn)
        if number == 0 and (block[0] != 0xE9 or bytes(block[12:14]) != kind):
            raise ValueError("%s is no image for this chip" % path)
        found.update(memoryview(block)[:count])
        target.writeblocks(number, block)
    if found.digest() != digest:
        raise ValueError("%s in the bundle is damaged" % path)
    await _verify(target, file, block, turn)
    return target


def _blocks(size):
    return (size + _BLOCK - 1) // _BLOCK


async def _fill(source, path, block, count, turn):
    """The next `count` bytes into `block`, what is left of it blank."""
    at = 0
    while at < count:
        piece = await source.read(min(count - at, _PIECE))
        if not piece:
            raise ValueError("the bundle ends within %s" % path)
        block[at : at + len(piece)] = piece
        at += len(piece)
        await turn()
    while at < _BLOCK:
        block[at] = 0xFF
        at += 1


async def _verify(target, file, block, turn):
    size, digest, path = file
    found = sha256()
    for number in range(_blocks(size)):
        target.readblocks(number, block)
        found.update(memoryview(block)[: min(size - number * _BLOCK, _BLOCK)])
        await turn()
    if found.digest() != digest:
        raise ValueError("%s does not read back as it was written" % path)


def switch(target, storage):
    """Start what is in `target` at the next reset, on trial."""
    with open(storage + MARK, "w") as file:
        file.write(target.info()[_LABEL])
    try:
        target.set_boot()
    except OSError:
        os.remove(storage + MARK)
        raise ValueError("the chip does not take the image for one that could start")


def prove(storage):
    """MicroPython does its work: it stays."""
    try:
        Partition.mark_app_valid_cancel_rollback()
    except OSError as error:  # it was never switched to
        print("MicroPython is the one before: %s" % error)
    os.remove(storage + TRIED)
