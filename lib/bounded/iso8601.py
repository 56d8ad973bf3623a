"""ISO 8601 durations and time stamps as SPINE uses them, in integers (EEBUS SPINE XSD: xs:duration, xs:dateTime).

Durations are ms, with weeks as 7, months as 30 and years as 365 days. Time stamps are seconds since 1970, UTC.
"""

from bounded.compat import const

_DAY_S = const(86400)


def duration_ms(text, n):
    """The duration in `text[:n]` (bytes) in ms, negative allowed, parts of a ms cut; None: not a duration."""
    at = 1 if n and text[0] == 45 else 0
    if n < at + 3 or text[at] != 80 or n > 40:
        return None
    total = number = 0
    digits = False
    part = 0  # 10 ** digits behind the point, 0: no point
    time = False
    for i in range(at + 1, n):
        c = text[i]
        if 48 <= c <= 57:
            number = number * 10 + c - 48
            part *= 10
            digits = True
        elif (c == 46 or c == 44) and digits and not part:
            part = 1
        elif c == 84 and not digits and not time and i < n - 1:
            time = True
        else:
            unit = 0
            if time:
                unit = 3600 if c == 72 else 60 if c == 77 else 1 if c == 83 else 0
            elif c == 68:
                unit = _DAY_S
            elif c == 87:
                unit = 7 * _DAY_S
            elif c == 77:
                unit = 30 * _DAY_S
            elif c == 89:
                unit = 365 * _DAY_S
            if not unit or not digits or part == 1:
                return None
            total += number * unit * 1000 // (part or 1)
            number = part = 0
            digits = False
    if digits or part:
        return None
    return -total if at else total


def _put(out, at, value, width):
    # Write `value` with at least `width` digits; the place behind it.
    if value > 9 or width > 1:
        at = _put(out, at, value // 10, width - 1)
    out[at] = 48 + value % 10
    return at + 1


def put_duration(ms, out):
    """Write `ms`, cut to whole seconds, into `out` (24 bytes do below 10**9 s) as PT..H..M..S; its length."""
    at = 0
    if ms <= -1000:
        out[0] = 45
        at = 1
    seconds = abs(ms) // 1000
    out[at] = 80
    out[at + 1] = 84
    at += 2
    start = at
    if seconds > 60:
        if seconds >= 3600:
            at = _put(out, at, seconds // 3600, 1)
            out[at] = 72
            at += 1
        minutes = seconds // 60 % 60
        seconds %= 60
        if minutes:
            at = _put(out, at, minutes, 1)
            out[at] = 77
            at += 1
    if seconds or at == start:
        at = _put(out, at, seconds, 1)
        out[at] = 83
        at += 1
    return at


def epoch_s(text, n):
    """The time stamp in `text[:n]` (bytes) as seconds since 1970, fractions cut, without zone UTC; None: not one."""
    if n < 19 or n > 40:
        return None
    part = 0  # digits still to come of the field
    values = []
    for c in text[:19]:
        if 48 <= c <= 57:
            if not part:
                part = 1
                values.append(0)
            values[-1] = values[-1] * 10 + c - 48
        else:
            part = 0
    if len(values) != 6 or text[4] != 45 or text[7] != 45 or text[10] not in b"Tt " or text[13] != 58 or text[16] != 58:
        return None
    year, month, day, hour, minute, second = values
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour <= 24 and minute < 60 and second <= 60):
        return None
    at = 19
    if at < n and text[at] in b".,":
        at += 1
        while at < n and 48 <= text[at] <= 57:
            at += 1
    shift = 0
    if at < n and text[at] in b"+-":
        zone = bytes(text[at + 1 : n]).replace(b":", b"")
        if len(zone) not in (2, 4) or not zone.isdigit():
            return None
        shift = int(zone[:2]) * 3600 + int(zone[2:] or b"0") * 60
        if text[at] == 45:
            shift = -shift
    elif at < n and (text[at] not in b"Zz" or at + 1 < n):
        return None
    if month < 3:
        year -= 1
        month += 12
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month - 457) // 5 + day - 719469
    return days * _DAY_S + hour * 3600 + minute * 60 + second - shift


def put_timestamp(seconds, out):
    """Write seconds since 1970 into `out` as YYYY-MM-DDThh:mm:ssZ; its length, 20."""
    days = seconds // _DAY_S + 719468  # since 1 March of the year 0
    seconds %= _DAY_S
    era = days // 146097
    days -= era * 146097
    year = (days - days // 1460 + days // 36524 - days // 146096) // 365
    days -= 365 * year + year // 4 - year // 100
    month = (5 * days + 2) // 153
    day = days - (153 * month + 2) // 5 + 1
    month += 3 if month < 10 else -9
    at = _put(out, 0, year + era * 400 + (1 if month < 3 else 0), 4)
    at = _put(out, at + 1, month, 2)
    at = _put(out, at + 1, day, 2)
    at = _put(out, at + 1, seconds // 3600, 2)
    at = _put(out, at + 1, seconds // 60 % 60, 2)
    at = _put(out, at + 1, seconds % 60, 2)
    out[4] = out[7] = 45
    out[10] = 84
    out[13] = out[16] = 58
    out[19] = 90
    return 20
