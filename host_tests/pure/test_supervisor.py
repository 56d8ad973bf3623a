"""A task that fails is started again; one that keeps failing stops charging, one that fails now and then does not."""

import asyncio

from wallbox import supervisor


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


def test_l2_a_task_that_failed_is_started_again():
    assert run("arbiter", (1000, 1000)).station.failed == 0


def test_l2_three_failures_in_a_row_are_safe_state():
    assert run("arbiter", (1000, 1000, 1000)).station.failed == 1


def test_l2_failures_far_apart_are_forgotten():
    assert run("arbiter", (1000, 1000, 700000, 1000)).station.failed == 0


def test_l2_a_guard_that_failed_once_is_safe_state():
    assert run("guard", (1000,)).station.failed == 1
