"""Power curves and prices from CSV files.

Two columns count, found by their headings; the separator is a comma or, with decimal commas, a semicolon:

    start          2026-11-26 18:00, an ISO time with or without offset, or 18:00 (of today, then of the days after);
                   a last row without a value says when the one before ends
    duration       PT15M, 0:15 or 15 min; duration_s and duration_min: a number
    W, kW          of a curve
    EUR/kWh, ct/kWh, EUR/MWh    of prices, any currency of three letters; ct is EUR

    duration,EUR/kWh
    PT1H,0.31
    PT2H,0.12
"""

import csv
import datetime
import io
import re
from decimal import Decimal, InvalidOperation

from spine_values import seconds

_PRICE = re.compile(r"(ct|[A-Z]{3}) ?/ ?(kWh|MWh)$")


class Bad(Exception):
    """The file is no good; the text is the one sentence a person needs, with file and line."""


def curve(path, now=None):
    """[(start s from now, duration s, W), ...] of a power curve."""
    return _slots(path, _watts, "W or kW", now)[0]


def prices(path, now=None):
    """([(start s from now, duration s, price per kWh), ...], currency) of a table of prices."""
    return _slots(path, _price, "EUR/kWh, ct/kWh or EUR/MWh", now)


def _watts(heading):
    factor = {"w": 1, "kw": 1000}.get(heading.lower())
    return factor and (Decimal(factor), None)


def _price(heading):
    found = _PRICE.match(heading)
    if not found:
        return None
    cents, mega = found.group(1) == "ct", found.group(2) == "MWh"
    return Decimal(1) / (100 if cents else 1) / (1000 if mega else 1), "EUR" if cents else found.group(1)


def _slots(path, unit, wanted, now):
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise Bad("%s cannot be read: %s" % (path, getattr(error, "strerror", None) or error)) from None
    semicolons = ";" in text.partition("\n")[0]
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=";" if semicolons else ",")]
    heads = [each.strip() for each in rows[0]] if rows else []
    times = [i for i, each in enumerate(heads) if each.lower() in _TIMES]
    values = [i for i, each in enumerate(heads) if unit(each)]
    if len(times) != 1 or len(values) != 1:
        raise Bad("%s needs a line of headings with start or duration, and one of %s" % (path, wanted))
    (factor, currency), by = unit(heads[values[0]]), _TIMES[heads[times[0]].lower()]
    found = []
    for line, row in enumerate(rows[1:], 2):
        if not any(each.strip() for each in row):
            continue
        row = [each.strip() for each in row] + [""] * len(heads)
        where = "%s, line %d" % (path, line)
        if found and found[-1][1] is None:
            raise Bad("%s stands behind the row without a value" % where)
        try:
            value = row[values[0]].replace(",", ".") if semicolons else row[values[0]]
            found.append((by(row[times[0]]), Decimal(value) * factor if value else None))
        except (ValueError, InvalidOperation):
            raise Bad("%s is not understood: %s" % (where, ",".join(row[: len(heads)]))) from None
    if by is _time:
        return _from_starts(path, found, now), currency
    start, slots = 0, []
    for duration_s, value in found:
        if value is None or duration_s <= 0:
            raise Bad("%s has a row without a value, or that lasts no time" % path)
        slots.append((start, duration_s, value))
        start += duration_s
    if not slots:
        raise Bad("%s has no rows" % path)
    return slots, currency


def _time(text):
    """A clock time (of no day yet) or a point in time."""
    if re.fullmatch(r"\d{1,2}:\d\d(:\d\d)?", text):
        return datetime.time.fromisoformat(text.rjust(5 if len(text) < 6 else 8, "0"))
    return datetime.datetime.fromisoformat(text).astimezone()


def _duration(text):
    found = re.fullmatch(r"(\d+):(\d\d)", text)
    if found:
        return int(found.group(1)) * 3600 + int(found.group(2)) * 60
    found = re.fullmatch(r"(\d+) ?min", text)
    value = int(found.group(1)) * 60 if found else seconds(text)
    if value is None:
        raise ValueError
    return value


_TIMES = {"start": _time, "time": _time, "duration": _duration, "duration_s": int,
          "duration_min": lambda text: int(text) * 60}


def _from_starts(path, rows, now):
    """Slots from now on: what is over is left out, the one that runs is shortened."""
    now = now or datetime.datetime.now().astimezone()
    points, last = [], None
    for at, value in rows:
        if isinstance(at, datetime.time):
            day = (last or now).astimezone().date()
            clock, at = at, datetime.datetime.combine(day, at).astimezone()
            if last and at <= last:
                at = datetime.datetime.combine(day + datetime.timedelta(days=1), clock).astimezone()
        if last and at <= last:
            raise Bad("%s is not in the order of time" % path)
        points.append((at, value))
        last = at
    if points and points[-1][1] is not None:  # the last lasts as long as the one before it
        if len(points) < 2:
            raise Bad("%s has one row only: a further one without a value must say when it ends" % path)
        points.append((points[-1][0] + (points[-1][0] - points[-2][0]), None))
    slots = []
    for (start, value), (end, _) in zip(points, points[1:]):
        start_s = max(round((start - now).total_seconds()), 0)
        end_s = round((end - now).total_seconds())
        if end_s > start_s:
            slots.append((start_s, end_s - start_s, value))
    if not slots:
        raise Bad("everything in %s is over" % path)
    if slots[0][0]:
        raise Bad("%s begins in %d s only; it must say what counts now" % (path, slots[0][0]))
    return slots
