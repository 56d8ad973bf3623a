"""Objects of an ECHONET Lite node: property rows as data, one engine that reads, writes, maps and announces them.

An object is made of parts `(rows, module)`. `rows` is a bytes of at most 1024, one row per property:

    EPC, access << 4 | kind [, more]

    access  1 Get + 2 Set + 4 Anno (announced properties must be readable)
    kind    1 u8 0..253           5 u8 0..100 (per cent)       6 enumerated u8: count and values follow
            2 u16 0..65533        3 u16 0..32766               0 raw: greatest size in bytes follows
            4 u32 0..999999999    A s16 -32767..32766          7 constant: size and value follow
                                  C s32 -999999999..999999999

so `b"\\x99\\x32"` is a u16 with Get and Set. `module` is anything with the methods its rows need:

    get(epc)                    the value as int, None = not possible now
    set(epc, value)             True = done; called only with values of the row's kind and range
    read(epc, out, at)          raw: write the value into `out` from `at`, return its size, 0 = not possible now
    write(epc, data, at, size)  raw: True = done; `size` 1..255 bytes of `data` from `at`, anything may be in them

The property maps (9D, 9E, 9F of the device super class and the node profile) come by themselves.
"""

from array import array

from bounded.compat import const
from echonet.frame import put

_GET = const(0x10)
_SET = const(0x20)
_ANNO = const(0x40)
_RAW = const(0)
_ENUM = const(6)
_CONSTANT = const(7)

_SIZE = b"\x00\x01\x02\x02\x04\x01\x01\x00\x00\x00\x02\x00\x04\x00\x00\x00"  # by kind
_HIGH = (0, 253, 65533, 32766, 999999999, 100, 255, 0, 0, 0, 32766, 0, 999999999)


def constant(epc, value, access=1):
    """The row of a property that is always `value` (bytes); rows can be added up. Its part needs no module."""
    return bytes((epc, access << 4 | _CONSTANT, len(value))) + value


class EchonetObject:
    """One instance of a class, `eoj` e.g. 0x02A101, made of `parts`; each EPC has one row.

    `keep`, when given, is the bytes of the EPCs to offer: all others are left out.
    """

    def __init__(self, eoj, parts, keep=None):
        self.eoj = eoj
        # where[epc - 0x80] = part number from 1 << 10 | offset of its row
        self._where = where = array("H", bytes(256))
        # the announced values as last seen: EPC, size (0 = never), room and `room` bytes each
        self._last = last = bytearray()
        access = {0x9D: _GET, 0x9E: _GET, 0x9F: _GET}
        part = 0
        for rows, _ in parts:
            part += 1024
            at = 0
            while at < len(rows):
                epc = rows[at]
                code = rows[at + 1]
                kind = code & 15
                if keep is None or epc in keep:
                    where[epc - 128] = part | at
                    access[epc] = code
                    if code & _ANNO:
                        size = _SIZE[kind] or rows[at + 2]
                        last.extend(bytes((epc, 0, size)) + bytes(size))
                at += 2 if kind in b"\x01\x02\x03\x04\x05\x0a\x0c" else 3 + (kind and rows[at + 2])
        maps = b""
        for i in range(3):
            where[29 + i] = part + 1024 | len(maps)
            codes = [epc for epc in sorted(access) if access[epc] & _ANNO >> i]
            count = len(codes)
            if count > 15:  # one bit each: low half of the code picks the byte, high half the bit
                bits = bytearray(16)
                for epc in codes:
                    bits[epc & 15] |= 1 << (epc >> 4) - 8
                codes = bits
            maps += constant(0x9D + i, bytes((count,)) + bytes(codes))
        self._parts = tuple(parts) + ((maps, None),)

    def get(self, epc, out, at, limit):
        """Write the value of `epc` into `out` from `at`, ending before `limit`; return its size.

        0 = not possible: no such property, write-only, unknown now, out of its range, or no room.
        """
        where = self._where[epc - 128] if epc > 127 else 0
        if not where:
            return 0
        rows, module = self._parts[(where >> 10) - 1]
        where &= 1023
        kind = rows[where + 1]
        if not kind & _GET:
            return 0
        kind &= 15
        size = _SIZE[kind] or rows[where + 2]
        if at + size > limit:
            return 0
        if kind == _CONSTANT:
            where += 3
            for i in range(size):
                out[at + i] = rows[where + i]
            return size
        if kind == _RAW:
            return module.read(epc, out, at)
        value = module.get(epc)
        if value is None:
            return 0
        high = _HIGH[kind]
        if not (~high + (kind >> 2 & 1) if kind & 8 else 0) <= value <= high:
            return 0
        if size == 1:
            out[at] = value
        else:
            put(out, at, value, size)
        return size

    def set(self, epc, data, at, size):
        """Set `epc` to the `size` bytes of `data` from `at`; True when that was possible and is done."""
        where = self._where[epc - 128] if epc > 127 else 0
        if not where or not size:
            return False
        rows, module = self._parts[(where >> 10) - 1]
        where &= 1023
        kind = rows[where + 1]
        if not kind & _SET:
            return False
        kind &= 15
        if kind == _RAW:
            return module.write(epc, data, at, size)
        if size != _SIZE[kind]:
            return False
        value = data[at]
        if kind & 8 and value > 127:
            value -= 256
        if size == 4 and not -61 < value < 60:  # beyond the range, and beyond a 31-bit integer
            return False
        for i in range(at + 1, at + size):
            value = value << 8 | data[i]
        if kind == _ENUM:
            where += 3
            for i in range(where, where + rows[where - 1]):
                if rows[i] == value:
                    return module.set(epc, value)
            return False
        high = _HIGH[kind]
        if not (~high + (kind >> 2 & 1) if kind & 8 else 0) <= value <= high:
            return False
        return module.set(epc, value)

    def changes(self, out):
        """Write OPC and every announced property that changed since the last call into `out` from byte 11.

        Returns the end of the frame, 0 when nothing changed. The first call has them all. A value that cannot be
        had now is no change.
        """
        last = self._last
        end = 12
        count = 0
        at = 0
        while at < len(last):
            size = self.get(last[at], out, end + 2, len(out))
            at += 3
            if size:
                changed = size != last[at - 2]
                for i in range(size):
                    byte = out[end + 2 + i]
                    if last[at + i] != byte:
                        last[at + i] = byte
                        changed = True
                if changed:
                    last[at - 2] = out[end + 1] = size
                    out[end] = last[at - 3]
                    end += 2 + size
                    count += 1
            at += last[at - 1]
        out[11] = count
        return end if count else 0

    def forget(self):
        """An announcement was lost: `changes` takes every announced value for new once."""
        last = self._last
        at = 0
        while at < len(last):
            last[at + 1] = 0
            at += 3 + last[at + 2]
