"""Modbus RTU as a master that reads registers (Modbus over Serial Line 1.02; Application Protocol 1.1b3). Pure."""

from bounded.compat import const

_HEAD = const(3)  # address, function, number of bytes

SIZES = {"u16": 1, "s16": 1, "u32": 2, "s32": 2, "f32": 2}  # registers


def crc16(data, count):
    """Of the first `count` bytes; goes out least byte first."""
    crc = 0xFFFF
    for i in range(count):
        crc ^= data[i]
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def request(address, function, register, count):
    """The frame that asks for `count` registers by function 3 (holding) or 4 (input)."""
    frame = bytearray((address, function, register >> 8, register & 255, 0, count, 0, 0))
    crc = crc16(frame, 6)
    frame[6] = crc & 255
    frame[7] = crc >> 8
    return frame


def answer_bytes(count):
    """How long the answer with `count` registers is."""
    return _HEAD + 2 * count + 2


def good(frame, size, address, function, count):
    """Whether the `size` bytes of `frame` are the whole answer to that request, undamaged."""
    if size != answer_bytes(count) or frame[0] != address or frame[1] != function or frame[2] != 2 * count:
        return False
    return crc16(frame, size - 2) == frame[size - 2] | frame[size - 1] << 8


def value(frame, at, kind):
    """The number at register `at` of a good answer; f32 in thousandths; None when it is no number (NaN, infinite)."""
    at = _HEAD + 2 * at
    number = frame[at] << 8 | frame[at + 1]
    if SIZES[kind] == 2:
        number = number << 16 | frame[at + 2] << 8 | frame[at + 3]
    if kind == "f32":
        return _thousandths(number)
    bits = 16 * SIZES[kind]
    return number - (1 << bits) if kind[0] == "s" and number >> bits - 1 else number


def _thousandths(bits):
    exponent = bits >> 23 & 255
    if exponent == 255:
        return None
    mantissa = (bits & 0x7FFFFF | 0x800000 if exponent else 0) * 1000
    shift = exponent - 150
    if shift > 8:  # beyond any meter, and no reason to make integers of 40 digits
        return None
    mantissa = mantissa << shift if shift >= 0 else mantissa >> min(-shift, 40)
    return -mantissa if bits >> 31 else mantissa
