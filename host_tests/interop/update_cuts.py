"""Under MicroPython: an update on a littlefs in RAM, its power cut before and within every operation of the flash.

Prints a line `cuts N old M`: of N places to cut, M left the old program. After each cut the file system is mounted
anew and what boot.py would start must be whole: the old program, or the new one on trial.
"""

import asyncio
import sys
import vfs

import slots
from host_tests.pure import bundles
from wallbox import bundle, update

_BLOCK = 4096
_BLOCKS = 64
_OLD = (("wallbox/app.mpy", b"old" * 900), ("wallbox/gone.mpy", b"gone" * 30), ("lib/same", b"same" * 300))
_NEW = (("boards/x/__init__.mpy", b"board" * 40), ("lib/cold", b"cold" * 3000), ("lib/same", b"same" * 300),
        ("wallbox/a.mpy", b"a" * 900), ("wallbox/app.mpy", b"new" * 1700), ("wallbox/b.mpy", b"b" * 4096),
        ("wallbox/c.mpy", b""), ("wallbox/deep/er/d.mpy", b"d" * 5000))


class Cut(Exception):
    """The supply went."""


class Flash:
    """`left` operations until the supply goes, None = never; `torn`: half of that one is done."""

    def __init__(self, content, left=None, torn=False):
        self.content = content
        self.left = left
        self.torn = torn

    def readblocks(self, block, buffer, offset=0):
        if self.left == -1:
            raise OSError(5)
        at = block * _BLOCK + offset
        buffer[:] = memoryview(self.content)[at : at + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        at = block * _BLOCK + offset
        self._use(at, buffer)

    def _use(self, at, data):
        if self.left is not None:
            if self.left <= 0:
                if self.left == 0 and self.torn:
                    half = len(data) // 2
                    self.content[at : at + half] = data[:half]
                self.left = -1
                raise OSError(5)
            self.left -= 1
        self.content[at : at + len(data)] = data

    def ioctl(self, what, argument):
        if what == 4:
            return _BLOCKS
        if what == 5:
            return _BLOCK
        if what == 6:
            self._use(argument * _BLOCK, _ERASED)
        return 0


_ERASED = b"\xff" * _BLOCK


def _mounted(flash):
    vfs.mount(vfs.VfsLfs2(flash, progsize=256, readsize=256), "/f")


def _put(name, files):
    for path, content in files:
        made = update.Folder("/f/" + name, None, None)._made(path)
        with open(made, "wb") as file:
            file.write(content)


def _device():
    """Flash with the old program in a, something older in b, and the pointer at a."""
    flash = Flash(bytearray(_ERASED * _BLOCKS))
    vfs.VfsLfs2.mkfs(flash, progsize=256, readsize=256)
    _mounted(flash)
    _put("a", _OLD)
    _put("b", _OLD[:2])
    slots.Pointer(slots.Files("/f/")).switch("a")
    vfs.umount("/f")
    return flash.content


async def _install():
    progress = update.Progress()
    found = bundle.parsed(bundles.body(_NEW))
    source = bundles.Source(b"".join([content for _, content in _NEW]))
    await update.install(source, found, slots.Pointer(slots.Files("/f/")), "/f", progress)


def _whole(name, files):
    for path, content in files:
        with open("/f/%s/%s" % (name, path), "rb") as file:
            if file.read() != content:
                return False
    return True


def _starts():
    """What boot.py starts, after a look at its files."""
    pointer = slots.Pointer(slots.Files("/f/"))
    trial = pointer.left
    folder = pointer.begin()
    if folder == "a":
        assert not trial and _whole("a", _OLD)
        return "old"
    assert folder == "b" and trial == 4 and _whole("a", _OLD) and _whole("b", _NEW)
    return "new"


def main():
    fresh = _device()
    old = cuts = 0
    while True:
        flash = Flash(bytearray(fresh), cuts // 2, cuts % 2)
        _mounted(flash)
        try:
            asyncio.run(_install())
            done = True
        except OSError:
            done = False
        finally:
            vfs.umount("/f")
        flash = Flash(bytearray(flash.content))  # the old one stays dead, whatever still holds a file of it
        _mounted(flash)
        found = _starts()
        again = True
        if found == "old":  # and the next attempt does it
            old += 1
            if cuts % 10 == 0:
                asyncio.run(_install())
                again = _starts() == "new"
        vfs.umount("/f")
        assert again
        if done:
            assert found == "new"
            break
        cuts += 1
    print("cuts %d old %d" % (cuts, old))


main()
sys.exit(0)
