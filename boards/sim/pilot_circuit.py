"""Control pilot: the box's generator, its wire, and what the car hangs on it (IEC 61851-1 Annex A.2).

Generator +-12 V behind 1 kOhm; the car loads the high half-wave through its diode. A generator without
supply gives 0 V. Voltages are those at the CP terminal of the box, plateau values in mV.
"""

SOURCE_MV = 12000
SOURCE_OHM = 1000
DIODE_MV = 700
CONVERTER_MV = 15000  # what the pilot converter can represent, each side of zero


def plateau(source_mv, car_ohm, diode, to_pe_ohm=None):
    """Voltage at CP in mV for a generator level. `car_ohm` None: no car; `diode` False: shorted."""
    ohm = SOURCE_OHM
    if to_pe_ohm is not None:
        source_mv = source_mv * to_pe_ohm // (ohm + to_pe_ohm)
        ohm = ohm * to_pe_ohm // (ohm + to_pe_ohm)
    if car_ohm is None:
        return source_mv
    drop = DIODE_MV if diode else 0
    if diode and source_mv <= drop:
        return source_mv
    loaded = (abs(source_mv) - drop) * car_ohm // (car_ohm + ohm) + drop
    return loaded if source_mv > 0 else -loaded


def state(high_mv):
    """Letter A..F of an upper plateau, by the middle of the gaps between the windows."""
    if high_mv > 10500:
        return "A"
    if high_mv > 7500:
        return "B"
    if high_mv > 4500:
        return "C"
    if high_mv > 1500:
        return "D"
    return "E" if high_mv > -6000 else "F"


class PilotCircuit:
    """The true state of the pilot line, and the box's way of measuring it.

    high_mv, low_mv   plateaus at the terminal; low_mv is None at 100 %, both are equal at 0 %
    hz, permille      as read back at the terminal: 0 Hz when nothing toggles
    seen_permille     as the car sees it: 1000 = steady high, 0 = nothing it could charge on
    """

    def __init__(self):
        self.high_mv = 0
        self.low_mv = None
        self.hz = 0
        self.permille = 0
        self.seen_permille = 0
        self.age_ms = 0
        self._measured = [None, None]
        self._noise = 1

    def step(self, dt_ms, powered, permille, car_ohm, faults):
        """Follow the generator (`permille`, without supply 0 V) and the car's load."""
        self.age_ms += dt_ms
        source = SOURCE_MV if powered else 0
        hz = 1000
        diode = True
        to_pe = None
        seen = True
        if faults:
            hz = faults.get("pilot_hz", hz)
            if 0 < permille < 1000:
                permille = min(1000, max(0, permille + faults.get("pilot_duty_error", 0)))
            diode = "diode_missing" not in faults
            to_pe = faults.get("pilot_to_pe")
            if "pilot_open" in faults or "pe_lost" in faults:
                car_ohm = None
                seen = False
        high = plateau(source, car_ohm, diode, to_pe)
        low = plateau(-source, car_ohm, diode, to_pe)
        if faults:
            if "diode_leaking" in faults and car_ohm is not None and low < 0:
                low = max(low, faults["diode_leaking"])
            if "pilot_low_shorted" in faults:
                low = 0
            if "pilot_stuck" in faults:
                high = low = faults["pilot_stuck"]
                permille = 1000 if high > 0 else 0
        if permille == 1000:
            low = None
        elif permille == 0:
            high = low
        self.high_mv = high
        self.low_mv = low
        toggles = powered and 0 < permille < 1000
        self.hz = hz if toggles else 0
        self.permille = permille if powered else 0
        self.seen_permille = permille if powered and seen and high >= 2000 else 0

    def noise(self, amplitude_mv):
        """Next value of a repeatable pseudo-random sequence, -amplitude..amplitude."""
        self._noise = (self._noise * 75 + 74) % 65537
        return self._noise % (2 * amplitude_mv + 1) - amplitude_mv

    def measure(self, readings, faults, burst):
        """Fill the pilot's readings. `burst`: a contactor moved within the last 100 ms."""
        measured = self._measured
        if not faults:
            measured[0] = self.high_mv
            measured[1] = self.low_mv
            self.age_ms = 0
        elif "adc_silent" in faults:
            pass
        else:
            self.age_ms = 0
            if "adc_zero" in faults:
                measured[0] = measured[1] = -CONVERTER_MV
            elif "adc_full" in faults:
                measured[0] = measured[1] = CONVERTER_MV
            elif "adc_frozen" not in faults:
                amplitude = faults.get("pilot_noise", 0) + (faults.get("emi_burst", 0) if burst else 0)
                high = self.high_mv + faults.get("pilot_offset", 0)
                low = self.low_mv
                if amplitude:
                    high += self.noise(amplitude)
                    if low is not None:
                        low += self.noise(amplitude)
                measured[0] = high
                measured[1] = low
        readings.pilot_high_mv = measured[0]
        readings.pilot_low_mv = measured[1]
        readings.pilot_hz = self.hz
        readings.pilot_permille = self.permille
        readings.pilot_age_ms = self.age_ms
