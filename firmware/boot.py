"""Runs first after every reset: nothing is driven here, the contactor's pull-down holds it open."""

import sys

if "lib" not in sys.path and "/lib" not in sys.path:
    sys.path.append("lib")
