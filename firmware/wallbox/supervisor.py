"""Keeps the tasks running: one that fails is started again; one that keeps failing puts the station into safe state.

The guard needs no supervisor to be safe: its permission is a lease. What this adds is that a fault in one task is
seen, counted and survived by the others.
"""

import asyncio

from bounded.compat import const, print_exception
from bounded.wait import sleep_ms
from wallbox.journal import SAFE_STATE, TASK_FAILED

_PAUSE_MS = const(1000)
_FAILURES = const(3)  # of one task, each within _FORGET_MS of the one before: then safe state
_FORGET_MS = const(600000)


def _report(name, error):
    print("task %s failed:" % name)
    print_exception(error)


async def _keep(app, name, start):
    station = app.station
    failures = failed_ms = 0
    while True:
        try:
            await start()
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the other tasks go on
            _report(name, error)
            if station.now_ms - failed_ms > _FORGET_MS:
                failures = 0
            failed_ms = station.now_ms
            failures += 1
            app.failures += 1
            safe_state = name == "guard" or failures >= _FAILURES
            if safe_state:
                station.fail()
            app.failed = name
            app.journal.note(station.now_ms, TASK_FAILED, app.failures)
            if safe_state:
                app.journal.note(station.now_ms, SAFE_STATE)
        await sleep_ms(_PAUSE_MS)


async def run(app):
    """Run `app.tasks()` for good."""
    first = None
    for name, start in app.tasks():
        task = asyncio.create_task(_keep(app, name, start))
        first = first or task
    await first
