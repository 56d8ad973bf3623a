"""Energy meters: Modbus RTU behind an RS-485 transceiver with a direction pin, and S0 pulses counted by hardware.

A meter fills `values` only when a whole round of answers was good: what it does not say is None, never 0. What was
said last stays with its growing age, and the rest of the firmware decides how long that may be believed.
"""

from boards.esp32 import modbus
from boards.esp32.pulses import Pulses
from bounded.compat import const, ticks_diff, ticks_ms
from bounded.wait import sleep_ms
from machine import UART, Pin

_ROUND_MS = const(500)
_LOOK_MS = const(5)


class Values:
    """What a meter said last, and when."""

    def __init__(self):
        self.voltage_mv = [None, None, None]
        self.current_ma = [None, None, None]
        self.power_w = None
        self.energy_wh = None
        self.frequency_mhz = None
        self.said = None  # ticks of the last good round

    def measure(self, readings):
        """Fill the meter's readings."""
        for i in range(3):
            readings.voltage_mv[i] = self.voltage_mv[i]
            readings.current_ma[i] = self.current_ma[i]
        readings.power_w = self.power_w
        readings.energy_wh = self.energy_wh
        readings.frequency_mhz = self.frequency_mhz
        readings.meter_age_ms = None if self.said is None else ticks_diff(ticks_ms(), self.said)


class ModbusMeter:
    """`wiring`: see schema.py. `failures` counts answers that were missing, damaged or somebody else's."""

    def __init__(self, wiring):
        self.values = Values()
        self.failures = 0
        self._wiring = wiring
        from bounded.attribute import attribute, names

        known = names()
        self._values = [(attribute(value[0], known),) + tuple(value[1:]) for value in wiring["values"]]
        parity = wiring.get("parity")
        self._uart = UART(wiring["uart"], wiring["baud"], tx=wiring["tx"], rx=wiring["rx"], timeout=0, rxbuf=256,
                          parity=None if parity is None else 0 if parity == "even" else 1)
        self._de = Pin(wiring["de"], Pin.OUT, value=0) if wiring.get("de") is not None else None
        self._frame = bytearray(max(modbus.answer_bytes(count) for _, count in wiring["blocks"]))

    async def run(self):
        """Ask for ever."""
        while True:
            staged = Values()
            if await self.round(staged):
                staged.said = ticks_ms()
                self.values = staged
            await sleep_ms(_ROUND_MS)

    async def round(self, staged):
        """Ask for every block once; True when all answers were good, and `staged` is filled."""
        for register, count in self._wiring["blocks"]:
            if not await self._ask(register, count):
                self.failures += 1
                return False
            for name, phase, at, kind, times, by in self._values:
                if register <= at < register + count:
                    value = modbus.value(self._frame, at - register, kind)
                    if value is not None:
                        value = value * times // by
                    if phase is None:
                        setattr(staged, name, value)
                    else:
                        getattr(staged, name)[phase] = value
        return True

    async def _ask(self, register, count):
        uart = self._uart
        wiring = self._wiring
        while uart.any():  # of an answer that was given up
            uart.read(uart.any())
        if self._de:
            self._de.value(1)
        uart.write(modbus.request(wiring["address"], wiring["function"], register, count))
        uart.flush()  # 8 bytes: the direction must turn before the meter answers, no task may come between
        if self._de:
            self._de.value(0)
        wanted = modbus.answer_bytes(count)
        left_ms = wiring["timeout_ms"]
        while uart.any() < wanted and left_ms > 0:
            await sleep_ms(_LOOK_MS)
            left_ms -= _LOOK_MS
        size = uart.any()
        if size != wanted:
            return False
        uart.readinto(self._frame, wanted)
        return modbus.good(self._frame, wanted, wiring["address"], wiring["function"], count)


class S0Meter:
    """One phase, as the schema says: from the power of several nobody can tell the current of one."""

    def __init__(self, wiring, nominal_mv):
        self.values = Values()
        self._nominal_mv = nominal_mv
        self._pulses = Pulses(wiring["per_kwh"])
        pin = Pin(wiring["pin"], Pin.IN, Pin.PULL_UP)
        try:
            from machine import Counter

            self._counter = Counter(0, pin, filter_ns=12700)
        except ImportError:
            from esp32 import PCNT

            self._counter = PCNT(0, pin=pin, rising=PCNT.INCREMENT, filter=1016)
            self._counter.start()

    async def run(self):
        """Look for ever."""
        then = ticks_ms()
        while True:
            await sleep_ms(_ROUND_MS)
            now = ticks_ms()
            self.look(ticks_diff(now, then))
            then = now

    def look(self, dt_ms):
        """Take the counter's state `dt_ms` after the last look."""
        pulses = self._pulses
        if pulses.step(dt_ms, self._counter.value()):
            pulses.cleared(self._counter.value(0))
        values = self.values
        values.power_w = pulses.power_w
        values.energy_wh = pulses.energy_wh
        values.current_ma[0] = None if pulses.power_w is None else pulses.power_w * 1000 // (self._nominal_mv // 1000)
        values.said = ticks_ms() if pulses.power_w is not None else None


def build(wiring, nominal_mv):
    """The meter that `wiring` describes, None without one."""
    if wiring is None:
        return None
    return S0Meter(wiring, nominal_mv) if wiring["kind"] == "s0" else ModbusMeter(wiring)
