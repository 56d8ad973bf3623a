"""Charging sessions and the energy counter in flash (bounded/log.py). Loaded when there is something to keep; what
reads it again is session_records.py.

`sessions` has a record for each session, and one more with the same number for each bill of it: the newest counts.
`energy` has the counter, what the meter showed then, and the session that ran. After a power cut that session is
found there, its end is not; it becomes a record without one. A session is written before the counter that forgets it.
"""

from struct import pack

from bounded.compat import const
from bounded.files import Files
from bounded.log import Log
from wallbox.functions.session_summary import COUNTER, CURRENCY, DURATION, ENERGY, RECORD

SESSION = "<IIIIBi3s6i6b"  # record; duration, currency, numbers and scales of the bill
_SESSION_BYTES = const(54)
COUNTS = "<IIIIIII"  # total, meter, reset of the counter; record of the session that runs
_COUNTER_BYTES = const(28)
SEEN = const(1)  # flags of a session: its end was seen,
BILLED = const(2)  # the EMS summed it up
_WORD = const(0xFFFFFFFF)
NONE = const(-1)  # in the place of a duration
NO_SCALE = const(-128)  # of a number that is None


def _log(storage, name, record_bytes, segments):
    return Log(Files(storage) if isinstance(storage, str) else storage, name, record_bytes, 64, segments)


def sessions(storage):
    """The log of sessions; session_records.py knows what is in it."""
    return _log(storage, "sessions", _SESSION_BYTES, 4)


def counter(storage):
    """The log of the counter."""
    return _log(storage, "energy", _COUNTER_BYTES, 2)


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
        counter(storage).append(pack(
            COUNTS, energy.total_wh & _WORD, energy.meter_wh & _WORD, energy.reset_wh & _WORD, number, start_s,
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
    scales = [NO_SCALE] * 6
    told_s = NONE
    currency = b""
    if bill:
        if bill[DURATION] is not None:
            told_s = bill[DURATION]
        currency = (bill[CURRENCY] or "").encode()
        for i in range(6):
            if bill[ENERGY + 2 * i] is not None:
                numbers[i] = bill[ENERGY + 2 * i]
                scales[i] = bill[ENERGY + 2 * i + 1]
    flags = (SEEN if seen else 0) | (BILLED if bill else 0)
    return pack(SESSION, number, start_s, duration_s, energy_wh, flags, told_s, currency, *(numbers + scales))
