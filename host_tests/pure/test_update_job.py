"""The console word `update` in a running wallbox: when it is refused, what it does to charging, how it ends."""

import asyncio
import os
import sys

import slots
from bounded.files import Files
from bounded.records import Slots
from host_tests.pure import bundles
from host_tests.pure.support import own_folder
from host_tests.pure.test_update import _NEW, _OLD, _device, _files, _put, _tree
from wallbox import app as apps
from wallbox.console import Console
from wallbox.journal import UPDATE

_ROOT = own_folder("update_job")
_FILE = _ROOT + "/new.bundle"
_MARCH = getattr(sys.implementation, "_mpy", 0) >> 10


class _Out:
    contactor = False


class _Guard:
    state = "A"

    def __init__(self):
        self.out = _Out()


class _Source:
    def __init__(self):
        self.own = [True]


class _Station:
    def __init__(self):
        self.guard = _Guard()
        self.healthy = _Source()
        self.now_ms = 5000
        self.allowed = []

    def allow(self, source, allowed):
        assert source is self.healthy
        source.own[0] = allowed
        self.allowed.append(allowed)


class _Board:
    storage = _ROOT

    def __init__(self):
        self.written = []

    def restart(self):
        pass

    def ota(self):
        return self

    async def write(self, source, file, turn):
        self.written.append((file[0], await source.read(file[0])))
        return "target"

    def switch(self, target, storage):
        self.written.append((target, storage))


class _Journal:
    def __init__(self):
        self.events = []
        self.flushed = 0

    def note(self, now_ms, code, value):
        self.events.append((code, value))

    def flush(self, now_ms):
        self.flushed = len(self.events)


class App:
    def __init__(self):
        self.journal = _Journal()
        self.station = _Station()
        self.board = _Board()
        self.failures = 0
        self.updating = False
        self.update = None
        self.restarts = 0

    def restart(self):
        self.restarts += 1


def ask(app, cancel_at=None, **request):
    """One line of the console, and what comes of it, cancelled in turn `cancel_at`; the answers."""
    from wallbox import update  # the one the console will use: it is dropped after each job

    console = Console(app)
    turns = [cancel_at or 0]
    usual = (slots.Pointer, apps.installed_board, update.sleep_ms)

    async def briefly(ms):
        turns[0] -= 1
        if cancel_at and not turns[0]:
            answer["cancel"] = dict(console.call({"op": "update", "cancel": True}))
        await usual[2](0)

    answer = {}

    async def job():
        answer.update(console.call(dict(request, op="update")))
        while app.updating:
            await usual[2](1)
        return answer

    slots.Pointer = lambda: usual[0](slots.Files(_ROOT + "/"))
    apps.installed_board = lambda: "devkit"
    update.sleep_ms = briefly
    try:
        return asyncio.run(job())
    finally:
        slots.Pointer, apps.installed_board, update.sleep_ms = usual


def device(data=None, key=bundles.KEY):
    _device(root=_ROOT)
    _put(_ROOT + "/update.pub", key)
    _put(_FILE, bundles.bundle(_NEW, march=_MARCH, micropython=(1, 20, 0)) if data is None else data)
    return App()


def test_it_installs_without_power_and_restarts():
    app = device()
    Slots(Files(_ROOT), "starts", 1).write(b"\x09")
    assert ask(app, file=_FILE) == {"update": None}
    assert Slots(Files(_ROOT), "starts", 1).read() == b"\0"  # a wanted start is no reason for safe mode
    assert app.restarts == 1 and app.update == "done: starts now, on trial"
    assert app.station.allowed[0] is False
    assert app.journal.events == [(UPDATE, 1)] and app.journal.flushed == 1
    assert _files(_tree(_ROOT + "/b")) == dict(_NEW) and "new.bundle" not in os.listdir(_ROOT)
    assert "wallbox.update" not in sys.modules and "wallbox.bundle" not in sys.modules
    assert ask(app) == {"update": app.update}


def test_after_a_failure_charging_goes_on():
    app = device(b"nonsense" * 20)
    ask(app, file=_FILE)
    assert app.update == "failed: this is no update bundle" and app.restarts == 0
    assert app.station.allowed == [False, True] and not app.updating
    assert app.journal.events == [(UPDATE, 0)]
    ask(app, file="/nowhere")
    assert app.update == "failed: there is no file /nowhere"


def test_it_is_cancelled_at_any_turn_until_the_pointer_has_moved():
    turn = 0
    app = device()
    while not app.restarts:
        app = device()
        turn += 1 if _MARCH else 7  # CPython reads the sources anew each time
        answer = ask(app, turn, file=_FILE)
        if not app.restarts:
            assert answer["cancel"] == {"update": "being cancelled"} and app.update == "failed: it was cancelled"
            assert app.station.allowed == [False, True] and app.journal.events == [(UPDATE, 0)]
            assert slots.Pointer(slots.Files(_ROOT + "/")).folder == "a" and "new.bundle" in os.listdir(_ROOT)
    assert turn > 5 and slots.Pointer(slots.Files(_ROOT + "/")).folder == "b"
    assert answer["cancel"]["error"] == "no update is under way that could be cancelled"  # it said that it starts now
    assert ask(device(), cancel=True) == {"error": answer["cancel"]["error"]}


def test_safe_state_stays_safe():
    app = device(b"nonsense")
    app.station.healthy.own[0] = False
    ask(app, file=_FILE)
    assert app.station.allowed == [False]
    app = device(b"nonsense")
    usual = app.station.allow

    def allow(source, allowed):
        app.failures += 1  # a task fails while it installs
        usual(source, allowed)

    app.station.allow = allow
    ask(app, file=_FILE)
    assert app.station.allowed == [False]


def test_refused():
    app = device()
    for state, contactor in (("C", False), ("D", False), ("B", True)):
        app.station.guard.state = state
        app.station.guard.out.contactor = contactor
        assert ask(app, file=_FILE) == {"error": "a car charges: end that first"}
    app = device()
    app.updating = True
    assert dict(Console(app).call({"op": "update", "file": _FILE}))["error"] == "an update is under way"
    app = device()
    slots.Pointer(slots.Files(_ROOT + "/")).switch("b", 3)
    assert ask(app, file=_FILE)["error"].startswith("this program is on trial itself")
    app = device()
    os.remove(_ROOT + "/slot.0")
    assert ask(app, file=_FILE)["error"].startswith("this program is in no folder")
    app = device()
    os.remove(_ROOT + "/update.pub")
    assert ask(app, file=_FILE)["error"].startswith("this wallbox has no key")
    assert app.station.allowed == [] and _files(_tree(_ROOT + "/b")) == dict(_OLD)


def test_a_key_that_is_damaged_trusts_nobody():
    app = device(key=bundles.KEY[:40])
    ask(app, file=_FILE)
    assert app.update.startswith("failed: the bundle's signature")


def test_an_older_program_needs_a_word():
    app = device(bundles.bundle(_NEW, version=(0, 0, 1), march=_MARCH, micropython=(1, 20, 0)))
    ask(app, file=_FILE)
    assert "older than" in app.update
    ask(app, file=_FILE, older=True)
    assert app.restarts == 1


def test_micropython_goes_to_the_board():
    image = (("micropython.bin", b"image"),)
    app = device(bundles.bundle(image, kind=2, version=(250, 0, 0), march=_MARCH))
    ask(app, file=_FILE)
    assert app.board.written == [(5, b"image"), ("target", _ROOT)] and app.restarts == 1
    app = device(bundles.bundle(image, kind=2, version=(1, 0, 0), march=_MARCH))
    ask(app, file=_FILE)
    assert "older than" in app.update and app.board.written == []
    assert slots.Pointer(slots.Files(_ROOT + "/")).folder == "a"
