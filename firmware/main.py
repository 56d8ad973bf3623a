"""Runs after boot.py: reads the settings while memory is still empty, then starts the wallbox.

Ctrl-C at the REPL ends it with the contactor open.
"""

import gc

import wallbox.config

wallbox.config.read(".")

import wallbox.app  # noqa: E402

gc.collect()
wallbox.app.run()
