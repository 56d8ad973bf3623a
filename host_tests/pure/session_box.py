"""A station that knows only cars and energy, and what it keeps in a flash whose supply can be cut."""

from boards.sim.flash import Flash
from wallbox import session_log, session_records
from wallbox.functions.ac_measurement import Energy
from wallbox.functions.session_summary import SessionSummary
from wallbox.session_text import newest

NOW_S = 1795414317  # 2026-11-23T06:11:57Z
BILL = [3600, "EUR", 12345, 0, 456, -2, 65, 0, 90, 0, 350, -1, 100, -1]


class Clock:
    def __init__(self):
        self.set = True
        self.station = None

    def now_s(self):
        return NOW_S + self.station.now_ms // 1000 if self.set else None


class Station:
    def __init__(self):
        self.now_ms = 0
        self.car = False
        self.on_session = []
        self.energy = Energy(22080)


class Meter:
    """Counts on by itself, also while the box is off."""

    def __init__(self, wh=5000):
        self.wh = wh


class SessionBox:
    """One start of the firmware: `flash` and `meter` outlast it. `tick` is what the tasks of the app do."""

    def __init__(self, flash=None, meter=None, clock=True):
        self.flash = flash or Flash()
        self.meter = meter or Meter()
        self.clock = Clock()
        self.clock.set = clock
        self.clock.station = self.station = Station()
        self.session_summary = SessionSummary(self.station)
        self.writes = 0
        session_records.restore(self, self.flash)

    def tick(self, ms=500):
        """Time passes; at most one record is written."""
        station = self.station
        station.now_ms += ms
        station.energy.step(station.now_ms, self.meter.wh)
        if self.session_summary.step():
            self.writes += 1
            session_log.save(self, self.flash)

    def plug(self):
        self.car(True)

    def unplug(self):
        self.car(False)

    def car(self, there):
        self.station.car = there
        if there:
            self.station.energy.begin_session()
        for told in self.station.on_session:
            told(there)

    def charge(self, wh, step_wh=5, ms=1000):
        """So much flows, 18 kW."""
        while wh > 0:
            self.meter.wh += min(step_wh, wh)
            wh -= step_wh
            self.tick(ms)

    def settle(self):
        """Until nothing is due any more."""
        for _ in range(4):
            self.tick()

    def session(self, wh=100):
        """A whole one."""
        self.plug()
        self.tick()
        self.charge(wh)
        self.unplug()
        self.settle()

    def again(self):
        """The power goes and comes."""
        self.flash.power_on()
        return SessionBox(self.flash, self.meter, self.clock.set)

    def list(self, count=100):
        return list(newest(self.flash, count))

    def short(self):
        """The list as (session, energy, end)."""
        return [(row["session"], row["energy_wh"], row["ended"]) for row in self.list()]
