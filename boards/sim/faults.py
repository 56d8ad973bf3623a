"""Every fault the simulated hardware can have: name, default value, what happens.

The code in front of each text is the line of the fault-injection table the fault belongs to. A fault whose
default is None takes no value; for the others another integer may be given.
"""

FAULTS = {
    # pilot
    "diode_missing": (None, "P1: the car's diode is shorted, the low half-wave mirrors the high one"),
    "diode_leaking": (-9000, "P2: the diode leaks; value = low plateau in mV"),
    "pilot_low_shorted": (None, "P2: the low half-wave is shorted to 0 V"),
    "pilot_to_pe": (80, "P3: CP connected to PE; value = ohm"),
    "pilot_open": (None, "P4: CP wire broken between box and car"),
    "pilot_stuck": (12000, "P5: CP terminal held at one voltage whatever the PWM; value = mV"),
    "pilot_hz": (970, "P6: generator runs at a wrong frequency; value = Hz"),
    "pilot_duty_error": (10, "P6: generator's duty is off; value = per mille added, may be negative"),
    "s2_closed": (None, "P7: S2 closed whatever the car wants (with ms: a blip of C in B)"),
    "s2_open": (None, "P8: S2 open whatever the car wants (with ms: a blip of B in C)"),
    "asks_ventilation": (None, "P9: the car asks for ventilation (D instead of C)"),
    "holds_c": (-1, "P10: the car stays in C and draws after x1; value = ms, -1 for ever"),
    "overdraw": (130, "P11: the car draws this many percent of what it may"),
    "pilot_noise": (400, "P12: noise on the measured pilot; value = amplitude in mV"),
    "pilot_offset": (-1500, "P12: measured upper plateau shifted, e.g. into a hysteresis gap; value = mV"),
    "emi_burst": (3000, "P12: noise for 100 ms after each contactor movement; value = amplitude in mV"),
    "proximity": (1 << 20, "proximity contact reads this; value = ohm, 1048576 = open, 0 = shorted"),
    # contactor, lock
    "weld": (7, "K1 K2: poles that are or get closed stay closed; value = mask of poles 1 2 4"),
    "weld_closed": (7, "K1 K2: poles are closed from now on; value = mask of poles 1 2 4"),
    "contactor_dead": (None, "K3: does not close, drops out when closed"),
    "pole_open": (1, "K3: poles that never close; value = mask of poles 1 2 4"),
    "contactor_slow": (300, "K3: travel time of both directions; value = ms"),
    "aux_stuck_open": (7, "K4: mirror contacts read open; value = mask of poles"),
    "aux_stuck_closed": (7, "K4: mirror contacts read closed; value = mask of poles"),
    "aux_noisy": (7, "K4: mirror contacts flicker; value = mask of poles"),
    "load_sense": (0, "K4: the load-side voltage reads this; value = mV"),
    "lock_stuck": (None, "K5: the lock does not move"),
    "lock_feedback_inverted": (None, "K5: the lock's feedback lies"),
    "phase_lost": (6, "K6: supply phases without voltage; value = mask of phases 1 2 4"),
    # residual current, supply
    "rcm_trip": (None, "R1: the monitor's output is active (with ms: a pulse)"),
    "residual_ma": (30, "R1: residual current while the contactor is closed; value = mA; trips as IEC 62955"),
    "rcm_no_answer": (None, "R2: self-test without effect"),
    "rcm_always_active": (None, "R2: output active for ever"),
    "rcm_answers_late": (1000, "R2: delay until the self-test answers; value = ms"),
    "rcm_releases_late": (2000, "R2: output stays active after the test; value = ms"),
    "pe_lost": (None, "R3: protective earth lost: the pilot has no return and reads as no car"),
    "mains_mv": (205000, "R3: supply voltage of every phase; value = mV"),
    "mains_mhz": (49800, "R3: supply frequency; value = mHz"),
    # temperature
    "ambient": (600, "T1: ambient temperature, the box follows slowly; value = 0.1 degree Celsius"),
    "temperature": (900, "T1: the box has this temperature at once; value = 0.1 degree Celsius"),
    "temperature_open": (None, "T1: sensor open, reads far too cold"),
    "temperature_short": (None, "T1: sensor shorted, reads far too hot"),
    "temperature_frozen": (None, "T1: sensor repeats its last value"),
    "temperature_nan": (None, "T1: sensor answers, but with no number"),
    "temperature_silent": (None, "T1: sensor does not answer"),
    # meter
    "meter_silent": (None, "M1: meter does not answer"),
    "meter_crc": (None, "M1: every telegram is damaged: all values unknown"),
    "meter_scale": (1000, "M1: current and power in a wrong unit; value = factor"),
    "meter_sign": (None, "M1: power with the wrong sign"),
    "meter_energy_shift": (-500, "M1: energy counter steps back or jumps; value = Wh"),
    "meter_rollover": (None, "M1: energy counter starts again at 0"),
    "meter_frozen": (None, "M1: meter repeats its last values"),
    "meter_no_voltage": (None, "M2: meter gives no voltages"),
    # clock, loop, converters, people
    "clock_unset": (None, "C1: wall time unknown"),
    "clock_offset": (3600, "C1: wall clock is wrong; value = seconds, may be negative"),
    "loop_stall": (500, "L1: the firmware's loop stands still once; value = ms"),
    "adc_zero": (None, "L4: pilot converter reads 0"),
    "adc_full": (None, "L4: pilot converter reads full scale"),
    "adc_frozen": (None, "L4: pilot converter repeats its last values"),
    "adc_silent": (None, "L4: pilot converter does not answer"),
    "i2c_hangs": (None, "L4: meter and temperature sensor do not answer"),
    "button_stuck": (None, "S1: button reads pressed"),
}


class Faults:
    """The faults that are on now: `active` maps a name to its value."""

    def __init__(self):
        self.active = {}
        self._left_ms = {}

    def switch(self, name, on, value=None, ms=None):
        """Switch a fault on (again: with a new value) or off; with `ms` it ends by itself.

        Raises ValueError for an unknown name or a value that is no integer or not taken.
        """
        if name not in FAULTS:
            raise ValueError("unknown fault " + str(name))
        default = FAULTS[name][0]
        self._left_ms.pop(name, None)
        if not on:
            self.active.pop(name, None)
            return
        if value is None:
            value = True if default is None else default
        elif default is None:
            raise ValueError("fault " + name + " takes no value")
        elif isinstance(value, bool) or not isinstance(value, int) or not -(1 << 30) < value < 1 << 30:
            raise ValueError("the value of fault " + name + " must be an integer")
        if ms is not None:
            if isinstance(ms, bool) or not isinstance(ms, int) or ms <= 0:
                raise ValueError("ms must be a positive integer")
            self._left_ms[name] = ms
        self.active[name] = value

    def step(self, dt_ms):
        """Let faults of limited duration run out."""
        if self._left_ms:
            for name in list(self._left_ms):
                left = self._left_ms[name] - dt_ms
                if left <= 0:
                    del self._left_ms[name]
                    self.active.pop(name, None)
                else:
                    self._left_ms[name] = left
