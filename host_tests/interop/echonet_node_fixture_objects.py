"""A made-up charger for the tests of `lib/echonet`: property rows over a dict, no meaning behind them.

Close to class 02A1, so that controllers written by others know how to read it. 023F01 (made up) is a second class,
02A102 a second instance.
"""

from echonet.frame import put
from echonet.node import Node
from echonet.object import EchonetObject, constant

MAKER = b"\xff\xff\xf0"
UNIQUE = b"demo charger "

ROWS = (
    b"\x80\x76\x02\x30\x31"  # operation status, Get Set Anno
    b"\x81\x70\x11"  # installation location, raw 1 or 17 bytes
    b"\x88\x51"  # fault status
    b"\x93\x36\x02\x41\x42"  # remote control setting
    b"\x99\x72"  # power limit setting, W
    b"\xc5\x14"  # rated charge capacity, W
    b"\xc7\x51"  # vehicle connection; FF (not determined) is an enumerated value, see VEHICLE_ROWS
    b"\xc8\x10\x08"  # minimum and maximum charging power
    b"\xcc\x11"  # charger type
    b"\xcd\x26\x01\x10"  # connection check, write-only
    b"\xd3\x14"  # instantaneous charging power, W
    b"\xd4\x1a"  # instantaneous current, 0.1 A, signed
    b"\xd8\x14"  # cumulative charging energy
    b"\xd9\x26\x01\x00"  # its reset, write-only
    b"\xda\x76\x04\x42\x44\x47\x40"  # operation mode setting
    b"\xe0\x3c"  # signed power setting
    b"\xe2\x14"  # remaining energy
    b"\xe4\x15"  # state of charge
    b"\xe6\x10\x19"  # vehicle id
    b"\xe7\x34"  # charging amount setting
    b"\xeb\x74"  # charging power setting, W
    b"\xed\x72"  # charging current setting, 0.1 A
)


class Demo:
    """Values by EPC; what is missing is not known."""

    def __init__(self):
        self.values = {
            0x80: 0x30,
            0x88: 0x42,
            0x93: 0x41,
            0x99: 11000,
            0xC5: 11000,
            0xC7: 0x30,
            0xCC: 0x11,
            0xD3: 0,
            0xD4: 0,
            0xD8: 123456,
            0xDA: 0x42,
            0xE0: 0,
            0xE7: 0,
            0xEB: 11000,
            0xED: 160,
        }
        self.place = bytearray(17)
        self.place_size = 1
        self.written = []

    def get(self, epc):
        return self.values.get(epc)

    def set(self, epc, value):
        if epc == 0xEB and value > 11000:  # a range known only at run time
            return False
        if epc == 0xD9:
            self.values[0xD8] = 0
        elif epc != 0xCD:
            self.values[epc] = value
        return True

    def read(self, epc, out, at):
        if epc == 0xC8:
            put(out, at, 1400, 4)
            put(out, at + 4, 11000, 4)
            return 8
        if epc == 0xE6:
            out[at] = 0
            return 1
        for i in range(self.place_size):
            out[at + i] = self.place[i]
        return self.place_size

    def write(self, epc, data, at, size):
        if size != 1 and (size != 17 or data[at] != 1):
            return False
        for i in range(size):
            self.place[i] = data[at + i]
        self.place_size = size
        return True


def charger(eoj=0x02A101, demo=None, keep=None):
    """The made-up charger as an object; `demo` holds its values."""
    identity = constant(0x82, b"\0\0R\2") + constant(0x83, b"\xfe" + MAKER + UNIQUE) + constant(0x8A, MAKER)
    return EchonetObject(eoj, ((identity, None), (ROWS, demo or Demo())), keep)


def node(*objects):
    """A node with these objects, or with one charger."""
    return Node(MAKER, UNIQUE, objects or (charger(),), ((constant(0x8C, b"demo        "), None),))
