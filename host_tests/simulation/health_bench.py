"""A StationBench with the parts of the app that look after its health: journal, health, console words. No protocol."""

from host_tests.simulation.station_bench import StationBench
from wallbox.console import Console
from wallbox.health import Health
from wallbox.journal import Journal


class Clock:
    seconds = None

    def now_s(self):
        return self.seconds


class HealthBench(StationBench):
    """The App as Health and Console see it; `look` passes every 500 ms as in the app. `restarts` counts."""

    def __init__(self, safe=0, problem=None, settings=None, **ratings):
        self._safe = safe
        self._problem = problem
        self.ship = self.spine = self.page = None
        self.version = "1"
        self.loop_gap_ms = 0
        self.failures = 0
        self.failed = None
        self.restarts = 0
        self.clock = Clock()
        self._look_ms = 0
        self.health = None
        StationBench.__init__(self, settings, **ratings)

    def boot(self):
        StationBench.boot(self)
        self.board.restart = self.restart
        self.journal = Journal(self.board.storage, 1)
        self.journal.flush(0)
        self.health = Health(self, self._problem, self._safe)
        self.console = Console(self)

    def restart(self):
        self.restarts += 1
        self.station.fail()

    def tick(self):
        StationBench.tick(self)
        self._look_ms += 10
        if self._look_ms >= 500:
            self._look_ms = 0
            self.health.step()

    def say(self, word, **arguments):
        """The answer of the console, a dictionary; generators in it are lists."""
        found = {}
        for name, value in self.console.call(dict(arguments, op=word)):
            found[name] = list(value) if hasattr(value, "close") else value
        return found

    def events(self):
        """(code, value) of the ring, the newest first."""
        ring = self.journal.ring
        return [ring.newest(back)[1:3] for back in range(len(ring))]

    def kept(self):
        """The same of flash."""
        return [(row[1], row[4]) for row in self.journal.kept()]
