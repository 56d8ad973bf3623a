"""Keeps the tasks running: one that fails is started again; one that keeps failing puts the station into safe state.

What is done again and again, in its own time but in one go, needs no task: those take turns, and one that fails pauses
and counts as a task does. (A task takes some 400 bytes.) The guard needs no supervisor to be safe: its permission is a
lease. What this adds is that a fault in one task is seen, counted and survived by the others.
"""

import asyncio

from bounded.compat import const, print_exception, ticks_diff, ticks_ms
from bounded.wait import sleep_ms
from wallbox.journal import SAFE_STATE, TASK_FAILED

_PAUSE_MS = const(1000)
_ROUND_MS = const(100)
_FAILURES = const(3)  # of one task, each within _FORGET_MS of the one before: then safe state
_FORGET_MS = const(600000)


def _report(name, error):
    print("task %s failed:" % name)
    print_exception(error)


def _count(app, name, error, record):
    """One failed; `record` (failures in a row, when the last one was) or None: its record from now on."""
    _report(name, error)
    station = app.station
    failures = 1
    if record and station.now_ms - record[1] <= _FORGET_MS:
        failures += record[0]
    app.failures += 1
    safe_state = name == "guard" or failures >= _FAILURES
    if safe_state:
        station.fail()
    app.failed = name
    app.journal.note(station.now_ms, TASK_FAILED, app.failures)
    if safe_state:
        app.journal.note(station.now_ms, SAFE_STATE)
    return failures, station.now_ms


async def _keep(app, name, start):
    record = None
    while True:
        try:
            await start()
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the other tasks go on
            record = _count(app, name, error, record)
        await sleep_ms(_PAUSE_MS)


async def _take_turns(app):
    rounds = [[0, name, act, every_ms, None] for name, every_ms, act in app.rounds()]
    then = ticks_ms()
    while True:
        now = ticks_ms()
        dt_ms = ticks_diff(now, then)
        then = now
        for each in rounds:
            each[0] -= dt_ms
            if each[0] <= 0:
                each[0] = each[3]
                try:
                    each[2]()
                except Exception as error:  # noqa: BLE001 - as above
                    each[4] = _count(app, each[1], error, each[4])
                    each[0] = _PAUSE_MS
                await sleep_ms(0)  # the guard's turn
        await sleep_ms(_ROUND_MS)


async def run(app):
    """Run `app.tasks()` and `app.rounds()` for good."""
    for name, start in app.tasks():
        asyncio.create_task(_keep(app, name, start))
    await _take_turns(app)
