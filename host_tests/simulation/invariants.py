"""I1..I7: what must hold at every tick of every simulation of guard and plant, as a checker for World.

    world = World(guard, plant, Invariants(guard))

The checker looks at the plant's truth (voltages without noise, real contacts), never at the guard's opinion,
except for the fault mask. Readings of the invariants, since a closed contactor may outlive its reason by the time
that the table allows:

I1  contactor commanded => the car is in C or D, or left it no longer ago than
        A, B: 100 ms (600 ms while the converter is dead)    E, F: 3 s    D without ventilation: 3 s
    and x2, or x1 for at most 6 s (seq 10.2); and an intact diode, or none for at most 3 s; and no fault in
    `guard.faults` except OVERDRAW; and a lease that runs. All measured on the command; real contacts follow
    within 20 ms unless one is injected into the contactor.
    In the tick of closing there is no allowance: C or D for 500 ms, x2 and intact diode for 100 ms, no pole
    closed, plug locked, a fresh pilot sample, no trip.
I2  the duty never tells the car more than the highest offer permitted within the last 5 s (a reduction waits for
    the 5 s between changes) nor, with the same delay, than cable, temperature and board allow; an offer below the
    minimum is x1 in the same tick.
I3  duty in {0, 100..960, 1000}, and 50 (digital communication) while power may flow back.
I4  poles closed => lock closed, except for 300 ms after a lock that opened by itself.
I5  no phase relay moves: no board has one. The wired poles move together; nothing to check.
I6  at least 5 s from any change of the pilot to a new duty, except for the x1 of 0.75 s that ends a wake-up or F.
I7  the tick allocates nothing: a test of its own under heap_lock.
I8  the modem is told to have power flow back only on a board that can, with a car that says so, through a contactor
    commanded closed (so I1 says in which states), under 5 %, without any fault and under a lease that runs, and no
    more per phase than was permitted at this tick, nor than board, cable and temperature bear. None of these outlives
    its reason by a tick.
"""

_OVERDRAW = 1 << 14
_LONG = 1 << 28
_TICK = 10
_CONTACTOR = ("weld", "weld_closed", "contactor_dead", "pole_open", "contactor_slow")
_PILOT_READ = ("adc_frozen", "adc_zero", "adc_full", "adc_silent", "pilot_noise", "pilot_offset", "emi_burst")


def letter(high_mv):
    """State letter of a true voltage; the middle of each gap divides."""
    for limit, name in ((10500, "A"), (7500, "B"), (4500, "C"), (1500, "D"), (-10500, "E")):
        if high_mv > limit:
            return name
    return "F"


def told_ma(permille):
    """Current a car may draw at this duty."""
    if not 80 <= permille <= 970:
        return 0
    return permille * 60 if permille <= 850 else (permille - 640) * 250


class Invariants:
    """One checker for one guard; call it after every tick."""

    def __init__(self, guard):
        self.guard = guard
        self.closings = self.turns_back = 0  # how often it closed, and how often power was to flow back
        self._was_back = False
        self._permit = guard.permit
        guard.permit = self._note
        self._offers = []  # (until when it may still show, mA)
        self._offer = 0
        self._back = 0
        self._lease = 0
        self._last = 0
        self._permille = 1000
        self._since_change = _LONG
        self._was_f = False
        self._commanded = False
        self._ms = {}

    def _note(self, offer_ma, lease_ms, back_ma=0):
        if offer_ma != self._offer:
            # the offer before may show until the running 5 s are over, at most 5 s from now
            self._offers.append([5000, self._offer])
            self._offer = offer_ma
        self._lease = lease_ms
        self._back = back_ma
        self._permit(offer_ma, lease_ms, back_ma)

    def _for(self, name, holds, dt_ms):
        """How long `holds` has been true, counting this tick."""
        self._ms[name] = self._ms.get(name, 0) + dt_ms if holds else 0
        return self._ms[name]

    def __call__(self, world):
        """Check the tick that just ended; AssertionError names the invariant."""
        dt_ms = world.now_ms - self._last
        self._last = world.now_ms
        plant = world.plant
        ratings = plant.ratings
        faults = plant.faults.active
        out = self.guard.out
        permille = out.pilot_permille
        on = out.contactor
        x2 = 0 < permille < 1000
        self._lease = max(0, self._lease - dt_ms)

        # the pilot as it was in this tick, under the duty of the tick before
        seen = letter(plant.pilot.high_mv)
        was_x2 = 0 < self._permille < 1000
        low = plant.pilot.low_mv
        diode = low is not None and -13000 <= low <= -10000
        # a converter that is steadily wrong hides the car from any controller
        hidden = "pilot_offset" in faults or "adc_frozen" in faults
        off_ab = self._for("ab", seen in "AB" and not hidden, dt_ms)
        in_c = self._for("c", seen in "CD" or 0 < off_ab < 75, dt_ms)  # blips that need not open do not count
        off_c = self._for("not c", not hidden and seen not in "CD" or seen == "D" and not ratings.ventilation, dt_ms)
        no_diode = self._for("diode", was_x2 and not diode, dt_ms)
        good = self._for("good", was_x2 and diode, dt_ms)
        x1 = self._for("x1", not was_x2, dt_ms)

        # a converter that says nothing is no unplugged car; after 500 ms of that it opens too
        sighted = self._for("sighted", not any([name in faults for name in _PILOT_READ[:4]]), dt_ms)
        if on:
            self._say("I1 lease", self._lease > 0)
            self._say("I1 fault", not self.guard.faults & ~_OVERDRAW)
            self._say("I1 A or B", off_ab <= (600 if sighted < 600 else 100) + (dt_ms - _TICK))
            self._say("I1 E, F or D", off_c <= 3000)
            self._say("I1 diode", no_diode <= 3000)
            self._say("I1 x1", x1 <= 6000 + _TICK)
            if not self._commanded:
                self.closings += 1
                frozen = [name for name in _PILOT_READ if name in faults]
                self._say("I1 closing: C for 500 ms", in_c >= 500 - _TICK and seen in "CD" or frozen)
                self._say("I1 closing: x2 and diode", good >= 100 - _TICK and x2 or frozen)
                self._say("I1 closing: poles", plant.contactor.poles == 0)
                lies = "lock_feedback_inverted" in faults
                self._say("I1 closing: lock", not ratings.lock or plant.lock.closed or lies)
                self._say("I1 closing: sample", world.readings.pilot_age_ms <= 100)
                self._say("I1 closing: trip, test", not world.readings.rcm_tripped and not out.rcm_test)
        open_ms = self._for("open", not on and not self._commanded and plant.contactor.poles != 0, dt_ms)
        # a slow one that was mended while it moved goes on moving
        sound_ms = self._for("sound", not any([name in faults for name in _CONTACTOR]), dt_ms)
        if sound_ms > 300:
            self._say("I1 contacts", open_ms <= 20)

        for row in self._offers:
            row[0] -= dt_ms
        self._offers = [row for row in self._offers if row[0] > -_TICK]
        most = max([self._offer] + [row[1] for row in self._offers])
        self._say("I2 offer", told_ma(permille) <= most)
        self._say("I2 board", told_ma(permille) <= ratings.max_ma)
        for bound in (self.guard.cable_ma, self.guard.derated_ma):
            over = bound is not None and told_ma(permille) > bound
            self._say("I2 ceiling", self._for("over %s" % (bound is self.guard.cable_ma), over, dt_ms) <= 5000 + _TICK)
        back = out.discharge_ma
        if back and not self._was_back:
            self.turns_back += 1
        self._was_back = back
        digital = permille == 50 and ratings.discharge and self._back > 0
        self._say("I2 pause", not x2 or digital or self._offer >= ratings.min_ma)
        self._say("I3", permille in (0, 1000) or 100 <= permille <= 960 or digital)
        if back:
            self._say("I8 when", on and digital and self._lease > 0 and not self.guard.faults)
            self._say("I8 car", world.readings.ev_discharge is True)
            self._say("I8 bounds", 0 < back <= min(self._back, ratings.max_ma))
            for bound in (self.guard.cable_ma, self.guard.derated_ma):
                self._say("I8 ceiling", bound is None or back <= bound)
        if ratings.lock and "lock_feedback_inverted" not in faults and "weld_closed" not in faults:
            loose = plant.contactor.poles and not plant.lock.closed
            self._say("I4", self._for("lock", loose, dt_ms) <= 300 + _TICK)

        self._since_change += dt_ms
        if permille != self._permille:
            if x2:
                after_f = self._was_f and self._since_change >= 500
                self._say("I6", self._since_change >= 5000 or after_f)
            self._was_f = self._permille == 0
            self._permille = permille
            self._since_change = 0
        self._commanded = on
        if self._lease == 0:
            self._say("I1 x2 without lease", not x2)

    def _say(self, what, holds):
        if not holds:
            raise AssertionError(what)
