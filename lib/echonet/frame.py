"""ECHONET Lite frames (specified message format, EHD 10 81) checked and written in place, big-endian.

    0 EHD1 EHD2 | 2 TID | 4 SEOJ | 7 DEOJ | 10 ESV | 11 OPC | 12 EPC PDC EDT ... (SetGet: two lists)

Nothing here allocates. Objects (EOJ) are numbers, class group, class and instance: 0x0EF001 is the node profile.
"""

_SERVICES = b"\x60\x61\x62\x63\x6e\x74\x71\x72\x73\x7a\x7e\x50\x51\x52\x53\x5e"


def check(frame, length):
    """0 when the first `length` bytes hold a well-formed frame, else its flaw.

    1 under 12 bytes, 2 not EHD 10 81, 3 unknown service, 4 an empty property list, 5 properties beyond the end.
    Bytes after the last property are no flaw.
    """
    if length < 12:
        return 1
    if frame[0] != 0x10 or frame[1] != 0x81:
        return 2
    esv = frame[10]
    if esv not in _SERVICES:
        return 3
    at = 11
    lists = 2 if esv & 0x0F == 0x0E else 1  # SetGet in all its forms carries two lists
    while lists:
        if at >= length:
            return 5
        opc = frame[at]
        if not opc:
            return 4
        for _ in range(opc):
            at += 2
            if at >= length:
                return 5
            at += frame[at]
        at += 1
        lists -= 1
    return 5 if at > length else 0


def begin(out, tid, seoj, deoj, esv):
    """Write the first eleven bytes of a frame into `out`: all before OPC."""
    out[0] = 0x10
    out[1] = 0x81
    out[2] = tid >> 8
    out[3] = tid & 255
    out[4] = seoj >> 16
    out[5] = seoj >> 8 & 255
    out[6] = seoj & 255
    out[7] = deoj >> 16
    out[8] = deoj >> 8 & 255
    out[9] = deoj & 255
    out[10] = esv


def put(out, at, value, size):
    """Write `value` (negative: two's complement) into `size` bytes of `out` from `at`."""
    if size == 4:  # the frequent one
        out[at] = value >> 24 & 255
        out[at + 1] = value >> 16 & 255
        size = 2
        at += 2
    while size:
        size -= 1
        out[at + size] = value & 255
        value >>= 8
