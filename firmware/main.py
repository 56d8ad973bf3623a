"""Runs after boot.py: reads the settings while memory is still empty, then starts the wallbox.

Ctrl-C at the REPL ends it with the contactor open.
"""

import gc

# MicroPython: collect often, from the first module on. What stays then lies close together, and a block of some KB is
# left for datagrams; without it the free memory of a small heap is in crumbs of half a KB.
if hasattr(gc, "threshold"):
    gc.threshold(2048)

try:
    import wallbox
except ImportError:
    wallbox = None
    print("no program here yet: make deploy")

if wallbox:
    import wallbox.config

    wallbox.config.read(".")

    import wallbox.app

    gc.collect()
    wallbox.app.run()
