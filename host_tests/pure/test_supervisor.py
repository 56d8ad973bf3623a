"""A task that fails is started again; one that keeps failing stops charging, one that fails now and then does not."""

import asyncio
import gc

from wallbox import supervisor
from wallbox.journal import BOOT, SAFE_STATE, TASK_FAILED, Journal

_TURNS = 12  # for everybody at each moment: nobody waits for his turn until time goes on


class Station:
    well = True
    arbitrated_ms = 0

    def __init__(self, app):
        self.app = app
        self.now_ms = 0
        self.ticked = 0
        self.ticks = []  # of a guard that is looked at: (when, ms that passed)
        self.failed = []  # (when, turns of all until then)

    def tick(self, dt_ms):
        self.ticked += 1
        if self.app.name == "guard":
            self.ticks.append((self.app.ms, dt_ms))
            if self.app.ms >= self.app.after_ms:
                self.app.act()

    def fail(self):
        self.failed.append((self.app.ms, self.app.turns))


class App:
    """What `name` is - a task, a round of 300 ms, or the guard's tick - acts `after_ms` after each start and fails as
    often as `fates` says, how much time of the station passes before each. All of it for `ms` in a time of its own."""

    step_ms = 10
    spared = ()  # errors that are no failure
    reports = list

    def __init__(self, name, fates=(), round=False, after_ms=0, ms=4000):
        self.name = name
        self.fates = list(fates)
        self.round = round
        self.after_ms = after_ms
        self.ms = self.turns = self.fed = self.loop_gap_ms = self.failures = 0
        self.starts = []  # when
        self.acts = []  # when, and turns of all until then
        self.others = []  # when the other round acted
        self.failed = None
        self.over = False
        self.reported = self.reports()
        self.journal = Journal()
        self.board = self
        self.station = Station(self)
        kept = supervisor.sleep_ms, supervisor.print_exception, supervisor.ticks_ms
        supervisor.sleep_ms, supervisor.print_exception = self.sleep, self.reported.append
        supervisor.ticks_ms = lambda: self.ms
        try:
            asyncio.run(self.live(ms))
        finally:
            supervisor.sleep_ms, supervisor.print_exception, supervisor.ticks_ms = kept

    async def live(self, ms):
        task = asyncio.create_task(supervisor.run(self))
        while self.ms < ms:
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            self.ms += self.step_ms
        assert not task.done()
        self.over = True
        try:
            await task
        except asyncio.CancelledError:
            pass
        for _ in range(_TURNS):  # the others end, too
            await asyncio.sleep(0)
        gc.collect()

    async def sleep(self, ms):
        until_ms = self.ms + ms
        while True:
            self.turns += 1
            await asyncio.sleep(0)
            if self.over:
                raise asyncio.CancelledError
            if self.ms >= until_ms:
                break

    def feed_watchdog(self):
        self.fed += 1

    def tasks(self):
        if not self.round and self.name != "guard":
            yield self.name, self.task, self.spared

    def rounds(self):
        if self.round:
            yield self.name, self.act, 300
        yield "other", self.other, 100

    async def task(self):
        self.starts.append(self.ms)
        if self.after_ms:
            await self.sleep(self.after_ms)
        self.act()

    def act(self):
        self.acts.append((self.ms, self.turns))
        if self.fates:
            self.station.now_ms += self.fates.pop(0)
            raise ValueError("made up")

    def other(self):
        self.others.append(self.ms)


def events(app):
    """(code, value) of the journal, the oldest first, without the start."""
    ring = app.journal.ring
    found = [ring.newest(back)[1:3] for back in range(len(ring) - 1, -1, -1)]
    assert found.pop(0) == (BOOT, 0)
    return found


def times(rows):
    return [row[0] for row in rows]


def test_l2_a_task_that_failed_is_started_again():
    for round in (False, True):
        app = App("spine", (1000, 1000), round)
        assert app.station.failed == [] and app.failures == 2 and app.failed == "spine"
        assert events(app) == [(TASK_FAILED, 1), (TASK_FAILED, 2)]
        assert len(app.reported) == 2 and isinstance(app.reported[0], ValueError)  # told once


def test_l2_three_failures_in_a_row_are_safe_state():
    for round in (False, True):
        app = App("arbiter", (1000, 1000, 1000), round)
        assert len(app.station.failed) == 1 and len(app.reported) == 3
        assert events(app) == [(TASK_FAILED, 1), (TASK_FAILED, 2), (TASK_FAILED, 3), (SAFE_STATE, 0)]


def test_l2_failures_far_apart_are_forgotten():
    for round in (False, True):
        app = App("arbiter", (1000, 1000, 700000, 1000), round, 0, 5000)
        assert app.station.failed == [] and app.failures == 4


def test_l2_a_guard_that_failed_once_is_safe_state_in_the_same_tick():
    app = App("guard", (1000,), False, 130)  # between two rounds
    assert app.station.failed == app.acts[:1] and times(app.acts)[0] == 130, "nobody had a turn in between"
    assert events(app) == [(TASK_FAILED, 1), (SAFE_STATE, 0)] and app.failed == "guard" and len(app.reported) == 1


class _NoMemory(list):
    def append(self, error):
        raise MemoryError


def test_l2_the_contactor_opens_before_the_failure_of_the_guard_is_told():
    class Poor(App):
        reports = _NoMemory

    assert Poor("guard", [0], after_ms=100, ms=400).station.failed[0][0] == 100


def test_a_guard_that_failed_ticks_again_after_a_second_and_the_others_go_on():
    app = App("guard", (0,), False, 130, 3000)
    ticks = app.station.ticks
    assert ticks[13:16] == [(130, 10), (1130, 0), (1140, 10)] and len(ticks) == 14 + 187
    assert app.others == list(range(0, 3000, 100))
    assert app.fed == len(ticks) - 1  # the watchdog, by each good tick


def test_a_task_is_started_again_a_second_after_it_was_seen_that_it_failed():
    app = App("spine", (0, 0), False, 130)  # seen at 200
    assert app.starts == [0, 1200, 2400]
    assert times(app.acts) == [130, 1330, 2530]
    assert app.others == list(range(0, 4000, 100)) and app.station.ticked == 400


def test_what_is_no_failure_of_a_task_is_not_counted_and_it_begins_anew_after_five_seconds():
    class Forgiven(App):
        spared = (OSError, ValueError)

    app = Forgiven("ship listener", (0, 0, 0), False, 130, 17000)
    assert app.starts == [0, 5200, 10400, 15600] and app.failures == 0 and app.reported == []
    assert app.station.failed == [] and events(app) == []

    class Other(App):
        spared = (OSError,)

    assert Other("ship listener", (0,)).failures == 1


def test_a_task_that_returned_is_over():
    app = App("trial", (), False, 130)
    assert app.starts == [0] and app.failures == 0 and app.reported == []


def test_a_task_that_was_cancelled_is_over():
    class Cancelled(App):
        def act(self):
            raise asyncio.CancelledError

    app = Cancelled("trial", (), False, 130)
    assert app.starts == [0] and app.failures == 0 and app.reported == [] and app.others[-1] == 3900


def test_a_task_that_cannot_even_begin_is_tried_again():
    class Poor(App):
        def tasks(self):
            yield self.name, self.begin, ()

        def begin(self):
            self.act()  # no coroutine: its code found no room
            return self.task()

    app = Poor("spine", (0, 0))
    assert app.failures == 2 and times(app.acts) == [0, 1000, 2000, 2000] and app.starts == [2000]


def test_who_is_no_task_of_the_supervisor_is_told_of_all_the_same():
    class Parent(App):
        def act(self):
            asyncio.create_task(self.lost())

        async def lost(self):
            raise KeyError("lost")

    app = Parent("dns-sd", (), False, 130)
    assert len(app.reported) == 1 and isinstance(app.reported[0], KeyError) and app.failures == 0


def test_each_round_has_its_own_time_and_one_that_failed_pauses_while_the_others_go_on():
    assert times(App("arbiter", (), True, 0, 1000).acts) == [0, 300, 600, 900]  # all act at once
    app = App("arbiter", (0,), True, 0, 2000)  # a second after a failure
    assert times(app.acts) == [0, 1000, 1300, 1600, 1900] and app.others == list(range(0, 2000, 100))


def test_the_longest_gap_is_that_of_the_last_minute_or_so():
    class Slow(App):
        step_ms = 50
        late = None

        def act(self):
            self.acts.append(None)
            if len(self.acts) == 2:
                self.ms += 300
            if self.ms > 119000 and self.late is None:
                self.late = self.loop_gap_ms

    app = Slow("arbiter", (), True, 0, 121000)
    assert app.late >= 300 and app.loop_gap_ms == 50
