"""Runs first after every reset: finds the program to start (slots.py). Nothing is driven here, the contactor's
pull-down holds it open.
"""

import os
import sys

import slots

_folder = slots.Pointer().begin()
if _folder:
    _folder = ("/" if os.getcwd() == "/" else "") + _folder
    sys.path[:0] = [_folder, _folder + "/lib"]
elif "lib" not in sys.path and "/lib" not in sys.path:
    sys.path.append("lib")
del _folder, slots, sys.modules["slots"]
