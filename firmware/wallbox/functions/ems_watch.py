"""UCF_Heartbeat and UCF_Device_State as the box watches them at an EMS (IEC 63380-2 5.2.9, 5.2.7; OPEV, OSCEV, CEVC
scenarios on heartbeat and state): is the EMS that set something still there, and well?"""

from bounded.compat import const

_LEAST_PROMISE_MS = const(4000)
_MOST_PROMISE_MS = const(120000)


class EmsWatch:
    """Watches the one EMS that may set `sources`; their leases follow its heartbeat."""

    def __init__(self, station, sources):
        self._station = station
        self._sources = sources
        self._beaten_ms = None  # the last heartbeat
        self._promise_ms = _LEAST_PROMISE_MS
        self._failed = False

    def heartbeat(self, promise_ms):
        """The EMS lives, and promises the next sign within `promise_ms` (None: as before)."""
        if promise_ms is not None:
            self._promise_ms = min(max(promise_ms, _LEAST_PROMISE_MS), _MOST_PROMISE_MS)
        self._beaten_ms = self._station.now_ms
        self.lease()

    def state(self, normal):
        """What the EMS says of itself: other than normal it is not to be trusted."""
        self._failed = not normal
        self.lease()

    def alive(self):
        """Whether the EMS is there and well."""
        age_ms = None if self._beaten_ms is None else self._station.now_ms - self._beaten_ms
        return age_ms is not None and age_ms < self._promise_ms and not self._failed

    def expect(self, there):
        """An EMS has just got the right to set something, and its first heartbeat is due; or it has lost it."""
        self._beaten_ms = self._station.now_ms if there else None
        self._promise_ms = _LEAST_PROMISE_MS
        self._failed = False
        self.lease()

    def lease(self):
        """What is set counts until the next heartbeat is overdue."""
        for source in self._sources:
            if source.own[3]:
                known = self._beaten_ms is not None and not self._failed
                source.set_ms = self._beaten_ms if known else self._station.now_ms
                source.lease_ms = self._promise_ms if known else 0
