"""Runs after boot.py: starts the wallbox. Ctrl-C at the REPL ends it with the contactor open."""

from wallbox import app

app.run()
