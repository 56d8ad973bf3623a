"""A log of fixed-size records in files that survive a power cut at any byte; its store as in files.py."""

from binascii import crc32
from struct import pack_into, unpack_from

from bounded.files import RESIDUE, seal


class Log:
    """Records of `record_bytes` in the files `name`.0, .1 ... of `store`, `per_segment` in each of `segments`.

    The newest segment is appended to; when it is full the oldest is begun anew. A cut costs at most the record
    being written, and its place: the remains are filled up at the next append and skipped by every reader. `seq`
    is the number of the newest record, from 1.
    """

    def __init__(self, store, name, record_bytes, per_segment=64, segments=4):
        self._store = store
        self._name = name
        self._raw = bytearray(record_bytes + 8)
        self._full = per_segment * (record_bytes + 8)
        self._segments = segments
        self._segment = 0
        self.seq = 0
        for segment in range(segments):
            for raw in self._backward(segment):
                seq = unpack_from("<I", raw)[0]
                if seq > self.seq:
                    self.seq = seq
                    self._segment = segment
                break

    def _backward(self, segment):
        size = len(self._raw)
        name = self._name + ".%d" % segment
        at = self._store.size(name) // size * size
        while at:
            at -= size
            raw = self._store.read(name, at, size)
            if len(raw) == size and crc32(raw) == RESIDUE:
                yield raw

    def append(self, payload):
        """Add a record of exactly `record_bytes`. OSError: the store failed and the record is lost."""
        raw = self._raw
        if len(payload) != len(raw) - 8:
            raise ValueError("not %d bytes" % (len(raw) - 8))
        pack_into("<I", raw, 0, self.seq + 1)
        raw[4:-4] = payload
        seal(raw)
        segment = self._segment
        used = self._store.size(self._name + ".%d" % segment)
        missing = -used % len(raw)  # of a record that was cut
        if used + missing < self._full:
            self._store.append(self._name + ".%d" % segment, bytes(missing) + raw)
        else:
            segment = (segment + 1) % self._segments
            self._store.write(self._name + ".%d" % segment, raw)
            self._segment = segment
        self.seq += 1

    def newest(self):
        """Yield the payloads, the newest first."""
        for back in range(self._segments):
            for raw in self._backward((self._segment - back) % self._segments):
                yield raw[4:-4]
