"""Charging sessions as a person reads them. Only a console needs this."""

import time

from wallbox.functions.session_summary import COST, CURRENCY, ENERGY, GRID, OWN
from wallbox.session_log import sessions
from wallbox.session_records import parsed


def newest(storage, count):
    """Yield at most `count` sessions, the newest first; None is what is not known, and there is no `cost` and so on
    without a bill."""
    before = None
    for raw in sessions(storage).newest():
        record, bill = parsed(raw)
        if before is not None and record[0] >= before:
            continue  # an older bill, or the log went round meanwhile
        if not count:
            return
        count -= 1
        before = record[0]
        row = {
            "session": record[0],
            "start": _date(record[1]),
            "duration_s": record[2],
            "energy_wh": record[3],
            "ended": "unplugged" if record[4] else "power cut",
        }
        if bill:
            row["billed_wh"] = decimal(bill, ENERGY)
            row["cost"] = decimal(bill, COST)
            row["currency"] = bill[CURRENCY]
            row["grid_per_cent"] = decimal(bill, GRID)
            row["grid_cost_per_cent"] = decimal(bill, GRID + 2)
            row["own_per_cent"] = decimal(bill, OWN)
            row["own_cost_per_cent"] = decimal(bill, OWN + 2)
        yield row


def _date(seconds):
    if not seconds:
        return None
    if time.gmtime(0)[0] == 2000:
        seconds -= 946684800
    return "%04d-%02d-%02dT%02d:%02d:%02dZ" % tuple(time.gmtime(seconds)[:6])


def decimal(bill, at):
    """The number at `at` of a bill as text, "4.56"; None when it is not there."""
    number, scale = bill[at : at + 2]
    if number is None:
        return None
    if scale >= 0:
        return str(number * 10**scale)
    digits = str(abs(number))
    digits = "0" * (1 - scale - len(digits)) + digits
    return ("-" if number < 0 else "") + digits[:scale] + "." + digits[scale:]
