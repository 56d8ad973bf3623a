"""Control pilot: state windows, filters, diode and generator checks, duty cycle and current (IEC 61851-1 Annex A).

Windows A 11..13 V, B 8..10, C 5..7, D 2..4, E up to 1, F -13..-11; the 1 V gaps keep the state before (A.4.11).
Filters: C or D must last 500 ms (an iX3 blips C for 250 ms), A or B 75 ms (seq 2 and 8.1 allow 100 ms, and opening
without delay trips some cars' RCD), E or F 500 ms (seq 12 allows 3 s).
"""

from bounded.compat import const

# fault bits, see faults.py
_DIODE = const(1 << 0)
_GENERATOR = const(1 << 1)
_PILOT_STALE = const(1 << 2)

_SENSOR_MV = const(13000)  # beyond, the converter lies

_GONE_MS = const(75)
_STAY_MS = const(500)
_FRESH_MS = const(100)
_STALE_MS = const(500)
_BOOT_MS = const(4500)  # a board may be that late with its first sample
_DIODE_MS = const(300)
_GENERATOR_MS = const(60)  # less than _GONE_MS: a pilot stuck at +12 V must not pass for an unplugged car
_SETTLE_MS = const(300)  # after an own change until read-back and plateaus follow
_CREDIT_MS = const(50)  # one sample after a stall counts for no more


def classify(mv, before):
    """State letter of an upper plateau in mV; in a gap the neighbour that is nearer to the state before.

    A to E are 2 V wide and 3 V apart, E goes on down to where F begins."""
    below = 13000 - mv
    i = below // 3000
    gap = below % 3000 > 2000
    if i > 3:
        i = 5 if mv <= -11000 else 4
        gap = i == 4 and mv < -10000
    if gap and before > "ABCDEF"[i]:
        i += 1
    return "ABCDEF"[i]


def duty_permille(offer_ma):
    """Duty cycle for at most `offer_ma` (6000..80000 mA): whole 0.1 A first, then whole per mille, both down.

    From 51.1 A on, 85.0 % at least: by the formula alone 51.1..52.4 A would read as less than 51 A.
    """
    offer_ma = min(offer_ma, 80000) // 100 * 100
    if offer_ma <= 51000:
        return offer_ma // 60
    return max(850, offer_ma // 250 + 640)


def ev_ma(permille):
    """What a car may draw at this duty cycle in mA (EV column of Table A.8); 0 = nothing, or digital only."""
    if permille < 80 or permille > 970:
        return 0
    if permille < 100:
        return 6000
    if permille <= 850:
        return permille * 60
    return min(80000, (permille - 640) * 250)


class Pilot:
    """The filtered `state` of the pilot and what is wrong with it.

    state     "A".."E" as the car makes it; the guard writes "F" while it signals F after a fault
    stale_ms  age of the last believable sample
    good_ms   how long in x2 an intact diode was seen and the state stood without a blip, saturating
    """

    def __init__(self, generator_check):
        self.state = "A"
        self.stale_ms = -_BOOT_MS
        self.good_ms = 0
        self._check = generator_check
        self._raw = "A"
        self._seen = 0  # how long raw has differed from state in the same way
        self._away = 0  # how long raw has differed from state
        self._bad = 0
        self._wrong = 0

    def tick(self, dt_ms, readings, permille, held_ms):
        """Judge one sample; `permille` is on the pilot since `held_ms`. Returns fault bits present now."""
        if not permille:  # own F or wake-up: the car cannot be seen
            self.stale_ms = self.good_ms = self._bad = 0
            return 0
        high = readings.pilot_high_mv
        low = readings.pilot_low_mv
        age_ms = readings.pilot_age_ms
        if high is None or age_ms is None or not -_SENSOR_MV <= high <= _SENSOR_MV:
            age_ms = self.stale_ms + dt_ms
            high = None
        self.stale_ms = min(age_ms, _STALE_MS + 1)
        if age_ms > _STALE_MS:
            self.good_ms = 0
            return _PILOT_STALE
        dt_ms = min(dt_ms, _CREDIT_MS)
        raw = self._raw
        if high is not None and age_ms <= _FRESH_MS:
            before = raw
            self._raw = raw = classify(high, raw)
            if raw == self.state:
                self._seen = self._away = 0
            else:
                if raw != before and not (raw in "AB" and before in "AB"):
                    self._seen = 0
                self._seen += dt_ms
                self._away += dt_ms
                if raw in "CD":
                    stays = self._seen > _STAY_MS  # the first sample counted a whole tick
                else:
                    stays = self._away >= _STAY_MS or raw in "AB" and self._seen >= _GONE_MS
                if stays:
                    self.state = raw
                    self._seen = self._away = 0
        faults = 0
        x2 = permille < 1000

        # diode: at least once in x2 before closing, here always (seq 4; issue: cars with shorted diodes)
        if not x2 or raw not in "BCD" or high is None:
            self.good_ms = self._bad = 0
        elif low is not None and -_SENSOR_MV <= low <= -10000:
            self._bad = 0
            if self._away:
                self.good_ms = 0
            elif self.good_ms < 1000:
                self.good_ms += dt_ms
        else:
            self.good_ms = 0
            self._bad += dt_ms
            if self._bad >= _DIODE_MS:
                self._bad = _DIODE_MS
                # a diode can lift the low half-wave up to 0 V; no low half-wave at all is the generator's doing
                faults = _DIODE if low is not None and -10000 < low <= 1000 else _GENERATOR

        # own generator: 1 kHz +-2 %, duty within half a point, F only when asked for
        wrong = raw == "F" or (not x2 and low is not None and low < 0 and raw != "E")
        if self._check and raw != "E":
            got = readings.pilot_permille
            if got is None:
                wrong = wrong or x2
            elif got - permille > 5 or permille - got > 5:
                wrong = True
            if x2:
                hz = readings.pilot_hz
                wrong = wrong or hz is None or not 980 <= hz <= 1020
        if not wrong or held_ms < _SETTLE_MS:
            self._wrong = 0
        else:
            self._wrong += dt_ms
            if self._wrong >= _GENERATOR_MS:
                self._wrong = _GENERATOR_MS
                faults |= _GENERATOR
        return faults
