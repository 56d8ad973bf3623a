"""Limitation of power consumption (LPC): the controllable system's state machine, its failsafe values and timers.

Five states and twelve transitions; at each branch stand the rules of LPC 1.0.0 (001..042, 901..923) or, with TS, of
its test specification 1.0.0. Pure: time comes in as `now_ms` (monotonic), and `step` must be called at least once a
second. What counts as the energy guard's heartbeat is decided by the caller; only arrival times are used, never the
peer's timestamps. 923 allows to interrupt a limit for reasons of safety; that is not made use of, for a wallbox is
safe when it pauses.
"""

from bounded.compat import const

INIT = const(0)
LIMITED = const(1)
UNLIMITED_CONTROLLED = const(2)
FAILSAFE = const(3)
UNLIMITED_AUTONOMOUS = const(4)

KEEP = const(-1)  # `write`: this element is absent, the stored one stays
DELETE = const(-2)  # `write`: the stored duration is deleted: no end

DURATION_MIN_MS = const(7200000)  # 022/1, 022/3: failsafeDurationMinimum 2 h
DURATION_MAX_MS = const(86400000)  # .. 24 h

_HEARTBEAT_LOST_MS = const(120000)  # 911, 912, 914
_WRITE_WINDOW_MS = const(60000)  # TS-036
_AUTONOMOUS_MS = const(120000)  # 906, 921
_MOST_W = const(1000000000)  # what can be stored; more is stored as this (TS-035/4)


class ConsumptionLimit:
    """The active power consumption limit (APCL) with its failsafe.

    `failsafe_w` >= 0 and `duration_ms` (2..24 h) are the stored failsafe values, at first the vendor's (021/1, 022/1,
    903); with `hold` True init and
    failsafe end only by heartbeat and write, never by themselves (906, 921 and 922 allow, but do not ask for, it).
    """

    def __init__(self, now_ms, failsafe_w, duration_ms, hold=False):
        self.failsafe_w = failsafe_w
        self.duration_ms = duration_ms
        self.hold = hold
        self.version = 0  # grows with every change a reader can see
        self.restart(now_ms)

    def restart(self, now_ms):
        """As after power-up; the failsafe values stay."""
        self.value_w = 0
        self.end_ms = None  # when the limit's duration is over, None = no end
        self.version += 1
        self.state = INIT  # 901/1: limited to the failsafe value
        self._since_ms = now_ms
        self._heartbeat_ms = None  # arrival of the last one, None = none that counts
        self._returned_ms = None  # first heartbeat of those that came since this state was entered

    def limit_w(self):
        """What bounds the station now, in W: the failsafe value, the APCL, or None."""
        if self.state == LIMITED:
            return self.value_w  # 914/1
        if self.state == INIT or self.state == FAILSAFE:
            return self.failsafe_w
        return None

    def is_active(self):
        """isLimitActive as it is to be read: true in "limited" only (009/1, 009/2)."""
        return self.state == LIMITED

    def remaining_ms(self, now_ms):
        """What is left of the limit's duration, None when it has none."""
        return None if self.end_ms is None else max(self.end_ms - now_ms, 0)

    def heartbeat(self, now_ms):
        """A heartbeat of the energy guard arrived."""
        if self._returned_ms is None or now_ms - self._heartbeat_ms >= _HEARTBEAT_LOST_MS:
            self._returned_ms = now_ms
        self._heartbeat_ms = now_ms

    def forget_heartbeat(self):
        """The energy guard is another one or a new connection: its old heartbeat vouches for nothing (913)."""
        if self.state != LIMITED and self.state != UNLIMITED_CONTROLLED:
            self._heartbeat_ms = None
            self._returned_ms = None

    def may_write(self, now_ms):
        """Whether a limit written now is evaluated at all (TS-036)."""
        if self.state == LIMITED or self.state == UNLIMITED_CONTROLLED:
            return True
        return self._heartbeat_ms is not None and now_ms - self._heartbeat_ms <= _WRITE_WINDOW_MS

    def write(self, now_ms, value_w=None, active=None, duration_ms=KEEP):
        """Take a write of the limit; absent elements are None or KEEP (any combination is valid: 004, 008).
        True = acknowledge (002), False = refuse (003).

        A refused value still ends init, failsafe and autonomous, since the guard has shown that it is there.
        """
        if not self.may_write(now_ms):
            return False
        controlled = self.state == LIMITED or self.state == UNLIMITED_CONTROLLED
        # 001: a limit is 0 W at the least
        if (value_w is not None and value_w < 0) or (duration_ms < 0 and duration_ms not in (KEEP, DELETE)):
            if not controlled:
                self._enter(now_ms, UNLIMITED_CONTROLLED)  # 902, 918: rejected, yet under control
            return False  # 907/1, 907/2: stay as before
        if duration_ms == 0 and active:
            if not controlled:
                self._enter(now_ms, UNLIMITED_CONTROLLED)
            return True  # an active limit for no time: nothing to do
        if value_w is not None:
            self.value_w = min(value_w, _MOST_W)
        if duration_ms == DELETE:
            self.end_ms = None
        elif duration_ms != KEEP:
            self.end_ms = now_ms + duration_ms if duration_ms else None
        if active is None:
            active = self.state == LIMITED and duration_ms != 0
        if active:
            self._enter(now_ms, LIMITED)  # 904, 910, 919
        else:
            self._enter(now_ms, UNLIMITED_CONTROLLED)  # 905, 909, 920
        self.version += 1
        return True

    def may_configure(self):
        """Whether the failsafe values may be written: only once heartbeat and limit write were seen (TS-037)."""
        return self.state == LIMITED or self.state == UNLIMITED_CONTROLLED

    def set_failsafe_w(self, value_w):
        """Write the failsafe limit, W >= 0; False = refused, the old one stays (010, 021/2)."""
        if not self.may_configure() or value_w < 0:
            return False
        self.failsafe_w = min(value_w, _MOST_W)
        self.version += 1
        return True

    def set_duration_ms(self, duration_ms):
        """Write failsafeDurationMinimum, 2..24 h; False = refused. Above 24 h the own value becomes 24 h (022/5)."""
        if not self.may_configure() or duration_ms < DURATION_MIN_MS:
            return False
        self.version += 1
        self.duration_ms = min(duration_ms, DURATION_MAX_MS)
        return duration_ms <= DURATION_MAX_MS

    def step(self, now_ms):
        """Let time pass."""
        state = self.state
        if self.end_ms is not None and now_ms >= self.end_ms:
            self.end_ms = None
            self.version += 1
            if state == LIMITED:
                self._enter(now_ms, UNLIMITED_CONTROLLED)  # 007, 908: duration expired
                state = UNLIMITED_CONTROLLED
        if state == LIMITED or state == UNLIMITED_CONTROLLED:
            if now_ms - self._heartbeat_ms >= _HEARTBEAT_LOST_MS:
                self.end_ms = None  # a stale limit is forgotten
                self._enter(now_ms, FAILSAFE)  # 911, 912, 914/2
        elif state == INIT:
            if now_ms - self._since_ms >= _AUTONOMOUS_MS and not self.hold:
                self._enter(now_ms, UNLIMITED_AUTONOMOUS)  # 906
        elif state == FAILSAFE and not self.hold:  # 916: a heartbeat alone does not end it
            returned_ms = self._returned_ms
            if now_ms - self._since_ms >= self.duration_ms:
                self._enter(now_ms, UNLIMITED_AUTONOMOUS)  # 922, TS-012
            elif (
                returned_ms is not None
                and now_ms - returned_ms >= _AUTONOMOUS_MS
                and now_ms - self._heartbeat_ms < _HEARTBEAT_LOST_MS
            ):
                self._enter(now_ms, UNLIMITED_AUTONOMOUS)  # 921

    def _enter(self, now_ms, state):
        if state == self.state:
            return
        self.state = state
        self.version += 1
        self._since_ms = now_ms
        self._returned_ms = None
