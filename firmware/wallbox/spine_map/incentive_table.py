"""5.2.11 UCF_Incentive_Table on SPINE (tables 98-106, CEVC scenario 3): IncentiveTable server of the car.

There is one tariff. Of each slot the first incentive of the first tier is the price that counts; what else a broker
sends (more tiers, shares of renewable energy) is read and not used. Full writes only: nothing has a primary key.
"""

from bounded.compat import const
from spine.device import FIRST, FULL_ONLY
from spine.numbers import scaled
from spine.restricted import CLEARED
from spine.schema import schema
from wallbox.functions.charge_plan import MOST_PRICES
from wallbox.spine_map.maximum_power_limitation_curve import Slots

NUMBER = const(9)
_REJECTED = const(7)
_SCALE = const(-5)  # of prices
_MOST = const(1000000000)

# T101, T104; places: 0 tariff, 1 writeable, 2 update required, 3 scope, 4 tiers
_DESCRIPTIONS = schema(
    b"incentiveTableDescriptionData:(incentiveTableDescription:[tariffDescription:(tariffId:u tariffWriteable:b "
    b"updateRequired:b scopeType:s) tier:[tierDescription:(tierId:u tierType:s) boundaryDescription:"
    b"[boundaryId:u boundaryType:s boundaryUnit:s] incentiveDescription:[incentiveId:u incentiveType:s currency:s]]])"
)
# T102
_CONSTRAINTS = schema(
    b"incentiveTableConstraintsData:(incentiveTableConstraints:[tariff:(tariffId:u) tariffConstraints:"
    b"(maxTiersPerTariff:u maxBoundariesPerTier:u maxIncentivesPerTier:u) incentiveSlotConstraints:"
    b"(slotCountMin:u slotCountMax:u)])"
)
# T103, T105; rows differ in length: incentive 4, boundary 3, tier 3 with lists, slot 5, table 2
_TABLE = schema(
    b"incentiveTableData:(incentiveTable:[tariff:(tariffId:u) incentiveSlot:[timeInterval:"
    b"(startTime:(dateTime:s relative:d) endTime:(dateTime:s relative:d)) tier:[tier:(tierId:u) "
    b"boundary:[boundaryId:u lowerBoundaryValue:n] incentive:[incentiveId:u valueType:s value:n]]]])"
)


class IncentiveTableFeature:
    """Of the EV entity; `step` notifies what changed."""

    def __init__(self, device, plan, clock):
        self._device = device
        self._plan = plan
        self._staged = Slots(clock, MOST_PRICES)
        self._prices = self._price = None
        self._tiers = None  # as the broker described them
        self._wanted = plan.updates
        self._told = plan.prices

    def functions(self, feature):
        """As lib/spine/device.py wants them."""
        return (
            (_DESCRIPTIONS, self._describe, self._take_description, FULL_ONLY),
            (_CONSTRAINTS, ((0, 3, 3, 3, 1, MOST_PRICES),), None, FIRST),  # a widespread EMS never reads it
            (_TABLE, self._read, self._write, FULL_ONLY, self._stage),
        )

    def _describe(self, field, index):
        if index:
            return None
        own = ((0, "dynamicCost", ((0, "powerBoundary", "W"),), ((0, "absoluteCost", "EUR"),)),)
        return (0, True, bool(self._plan.updates & 2), "simpleIncentiveTable", self._tiers or own)

    def _take_description(self, rows, peer, full):
        if len(rows) != 1 or rows[0][0] not in (0, CLEARED) or not rows[0][4] or rows[0][4] is CLEARED:
            return _REJECTED
        self._tiers = rows[0][4]
        self._device.changed(self, _DESCRIPTIONS)
        return 0

    def _read(self, field, index):
        prices = self._plan.prices
        if index:
            return None
        return (0, _Read(prices) if prices else None)

    def _stage(self, at, row):
        size = len(row) if row else 0
        if not size:
            self._staged.begin()
            self._prices = self._price = None
        elif size == 4:
            if self._price is None:
                self._price = scaled(row[2], row[3], _SCALE)
        elif size == 5:
            price = self._price
            self._price = None
            self._staged.take(row[0] if row[1] is None else row[1], row[2] if row[3] is None else row[3], None,
                              None if price is None or abs(price) > _MOST else price)
        elif size == 2:
            self._prices = self._staged.complete()
        return True

    def _write(self, rows, peer, full):
        if self._prices is None:
            return _REJECTED
        self._plan.set_prices(self._prices)
        self._prices = None
        self.step()
        return 0

    def step(self):
        """Notify the table when it changed, and when the broker is wanted."""
        plan = self._plan
        if self._wanted != plan.updates:
            self._wanted = plan.updates
            self._device.changed(self, _DESCRIPTIONS)
        if self._told is not plan.prices:
            self._told = plan.prices
            self._device.changed(self, _TABLE)


class _Read:
    """The rows of the slots of a table of prices, made as they are written: times relative to its beginning."""

    def __init__(self, table):
        self._table = table

    def __len__(self):
        return len(self._table) // 2

    def __getitem__(self, i):
        table = self._table
        start_s = table[0]
        last = table[2 * i + 2] - start_s if i == len(self) - 1 else None
        incentive = (0, None, table[2 * i + 1], _SCALE)
        return (None, (table[2 * i] - start_s) * 1000, None, None if last is None else last * 1000,
                ((0, ((0, 0, 0),), (incentive,)),))
