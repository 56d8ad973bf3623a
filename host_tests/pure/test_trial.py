"""The trial of a new program: when it stays, and when it is started again (firmware/wallbox/trial.py)."""

import asyncio
import os

import slots
from host_tests.pure.support import own_folder
from host_tests.pure.test_records import CutFlash, PowerCut
from wallbox import trial
from wallbox.journal import UPDATE


class _Board:
    """`proved`: what was done for a MicroPython on trial."""

    def __init__(self, storage):
        self.storage = storage
        self.proved = []

    def ota(self):
        return self

    def prove(self, storage):
        self.proved.append(storage)


class _Source:
    def __init__(self):
        self.own = [True]


class _Station:
    def __init__(self):
        self.now_ms = 0
        self.healthy = _Source()


class _Journal:
    def __init__(self):
        self.events = []

    def note(self, now_ms, code, value):
        self.events.append((code, value))


class _App:
    def __init__(self, storage="host_tests/pure"):
        self.journal = _Journal()
        self.station = _Station()
        self.board = _Board(storage)
        self.failures = 0
        self.online = None
        self.restarts = 0

    def restart(self):
        self.restarts += 1


def _on_trial(app=None, trial_s=10):
    store = CutFlash()
    slots.Pointer(store).switch("a")
    slots.Pointer(store).switch("b", 3)
    return trial.Trial(app or _App(), trial_s, slots.Pointer(store)), store


def _at(store):
    pointer = slots.Pointer(store)
    return pointer.folder, pointer.left


def test_ten_healthy_seconds_in_one_piece_prove_it():
    one, store = _on_trial()
    for alive in [True] * 9 + [False] + [True] * 9:
        assert one.look(alive) and not one.proven and _at(store) == ("b", 4)
    assert one.look(True) and one.proven and _at(store) == ("b", 0)
    assert one._app.journal.events == [(UPDATE, 2)]


def test_without_its_network_it_is_not_healthy():
    app = _App()
    app.online = False
    one, store = _on_trial(app)
    for _ in range(30):
        assert one.look(True)
    app.online = True
    for _ in range(9):
        assert one.look(True) and not one.proven
    assert one.look(True) and one.proven


def test_a_health_that_does_not_come_starts_it_again():
    app = _App()
    app.online = False
    one, store = _on_trial(app)
    assert [one.look(True) for _ in range(50)] == [True] * 49 + [False] and _at(store) == ("b", 4)


def test_a_failed_task_or_safe_state_starts_it_again():
    for failures, healthy in ((1, True), (0, False)):
        app = _App()
        one, store = _on_trial(app)
        assert one.look(True)
        app.failures = failures
        app.station.healthy.own[0] = healthy
        assert not one.look(True) and not one.proven


def test_flash_that_fails_is_asked_again():
    one, store = _on_trial(trial_s=1)
    store.full = True
    assert one.look(True) and not one.proven
    store.full = False
    assert one.look(True) and one.proven and _at(store) == ("b", 0)


def test_a_cut_while_it_is_proven_leaves_it_on_trial_or_proven():
    for steps in range(20):
        one, store = _on_trial(trial_s=1)
        store.budget = steps
        try:
            one.look(True)
        except PowerCut:
            pass
        store.budget = None
        assert _at(store) in (("b", 4), ("b", 0))
    assert one.proven


def test_micropython_on_trial_is_told_to_stay():
    storage = own_folder("trial")
    for folder in (".build", ".build/test", storage):
        try:
            os.mkdir(folder)
        except OSError:
            pass
    path = storage + "/" + trial.MARK
    with open(path, "w"):
        pass
    try:
        app = _App(storage)
        one = trial.Trial(app, 2, slots.Pointer(CutFlash()))
    finally:
        os.remove(path)
    assert one.look(True) and not app.board.proved
    assert one.look(True) and one.proven and app.board.proved == [storage]


class _Watchdog:
    def __init__(self):
        self.fed = 0

    def __call__(self):
        self.fed += 1


def _run(one, app, turns, ticking):
    """Let the task look `turns` times, each a second of the station that ticks while `ticking(turn)`."""
    turn = [0]

    async def second(ms):
        assert ms == 1000
        if turn[0] == turns:
            raise KeyboardInterrupt
        if ticking(turn[0]):
            app.station.now_ms += 1000
        turn[0] += 1

    pause = trial.sleep_ms
    trial.sleep_ms = second
    slots.watchdog = fed = _Watchdog()
    try:
        asyncio.run(one.run())
    except KeyboardInterrupt:
        pass
    finally:
        trial.sleep_ms = pause
    return fed.fed


def test_the_watchdog_is_fed_as_long_as_the_guard_ticks_and_for_good():
    app = _App()
    one, _ = _on_trial(app, 5)
    assert _run(one, app, 20, lambda turn: True) == 20 and one.proven and not app.restarts
    app = _App()
    one, _ = _on_trial(app, 5)
    assert _run(one, app, 20, lambda turn: turn < 3) == 3 and not one.proven and not app.restarts


def test_a_board_whose_guard_feeds_the_watchdog_needs_no_trial_for_it():
    app = _App()
    app.board.feed_watchdog = None
    one, _ = _on_trial(app, 5)
    assert _run(one, app, 20, lambda turn: True) == 0 and one.proven


def test_it_restarts_once_it_has_failed():
    app = _App()
    one, _ = _on_trial(app, 5)
    app.failures = 1
    assert _run(one, app, 20, lambda turn: True) == 0 and app.restarts == 1
