"""Any ESP32 development board with nothing attached: a real network, and in front of it a simulated plant and car.

The plant (boards/sim) runs on the device itself, so that anybody can try the wallbox against an EMS. It takes the
guard's outputs and gives its readings as hardware would; the serial console drives the car (car.py). Its hardware
opens the contactor by itself when the firmware stops, as that of `boards/sim` does. Nothing is ever switched.
"""

import sys

from boards.esp32 import watchdog
from boards.sim.plant import Plant
from bounded.compat import const, ticks_diff, ticks_ms
from wallbox.board import Ratings

_STEP_MS = const(10)
_GAP_MS = const(50)  # what is more of a stall is left out, or each TLS handshake would trip the simulated interlock


class Devkit:
    """See wallbox/board.py; `wall_offset_s` is the error of the wall clock, None while it is not set."""

    def __init__(self, settings):
        from bounded.attribute import attribute, names

        self.ratings = ratings = Ratings()
        ratings.name = "devkit"
        ratings.interlock = True
        for name in settings.ratings:
            setattr(ratings, attribute(name, names()), settings.ratings[name])
        self.storage = "."
        self.wall_offset_s = None
        self.plant = Plant(ratings)
        self._settings = settings
        self._then = ticks_ms()
        self.apply = self.plant.apply
        dog = watchdog.Watchdog()
        self.feed_watchdog = dog.feed
        self.rest_watchdog = dog.rest
        self.reset_cause = watchdog.reset_cause()
        self._keeper = None

    def sample(self, readings):
        """Let the plant live until now, then read its sensors."""
        now = ticks_ms()
        left = ticks_diff(now, self._then)
        if left > _GAP_MS:
            left = _GAP_MS
        plant = self.plant
        while left > 0:
            plant.step(left if left < _STEP_MS else _STEP_MS)
            left -= _STEP_MS
        self._then = now
        plant.sample(readings)

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
        """The network's keeper; a script where one waits."""
        from boards.esp32 import net

        keeper = net.keeper(None, self._settings, app.network_changed, self.clock_changed)
        self._settings = None
        if keeper:
            app.online = False
            yield "network", keeper.look, net.LOOK_MS
        script = sys.modules.get("boards.devkit.script")
        if script:

            async def play():
                await script.play(self._call(app.console), self.plant)

            yield "script", play, ()

    def _call(self, console):
        def call(request):
            from boards.devkit.car import act

            return act(self.plant, console, request)

        return call

    def serve_console(self, console):
        """Words for the car, and those of console.py."""
        from boards.esp32.console import serve

        return serve(self._call(console))


def create(settings):
    return Devkit(settings)
