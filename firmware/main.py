"""Runs after boot.py: reads the settings while memory is still empty, then starts the wallbox.

Ctrl-C at the REPL ends it with the contactor open.
"""

from wallbox import config

settings = config.load(".")

from wallbox import app  # noqa: E402

app.run(settings)
