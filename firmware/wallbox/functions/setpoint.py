"""UCF_Setpoint (IEC 63380-2 5.2.18, tables 150-157), use case DBEVC: the power that the car shall take or give back.

There is one signed setpoint, `LoadControl.signed_w`, whoever wrote it last: an EMS on SPINE, or E0 on ECHONET Lite. A
positive one is a request under all limits; a negative one discharges, where board and car can, under all limits of
magnitude (limits/discharge.py). The setpoint of an EMS with a heartbeat ends when the EMS said, with its silence and
with the session, and has to be written anew. ECHONET Lite can also discharge by its mode (DA 43), as its method (DD)
says.
"""

from wallbox.functions.load_control import BY_SIGNED_POWER
from wallbox.functions.operation_mode import CHARGE, DISCHARGE, STANDBY
from wallbox.limits.sources import REQUEST, SETPOINT


class Setpoint:
    """`active`: the signed setpoint counts; it is an EMS's (`by_ems`), until `end_ms` (None: no end), whose `watch`
    must see it alive, or ECHONET Lite's, with the lease that its limits have. `back` is discharging.py, None on a board
    that cannot; `can`: something can be discharged now. `version` grows with what a reader sees.
    """

    def __init__(self, station, load, mode, state):
        self._station = station
        self._load = load
        self._mode = mode
        self._state = state
        self._wish = station.add_source("setpoint", REQUEST + SETPOINT)
        self._plan = self._identified = self.watch = self.back = self.end_ms = None
        self.active = self.by_ems = self.can = False
        self._seen = self.version = 0
        if station.ratings.discharge:
            from wallbox.functions.discharging import Discharging

            self.back = Discharging(station, load)

    def expect(self, plan, identified):
        """From now on an EMS may set it; the plan and what is known of the car say what may be discharged."""
        from wallbox.functions.ems_watch import EmsWatch

        self.watch = EmsWatch(self._station, (self._wish,))
        self._plan = plan
        self._identified = identified

    def least_w(self):
        """The lowest setpoint that can be taken now: what can be discharged, negative, or 0."""
        return -self._station.rated_w if self.can else 0

    def changeable(self):
        """Whether an EMS may write it: not while somebody has taken the station out of charging altogether."""
        return self._mode.mode in (CHARGE, DISCHARGE) and self._state.in_service

    def set(self, value_w, active, duration_ms):
        """An EMS writes value, activity or how long it lasts (None: as it is; below 0 ms: without end). False, and
        nothing changed: out of range, not changeable, or active from an EMS that is silent."""
        if value_w is None:
            value_w = self._load.signed_w
        if active is None:
            active = self.active
        if not self.changeable() or not self.least_w() <= value_w <= self._station.rated_w:
            return False
        if active and not self.watch.alive():
            return False
        end_ms = self.end_ms
        if duration_ms is not None:
            end_ms = None if duration_ms < 0 else self._station.now_ms + duration_ms
        self.by_ems = active
        self._put(value_w, active, end_ms)
        return True

    def set_signed_w(self, signed_w):
        """Write E0: 0 or above needs the charging method BY_SIGNED_POWER, 0 or below the discharging one; the mode
        follows, to standby for 0 with both. False: neither the setpoint nor the mode changes."""
        most_w = self._station.rated_w
        charging = self._load.method == BY_SIGNED_POWER
        discharging = self.method() == BY_SIGNED_POWER
        if not -most_w <= signed_w <= most_w or not (charging or discharging):
            return False
        if not (charging if signed_w > 0 else discharging if signed_w < 0 else True):
            return False
        if signed_w:
            self._mode.set(CHARGE if signed_w > 0 else DISCHARGE)
        elif charging and discharging:
            self._mode.set(STANDBY)
        self.by_ems = False
        self._put(signed_w, True)
        return True

    def method(self):
        """The method for discharging, as of functions/load_control.py; 0 on a board that cannot."""
        return self.back.method if self.back else 0

    def directed(self):
        """The mode was written: CHARGE and DISCHARGE end a setpoint, unless their method is to follow it."""
        mode = self._mode.mode
        if mode in (CHARGE, DISCHARGE):
            method = self._load.method if mode == CHARGE else self.method()
            self.by_ems = False
            self._put(self._load.signed_w,
                      method == BY_SIGNED_POWER and (self._load.signed_w < 0) == (mode == DISCHARGE))

    def back_set(self):
        """Something of `back` was set: it counts at once, and is kept over a power cut."""
        self._station.written = True
        self._changed()

    def mode(self):
        """The mode that was set, or the direction of the setpoint that has taken its place."""
        mode = self._mode.mode
        if self.active and mode <= DISCHARGE:  # CHARGE or DISCHARGE
            return DISCHARGE if self._load.signed_w < 0 else CHARGE
        return mode

    def shown_w(self):
        """(W, active) for a reader: the setpoint, or what is discharged by mode."""
        if not self.active and self.mode() == DISCHARGE:
            most_w, most_ma = self.back.most(self.back.method)
            facts = self._station.facts
            return -min(most_w, most_ma * facts.phases * (facts.nominal_mv // 1000) // 1000), True
        return self._load.signed_w, self.active

    def end_session(self):
        """The car left: what an EMS set for it ends."""
        if self.by_ems:
            self._release()

    def renew(self):
        """A sign of life of ECHONET Lite: a lease that still runs begins anew."""
        self._station.renew((self._wish,))
        if self.back and self.back.leased():
            self.back.heard_ms = self._station.now_ms

    def step(self):
        """Hand to the arbiter what counts now; to be called with every turn of it."""
        over = self.end_ms is not None and self._station.now_ms >= self.end_ms
        if over or self.by_ems and not self.watch.alive():
            self._release()
        back = self.back
        if back:
            self.can = back.possible(self._plan, self._identified)
            back.step(self.mode() == DISCHARGE, self.can and (self.by_ems or back.leased()), self.active)
        seen = self._mode.mode << 2 | self._state.in_service << 1 | self.can
        if seen != self._seen:
            self._seen = seen
            self.version += 1

    def _release(self):
        self.by_ems = False
        self._put(self._load.signed_w, False)

    def _put(self, value_w, active, end_ms=None):
        self.active = active
        self.end_ms = end_ms
        self._load.put_signed_w(value_w)
        station = self._station
        if active and value_w >= 0:
            lease_ms = None if self.by_ems else station.lease_ms
            self._wish.set_w(station.now_ms, value_w + station.facts.own_w, lease_ms)
        else:
            self._wish.clear(station.now_ms)
        station.look()
        self._changed()

    def _changed(self):
        self.version += 1
        if self.back:
            self.back.heard_ms = self._station.now_ms
        self.step()
