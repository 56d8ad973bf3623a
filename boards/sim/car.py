"""A car on the cable: its reading of the pilot, S2, its charger and its battery.

It reads the duty cycle as the EV column of IEC 61851-1 Annex A, closes S2 when it is offered enough, draws
only while it has supply, and answers x1 by stopping and then opening S2 within 3 s. One that can `discharge` talks
high-level communication, too: at 5 % it closes S2, and gives back what the board's modem tells it to.
"""

B_OHM = 2740
C_OHM = 882
D_OHM = 246
SIMPLIFIED_MA = 10000  # most a car without S2 may draw
_STOP_MS = 1500  # latest reaction to a withdrawn permission
_STOP_MA_S = 60000  # how fast current falls, in mA a second
_WAKE_MS = 3000  # steady F or E that wakes a sleeping car
_CLOSE_MS = 200  # offered enough until S2 closes


def is_digital(permille):
    """Whether this duty cycle leaves everything to high-level communication."""
    return 30 <= permille <= 70


def duty_ma(permille):
    """Current in mA a car may draw at this duty cycle, 0 = none (also at 3..7 %, digital communication)."""
    if permille < 80 or permille > 970:
        return 0
    if permille < 100:
        return 6000
    if permille <= 850:
        return permille * 60
    if permille <= 960:
        return (permille - 640) * 250
    return 80000


class Car:
    """One car and its cable. `ready` is the driver's wish to charge; the rest follows from the pilot.

    locks_out_after: interruptions after which it gives up until replugged, None = never. holds_c_after_x1:
    ms it stays in C and draws although permission is gone, -1 = for ever, None = obeys. Raises ValueError.
    """

    def __init__(self, phases=3, max_ma=32000, min_ma=6000, soc=40, battery_wh=60000, reaction_ms=500,
                 ramp_ma_s=10000, sleeping=False, simplified=False, ignores_duty=False, holds_c_after_x1=None,
                 wants_ventilation=False, locks_out_after=None, draw_percent=100, cable_ohm=220, ready=False,
                 discharge=False):
        for name, value, low, high in (
            ("phases", phases, 1, 3),
            ("max_ma", max_ma, 0, 80000),
            ("min_ma", min_ma, 0, 80000),
            ("soc", soc, 0, 100),
            ("battery_wh", battery_wh, 1, 500000),
            ("reaction_ms", reaction_ms, 0, 5000),
            ("ramp_ma_s", ramp_ma_s, 1, 1000000),
            ("holds_c_after_x1", -1 if holds_c_after_x1 is None else holds_c_after_x1, -1, 1 << 29),
            ("locks_out_after", 1 if locks_out_after is None else locks_out_after, 1, 1 << 29),
            ("draw_percent", draw_percent, 0, 1000),
            ("cable_ohm", cable_ohm, 0, 1 << 20),
        ):
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ValueError("%s must be an integer from %d to %d" % (name, low, high))
        self.phases = phases
        self.max_ma = max_ma
        self.min_ma = min_ma
        self.battery_wh = battery_wh
        self.stored_mwh = soc * battery_wh * 10
        self.reaction_ms = reaction_ms
        self.ramp_ma_s = ramp_ma_s
        self.sleeping = bool(sleeping)
        self.simplified = bool(simplified)
        self.ignores_duty = bool(ignores_duty)
        self.holds_c_after_x1 = holds_c_after_x1
        self.wants_ventilation = bool(wants_ventilation)
        self.locks_out_after = locks_out_after
        self.draw_percent = draw_percent
        self.cable_ohm = cable_ohm
        self.ready = bool(ready)
        self.discharge = bool(discharge)
        self.s2 = False
        self.current_ma = 0  # on each phase it uses, negative: given back
        self.interruptions = 0
        self.locked_out = False
        self.ohm = B_OHM  # what it hangs on the pilot now
        self._seen = 0  # duty it acts on
        self._other_ms = 0  # how long the pilot has shown something else
        self._refused_ms = 0  # how long no permission
        self._offered_ms = 0
        self._asleep_ms = 0
        self._ramp_rest = 0
        self._drew = False
        self._last_ma = 0

    def soc(self):
        """State of charge in percent, rounded down."""
        return min(100, self.stored_mwh // (self.battery_wh * 10))

    def step(self, dt_ms, permille, supplied, faults, told_ma=0):
        """Live `dt_ms` with this duty cycle on the pilot and voltage on at least one used phase or none; it is told
        to give `told_ma` back."""
        refused = permille == 0 or permille == 1000
        if self.sleeping:
            if permille == 0:
                self._asleep_ms += dt_ms
            else:
                if self._asleep_ms >= _WAKE_MS:
                    self.sleeping = False
                self._asleep_ms = 0
        if permille == self._seen:
            self._other_ms = 0
        else:
            self._other_ms += dt_ms
            if self._other_ms >= (min(self.reaction_ms, _STOP_MS) if refused else self.reaction_ms):
                self._seen = permille
                self._other_ms = 0
        self._refused_ms = self._refused_ms + dt_ms if refused else 0

        allowed = duty_ma(self._seen)
        willing = self.ready and not self.sleeping and not self.locked_out
        back = self.discharge and is_digital(self._seen)
        willing = willing and (back or self.stored_mwh < self.battery_wh * 1000)
        may = willing and (back or allowed >= self.min_ma and allowed > 0)
        hold_ms = self.holds_c_after_x1
        if faults:
            hold_ms = faults.get("holds_c", hold_ms)
        holding = False
        if hold_ms is not None and willing and refused and self.s2:
            holding = hold_ms < 0 or self._refused_ms <= hold_ms
            if not holding:  # over: opens S2 at once
                may = False
                self.current_ma = 0

        target = 0
        if may or holding:
            if may:
                self._last_ma = allowed
            target = self.max_ma
            if may and back:
                target = self._last_ma = -min(told_ma, target) if self.stored_mwh > 0 else 0
            elif not self.ignores_duty:
                target = min(target, self._last_ma)
            if self.simplified:
                target = min(target, SIMPLIFIED_MA)
            target = target * (faults.get("overdraw", self.draw_percent) if faults else self.draw_percent) // 100
        if faults and "gives_back" in faults and self.s2:
            target = -faults["gives_back"]
        self._offered_ms = self._offered_ms + dt_ms if may else 0
        if may and self._offered_ms >= _CLOSE_MS:
            self.s2 = True
        elif not may and not holding and self.current_ma == 0:
            self.s2 = False

        closed = self.s2 or self.simplified
        if faults:
            closed = (closed or "s2_closed" in faults) and "s2_open" not in faults
        if not supplied or not (self.s2 or self.simplified):
            target = self.current_ma = 0
        self._follow(target, dt_ms)
        self._count_interruption(willing)
        self.ohm = B_OHM
        if closed:
            ventilated = self.wants_ventilation or bool(faults and "asks_ventilation" in faults)
            self.ohm = D_OHM if ventilated else C_OHM

    def _follow(self, target_ma, dt_ms):
        current = self.current_ma
        sign = -1 if current < 0 or not current and target_ma < 0 else 1
        current *= sign
        target_ma = max(target_ma * sign, 0)  # the other direction begins at 0
        if current < target_ma:
            self._ramp_rest += self.ramp_ma_s * dt_ms
            current = min(target_ma, current + self._ramp_rest // 1000)
            self._ramp_rest %= 1000
        elif current > target_ma:
            current = max(target_ma, current - _STOP_MA_S * dt_ms // 1000)
        self.current_ma = current * sign

    def _count_interruption(self, willing):
        drawing = self.current_ma != 0
        if self._drew and not drawing and willing:
            self.interruptions += 1
            if self.locks_out_after is not None and self.interruptions >= self.locks_out_after:
                self.locked_out = True
        self._drew = drawing
