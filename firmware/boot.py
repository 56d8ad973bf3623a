"""Runs first after every reset: finds the program to start (slots.py). Nothing is driven here, the contactor's
pull-down holds it open.

A program on trial, or a MicroPython on trial (the file ota.trial), is watched from here on: the module `slots` stays
loaded, which tells the program (wallbox/trial.py) so, and the chip resets when nobody calls its `watchdog()` in time.
"""

import os
import sys

import slots

_TRIAL_MS = 60000  # from here until the program feeds the watchdog

_pointer = slots.Pointer()
if _pointer.left == 1:
    print("the new program did not prove itself: the one before it starts")
_folder = _pointer.begin()
_image = False  # MicroPython is on trial, for this start alone: the bootloader takes it back at the next
try:
    _files = os.listdir()
    if "ota.tried" in _files:
        print("the new MicroPython did not prove itself")
        os.remove("ota.tried")
    if "ota.trial" in _files:
        os.rename("ota.trial", "ota.tried")
        _image = True
    del _files
except OSError:
    pass
if _folder:
    _folder = ("/" if os.getcwd() == "/" else "") + _folder
    sys.path[:0] = [_folder, _folder + "/lib"]
elif "lib" not in sys.path and "/lib" not in sys.path:
    sys.path.append("lib")
if _pointer.left or _image:
    print("on trial, %d more starts" % max(_pointer.left - 1, 0))
    slots.watchdog = None
    try:
        from machine import WDT

        slots.watchdog = WDT(timeout=_TRIAL_MS).feed
    except ImportError:  # not a chip
        pass
else:
    del sys.modules["slots"]
    del slots.Pointer, slots.Files  # an old word on the stack may keep the module
del _folder, _image, _pointer, slots
