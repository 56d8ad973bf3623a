"""Small values in files that survive a power cut at any byte, each in two slots of a store as in files.py."""

from binascii import crc32
from struct import pack_into, unpack_from

from bounded.compat import const
from bounded.files import RESIDUE, seal

_FRAME = const(12)  # of a slot: sequence number, version, length; CRC


class Slots:
    """One value of at most `max_bytes`, in the files `name`.0 and `name`.1 of `store`.

    A write goes to the slot that does not hold the value last read or written, so that one is never at risk.
    `version` (16 bits) is written with the value; `found` is the version of the value that was read.
    """

    def __init__(self, store, name, max_bytes, version=1):
        self._store = store
        self._name = name
        self._max = max_bytes
        self.version = version
        self.found = None
        self._slot = None
        self._seq = 0

    def _load(self, slot):
        raw = self._store.read(self._name + ".%d" % slot, 0, self._max + _FRAME + 1)
        if len(raw) >= _FRAME and crc32(raw) == RESIDUE:
            seq, version, length = unpack_from("<IHH", raw)
            if length == len(raw) - _FRAME:
                return seq, version, raw[8 : 8 + length]

    def read(self, accept=None):
        """The newest whole value for which `accept(version, value)` is true, if given; None without any."""
        best = self._slot = self.found = None
        for slot in (0, 1):
            one = self._load(slot)
            if one:
                self._seq = max(self._seq, one[0])
                if (best is None or one[0] > best[0]) and (accept is None or accept(one[1], one[2])):
                    best = one
                    self._slot = slot
                    self.found = one[1]
        return best and best[2]

    def write(self, value):
        """Replace the value. ValueError: too long; OSError: the store failed. Then the old one stays.

        A value that is already there costs no write.
        """
        if len(value) > self._max:
            raise ValueError("more than %d bytes" % self._max)
        if self._slot is None:
            self.read()
        slot = 0
        if self._slot is not None:
            now = self._load(self._slot)
            if now and now[1] == self.version and now[2] == value:
                return
            slot = 1 - self._slot
        self._seq += 1
        raw = bytearray(_FRAME + len(value))
        pack_into("<IHH", raw, 0, self._seq, self.version, len(value))
        raw[8:-4] = value
        seal(raw)
        self._store.write(self._name + ".%d" % slot, raw)
        if self._load(slot) is None:
            raise OSError(5)  # EIO: it reads back otherwise
        self._slot = slot
