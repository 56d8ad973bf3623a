"""From decisions to the offer given to the guard: what needs memory of what was before.

A decrease counts at once. An increase while current flows climbs by at most `rise_ma_per_5s`, every 5 s.
After a pause that a limit caused, charging resumes only when the limit has been good enough for a while:

* 5 s (`resume_hold_ms`) for a ceiling or an obligation, because a command must be on the pilot within 10 s;
  half of it when the limit is 0.5 A or more above the minimum. An EMS that writes exactly the minimum gets
  it: the margin shortens the wait, it is no condition, else a written 6.0 A would pause for ever.
* 300 s when the request for self-consumption was the limit and still is the request that counts, again half
  with the margin: clouds pass. A user or an EMS whose request outranks it does not wait for the sun.
* 300 s once limits have interrupted a session 8 times: some cars give up after about ten (VW).

A pause by permission or interlock alone resumes at once. The guard keeps its own 5 s between duty changes.
"""

from bounded.compat import const
from wallbox.limits.sources import REQUEST, SELF_CONSUMPTION

_STEP_MS = const(5000)
_LONG_HOLD_MS = const(300000)
_MARGIN_MA = const(500)
_PATIENCE = const(8)  # interruptions


class Offer:
    """The offer of one charging session; `step` it after every decision."""

    def __init__(self, rise_ma_per_5s=5000, resume_hold_ms=5000):
        self.rise_ma_per_5s = rise_ma_per_5s
        self.resume_hold_ms = resume_hold_ms
        self.new_session()

    def new_session(self):
        """A car was plugged in or left: no hold, no interruptions, nothing offered yet."""
        self.offer_ma = 0
        self.interruptions = 0  # of this session, by limits
        self.wait_ms = 0  # until charging resumes if nothing changes; 0 when not waiting
        self._changed_ms = 0
        self._held = False  # after a pause by a limit: the self-consumption request that did it, or True
        self._good_ms = None  # since when the decision is to charge

    def step(self, now_ms, decision, charging):
        """Return what to offer now in mA, 0 = pause. `charging`: current may flow (contactor closed)."""
        offer = self.offer_ma
        target = decision.offer_ma
        self.wait_ms = 0
        if decision.limit_ma < decision.min_ma:
            if offer and charging:
                self.interruptions += 1
            limiter = decision.limiter
            if limiter and limiter.kind == REQUEST + SELF_CONSUMPTION:
                self._held = limiter
            self._held = self._held or True
        if not target:
            self._good_ms = None
        elif not offer and self._held:
            if self._good_ms is None:
                self._good_ms = now_ms
            hold_ms = self.resume_hold_ms
            if self.interruptions >= _PATIENCE or self._held is decision.request:
                hold_ms = _LONG_HOLD_MS
            if target >= decision.min_ma + _MARGIN_MA:
                hold_ms //= 2
            self.wait_ms = max(hold_ms - (now_ms - self._good_ms), 0)
            if self.wait_ms:
                target = 0
            else:
                self._held = False
        elif offer and charging and target > offer:
            target = min(target, offer + self.rise_ma_per_5s)
            if now_ms - self._changed_ms < _STEP_MS:
                target = offer
        if target != offer:
            self._changed_ms = now_ms
            self.offer_ma = target
        return target
