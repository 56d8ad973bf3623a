"""5.2.17 UCF_Session_Summary on SPINE (tables 143-149, use case EVCS scenario 1): Bill server of the EVSE.

There is one bill: that of the session that ended last. It stays when the car is gone, and until the EMS has written
it shows what the box knows itself. Value and cost of a position are lists in the XSD and single objects in spine-go:
both are taken (the reader has one rule for both), what is sent is as in the XSD. No form suits every reader: spine-go
does not decode the lists, types of the XSD not the objects, and one plain JSON object in the list, which some of both
kinds read, is no EEBUS JSON. eebus-go has no such use case; an EMS on spine-go may write its bills, and only cannot
read them back.
"""

from bounded.compat import const
from bounded.iso8601 import epoch_s
from bounded.json_reader import KEEP
from spine.restricted import CLEARED
from spine.schema import schema
from wallbox.functions.session_summary import BUSY, COST, CURRENCY, DURATION, ENERGY, GRID, OK, OWN, PLACES

NUMBER = const(8)
_BILL = const(1)  # its id
_TYPE = "chargingSummary"
_OVERLOAD = const(3)
_REJECTED = const(7)
_POSITIONS = ("gridElectricEnergy", "selfProducedElectricEnergy")  # their ids are 1 and 2

# T146
_DESCRIPTIONS = schema(
    b"billDescriptionListData:(billDescriptionData:[billId:k billWriteable:b updateRequired:b supportedBillType:S])"
)
# T147
_CONSTRAINTS = schema(b"billConstraintsListData:(billConstraintsData:[billId:k positionCountMin:u positionCountMax:u])")
# T148, T149; places: 0 id, 1 type, 2 and 3 begin and end, 4 value and 5 cost of the total, 6 positions (0 id, 1 type,
# 2 value, 3 cost: rows of number and scale)
_BILLS = schema(
    b"billListData:(billData:[billId:k billType:s total:(timePeriod:p value:[unit:s value:n] "
    b"cost:[costType:s currency:s cost:n]) position:[positionId:u positionType:s value:[valuePercentage:n] "
    b"cost:[costPercentage:n]]])"
)


class SessionSummaryFeature:
    """Of the EVSE entity; `step` notifies what changed."""

    def __init__(self, device, summary):
        self._device = device
        self._summary = summary
        self._told = summary.version
        self._wanted = summary.wanted()

    def functions(self, feature):
        """As lib/spine/device.py wants them."""
        return (
            (_DESCRIPTIONS, self._describe),
            (_CONSTRAINTS, ((_BILL, 0, 2),)),
            (_BILLS, self._read, self._write),
        )

    def _describe(self, field, index):
        return None if index else (_BILL, True, self._summary.wanted(), (_TYPE,))

    def _stored(self):
        # The bill as it is read, in the places of functions/session_summary.py; None without any session.
        summary = self._summary
        bill = summary.bill
        if bill is None and summary.last:
            bill = [None] * PLACES
            bill[DURATION] = summary.last[2]
            bill[ENERGY] = summary.last[3]
            bill[ENERGY + 1] = 0
        return bill

    def _read(self, field, index):
        if index:
            return None
        bill = self._stored()
        if bill is None:
            return (_BILL, _TYPE)
        duration_s = bill[DURATION]
        value = cost = None
        if bill[ENERGY] is not None:
            value = (("Wh", bill[ENERGY], bill[ENERGY + 1]),)
        if bill[COST] is not None or bill[CURRENCY]:
            cost = (("absolutePrice", bill[CURRENCY], bill[COST], bill[COST + 1]),)
        positions = [each for each in (_position(bill, GRID), _position(bill, OWN)) if each]
        return (_BILL, _TYPE, None if duration_s is None else -1000 * duration_s, None if duration_s is None else 0,
                value, cost, positions or None)

    def _write(self, rows, peer, full):
        if len(rows) != 1 or rows[0][0] != _BILL:
            return _REJECTED
        bill = None if full else self._stored()
        bill = list(bill) if bill else [None] * PLACES
        if not _taken(rows[0], bill):
            return _REJECTED
        answer = self._summary.set_bill(bill)
        self.step()
        return 0 if answer == OK else _OVERLOAD if answer == BUSY else _REJECTED

    def step(self):
        """Notify the description when a bill is asked for, or no longer, and the bill when it changed."""
        summary = self._summary
        wanted = summary.wanted()
        if self._wanted != wanted:
            self._wanted = wanted
            self._device.changed(self, _DESCRIPTIONS)
        if self._told != summary.version:
            self._told = summary.version
            self._device.changed(self, _BILLS)


def _position(bill, at):
    """The row of a position, None when there is none."""
    value = cost = None
    if bill[at] is not None:
        value = ((bill[at], bill[at + 1]),)
    if bill[at + 2] is not None:
        cost = ((bill[at + 2], bill[at + 3]),)
    number = 0 if at == GRID else 1
    return (number + 1, _POSITIONS[number], value, cost) if value or cost else None


def _taken(row, bill):
    """Change `bill` as `row`, of restricted.changes, says; False when that cannot be."""
    if row[1] not in (None, CLEARED, _TYPE):
        return False
    if row[2] is not None or row[3] is not None:
        bill[DURATION] = _duration_s(row[2], row[3])
    if row[4] is CLEARED:
        _clear(bill, ENERGY, ENERGY + 2)
    for unit, number, scale in _entries(row[4]):
        if unit not in (None, "Wh"):
            return False
        _put(bill, ENERGY, number, scale)
    if row[5] is CLEARED:
        bill[CURRENCY] = None
        _clear(bill, COST, COST + 2)
    for kind, currency, number, scale in _entries(row[5]):
        if kind in (None, "absolutePrice"):
            bill[CURRENCY] = currency or bill[CURRENCY]
            _put(bill, COST, number, scale)
    if row[6] is CLEARED:
        _clear(bill, GRID, PLACES)
    known = []
    for number, kind, values, costs in _entries(row[6]):
        if kind is None and number in (1, 2):
            kind = _POSITIONS[number - 1]
        if kind not in _POSITIONS or kind in known:
            return False
        known.append(kind)
        at = GRID if kind == _POSITIONS[0] else OWN
        for number, scale in _entries(values):
            _put(bill, at, number, scale)
        for number, scale in _entries(costs):
            _put(bill, at + 2, number, scale)
    return True


def _entries(rows):
    return () if rows is None or rows is CLEARED else rows


def _clear(bill, begin, end):
    for at in range(begin, end):
        bill[at] = None


def _put(bill, at, number, scale):
    if number is not None:
        if scale is None or scale is KEEP:  # the stored scale stays
            scale = 0 if bill[at] is None else bill[at + 1]
        bill[at] = number
        bill[at + 1] = scale


def _duration_s(begin, end):
    """Length of a period: two durations from now, or two time stamps; None when it says nothing."""
    if begin is None or begin is CLEARED:
        return None
    if end is None or end is CLEARED:
        end = 0
    if isinstance(begin, str) and isinstance(end, str):
        begin = epoch_s(begin.encode(), len(begin))
        end = epoch_s(end.encode(), len(end))
        return None if begin is None or end is None else end - begin
    return None if isinstance(begin, str) or isinstance(end, str) else (end - begin) // 1000
