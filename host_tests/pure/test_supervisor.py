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
    """`fates` of one task or round: how many ms pass before it fails; after the last it is over."""

    def __init__(self, name, fates, round):
        self.station = Station()
        self.name = name
        self.fates = list(fates)
        self.round = round
        self.starts = self.others = 0
        self.failures = 0
        self.failed = None
        self.over = False
        self.journal = Journal()

    def tasks(self):
        if not self.round:
            yield self.name, self.task

    def rounds(self):
        if self.round:
            yield self.name, 300, self.act
        yield "other", 100, self.other

    async def task(self):
        self.act()

    def act(self):
        self.starts += 1
        if self.fates:
            self.station.now_ms += self.fates.pop(0)
            raise ValueError("made up")
        if self.more:
            self.more -= 1
        elif not self.over:
            self.over = True
            self.others_before = self.others

    def other(self):
        self.others += 1


def run(name, fates, round=False, ms=1000, more=0):
    """The app after `fates` and `more` times, without the pauses between two starts and without the words about each
    failure; of a clock that goes on by `ms` for each look at it."""
    app = App(name, fates, round)
    app.more = more
    reported = []
    kept = supervisor.sleep_ms, supervisor.print_exception, supervisor.ticks_ms
    now = [0]

    async def no_pause(ms):
        await asyncio.sleep(0)

    def clock():
        now[0] += ms
        return now[0]

    async def until_over():
        task = asyncio.create_task(supervisor.run(app))
        while not app.over:
            await asyncio.sleep(0)
        task.cancel()

    supervisor.sleep_ms, supervisor.print_exception, supervisor.ticks_ms = no_pause, reported.append, clock
    try:
        asyncio.run(until_over())
    finally:
        supervisor.sleep_ms, supervisor.print_exception, supervisor.ticks_ms = kept
    assert len(reported) == len(fates) and app.starts >= len(fates) + 1
    return app


def events(app):
    """(code, value) of the journal, the oldest first, without the start."""
    ring = app.journal.ring
    found = [ring.newest(back)[1:3] for back in range(len(ring) - 1, -1, -1)]
    assert found.pop(0) == (BOOT, 0)
    return found


def test_l2_a_task_that_failed_is_started_again():
    for round in (False, True):
        app = run("spine", (1000, 1000), round)
        assert app.station.failed == 0 and app.failures == 2 and app.failed == "spine"
        assert events(app) == [(TASK_FAILED, 1), (TASK_FAILED, 2)]


def test_l2_three_failures_in_a_row_are_safe_state():
    for round in (False, True):
        app = run("arbiter", (1000, 1000, 1000), round)
        assert app.station.failed == 1
        assert events(app) == [(TASK_FAILED, 1), (TASK_FAILED, 2), (TASK_FAILED, 3), (SAFE_STATE, 0)]


def test_l2_failures_far_apart_are_forgotten():
    for round in (False, True):
        assert run("arbiter", (1000, 1000, 700000, 1000), round).station.failed == 0


def test_l2_a_guard_that_failed_once_is_safe_state():
    app = run("guard", (1000,))
    assert app.station.failed == 1 and events(app) == [(TASK_FAILED, 1), (SAFE_STATE, 0)]


def test_each_round_has_its_own_time_and_one_that_failed_pauses_while_the_others_go_on():
    assert run("arbiter", (), True, 100).others_before == 0  # all act at once
    assert run("arbiter", (0,), True, 100).others_before == 10  # a second after a failure
    assert run("arbiter", (), True, 100, 3).others_before == 9  # 300 ms after the last time
