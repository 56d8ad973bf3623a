"""Runs after boot.py: reads the settings while memory is still empty, then starts the wallbox.

Ctrl-C at the REPL ends it with the contactor open. A program on trial (boot.py) that fails is started again at once,
until its starts are used up; any other leads to the REPL.
"""

import gc
import sys

# MicroPython: collect often, from the first module on. What stays then lies close together, and a block of some KB is
# left for datagrams; without it the free memory of a small heap is in crumbs of half a KB.
if hasattr(gc, "threshold"):
    gc.threshold(2048)


def start():
    try:
        import wallbox
    except ImportError:
        print("no program here yet: make deploy")
        return
    import wallbox.config

    wallbox.config.read(".")

    import wallbox.app

    gc.collect()
    wallbox.app.run()


try:
    start()
except Exception as exc:
    if "slots" not in sys.modules:
        raise
    import machine

    sys.print_exception(exc)
    print("this program is on trial and failed: start again")
    machine.reset()
