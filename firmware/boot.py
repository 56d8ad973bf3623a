"""Runs first after every reset: finds the program to start (slots.py). Nothing is driven here, the contactor's
pull-down holds it open.

A program on trial, or a MicroPython on trial (the file ota.trial), is watched from here on: the module `slots` stays
loaded, which tells the program (wallbox/trial.py) so, and the chip resets when nobody calls its `watchdog()` in time.
"""

import os
import sys

import slots

# Every name here stays in memory for good, unless MicroPython has it in ROM: hence these.

ptr = slots.Pointer()
if ptr.left == 1:
    print("the new program did not prove itself: the one before it starts")
path = ptr.begin()
update = False  # MicroPython is on trial, for this start alone: the bootloader takes it back at the next
try:
    items = os.listdir()
    if "ota.tried" in items:
        print("the new MicroPython did not prove itself")
        os.remove("ota.tried")
    if "ota.trial" in items:
        os.rename("ota.trial", "ota.tried")
        update = True
    del items
except OSError:
    pass
if path:
    path = ("/" if os.getcwd() == "/" else "") + path
    sys.path[:0] = [path, path + "/lib"]
elif "lib" not in sys.path and "/lib" not in sys.path:
    sys.path.append("lib")
if ptr.left or update:
    print("on trial, %d more starts" % max(ptr.left - 1, 0))
    slots.watchdog = None
    try:
        from machine import WDT

        slots.watchdog = WDT(timeout=60000).feed  # ms from here until the program feeds it
    except ImportError:  # not a chip
        pass
else:
    del sys.modules["slots"]
    del slots.Pointer, slots.Files  # an old word on the stack may keep the module
del path, update, ptr, slots
