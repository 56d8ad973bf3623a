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
FILES = ("slot.0", "slot.1")  # ten bytes each: sequence number, folder, starts left, CRC-32


class Files:
    """The files of the folder `path`, as far as a pointer needs them."""

    def __init__(self, path=""):
        self.path = path

    def read(self, name, start, count):
        try:
            with open(self.path + name, "rb") as file:
                file.seek(start)
                return file.read(count)
        except OSError:
            return b""

    def write(self, name, data):
        with open(self.path + name, "wb") as file:
            file.write(data)


class Pointer:
    """`folder`: the one that starts, None without a pointer. `left`: 0 = proven, else 1 more than starts on trial.

    (What has a name here has it in memory for good, unless MicroPython has it in ROM: hence `io`, `hash`, `version`.)
    """

    def __init__(self, io=None):
        self.io = io or Files()
        self.version = self.index = self.left = 0
        self.folder = None
        for file in (0, 1):
            raw = self.io.read(FILES[file], 0, 11)  # one more than there should be
            if len(raw) == 10:
                version, folder, left, hash = unpack("<IBBI", raw)
                if hash == crc32(raw[:6]) and folder < 2 and version > self.version:
                    self.version = version
                    self.index = 1 - file
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
                    self.write(self.folder, self.left - 1)
            except OSError:  # it cannot be counted, so it must not start
                self.folder = self.other()
                self.left = 0
        return self.folder

    def switch(self, folder, count=0):
        """Start from `folder` from now on: proven, or on trial for `count` starts (the other must be whole then)."""
        self.write(folder, count + 1 if count else 0)

    def prove(self):
        """The program that runs does its work: it stays."""
        if self.left:
            self.write(self.folder, 0)

    def write(self, folder, left):
        raw = pack("<IBB", self.version + 1, FOLDERS.index(folder), left)
        raw += crc32(raw).to_bytes(4, "little")
        self.io.write(FILES[self.index], raw)
        if self.io.read(FILES[self.index], 0, 11) != raw:
            raise OSError(5)  # EIO: it reads back otherwise
        self.version += 1
        self.index = 1 - self.index
        self.folder = folder
        self.left = left
