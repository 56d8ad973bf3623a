"""Keeps the tasks running: one that fails is started again; one that keeps failing puts the station into safe state.

The guard needs no supervisor to be safe: its permission is a lease. What this adds is that a fault in one task is
seen, counted and survived by the others.
"""

import asyncio

from bounded.compat import const, print_exception
from bounded.wait import sleep_ms

_PAUSE_MS = const(1000)
_FAILURES = const(3)  # of one task, then safe state

failures = {}  # name of a task: how often it ended by an exception


def _report(name, error):
    print("task %s failed:" % name)
    print_exception(error)


async def _keep(app, name, start):
    while True:
        try:
            await start()
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the other tasks go on
            failures[name] = failures.get(name, 0) + 1
            _report(name, error)
            if name == "guard" or failures[name] >= _FAILURES:
                app.station.fail()
        await sleep_ms(_PAUSE_MS)


async def run(app):
    """Run `app.tasks()` for good."""
    first = None
    for name, start in app.tasks():
        task = asyncio.create_task(_keep(app, name, start))
        first = first or task
    await first
