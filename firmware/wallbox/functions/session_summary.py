"""UCF_Session_Summary (IEC 63380-2 5.2.17, tables 143-149): what each charging session was, and the bill of the EMS.

A session lasts from plug to unplug; one in which no energy flowed is forgotten. The bill is that of the session that
ended last, and closed while a car is there. Here is what stands in memory, session_log.py keeps it over a power cut:
the counter after each kWh, or 5 min while energy flows, and whenever a session has begun or ended.

A record is [number, start in s since 1970 or 0 when unknown, duration in s, energy in Wh, whether its end was seen].
A bill is [duration in s, currency, and number and scale (number * 10^scale) of: energy in Wh, cost, then in per cent
share of the grid in energy and in cost, own share in energy and in cost]; None is what the EMS did not say.
"""

from bounded.compat import const

RECORD = const(1)  # bits of `due`
COUNTER = const(2)

OK = const(0)  # of set_bill
REFUSED = const(1)
BUSY = const(2)

DURATION = const(0)  # places in a bill
CURRENCY = const(1)
ENERGY = const(2)
COST = const(4)
GRID = const(6)  # energy; cost 2 behind
OWN = const(10)
PLACES = const(14)

_STEP_WH = const(1000)
_STEP_MS = const(300000)
_REST_MS = const(10000)  # between two times because a controller counts anew
_METER_MS = const(15000)  # a meter that said nothing by then after the start will not tell what it counted
_AGAIN_MS = const(60000)  # after a failed write
_BILLS = const(16)  # in a burst,
_REFILL_MS = const(60000)  # then one each
_MOST = const(0x7FFFFFFF)
_ROUNDING = const(101)  # per cent that two shares may be together


class SessionSummary:
    """`last` is the record of the session that ended last, `bill` what the EMS said of it, or None; `version` counts
    their changes. `due` says by bits what is to be kept; session_log tells by `kept`."""

    def __init__(self, station):
        self._station = station
        self.number = 0  # of the session that runs, or of the last one
        self.began_ms = None  # of that session, when it began after the start of this program
        self.last = self.bill = None
        self.version = 0
        self.due = 0
        self._interrupted = None  # record of a session that a power cut ended, with total_wh then
        self._kept = (-_STEP_WH, 0, 0)  # total_wh, number of the session that runs, reset_wh
        self._kept_ms = self._again_ms = 0
        self._credit = _BILLS
        self._refilled_ms = 0
        station.on_session.append(self._session)

    def wanted(self):
        """Whether a bill is asked for (updateRequired): a session with energy is over, and nobody summed it up."""
        return self.last is not None and self.bill is None and not self._station.car

    def running(self):
        """Number of the session that runs, 0 while no car is there or none of its energy flowed so far."""
        return self.number if self._station.car and self._station.energy.session_wh() else 0

    def _session(self, car):
        station = self._station
        if car:
            self.number += 1
            self.began_ms = station.now_ms
        elif station.energy.session_wh():
            self.last = [self.number, 0, (station.now_ms - self.began_ms) // 1000, station.energy.session_wh(), True]
            self.bill = None
            self.version += 1
            self.due |= RECORD

    def step(self):
        """Follow the meter; whether there is something to keep now."""
        energy = self._station.energy
        now_ms = self._station.now_ms
        if self._interrupted:
            self._repair(energy, now_ms)
        elif energy.meter_wh is not None:
            kept_wh, number, reset_wh = self._kept
            if (
                energy.total_wh - kept_wh >= (_STEP_WH if now_ms - self._kept_ms < _STEP_MS else 1)
                or self.running() != number
                or energy.reset_wh != reset_wh
                and now_ms - self._kept_ms >= _REST_MS
            ):
                self.due |= COUNTER
        return self.due and now_ms >= self._again_ms

    def kept(self, what):
        """RECORD or COUNTER is in flash; 0: that failed, not again before a minute."""
        station = self._station
        self.due &= ~what
        if not what:
            self._again_ms = station.now_ms + _AGAIN_MS
        elif what == COUNTER:
            self._kept = (station.energy.total_wh, self.running(), station.energy.reset_wh)
            self._kept_ms = station.now_ms

    def resume(self, total_wh, reset_wh, record):
        """Go on from what was kept: the counter, and the `record` of the session that ran then, [0, ...] for none."""
        number = record[0]
        self._kept = (total_wh, number, reset_wh)
        if number > self.number:  # else its end was kept, too, and only the counter was not any more
            self.number = number
            self._interrupted = record, total_wh

    def _repair(self, energy, now_ms):
        if energy.meter_wh is None and now_ms < _METER_MS:
            return
        record, total_wh = self._interrupted
        self._interrupted = None
        record[3] += energy.total_wh - total_wh
        self.last = record
        self.bill = None
        self.version += 1
        self.due |= RECORD

    def set_bill(self, bill):
        """Add the bill to the session that ended last: OK; REFUSED when it is no good or a car is there; BUSY when
        flash would have to bear more than 16 bills at once and one a minute."""
        if self.last is None or self._station.car or not _sound(bill):
            return REFUSED
        if bill == self.bill:
            return OK
        refill = (self._station.now_ms - self._refilled_ms) // _REFILL_MS
        self._refilled_ms += refill * _REFILL_MS
        self._credit = min(self._credit + refill, _BILLS)
        if not self._credit:
            return BUSY
        self._credit -= 1
        self.bill = bill
        self.version += 1
        self.due |= RECORD
        return OK


def _sound(bill):
    """Whether a bill says something and can be kept, with shares that can be: 0 to 100 %, and no more together."""
    if bill.count(None) == PLACES:
        return False
    duration_s, currency = bill[:ENERGY]
    if duration_s is not None and not 0 <= duration_s <= _MOST:
        return False
    if currency is not None and not len(currency) == len(currency.encode()) == 3:
        return False
    for at in range(ENERGY, PLACES, 2):
        number = bill[at]
        if number is None:
            continue
        if not -_MOST <= number <= _MOST or not -9 <= bill[at + 1] <= 9 or at != COST and number < 0:
            return False
        if at >= GRID and _billionths(bill, at) > 100 * 10**9:
            return False
    for at in (GRID, GRID + 2):
        if _billionths(bill, at) + _billionths(bill, at + OWN - GRID) > _ROUNDING * 10**9:
            return False
    return True


def _billionths(bill, at):
    return 0 if bill[at] is None else bill[at] * 10 ** (bill[at + 1] + 9)
