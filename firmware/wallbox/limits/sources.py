"""What was asked, by whom, until when: a Source has one name, one kind, one writer, a lease and a fallback.

The kinds and how they combine:

    INTERLOCK   allowed or not; all must allow; one that was never set or has dropped does not allow
    PERMISSION  allowed or not; all must allow; one that is not set does not object
    CEILING     a limit of the installation (supply, cable, temperature); the smallest counts
    OBLIGATION  a limit somebody may impose (LPC, OPEV, ECHONET Lite); the smallest counts
    REQUEST     what somebody would like: REQUEST + a rank; one wins, and it too only lowers
"""

from bounded.compat import const

INTERLOCK = const(0)  # in the order in which they are named as the reason when several bind alike
PERMISSION = const(1)
CEILING = const(2)
OBLIGATION = const(3)
REQUEST = const(4)  # and above

MA = const(1)  # per phase
W = const(2)  # total
ALLOWED = const(3)  # 0 or 1

USER_NOW = const(0)  # ranks of requests, the smallest wins; without any request the box offers what it may
SCHEDULE = const(1)
SETPOINT = const(2)
EMS_PLAN = const(3)
SELF_CONSUMPTION = const(4)

DROP = None  # fallbacks beside a value: the source stops to count,
KEEP = const(-1)  # or its last value stays

_MOST = const(100000)  # 100 A or 100 kW: more is no limit, and W * 10000 stays a small int on 32 bit


class Source:
    """One thing that was asked. Keep to one writer per source; readers use `in_force`, `own`, `age_ms`.

    `both`: an obligation that bounds discharging, too, as ceilings and permissions do."""

    both = False

    def __init__(self, name, kind, fallback=DROP, unit=MA):
        """`fallback`, in `unit`, counts once a lease has run out."""
        self.name = name
        self.kind = kind
        self.own = [0, 0, 0, 0]  # three phases (or the value in the first), unit; unit 0: not set
        self.set_ms = 0
        self.lease_ms = None
        self.fall_back(fallback, unit)

    def fall_back(self, value, unit=MA):
        """Declare what counts when a lease runs out: `value` >= 0 in mA per phase, W or 0/1; KEEP or DROP."""
        if value is DROP:
            self.fallback = None
        elif value == KEEP:
            self.fallback = self.own
        elif value < 0:
            raise ValueError(self.name)
        else:
            self.fallback = [min(value, _MOST)] * 3 + [unit]

    def set_ma(self, now_ms, a, b, c, lease_ms=None):
        """Limit the phases to a, b, c mA (None: not this phase) for `lease_ms`, or until changed when None.

        Negative values raise ValueError and change nothing; huge ones count as 100 A.
        """
        self._set(now_ms, lease_ms, MA, a, b, c)

    def set_w(self, now_ms, total_w, lease_ms=None):
        """Limit the box, its own consumption included, to `total_w` >= 0; else as `set_ma`."""
        self._set(now_ms, lease_ms, W, total_w, 0, 0)

    def set_allowed(self, now_ms, allowed, lease_ms=None):
        """Allow charging or not (INTERLOCK and PERMISSION)."""
        self._set(now_ms, lease_ms, ALLOWED, 1 if allowed else 0, 0, 0)

    def _set(self, now_ms, lease_ms, unit, a, b, c):
        a = _MOST if a is None else min(a, _MOST)
        b = _MOST if b is None else min(b, _MOST)
        c = _MOST if c is None else min(c, _MOST)
        if min(a, b, c) < 0 or (lease_ms is not None and lease_ms < 0):
            raise ValueError(self.name)
        own = self.own
        own[0] = a
        own[1] = b
        own[2] = c
        own[3] = unit
        self.set_ms = now_ms
        self.lease_ms = lease_ms

    def clear(self, now_ms):
        """Take back what was asked; the fallback does not count then, for nothing ran out."""
        self.own[3] = 0
        self.set_ms = now_ms

    def age_ms(self, now_ms):
        """Time since the last set or clear."""
        return now_ms - self.set_ms

    def in_force(self, now_ms):
        """The list [a, b, c, unit] that counts now: as set, the fallback once the lease is over, or None."""
        if not self.own[3]:
            return None
        if self.lease_ms is None or self.age_ms(now_ms) < self.lease_ms:
            return self.own
        return self.fallback


def rows(sources, now_ms, decision):
    """Yield (name, kind, value, unit, age_ms, active, binding, share_ma) for each source, kind without rank.

    value is [a, b, c] mA, W, 0/1, or None when nothing was set; a fallback in force shows its own value.
    active: it counts now. share_ma is what it alone would leave, -1 when it does not limit.
    """
    index = 0
    for source in sources:
        active = source.in_force(now_ms)
        value = active or source.own
        unit = value[3]
        age_ms = source.age_ms(now_ms) if unit else None
        value = value[:3] if unit == MA else value[0] if unit else None
        kind = min(source.kind, REQUEST)
        binding = source.name == decision.binding
        yield (source.name, kind, value, unit, age_ms, bool(active), binding, decision.share_ma[index])
        index += 1
