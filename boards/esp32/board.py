"""A wallbox on an ESP32 chip, as its wiring.py describes it: drivers put together behind the interface of a board."""

from boards.esp32 import ntc, watchdog
from boards.esp32.meter import build as build_meter
from boards.esp32.pilot import Pilot
from bounded.compat import const, ticks_diff, ticks_ms
from machine import ADC, PWM, Pin
from wallbox.board import Ratings
from wallbox.evse.led import brightness

_SLOW_MS = const(1000)  # between looks at the temperature
_PILOT_MS = const(15)  # between looks at the pilot, at least: every second tick, or sampling would fill the time
_LED_HZ = const(1000)


class _Resistance:
    """A resistance to ground at a converter, in ohm."""

    def __init__(self, wiring):
        self._read = ADC(Pin(wiring["adc"]), atten=ADC.ATTN_11DB).read_uv
        self._supply_mv = wiring["supply_mv"]
        self._pull_ohm = wiring["pull_ohm"]

    def ohm(self):
        return ntc.ohm(self._read() // 1000, self._supply_mv, self._pull_ohm)


class Wallbox:
    """See wallbox/board.py; `wall_offset_s` is the error of the wall clock, None while it is not set."""

    def __init__(self, wiring, settings):
        # before all else: nothing is switched on
        self._coil = Pin(wiring["contactor"]["coil"], Pin.OUT, value=0)
        rcm = wiring.get("rcm")
        self._rcm_test = Pin(rcm["test"], Pin.OUT, value=0) if rcm else None
        from bounded.attribute import attribute, names

        self.ratings = ratings = Ratings()
        ratings.name = wiring["name"]
        for given in (wiring.get("ratings", {}), settings.ratings):
            for name in given:
                setattr(ratings, attribute(name, names()), given[name])
        self.storage = "."
        self.wall_offset_s = None
        self._settings = settings
        self._ethernet = wiring.get("ethernet")
        self._pilot = Pilot(wiring["pilot"])
        contactor = wiring["contactor"]
        feedback = contactor.get("feedback") or ()
        self._feedback = [Pin(pin, Pin.IN, None if pin >= 34 else Pin.PULL_UP) for pin in feedback]
        self._closed = 0 if contactor.get("feedback_low") else 1
        self._every_pole = (1 << ratings.phases) - 1
        self._rcm_trip = Pin(rcm["trip"], Pin.IN) if rcm else None
        self._tripped = 0 if rcm and rcm.get("trip_low") else 1
        self._ntc = _Resistance(wiring["ntc"]) if wiring.get("ntc") else None
        self._proximity = _Resistance(wiring["proximity"]) if wiring.get("proximity") else None
        self._meter = build_meter(wiring.get("meter"), ratings.nominal_mv)
        self._button = _optional(wiring.get("button"), Pin.IN, Pin.PULL_UP)
        self._alive = _optional(wiring.get("alive"), Pin.OUT)
        self._alive_level = 0
        led = _optional(wiring.get("led"), Pin.OUT)
        self._led = PWM(led, freq=_LED_HZ, duty_u16=0) if led else None
        self._shown = 0
        self._slow = self._looked = ticks_ms() - _SLOW_MS
        self._temperature_dc = None
        dog = watchdog.Watchdog()
        self.feed_watchdog = dog.feed
        self.rest_watchdog = dog.rest
        self.reset_cause = watchdog.reset_cause()

    def sample(self, readings):
        """Fill in what is measured now; every second time two periods of the pilot, about 3 ms."""
        now = ticks_ms()
        age_ms = ticks_diff(now, self._looked)
        if age_ms >= _PILOT_MS:
            self._looked = now
            self._pilot.measure(readings)
        else:
            readings.pilot_age_ms = age_ms
        poles = 0
        for i in range(len(self._feedback)):
            if self._feedback[i].value() == self._closed:
                poles |= 1 << i
        readings.poles_closed = self._every_pole if poles and len(self._feedback) == 1 else poles
        readings.rcm_tripped = self._rcm_trip is not None and self._rcm_trip.value() == self._tripped
        if self._proximity:
            readings.proximity_ohm = self._proximity.ohm()
        if self._ntc:
            age_ms = ticks_diff(now, self._slow)
            if age_ms >= _SLOW_MS:
                self._slow = now
                self._temperature_dc = ntc.degrees_dc(self._ntc.ohm())
                age_ms = 0
            readings.temperature_dc = self._temperature_dc
            readings.temperature_age_ms = age_ms
        if self._meter:
            self._meter.values.measure(readings)
        readings.button = self._button is not None and self._button.value() == 0

    def apply(self, outputs):
        """Drive what the guard wants; each call tells a hardware interlock that the guard lives."""
        self._coil.value(1 if outputs.contactor else 0)
        self._pilot.drive(outputs.pilot_permille)
        if self._rcm_test:
            self._rcm_test.value(1 if outputs.rcm_test else 0)
        if self._alive:
            self._alive_level ^= 1
            self._alive.value(self._alive_level)
        if self._led:
            level = brightness(outputs.led, ticks_ms())
            if level != self._shown:
                self._shown = level
                self._led.duty_u16(level * 257)

    def restart(self):
        """As after a reset; does not return."""
        from boards.esp32 import restart

        restart.now()

    def ota(self):
        """What brings a new MicroPython to this chip."""
        from boards.esp32 import ota

        return ota

    def clock_changed(self, offset_s):
        self.wall_offset_s = offset_s

    def tasks(self, app):
        """The network's keeper, and the meter."""
        from boards.esp32 import net

        keeper = net.keeper(self._ethernet, self._settings, app.network_changed, self.clock_changed)
        self._settings = None
        if keeper:
            app.online = False
            yield "network", keeper.look, net.LOOK_MS
        if self._meter:
            yield "meter", self._meter.run, ()

    def serve_console(self, console):
        """The words of console.py on the serial port."""
        from boards.esp32.console import serve

        return serve(console.call)


def _optional(pin, mode, pull=None):
    return None if pin is None else Pin(pin, mode, pull) if pull is not None else Pin(pin, mode)


def create(wiring, settings):
    """The board; ValueError when its wiring is wrong, before a pin is driven."""
    from boards.esp32 import schema

    schema.check(wiring)
    del schema
    return Wallbox(wiring, settings)
