"""Keeps everything running: a task that fails is started again; one that keeps failing leads to safe state.

What is done again and again, in its own time but in one go, needs no task: those take turns, and one that fails
pauses and counts as a task does. Tasks have nothing around them that would take memory while they wait: in the same
turns it is seen, up to 100 ms late, that one is done. The guard needs no supervisor to be safe: its permission is a
lease. What this adds is that a fault in one task is seen, counted and survived by the others.
"""

import asyncio

from bounded.compat import const, print_exception, ticks_diff, ticks_ms
from bounded.wait import sleep_ms
from wallbox.journal import SAFE_STATE, TASK_FAILED

_PAUSE_MS = const(1000)
_AGAIN_MS = const(5000)  # after what is no failure
_ROUND_MS = const(100)
_TICK_MS = const(10)
_FAILURES = const(3)  # of one task, each within _FORGET_MS of the one before: then safe state
_FORGET_MS = const(600000)
_ARBITER_MS = const(30000)  # without a decision the watchdog bites; the permission ran out long before
_GAP_WINDOW_MS = const(60000)

# One list for all: a list for each would take 48 bytes more. Of each
#   ms left until it acts or is started again, or the task (None: it has returned)
#   its name, its function, ms between two turns (of a task the errors that are no failure), what _count gave
_ROW = const(5)
_rows = []


def _report(what, name, error):
    try:
        print(what, name)  # no text is made: it may be memory that is missing
        print_exception(error)
    except MemoryError:  # the failure counts all the same
        pass


def _count(app, name, error, record):
    """One failed; `record` (failures in a row, when the last one was) or None: its record from now on."""
    station = app.station
    failures = 1
    if record and station.now_ms - record[1] <= _FORGET_MS:
        failures += record[0]
    app.failures += 1
    safe_state = name == "guard" or failures >= _FAILURES
    if safe_state:
        station.fail()  # first of all: what follows may lack memory
    _report("failed: task", name, error)
    app.failed = name
    app.journal.note(station.now_ms, TASK_FAILED, app.failures)
    if safe_state:
        app.journal.note(station.now_ms, SAFE_STATE)
    return failures, station.now_ms


def _unheard(_, context):
    """The loop has a task that failed and that nobody awaited so far: of ours `run` tells."""
    if context.get("future") not in _rows:
        _report(context["message"], "", context.get("exception"))


async def _guard(app):
    """The guard's ticks. It is no row: a tick that fails must open the contactor at once, and here nothing, neither the
    loop nor a turn of somebody else, comes between the failure and _count."""
    station = app.station
    feed = getattr(app.board, "feed_watchdog", None)
    last = ticks_ms()
    gap = window_ms = 0
    while True:
        now = ticks_ms()
        dt_ms = ticks_diff(now, last)
        last = now
        try:
            station.tick(dt_ms)
            # in safe state nothing is permitted any more, and the console stays
            if feed and (not station.well or station.now_ms - station.arbitrated_ms < _ARBITER_MS):
                feed()
        except Exception as error:  # noqa: BLE001 - whatever it is, the tasks go on
            _count(app, "guard", error, None)
            await sleep_ms(_PAUSE_MS)
            last = ticks_ms()
            continue
        if dt_ms > gap:
            gap = dt_ms
        if gap > app.loop_gap_ms:
            app.loop_gap_ms = gap
        window_ms += dt_ms
        if window_ms >= _GAP_WINDOW_MS:
            app.loop_gap_ms = gap
            gap = window_ms = 0
        await sleep_ms(max(_TICK_MS - ticks_diff(ticks_ms(), now), 0))


def _begin(app):
    """Let the guard tick from now on, and make the rows, none of which has begun."""
    asyncio.get_event_loop().set_exception_handler(_unheard)
    asyncio.create_task(_guard(app))
    rows = []
    for each in (app.tasks(), app.rounds()):
        for name, act, kind in each:
            rows += 0, name, act, kind, None
    del _rows[:]
    _rows.extend(rows)


def _failed(app, at, error):
    """The row at `at` failed: it pauses."""
    spared = _rows[at + 3]
    if isinstance(spared, tuple) and isinstance(error, spared):
        print(_rows[at + 1], "begins anew:", error)
        _rows[at] = _AGAIN_MS
    else:
        _rows[at + 4] = _count(app, _rows[at + 1], error, _rows[at + 4])
        _rows[at] = _PAUSE_MS


async def run(app):
    """The guard, `app.rounds()` and `app.tasks()`, for good."""
    _begin(app)
    then = ticks_ms()
    while True:
        now = ticks_ms()
        dt_ms = ticks_diff(now, then)
        then = now
        for at in range(0, len(_rows), _ROW):
            task = _rows[at]
            try:
                if isinstance(task, int):
                    _rows[at] = task - dt_ms
                    if task > dt_ms:
                        continue
                    _rows[at] = _rows[at + 3]
                    task = _rows[at + 2]()
                    if not isinstance(_rows[at + 3], int):
                        _rows[at] = asyncio.create_task(task)
                        continue  # nothing took time so far: all of them begin at once, whoever is ready listens
                elif task and task.done():
                    _rows[at] = None
                    await task  # raises at once what it failed with
                else:
                    continue
            except asyncio.CancelledError:  # the task's; in here nobody waits, so it cannot be that of `run`
                pass
            except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
                _failed(app, at, error)
            task = None
            await sleep_ms(0)  # the guard's turn
        await sleep_ms(_ROUND_MS)
