"""UCF_Setpoint (IEC 63380-2 5.2.18, tables 150-157), use case DBEVC: the power that the car shall take or give back.

There is one signed setpoint, `LoadControl.signed_w`, whoever wrote it last: an EMS on SPINE, or E0 on ECHONET Lite. A
positive one is a request under all limits; a negative one discharges, where board and car can, under all limits of
magnitude (limits/discharge.py). The setpoint of an EMS with a heartbeat ends with its silence and with the session,
and has to be written anew. ECHONET Lite can also discharge by its mode (DA 43), as its method (DD) says.
"""

from wallbox.functions.load_control import ALL, BY_CURRENT, BY_POWER, BY_SIGNED_POWER, MAXIMUM
from wallbox.functions.operation_mode import CHARGE, DISCHARGE, STANDBY
from wallbox.limits.sources import REQUEST, SETPOINT


class Setpoint:
    """`active`: the signed setpoint counts; it is an EMS's (`by_ems`) whose `watch` must see it alive, or ECHONET
    Lite's, with the lease that its limits have. `can` discharge now: the board can, the car says so, and no energy is
    still missing that may not be drawn below.

    `method`, `power_w` and `current_ma` are those for discharging by mode. `version` grows with what a reader sees.
    """

    def __init__(self, station, load, mode, state):
        self._station = station
        self._load = load
        self._mode = mode
        self._state = state
        self._wish = station.add_source("setpoint", REQUEST + SETPOINT)
        self._plan = self._identified = self.watch = None
        self.active = self.by_ems = self.can = False
        self._heard_ms = self._seen = 0
        self.method = ALL
        self.power_w = self.current_ma = None
        self.version = 0
        if station.ratings.discharge:
            from wallbox.limits.discharge import Discharge

            station.discharge = Discharge()

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

    def set(self, value_w, active):
        """An EMS writes value or activity (None: as it is). False, and nothing changed: out of range, not changeable,
        or active from an EMS that is silent."""
        load = self._load
        if value_w is None:
            value_w = load.signed_w
        if active is None:
            active = self.active
        if not self.changeable() or not self.least_w() <= value_w <= self._station.rated_w:
            return False
        if active and not self.watch.alive():
            return False
        self.by_ems = active
        self._put(value_w, active)
        return True

    def set_signed_w(self, signed_w):
        """Write E0: 0 or above needs the charging method BY_SIGNED_POWER, 0 or below the discharging one; the mode
        follows, to standby for 0 with both. False: neither the setpoint nor the mode changes."""
        station = self._station
        charging = self._load.method == BY_SIGNED_POWER
        discharging = self.method == BY_SIGNED_POWER
        if not -station.rated_w <= signed_w <= station.rated_w or not (charging or discharging):
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

    def directed(self):
        """The mode was written: CHARGE and DISCHARGE end a setpoint, unless their method is to follow it."""
        mode = self._mode.mode
        if mode in (CHARGE, DISCHARGE):
            method = self._load.method if mode == CHARGE else self.method
            self.by_ems = False
            self._put(self._load.signed_w,
                      method == BY_SIGNED_POWER and (self._load.signed_w < 0) == (mode == DISCHARGE))

    def set_method(self, method):
        """Choose what counts while discharging by mode; False for a method without data, or without such a board."""
        if method not in (ALL, MAXIMUM, BY_POWER, BY_CURRENT, BY_SIGNED_POWER):
            return False
        if method and not self._station.discharge:
            return False
        self.method = method
        self._keep()
        return True

    def set_power_w(self, power_w):
        """Discharge with `power_w` W, 0 to the rated power (None: as much); False beyond it."""
        if power_w and (not self._station.discharge or power_w > self._station.rated_w):
            return False
        self.power_w = power_w
        self._keep()
        return True

    def set_current_ma(self, current_ma):
        """Discharge with `current_ma` per phase, 0 to the rated current (None: as much); False beyond it."""
        if current_ma and (not self._station.discharge or current_ma > self._station.ratings.max_ma):
            return False
        self.current_ma = current_ma
        self._keep()
        return True

    def _keep(self):
        self._station.written = True
        self._changed()

    def mode(self):
        """The mode that was set, or the direction of the setpoint that has taken its place."""
        mode = self._mode.mode
        if self.active and mode in (CHARGE, DISCHARGE):
            return DISCHARGE if self._load.signed_w < 0 else CHARGE
        return mode

    def shown_w(self):
        """(W, active) for a reader: the setpoint, or what is discharged by mode."""
        if not self.active and self.mode() == DISCHARGE:
            most_w, most_ma = self._most()
            facts = self._station.facts
            return -min(most_w, most_ma * facts.phases * (facts.nominal_mv // 1000) // 1000), True
        return self._load.signed_w, self.active

    def end_session(self):
        """The car left: what an EMS set for it ends."""
        if self.by_ems:
            self._release()

    def renew(self):
        """A sign of life of ECHONET Lite: a lease that still runs begins anew."""
        if self._leased():
            self._heard_ms = self._station.now_ms

    def _leased(self):
        station = self._station
        return self.by_ems or station.lease_ms is None or station.now_ms - self._heard_ms < station.lease_ms

    def step(self):
        """Hand to the arbiter what counts now; to be called with every turn of it."""
        if self.by_ems and not self.watch.alive():
            self._release()
        station = self._station
        plan = self._plan
        can = station.discharge and station.readings.ev_discharge is True
        if can and plan and plan.departure_s is not None and not self._identified.below_target:
            can = not plan.left_s() or not plan.left_wh()
        self.can = can = bool(can)
        seen = self._mode.mode << 2 | self._state.in_service << 1 | can
        if seen != self._seen:
            self._seen = seen
            self.version += 1
        wish = self._wish
        back = self.mode() == DISCHARGE
        leased = self._leased()
        wish_w = None
        if self.active and leased and self._load.signed_w >= 0:
            wish_w = self._load.signed_w + station.facts.own_w
        if wish_w is None:
            if wish.own[3]:
                wish.clear(station.now_ms)
                station.look()
        elif not wish.own[3] or wish.own[0] != wish_w:
            wish.set_w(station.now_ms, wish_w)
            station.look()
        discharge = station.discharge
        if discharge:
            if back and leased and self.can:
                most_w, most_ma = self._most()
                discharge.ask(True, most_w, most_ma)
            else:
                discharge.ask(back)

    def _most(self):
        """(W, mA per phase) to be discharged, whichever is less."""
        most_w = self._station.rated_w
        most_ma = self._station.ratings.max_ma
        method = BY_SIGNED_POWER if self.active else self.method
        if method == BY_SIGNED_POWER:
            most_w = max(-self._load.signed_w, 0)
        if method in (ALL, BY_POWER) and self.power_w is not None:
            most_w = self.power_w
        if method in (ALL, BY_CURRENT) and self.current_ma is not None:
            most_ma = self.current_ma
        return most_w, most_ma

    def _release(self):
        self.by_ems = False
        self._put(self._load.signed_w, False)

    def _put(self, value_w, active):
        self.active = active
        self._load.put_signed_w(value_w)
        self._changed()

    def _changed(self):
        self.version += 1
        self._heard_ms = self._station.now_ms
        self.step()
