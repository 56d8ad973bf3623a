"""Pilot generator (LEDC) and converter of an ESP32.

A PWM made with duty_ns raises on 1.26, so it is made with duty_u16 and set by duty_ns then; 65535 is a static high,
0 a static low. PWM runs on while Python stands still. The converter knows nothing of the PWM's phase: it samples over
two periods, 40 us or so a sample, and plateau.py finds the levels.
"""

from array import array
from time import ticks_us

from boards.esp32.plateau import STEADY, plateaus
from bounded.compat import const, ticks_diff
from machine import ADC, PWM, Pin

_HZ = const(1000)
_TWO_PERIODS_US = const(2050)  # the generator is up to 2 % slow
_LEAST = const(16)  # samples; fewer say nothing
_MOST = const(160)
_SWING_MV = const(3000)  # of the pilot; less is noise of one level


class Pilot:
    """`wiring`: pwm and adc pins; zero_uv is what the converter sees at 0 V, uv_per_v how much more for each volt."""

    def __init__(self, wiring):
        self._permille = 1000
        self._pwm = PWM(Pin(wiring["pwm"], Pin.OUT, value=1), freq=_HZ, duty_u16=65535)
        self._read = ADC(Pin(wiring["adc"]), atten=ADC.ATTN_11DB).read_uv
        self._zero_uv = wiring["zero_uv"]
        self._uv_per_v = wiring["uv_per_v"]
        self._samples = array("i", [0] * _MOST)
        self._found = array("i", (0, 0))

    def drive(self, permille):
        """Set the duty: 0 is -12 V, 1000 is +12 V."""
        if permille != self._permille:
            self._permille = permille
            if permille >= 1000:
                self._pwm.duty_u16(65535)
            elif permille <= 0:
                self._pwm.duty_u16(0)
            else:
                self._pwm.duty_ns(permille * 1000)

    def measure(self, readings):
        """Sample two periods (about 2 ms) and fill in the pilot's readings."""
        read = self._read
        samples = self._samples
        count = 0
        begun = ticks_us()
        while count < _MOST and (count < _LEAST or ticks_diff(ticks_us(), begun) < _TWO_PERIODS_US):
            samples[count] = read()
            count += 1
        found = self._found
        plateaus(samples, count, _SWING_MV * (self._uv_per_v // 1000), found)
        readings.pilot_high_mv = self._mv(found[0])
        if found[1] != STEADY:
            readings.pilot_low_mv = self._mv(found[1])
        else:
            readings.pilot_low_mv = None if self._permille else readings.pilot_high_mv
        readings.pilot_age_ms = 0

    def _mv(self, uv):
        return (uv - self._zero_uv) // 10 * 1000 // (self._uv_per_v // 10)  # stays below 2**30
