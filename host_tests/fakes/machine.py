"""`machine` of an ESP32 on MicroPython 1.26, as far as drivers use it. `pins`, `pwms`, `uarts` show what they did.

Mimicked: a PWM made with `duty_ns` raises "PWM is inactive"; duty_u16 65535 is a static high, 0 a static low; ADC and
PCNT answer what a test put into `adc_values` and `Counter.counted`; a watchdog cannot be stopped.
"""

import sys

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

cause = PWRON_RESET
pins = {}  # number: Pin
pwms = {}
uarts = {}
adc_values = {}  # pin number: function of no argument, in uV
exit_process = None  # the pseudo-terminal board's; a reset does not return


class Reset(BaseException):
    """A reset, where there is no process to end."""


class Pin:
    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2

    def __init__(self, number, mode=-1, pull=-1, value=None):
        if not 0 <= number <= 48:
            raise ValueError("invalid pin")
        if mode == Pin.OUT and 34 <= number <= 39 and not s3:
            raise ValueError("pin can only be input")
        self.number = number
        self.mode = mode
        self.pull = pull
        old = pins.get(number)
        self._value = (old._value if old else 1 if pull == Pin.PULL_UP else 0) if value is None else value
        self.written = []
        pins[number] = self

    def value(self, value=None):
        """Read (a test sets `_value`), or drive."""
        if value is None:
            return self._value
        self._value = 1 if value else 0
        self.written.append(self._value)

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)


s3 = False  # an ESP32-S3 has no pins that are inputs only


class PWM:
    """LEDC: 1 kHz reads back as 998 on an ESP32, in 16 bit."""

    def __init__(self, pin, freq=0, duty_u16=None, duty_ns=None, invert=False):
        if duty_ns is not None:
            raise RuntimeError("PWM is inactive")
        self.pin = pin
        self._freq = freq
        self._u16 = duty_u16 or 0
        self.on = True
        pwms[pin.number] = self

    def freq(self, freq=None):
        if freq is None:
            return self._freq * 998 // 1000
        self._freq = freq

    def duty_u16(self, value=None):
        if value is None:
            return self._u16
        if not 0 <= value <= 65535:
            raise ValueError("duty_u16 must be from 0 to 65535")
        self._u16 = value

    def duty_ns(self, value=None):
        if not self.on:
            raise RuntimeError("PWM is inactive")
        period_ns = 1000000000 // self._freq
        if value is None:
            return self._u16 * period_ns // 65536
        if not 0 <= value <= period_ns:
            raise ValueError("duty_ns must be from 0 to %d ns" % period_ns)
        self._u16 = value * 65536 // period_ns if value < period_ns else 65535

    def deinit(self):
        self.on = False


class ADC:
    ATTN_0DB = 0
    ATTN_2_5DB = 1
    ATTN_6DB = 2
    ATTN_11DB = 3

    def __init__(self, pin, atten=0):
        if not s3 and not (32 <= pin.number <= 39 or pin.number in (0, 2, 4, 12, 13, 14, 15, 25, 26, 27)):
            raise ValueError("invalid Pin")
        self._number = pin.number
        self.atten = atten

    def read_uv(self):
        value = adc_values.get(self._number, 0)
        return value() if callable(value) else value

    def read_u16(self):
        return min(65535, self.read_uv() * 65535 // 3300000)


class UART:
    """`answers`: a function of the bytes written since the last read, giving what comes back."""

    def __init__(self, number, baudrate=9600, bits=8, parity=None, stop=1, tx=None, rx=None, timeout=0, rxbuf=256):
        self.baudrate = baudrate
        self.parity = parity
        self.sent = []
        self.answers = lambda request: b""
        self._in = b""
        self._left = 0  # looks until the last byte has left the wire
        uarts[number] = self

    def write(self, data):
        self.sent.append(bytes(data))
        self._in += self.answers(bytes(data))
        self._left = 2
        return len(data)

    def txdone(self):
        self._left -= 1
        return self._left <= 0

    def flush(self):
        self._left = 0

    def any(self):
        return len(self._in)

    def read(self, count=None):
        count = len(self._in) if count is None else count
        data = self._in[:count]
        self._in = self._in[count:]
        return data or None

    def readinto(self, buffer, count=None):
        data = self.read(len(buffer) if count is None else count)
        if not data:
            return None
        buffer[: len(data)] = data
        return len(data)


class Counter:
    """Counts edges in hardware; a test sets `counted`."""

    RISING = 1
    FALLING = 2
    made = []

    def __init__(self, number, src=None, edge=1, filter_ns=0):
        if number > 7:
            raise ValueError("invalid id")
        if filter_ns > 12800:
            raise ValueError("filter_ns")
        self.counted = 0
        self.filter_ns = filter_ns
        self.src = src
        Counter.made.append(self)

    def value(self, value=None):
        if value is None:
            return self.counted
        counted = self.counted
        self.counted = value
        return counted


_last = None  # the watchdog made last


class WDT:
    """Cannot be stopped; a new one changes the time. On the pseudo-terminal board it really resets."""

    def __init__(self, id=0, timeout=5000):
        global _last
        _last = self
        self.timeout = timeout
        self.fed = 0
        self.feed()

    def feed(self):
        self.fed += 1
        if exit_process:
            exit_process(-((self.timeout + 999) // 1000))


def reset():
    """Start again, as after power-on; never returns."""
    if exit_process:
        exit_process(HARD_RESET)
    raise Reset


def soft_reset():
    sys.exit()


def reset_cause():
    return cause


def unique_id():
    return b"\x24\x0a\xc4\x00\x01\x02"


def freq(value=None):
    return 160000000


def idle():
    pass
