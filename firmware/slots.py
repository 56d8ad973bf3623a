"""Which of two program folders starts, and the trial of a new program. Knows no wallbox; loaded as source.

    boot.py main.py slots.py    the start: the same for every program
    a/ b/                       a program each: wallbox/, lib/, boards/<name>/
    slot.0 slot.1               the pointer: which folder starts, and what is left of its trial
    everything else             what the program keeps

A program goes into the folder that does not start, whole and verified, before the pointer moves. That is one write of
ten bytes into the older of the two files, so that a power cut at any byte leaves the pointer where it was or where it
goes. While a program is on trial the other folder holds a whole one that was proven, and nobody touches it: who wants
its place first moves the pointer back. Without a pointer no folder starts, whatever is in it.
"""

from binascii import crc32
from struct import pack, unpack

FOLDERS = ("a", "b")
FILES = ("slot.0", "slot.1")
_BYTES = 10  # sequence number, folder, starts left, CRC-32


class Files:
    """The files of the folder `root`, as far as a pointer needs them."""

    def __init__(self, root=""):
        self._root = root

    def read(self, name, at, count):
        try:
            with open(self._root + name, "rb") as file:
                file.seek(at)
                return file.read(count)
        except OSError:
            return b""

    def write(self, name, data):
        with open(self._root + name, "wb") as file:
            file.write(data)


class Pointer:
    """`folder`: the one that starts, None without a pointer. `left`: 0 = proven, else 1 more than starts on trial."""

    def __init__(self, store=None):
        self._store = store or Files()
        self._seq = self._file = self.left = 0
        self.folder = None
        for file in (0, 1):
            raw = self._store.read(FILES[file], 0, _BYTES + 1)
            if len(raw) == _BYTES:
                seq, folder, left, crc = unpack("<IBBI", raw)
                if crc == crc32(raw[:6]) and folder < 2 and seq > self._seq:
                    self._seq = seq
                    self._file = 1 - file
                    self.folder = FOLDERS[folder]
                    self.left = left

    def other(self):
        """The folder that does not start: where the next program goes."""
        return FOLDERS[0] if self.folder != FOLDERS[0] else FOLDERS[1]

    def begin(self):
        """The folder to start from now, once a start: a trial that is used up ends with the other folder."""
        if self.left:
            try:
                if self.left == 1:
                    self.switch(self.other())
                else:
                    self._write(self.folder, self.left - 1)
            except OSError:  # it cannot be counted, so it must not start
                self.folder = self.other()
                self.left = 0
        return self.folder

    def switch(self, folder, starts=0):
        """Start from `folder` from now on: proven, or on trial for so many starts (the other must be whole then)."""
        self._write(folder, starts + 1 if starts else 0)

    def prove(self):
        """The program that runs does its work: it stays."""
        if self.left:
            self._write(self.folder, 0)

    def _write(self, folder, left):
        raw = pack("<IBB", self._seq + 1, FOLDERS.index(folder), left)
        raw += pack("<I", crc32(raw))
        self._store.write(FILES[self._file], raw)
        if self._store.read(FILES[self._file], 0, _BYTES + 1) != raw:
            raise OSError(5)  # EIO: it reads back otherwise
        self._seq += 1
        self._file = 1 - self._file
        self.folder = folder
        self.left = left
