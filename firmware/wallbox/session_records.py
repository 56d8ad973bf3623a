"""What session_log.py keeps, read again: at the start, and by a console."""

from struct import unpack

from wallbox.functions.session_summary import CURRENCY, DURATION, ENERGY, PLACES
from wallbox.session_log import BILLED, COUNTS, NO_SCALE, NONE, SEEN, SESSION, counter, sessions


def restore(app, storage):
    """Go on where the power went: counter, last session, and the one that was interrupted."""
    summary = app.session_summary
    for raw in sessions(storage).newest():
        summary.last, summary.bill = parsed(raw)
        summary.number = summary.last[0]
        break
    for raw in counter(storage).newest():
        total_wh, meter_wh, reset_wh, number, start_s, duration_s, energy_wh = unpack(COUNTS, raw)
        if number and number == summary.number:  # the session was written, the counter was not any more
            more_wh = max(summary.last[3] - energy_wh, 0)
            total_wh += more_wh
            meter_wh += more_wh
        app.station.energy.resume(total_wh, meter_wh, reset_wh)
        summary.resume(total_wh, reset_wh, [number, start_s, duration_s, energy_wh, False])
        break


def parsed(raw):
    """Record and bill (None: no bill) of a session, see functions/session_summary.py."""
    row = unpack(SESSION, raw)
    record = list(row[:4]) + [bool(row[4] & SEEN)]
    if not row[4] & BILLED:
        return record, None
    bill = [None] * PLACES
    if row[5] != NONE:
        bill[DURATION] = row[5]
    if row[6][0]:
        bill[CURRENCY] = str(row[6], "ascii")
    for i in range(6):
        if row[13 + i] != NO_SCALE:
            bill[ENERGY + 2 * i] = row[7 + i]
            bill[ENERGY + 2 * i + 1] = row[13 + i]
    return record, bill
