"""Settings without a heartbeat survive a power cut, whole."""

from boards.sim.flash import Flash, PowerCut
from bounded.records import Slots
from wallbox import remembered
from wallbox.functions.device_state import DeviceState
from wallbox.functions.load_control import LoadControl
from wallbox.functions.operation_mode import STANDBY, OperationMode
from wallbox.functions.power_limit import PowerLimit


class Energy:
    total_wh = 0


class Ratings:
    max_ma = 32000
    discharge = False


class Source:
    def __init__(self, name):
        self.name = name
        self.limit = None


class Station:
    """What the functions need of a station: sources that note what they were told."""

    fallback = None

    def __init__(self):
        self.now_ms = 0
        self.rated_w = 22080
        self.ratings = Ratings()
        self.energy = Energy()
        self.sources = {}

    def add_source(self, name, kind, fallback=None):
        self.sources[name] = source = Source(name)
        return source

    def bound_w(self, source, limit):
        source.limit = limit

    bound_ma = allow = bound_w


class App:
    def __init__(self):
        self.station = station = Station()
        self.device_state = DeviceState(station)
        self.operation_mode = OperationMode(station)
        self.power_limit = PowerLimit(station)
        self.load_control = LoadControl(station)
        self.setpoint = None


def limits(app):
    return {name: app.station.sources[name].limit for name in app.station.sources}


def some():
    app = App()
    app.device_state.set_in_service(False)
    app.operation_mode.set(STANDBY)
    app.power_limit.set_w(4200)
    app.power_limit.set_per_cent(50)
    app.load_control.set_power_w(0)
    app.load_control.set_current_ma(9900)
    return app


def test_all_settings_come_back_with_their_effect():
    flash = Flash(4096)
    app = some()
    remembered.save(app, flash)
    fresh = App()
    assert remembered.asked(fresh) != remembered.asked(app)
    remembered.restore(fresh, flash)
    assert remembered.asked(fresh) == remembered.asked(app)
    assert limits(fresh) == limits(app) and limits(fresh)["power limit"] == 4200


def test_nothing_kept_changes_nothing():
    fresh = App()
    remembered.restore(fresh, Flash(4096))
    assert remembered.asked(fresh) == remembered.asked(App())


def test_what_does_not_fit_is_left_out():
    flash = Flash(4096)
    Slots(flash, "asked", 160).write(b"[true, 1, 4200, 50, 5, 99999, 6000, 7]")
    fresh = App()
    remembered.restore(fresh, flash)
    assert remembered.asked(fresh) == [True, 0, 4200, 50, 0, None, 6000, None, None]


def test_power_cut_at_every_step_leaves_the_old_or_the_new():
    old = App()
    old.power_limit.set_w(8000)
    new = some()
    steps = 0
    while True:
        flash = Flash(4096)
        remembered.save(old, flash)
        flash.cut_after(steps)
        try:
            remembered.save(new, flash)
            done = True
        except PowerCut:
            done = False
        flash.power_on()
        fresh = App()
        remembered.restore(fresh, flash)
        assert remembered.asked(fresh) in (remembered.asked(old), remembered.asked(new)), steps
        if done:
            assert remembered.asked(fresh) == remembered.asked(new)
            return
        steps += 1
