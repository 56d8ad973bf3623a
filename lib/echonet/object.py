"""Objects of an ECHONET Lite node: property rows as data, one engine that reads, writes, maps and announces them.

An object is made of parts `(rows, module)`. `rows` is a bytes of at most 256, one row per property:

    EPC, access << 4 | kind [, more]

    access  1 Get + 2 Set + 4 Anno (announced properties must be readable)
    kind    1 u8 0..253           5 u8 0..100 (per cent)       6 enumerated u8: count and values follow
            2 u16 0..65533        3 u16 0..32766               0 raw: greatest size in bytes follows
            4 u32 0..999999999    A s16 -32767..32766          C s32 -999999999..999999999

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
_NEVER = const(255)  # an announced value that nobody has looked at yet
_MAPS = const(1)  # in the index: one of the three maps; 0 is "no such property"

_SIZE = b"\x00\x01\x02\x02\x04\x01\x01\x00\x00\x00\x02\x00\x04\x00\x00\x00"  # by kind
_HIGH = (0, 253, 65533, 32766, 999999999, 100, 255, 0, 0, 0, 32766, 0, 999999999)


class EchonetObject:
    """One instance of a class, `eoj` e.g. 0x02A101, made of `parts`; a later part replaces rows of an earlier one.

    `keep`, when given, is the bytes of the EPCs to offer: all others are left out.
    """

    def __init__(self, eoj, parts, keep=None):
        self.eoj = eoj
        self._parts = tuple(parts)
        # where[epc - 0x80] = part number from 1 << 8 | offset of its row
        self._where = where = array("H", bytes(256))
        self._maps = maps = bytearray(51)
        access = {0x9D: _GET, 0x9E: _GET, 0x9F: _GET}
        room = {}
        part = 0
        for rows, _ in parts:
            part += 256
            at = 0
            while at < len(rows):
                epc, code = rows[at], rows[at + 1]
                kind = code & 15
                if keep is None or epc in keep:
                    where[epc - 128] = part | at
                    access[epc] = code
                    room[epc] = _SIZE[kind] or rows[at + 2]
                at += 2 if kind in b"\x01\x02\x03\x04\x05\x0a\x0c" else 3 + (rows[at + 2] if kind else 0)
        for i in range(3):
            where[29 + i] = _MAPS
            codes = [epc for epc in sorted(access) if access[epc] & _ANNO >> i]
            at = 17 * i
            maps[at] = len(codes)
            for epc in codes:
                if len(codes) < 16:
                    at += 1
                    maps[at] = epc
                else:
                    maps[at + 1 + (epc & 15)] |= 1 << (epc >> 4) - 8
        # the announced values as last seen: EPC, size, room and `room` bytes each
        last = bytearray()
        for epc in room:
            if access[epc] & _ANNO:
                last.extend(bytes((epc, _NEVER, room[epc])) + bytes(room[epc]))
        self._last = last

    def get(self, epc, out, at, limit):
        """Write the value of `epc` into `out` from `at`, ending before `limit`; return its size.

        0 = not possible: no such property, write-only, unknown now, out of its range, or no room.
        """
        where = self._where[epc - 128] if epc > 127 else 0
        if where <= _MAPS:
            if not where or at + 17 > limit:
                return 0
            maps = self._maps
            first = (epc - 0x9D) * 17
            size = maps[first] + 1
            if size > 17:
                size = 17
            for i in range(size):
                out[at + i] = maps[first + i]
            return size
        rows, module = self._parts[(where >> 8) - 1]
        where &= 255
        kind = rows[where + 1]
        if not kind & _GET:
            return 0
        kind &= 15
        if kind == _RAW:
            return module.read(epc, out, at) if at + rows[where + 2] <= limit else 0
        size = _SIZE[kind]
        if at + size > limit:
            return 0
        value = module.get(epc)
        if value is None:
            return 0
        high = _HIGH[kind]
        if not (~high + (kind >> 2 & 1) if kind & 8 else 0) <= value <= high:
            return 0
        put(out, at, value, size)
        return size

    def set(self, epc, data, at, size):
        """Set `epc` to the `size` bytes of `data` from `at`; True when that was possible and is done."""
        where = self._where[epc - 128] if epc > 127 else 0
        if where <= _MAPS or not size:
            return False
        rows, module = self._parts[(where >> 8) - 1]
        where &= 255
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

        Returns the end of the frame, 0 when nothing changed. The first call only looks; a value that cannot be
        had is no change.
        """
        last = self._last
        end = 12
        count = 0
        at = 0
        while at < len(last):
            known = last[at + 1]
            size = self.get(last[at], out, end + 2, len(out))
            at += 3
            changed = size != known
            for i in range(size):
                byte = out[end + 2 + i]
                if last[at + i] != byte:
                    last[at + i] = byte
                    changed = True
            if not size:
                if known == _NEVER:
                    last[at - 2] = 0
            elif changed:
                last[at - 2] = size
                if known != _NEVER:
                    out[end] = last[at - 3]
                    out[end + 1] = size
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


class Fixed:
    """A part whose properties never change: `values` maps EPC to bytes, `announced` names those in the Anno map."""

    def __init__(self, values, announced=b""):
        self.rows = b""
        self._data = b""
        for epc in values:
            value = bytes(values[epc])
            self.rows += bytes((epc, 0x50 if epc in announced else 0x10, len(value)))
            self._data += bytes((epc, len(value))) + value

    def read(self, epc, out, at):
        """Write the value of `epc`."""
        data = self._data
        i = 0
        while data[i] != epc:
            i += 2 + data[i + 1]
        size = data[i + 1]
        i += 2
        for k in range(size):
            out[at + k] = data[i + k]
        return size
