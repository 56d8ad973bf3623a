"""How much may flow out of the car: the counterpart of `decide` on a board that can discharge.

What bounds by magnitude counts in both directions: board, supply, cable and temperature (ceilings), whoever may forbid
(interlocks and permissions), the current limit in per cent. Limits on consumption (LPC, OPEV, curves, set-points for
charging) do not. Nothing here can raise: `ask` says what is wanted, and the result is never more.
"""

from bounded.compat import const
from wallbox.limits.decide import PAUSE
from wallbox.limits.sources import INTERLOCK, OBLIGATION, PERMISSION, W

_STEP_MA = const(100)


class Discharge:
    """`on`: the direction is out of the car, so that nothing may be drawn; `ma` is what may flow on each phase."""

    def __init__(self):
        self.on = False
        self.ma = 0
        self._most_w = self._most_ma = 0

    def ask(self, on, most_w=0, most_ma=0):
        """Discharge (`on`) with at most `most_w` in all and `most_ma` per phase."""
        self.on = on
        self._most_w = most_w
        self._most_ma = most_ma

    def step(self, sources, now_ms, facts, decision):
        """Bound what is asked by `sources` and `facts`; with `on` the decision becomes a pause of charging. Returns
        `ma`, whole 100 mA."""
        self.ma = 0
        if not self.on:
            return 0
        binding = "setpoint"
        sum_dv = 0
        for phase in range(facts.phases):
            mv = facts.voltage_mv[phase] or 0
            if mv < facts.nominal_mv * 4 // 5:  # unknown: assume high, so that the current errs low
                mv = facts.nominal_mv * 11 // 10
            sum_dv += (mv + 99) // 100
        most = min(self._most_ma, facts.max_ma, min(self._most_w, 100000) * 10000 // sum_dv)
        for source in sources:
            kind = source.kind
            values = source.in_force(now_ms)
            share = most
            if kind <= PERMISSION:
                if not values[0] if values else kind == INTERLOCK:
                    share = 0
            elif values and (kind < OBLIGATION or source.both):
                if values[3] == W:
                    share = values[0] * 10000 // sum_dv
                else:
                    for phase in range(facts.phases):
                        share = min(share, values[phase])
            if share < most:
                most = share
                binding = source.name
        self.ma = most = most // _STEP_MA * _STEP_MA
        decision.action = PAUSE
        decision.offer_ma = 0
        decision.binding = binding
        return most
