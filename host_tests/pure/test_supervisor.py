"""A task that fails is started again; one that keeps failing stops charging, one that fails now and then does not."""

import asyncio

from wallbox import supervisor
from wallbox.journal import BOOT, SAFE_STATE, TASK_FAILED, Journal


class Station:
    def __init__(self):
        self.now_ms = 0
        self.failed = 0

    def fail(self):
        self.failed += 1


class App:
    """`fates` of one task: how many ms pass before it fails; after the last it ends."""

    def __init__(self, name, fates):
        self.station = Station()
        self.name = name
        self.fates = list(fates)
        self.starts = 0
        self.failures = 0
        self.failed = None
        self.journal = Journal()

    def tasks(self):
        yield self.name, self.task

    async def task(self):
        self.starts += 1
        if self.fates:
            self.station.now_ms += self.fates.pop(0)
            raise ValueError("made up")


def run(name, fates):
    """The app after `fates`, without the pauses between two starts and without the words about each failure."""
    app = App(name, fates)
    reported = []
    pause, report = supervisor.sleep_ms, supervisor.print_exception

    async def no_pause(ms):
        pass

    supervisor.sleep_ms, supervisor.print_exception = no_pause, reported.append
    try:
        asyncio.run(supervisor.run(app))
    finally:
        supervisor.sleep_ms, supervisor.print_exception = pause, report
    assert len(reported) == len(fates) and app.starts == len(fates) + 1
    return app


def events(app):
    """(code, value) of the journal, the oldest first, without the start."""
    ring = app.journal.ring
    found = [ring.newest(back)[1:3] for back in range(len(ring) - 1, -1, -1)]
    assert found.pop(0) == (BOOT, 0)
    return found


def test_l2_a_task_that_failed_is_started_again():
    app = run("arbiter", (1000, 1000))
    assert app.station.failed == 0 and app.failures == 2 and app.failed == "arbiter"
    assert events(app) == [(TASK_FAILED, 1), (TASK_FAILED, 2)]


def test_l2_three_failures_in_a_row_are_safe_state():
    app = run("arbiter", (1000, 1000, 1000))
    assert app.station.failed == 1
    assert events(app) == [(TASK_FAILED, 1), (TASK_FAILED, 2), (TASK_FAILED, 3), (SAFE_STATE, 0)]


def test_l2_failures_far_apart_are_forgotten():
    assert run("arbiter", (1000, 1000, 700000, 1000)).station.failed == 0


def test_l2_a_guard_that_failed_once_is_safe_state():
    app = run("guard", (1000,))
    assert app.station.failed == 1 and events(app) == [(TASK_FAILED, 1), (SAFE_STATE, 0)]
