"""Charging sessions and the energy counter in flash (bounded/log.py). Loaded when there is something to keep or read.

`sessions` has a record for each session, and one more with the same number for each bill of it: the newest counts.
`energy` has the counter, what the meter showed then, and the session that ran. After a power cut that session is
found there, its end is not; it becomes a record without one. A session is written before the counter that forgets it.
"""

from struct import pack, unpack

from bounded.compat import const
from bounded.log import Log
from bounded.records import Files
from wallbox.functions.session_summary import COUNTER, CURRENCY, DURATION, ENERGY, PLACES, RECORD

_SESSION = "<IIIIBi3s6i6b"  # record; duration, currency, numbers and scales of the bill
_SESSION_BYTES = const(54)
_COUNTER = "<IIIIIII"  # total, meter, reset of the counter; record of the session that runs
_COUNTER_BYTES = const(28)
_SEEN = const(1)  # flags of a session: its end was seen,
_BILLED = const(2)  # the EMS summed it up
_WORD = const(0xFFFFFFFF)
_NONE = const(-1)  # in the place of a duration
_NO_SCALE = const(-128)  # of a number that is None


def _log(storage, name, record_bytes, segments):
    return Log(Files(storage) if isinstance(storage, str) else storage, name, record_bytes, 64, segments)


def sessions(storage):
    """The log of sessions; `parsed` knows its records."""
    return _log(storage, "sessions", _SESSION_BYTES, 4)


def _counter(storage):
    return _log(storage, "energy", _COUNTER_BYTES, 2)


def restore(app, storage):
    """Go on where the power went: counter, last session, and the one that was interrupted."""
    summary = app.session_summary
    for raw in sessions(storage).newest():
        summary.last, summary.bill = parsed(raw)
        summary.number = summary.last[0]
        break
    for raw in _counter(storage).newest():
        total_wh, meter_wh, reset_wh, number, start_s, duration_s, energy_wh = unpack(_COUNTER, raw)
        if number and number == summary.number:  # the session was written, the counter was not any more
            more_wh = max(summary.last[3] - energy_wh, 0)
            total_wh += more_wh
            meter_wh += more_wh
        app.station.energy.resume(total_wh, meter_wh, reset_wh)
        summary.resume(total_wh, reset_wh, [number, start_s, duration_s, energy_wh, False])
        break


def save(app, storage):
    """Write one of what is due. OSError: the store failed."""
    summary = app.session_summary
    if summary.due & RECORD:
        record = summary.last
        if record[0] == summary.number and not record[1]:
            record[1] = _start_s(app)
        sessions(storage).append(packed(record, summary.bill))
        summary.kept(RECORD)
    elif summary.due & COUNTER:
        station = app.station
        energy = station.energy
        number = summary.running()
        start_s = duration_s = energy_wh = 0
        if number:
            start_s = _start_s(app)
            duration_s = (station.now_ms - summary.began_ms) // 1000
            energy_wh = energy.session_wh()
        _counter(storage).append(pack(
            _COUNTER, energy.total_wh & _WORD, energy.meter_wh & _WORD, energy.reset_wh & _WORD, number, start_s,
            duration_s, energy_wh))
        summary.kept(COUNTER)


def _start_s(app):
    # When the session that runs or ran last began; 0 while the clock is not set.
    now_s = app.clock.now_s()
    began_ms = app.session_summary.began_ms
    return 0 if now_s is None or began_ms is None else now_s - (app.station.now_ms - began_ms) // 1000


def packed(record, bill):
    """The bytes of a session."""
    number, start_s, duration_s, energy_wh, seen = record
    numbers = [0] * 6
    scales = [_NO_SCALE] * 6
    told_s = _NONE
    currency = b""
    if bill:
        if bill[DURATION] is not None:
            told_s = bill[DURATION]
        currency = (bill[CURRENCY] or "").encode()
        for i in range(6):
            if bill[ENERGY + 2 * i] is not None:
                numbers[i] = bill[ENERGY + 2 * i]
                scales[i] = bill[ENERGY + 2 * i + 1]
    flags = (_SEEN if seen else 0) | (_BILLED if bill else 0)
    return pack(_SESSION, number, start_s, duration_s, energy_wh, flags, told_s, currency, *(numbers + scales))


def parsed(raw):
    """Record and bill (None: no bill) of a session, see functions/session_summary.py."""
    row = unpack(_SESSION, raw)
    record = list(row[:4]) + [bool(row[4] & _SEEN)]
    if not row[4] & _BILLED:
        return record, None
    bill = [None] * PLACES
    if row[5] != _NONE:
        bill[DURATION] = row[5]
    if row[6][0]:
        bill[CURRENCY] = str(row[6], "ascii")
    for i in range(6):
        if row[13 + i] != _NO_SCALE:
            bill[ENERGY + 2 * i] = row[7 + i]
            bill[ENERGY + 2 * i + 1] = row[13 + i]
    return record, bill
