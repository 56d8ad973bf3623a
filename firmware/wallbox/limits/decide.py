"""One pure function from what was asked to what may flow.

`decide` reads sources and facts, writes into a Decision made once, allocates nothing, and does not care in
which order the sources stand. What it decides: mA per phase, the offer (smallest used phase, whole 100 mA, at
most 80 A), charge or pause, and which source is the reason. Below the minimum it pauses; it never rounds up.
"""

from array import array

from bounded.compat import const
from wallbox.limits.sources import INTERLOCK, PERMISSION, REQUEST, W

PAUSE = const(0)
CHARGE = const(1)

_PILOT_MA = const(80000)  # the most a duty cycle can say
_LEAST_MA = const(6000)  # and the least


class Facts:
    """What the box knows about itself and the car; the app keeps it up to date."""

    def __init__(self):
        self.phases = 3  # phases the car uses, the board's while unknown; 1..3, counted from L1
        self.voltage_mv = [None, None, None]  # phase to neutral, measured
        self.nominal_mv = 230000
        self.min_ma = 6000  # the larger of board and car
        self.max_ma = 32000  # of the board
        self.own_w = 0  # what the box itself draws


class Decision:
    """What `decide` found. `count` is the number of sources."""

    def __init__(self, count):
        self.ma = [0, 0, 0]  # what the limits leave per phase, 0 on a phase not used
        self.limit_ma = 0  # their smallest used phase in whole 100 mA, also while a permission is missing
        self.min_ma = 0  # below this there is no charging
        self.offer_ma = 0  # limit_ma, or 0 when action is PAUSE
        self.phases = 0
        self.action = PAUSE
        self.binding = ""  # name of the source that set the offer; "board" when none is below the board
        self.limiter = None  # the source that set limit_ma, None: the board
        self.request = None  # the request that won
        self.share_ma = array("i", [-1] * count)  # what each source alone would leave, -1: it does not count


def _before(one, other):
    """Order by kind (with its rank), then name: the tie-break that makes the order of sources irrelevant."""
    return one.kind < other.kind or (one.kind == other.kind and one.name < other.name)


def decide(sources, now_ms, facts, decision):
    """Combine `sources` at `now_ms` under `facts` into `decision`."""
    phases = facts.phases
    ma = decision.ma
    least = min(facts.max_ma, _PILOT_MA)
    sum_dv = 0
    for phase in range(3):
        ma[phase] = 0
        if phase < phases:
            ma[phase] = least
            mv = facts.voltage_mv[phase] or 0
            # Unknown, or too low to be believed while charging: assume high, so that the current errs low.
            if mv < facts.nominal_mv * 4 // 5:
                mv = facts.nominal_mv * 11 // 10
            sum_dv += (mv + 99) // 100

    request = None
    for source in sources:
        if source.kind >= REQUEST and source.in_force(now_ms):
            if not request or _before(source, request):
                request = source

    limiter = blocker = None
    index = 0
    for source in sources:
        kind = source.kind
        values = source.in_force(now_ms)
        share = -1
        if kind <= PERMISSION:
            if not values[0] if values else kind == INTERLOCK:
                share = 0
                if not blocker or _before(source, blocker):
                    blocker = source
        elif values and (kind < REQUEST or source is request):
            share = value = _PILOT_MA
            if values[3] == W:
                value = max(values[0] - facts.own_w, 0) * 10000 // sum_dv
            for phase in range(phases):
                if values[3] != W:
                    value = values[phase]
                ma[phase] = min(ma[phase], value)
                share = min(share, value)
            if share < least or (share == least and limiter and _before(source, limiter)):
                least = share
                limiter = source
        decision.share_ma[index] = share
        index += 1

    decision.phases = phases
    decision.min_ma = max(facts.min_ma, _LEAST_MA)
    decision.limit_ma = least = least // 100 * 100
    decision.limiter = limiter
    decision.request = request
    reason = blocker or limiter
    decision.binding = reason.name if reason else "board"
    decision.action = CHARGE
    if blocker or least < decision.min_ma:
        decision.action = PAUSE
        least = 0
    decision.offer_ma = least
