"""The guard: the only owner of pilot and contactor (IEC 61851-1 mode 3, Annex A; sequence numbers of Table A.6).

Pure: `tick` takes elapsed ms and readings and leaves what is wanted in `out`. Power flows only while every condition
holds at this tick: state C (or D with ventilation), x2, diode seen, no fault, plug locked, RCM tested, lease alive.
The rest of the program can only lower: permission is a lease that runs out by itself.

Power flows back only on a board that can, with a car that says so: then the pilot shows 5 %, by which no car may draw,
and `out.discharge_ma` is what the board's modem may tell it; nothing as soon as one condition fails. The direction
changes by way of x1, with the contactor open.
"""

from bounded.compat import const
from bounded.ring import Ring
from wallbox.board import Outputs
from wallbox.evse.bounds import Overdraw, Temperature
from wallbox.evse.contactor import Contactor
from wallbox.evse.faults import Faults
from wallbox.evse.pilot import Pilot, duty_permille, ev_ma
from wallbox.evse.rcm import Rcm

_X1 = const(1000)
_DIGITAL = const(50)

# fault bits raised here, and groups (faults.py)
_PILOT_SHORT = const(1 << 3)
_VENTILATION = const(1 << 4)
_STALL = const(1 << 5)
_OVERDRAW = const(1 << 14)
_LOCK = const(1 << 15)
# own faults, signalled with F: generator, stale pilot, contactor, RCM, over-temperature, lock
_OWN = const(1 << 1 | 1 << 2 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 15)
_OF_RCM = const(1 << 11 | 1 << 12)
_OF_CONTACTOR = const(1 << 7 | 1 << 8 | 1 << 9 | 1 << 10)
_OF_PILOT = const(1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4)
_WELD = const(1 << 7)

# warnings
_WARN_SENSOR = const(1 << 0)
_WARN_METER = const(1 << 1)
_WARN_UNLOCK = const(1 << 2)

_LEDS = b"\2\0\4\1\3\3\1\3\1\1\1\1\3\1\1"  # pattern for each why, see led.py

# events (texts.py); 1 and 2 are in faults.py
_STATE = const(3)  # value: ord of the letter
_CLOSED = const(4)
_OPENED = const(5)  # value: why
_UNDER_LOAD = const(6)  # value: why
_DUTY = const(7)  # value: per mille
_WAKE_UP = const(8)
_WARNING = const(9)  # value: mask now

# why there is no charging (texts.py)
_CHARGING = const(0)
_NO_CAR = const(1)
_SELF_TEST = const(2)
_FAULT = const(3)
_NO_PERMISSION = const(4)
_LIMIT = const(5)
_CABLE = const(6)
_HOT = const(7)
_LOCK_OUT = const(8)
_WAITING = const(9)
_LOCKING = const(10)
_CHECKING = const(11)
_STALL_AHEAD = const(12)
_RCM_DUE = const(13)
_TURNING = const(14)

_BETWEEN_MS = const(5000)  # between duty changes (I6)
_HOLD_MS = const(6000)  # after x1 until opening under load (seq 10.2)
_AFTER_C_MS = const(5000)  # lock-out after C ended
_AFTER_LOAD_MS = const(30000)  # lock-out after opening under load
_STALL_MS = const(500)
_WAKE_MS = const(30000)
_PULSE_MS = const(4750)  # wake-up: 4 s F, then 0.75 s x1 (A.5.3)
_F_MS = const(5750)  # fault: 5 s F
_PULSE_X1_MS = const(750)
_DIODE_OK_MS = const(100)
_FRESH_MS = const(100)
_LOCK_MS = const(3000)
_DEAD_MV = const(50000)
_UNLOCK_MS = const(500)  # the lock stays for so long after opening


class Guard:
    """One guard of one connector.

    out         Outputs wanted now              state       pilot state "A".."F", `x2` with it
    faults      mask, power is refused          warnings    mask, power is bounded
    cable_ma    cable's rating or None          derated_ma  bound by temperature or None
    offered_ma  what the duty tells the car     why         why there is no charging, 0 = charging (texts.py)
    events      Ring of (code, value, 0, 0)     stall_safe  no software is needed to stay safe now
    """

    def __init__(self, ratings, settings=None):
        self.out = Outputs()
        self.events = Ring(16)
        self.state = "A"
        self.x2 = False
        self.faults = 0
        self.warnings = 0
        self.why = _SELF_TEST
        self.cable_ma = None
        self.derated_ma = None
        self.offered_ma = 0
        self.stall_safe = True
        self.self_test = None  # a SelfTest while one runs, see there
        self._ratings = ratings
        self._pilot = Pilot(ratings.generator_check)
        self._contactor = Contactor(ratings)
        self._faults = Faults(self.events)
        self._meter = Overdraw(ratings)
        # None: not fitted
        self._cable = None
        if ratings.socket:
            from wallbox.evse.proximity import Proximity

            self._cable = Proximity(ratings.phases)
        self._rcm = Rcm() if ratings.rcm else None
        curve = getattr(settings, "temperature_curve", None)
        self._heat = Temperature(curve) if ratings.temperature else None
        self._offer_ma = self._back_ma = 0
        self._lease_ms = 0
        self._stall = False
        self._car = False
        self._held_ms = _BETWEEN_MS  # since the last change of the pilot
        self._wait_ms = 0
        self._pulse_ms = 0  # left of F and the x1 after it
        self._wake_ms = 0  # in B2 without C; beyond _WAKE_MS: no more wake-up
        self._lock_ms = 0

    def permit(self, offer_ma, lease_ms, back_ma=0):
        """Allow `offer_ma` per phase, 0 = pause, for `lease_ms` (up to a day); at its end the contactor opens.

        With `back_ma` nothing may be drawn, but so much per phase may flow out of the car."""
        self._offer_ma = offer_ma
        self._back_ma = back_ma
        self._lease_ms = lease_ms

    def prepare_for_stall(self, on):
        """The loop is about to stand still, or has done so. Without interlock: pause and open until off again."""
        self._stall = on and not self._ratings.interlock

    def reset_faults(self, person=False):
        """End latched faults whose cause is gone; those of weld and RCM only for a `person` at the box."""
        self._faults.reset(person, self._contactor.open)
        self.faults = self._faults.active
        if self._rcm:
            self._rcm.due = 1

    def tick(self, dt_ms, readings):
        """One turn, nominally every 10 ms: judge `readings`, set `out`. Allocates nothing."""
        out = self.out
        ratings = self._ratings
        pilot = self._pilot
        contactor = self._contactor
        rcm = self._rcm
        closed = out.contactor
        duty = out.pilot_permille
        x2 = 0 < duty < _X1

        # time
        if self._held_ms < 60000:
            self._held_ms += dt_ms
        self._lease_ms = max(0, self._lease_ms - dt_ms)
        self._wait_ms = max(0, self._wait_ms - dt_ms)

        # what is so
        present = pilot.tick(dt_ms, readings, duty, self._held_ms)
        state = pilot.state
        connected = state in "BCD" or state == "F" and self._car
        if connected and not self._car:  # seq 1.1, 1.2
            self._wake_ms = 0
            if rcm:
                rcm.due = 1
        self._car = connected
        if state == "E":
            present |= _PILOT_SHORT
        elif state == "D" and not ratings.ventilation:
            present |= _VENTILATION
        if closed and dt_ms > _STALL_MS:
            present |= _STALL
        present |= contactor.tick(dt_ms, closed, readings)
        present |= self._meter.tick(dt_ms, readings, closed and x2, self.offered_ma, out.discharge_ma)
        warnings = _WARN_METER if self._meter.unknown else 0
        if rcm:
            tripped = readings.rcm_tripped is not False  # unknown is a trip
            present |= rcm.tick(min(dt_ms, 50), tripped, contactor.open and not self.faults, contactor.ms)
        ceiling_ma = ratings.max_ma
        min_ma = max(6000, ratings.min_ma)
        if self._cable:
            present |= self._cable.tick(min(dt_ms, 50), readings.proximity_ohm, connected)
            self.cable_ma = self._cable.ma
            ceiling_ma = min(ceiling_ma, self.cable_ma)
        if self._heat:
            present |= self._heat.tick(dt_ms, readings.temperature_dc, readings.temperature_age_ms)
            self.derated_ma = ratings.max_ma * self._heat.permille // 1000
            ceiling_ma = min(ceiling_ma, self.derated_ma)
            if self._heat.stale:
                warnings |= _WARN_SENSOR
        if self._meter.unknown:
            ceiling_ma = min(ceiling_ma, min_ma)
        locked = not ratings.lock or readings.lock_closed is True
        if ratings.lock:
            if out.lock == locked:
                self._lock_ms = 0
            elif self._lock_ms < _LOCK_MS:
                self._lock_ms += dt_ms
            if closed and self._lock_ms > 200 or out.lock and self._lock_ms >= _LOCK_MS:
                present |= _LOCK
            elif not out.lock and self._lock_ms >= _LOCK_MS:
                warnings |= _WARN_UNLOCK
        new = self._faults.tick(dt_ms, present, contactor.ms if closed else 0)
        faults = self.faults = self._faults.active
        if warnings != self.warnings:
            self.warnings = warnings
            self.events.push(_WARNING, warnings)

        # why no permission (x1), 0 = x2
        offer_ma = min(self._offer_ma, ceiling_ma)
        back_ma = 0
        if ratings.discharge and readings.ev_discharge is True:
            back_ma = min(self._back_ma, ceiling_ma)
        if faults:
            why = _FAULT
        elif duty == _X1 and not contactor.open and not closed:
            why = _SELF_TEST
        elif state not in "BCD":
            why = _NO_CAR
        elif not self._lease_ms:
            why = _NO_PERMISSION
        elif self._stall:
            why = _STALL_AHEAD
        elif self.cable_ma == 0:
            why = _CABLE
        elif ceiling_ma < min_ma:
            why = _HOT
        elif offer_ma < min_ma and not back_ma:
            why = _LIMIT
        elif x2 and (duty == _DIGITAL) != (back_ma > 0):
            why = _TURNING
        elif rcm and (rcm.due > 1 if closed else duty == _X1 and (rcm.due or not rcm.ok)):
            why = _RCM_DUE
        elif self._wait_ms and state != "B":
            why = _LOCK_OUT
        elif not locked and not closed:
            why = _LOCKING
        elif closed and duty == _X1:  # first it has to open
            why = _CHECKING
        else:
            why = 0

        # open
        if closed:
            gone = state not in "CD"  # seq 2.1, 2.2, 8.1, 8.2, 12
            late = duty == _X1 and self._held_ms >= _HOLD_MS  # seq 10.2: the car ignores x1
            if gone or late or not self._lease_ms or faults & ~_OVERDRAW:
                closed = out.contactor = False
                contactor.ms = 0  # not known to be open any more
                self.events.push(_OPENED if gone else _UNDER_LOAD, why)
                self._wait_ms = _AFTER_C_MS if gone else _AFTER_LOAD_MS

        # pilot
        if self.self_test:
            permitted = self._lease_ms and offer_ma >= min_ma and not self._stall
            wanted = self.self_test.tick(
                dt_ms, state, self._held_ms, permitted, readings, faults, rcm, contactor.open)
            if self.self_test.over:
                self.self_test = None
        elif self._pulse_ms:
            self._pulse_ms = max(0, self._pulse_ms - dt_ms)
            if self._pulse_ms <= _PULSE_X1_MS:
                wanted = _X1
                if not self._pulse_ms:
                    self._held_ms = _BETWEEN_MS  # A.5.3 has its own timing
            else:
                wanted = 0
        elif new & _OWN and x2 and state in "CD":  # seq 13: F only from C2, D2
            self._pulse_ms = _F_MS
            wanted = 0
            pilot.state = "F"
        elif why:  # seq 9, 10.1
            wanted = _X1
            if x2 and state in "CD":
                self._wake_ms = 0
        elif self._held_ms < _BETWEEN_MS:  # I6; a reduction inside the 5 s waits for their end
            wanted = duty
        else:  # seq 3, seq 6; seq 4 when it was x1 in C
            wanted = _DIGITAL if back_ma else duty_permille(offer_ma)
        if wanted and wanted < _X1 and state == "B" and self._wake_ms < _WAKE_MS:
            self._wake_ms += dt_ms
            if self._wake_ms >= _WAKE_MS:  # A.5.3, once
                self._pulse_ms = _PULSE_MS
                self.events.push(_WAKE_UP)
                wanted = 0
        x2 = 0 < wanted < _X1
        if x2 and state in "CD":
            self._wake_ms = _WAKE_MS
        if wanted != duty:
            out.pilot_permille = wanted
            self._held_ms = 0
            self.events.push(_DUTY, wanted)

        # close (seq 4); `good_ms` counts in x2 only, so permission is at least that old
        if not why and not closed:
            if self._wait_ms:
                why = _LOCK_OUT
            elif state == "B":
                why = _WAITING
            elif (
                not x2 or not contactor.open or pilot.good_ms < _DIODE_OK_MS or pilot.stale_ms > _FRESH_MS
                or rcm and (rcm.due or tripped or not rcm.ok)
            ):
                why = _CHECKING
            else:
                closed = out.contactor = True
                self.events.push(_CLOSED)

        # plug lock: before power, and until the load side is known to be dead
        if ratings.lock:
            dead = contactor.open
            if not dead and contactor.ms >= _UNLOCK_MS and readings.load_side_mv is not None:
                dead = readings.load_side_mv < _DEAD_MV
            out.lock = (
                closed or state in "BCD" and self._lease_ms > 0 and not faults
                or not dead and (out.lock or locked)
            )

        out.discharge_ma = back_ma if closed and not why and wanted == _DIGITAL and state == "C" else 0

        # what others see
        if rcm:
            out.rcm_test = rcm.test
        if pilot.state != self.state:
            self.state = pilot.state
            self.events.push(_STATE, ord(pilot.state))
        self.x2 = x2
        self.why = why
        self.offered_ma = ev_ma(wanted) if x2 else 0
        self.stall_safe = ratings.interlock or contactor.open and not closed and wanted == _X1
        if faults:
            out.led = 13 if faults & _OF_RCM else 14 if faults & _OF_CONTACTOR else 15 if faults & _OF_PILOT else 16
        else:
            out.led = _LEDS[why]
