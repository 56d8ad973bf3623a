"""A charging plan: which power in which span of time, so that the energy is there by departure at the least cost.

Pure integers. Cheapest spans first, the earlier of two alike; each as high as it may. Only the last span taken may be
less than full. A span that allows less than the least power stays empty: the box never rounds up.

A plan of 96 slots takes an ESP32 too long for one turn, so it is made in steps, each of a given number of pieces: a
piece is a span laid out and put in the order of prices, or a span filled.
"""

from array import array


def place(table, width, now_s):
    """Where in `table` (start s, ... end s; entries `width` apart) the entry in force at `now_s` begins; -1 before,
    behind or without it."""
    low = 0
    high = (len(table) - 1) // width if table else 0
    if not high or not table[0] <= now_s < table[high * width]:
        return -1
    while high - low > 1:
        middle = (low + high) // 2
        if table[middle * width] <= now_s:
            low = middle
        else:
            high = middle
    return low * width


class Planner:
    """One plan from `now_s` to `end_s`: at most `most_w` or what `curve` allows, at the `prices` (any unit), both
    (start s, value, ... end s) or None; nothing between 0 and `least_w`.

    `step` until it says True; then `powers[i]` W flow from `starts[i]` to `starts[i + 1]`, and `missing_wh` find no
    place, rounded up."""

    def __init__(self, curve, prices, now_s, end_s, most_w, least_w, need_wh):
        self._curve = curve
        self._prices = prices
        self._end_s = end_s
        self._most_w = most_w
        self._least_w = least_w
        self._need_ws = need_wh * 3600
        self._price = array("i")
        self._order = []  # spans, the cheapest first
        self._filled = 0
        self.starts = array("i", [now_s] if end_s > now_s else [])
        self.powers = array("i")  # until a span is filled, what it allows
        self.missing_wh = need_wh

    def step(self, pieces):
        """Do so many pieces of the work; True when it is done."""
        starts = self.starts
        while starts and starts[-1] < self._end_s:
            if not pieces:
                return False
            pieces -= 1
            self._lay_out()
        while self._filled < len(starts) - 1:
            if not pieces:
                return False
            pieces -= 1
            self._fill()
        return True

    def _lay_out(self):
        # Spans end wherever curve or prices change, and at the end.
        start_s = self.starts[-1]
        end_s = self._end_s
        high_w = self._most_w
        price = 0
        table = self._curve
        at = place(table, 2, start_s)
        if at >= 0:
            high_w = min(table[at + 1], high_w)
            end_s = min(table[at + 2], end_s)
        elif table and start_s < table[0]:
            end_s = min(table[0], end_s)
        table = self._prices
        at = place(table, 2, start_s)
        if at >= 0:
            price = table[at + 1]
            end_s = min(table[at + 2], end_s)
        elif table and start_s < table[0]:
            end_s = min(table[0], end_s)
        prices = self._price
        order = self._order
        low = 0
        high = len(order)
        while low < high:
            middle = (low + high) // 2
            if prices[order[middle]] <= price:
                low = middle + 1
            else:
                high = middle
        order.insert(low, len(prices))
        prices.append(price)
        self.powers.append(high_w)
        self.starts.append(end_s)

    def _fill(self):
        span = self._order[self._filled]
        self._filled += 1
        seconds = self.starts[span + 1] - self.starts[span]
        high_w = self.powers[span]
        need_ws = self._need_ws
        if need_ws <= 0 or high_w < self._least_w or high_w <= 0:
            high_w = 0
        elif high_w * seconds > need_ws:
            high_w = max(-(-need_ws // seconds), self._least_w)
        self.powers[span] = high_w
        self._need_ws = need_ws = need_ws - high_w * seconds
        self.missing_wh = max(-(-need_ws // 3600), 0)
