"""A folder as the store of records.py and log.py, and the CRC that both put behind what they write.

A store has `size(name)` in bytes (0 when missing), `read(name, at, count)`, `write(name, data)` from empty,
`append(name, data)` and `remove(name)`. Nothing is relied upon but that a finished write stays; a cut of the power may
leave any part of an unfinished one.
"""

import os
from binascii import crc32
from struct import pack_into

from bounded.compat import const

RESIDUE = const(0x2144DF1C)  # CRC-32 of anything followed by its own CRC-32, least byte first


class Files:
    """The folder at `path` as store: what cannot be read is empty, what cannot be written is an OSError."""

    def __init__(self, path):
        self._path = path + "/"

    def size(self, name):
        try:
            return os.stat(self._path + name)[6]
        except OSError:
            return 0

    def read(self, name, at, count):
        try:
            with open(self._path + name, "rb") as file:
                file.seek(at)
                return file.read(count)
        except OSError:
            return b""

    def write(self, name, data, mode="wb"):
        with open(self._path + name, mode) as file:
            if file.write(data) != len(data):
                raise OSError(28)  # ENOSPC

    def append(self, name, data):
        self.write(name, data, "ab")

    def remove(self, name):
        os.remove(self._path + name)


def seal(raw):
    """Put the CRC-32 of all before it into the last four bytes of `raw`."""
    end = len(raw) - 4
    pack_into("<I", raw, end, crc32(memoryview(raw)[:end]))
