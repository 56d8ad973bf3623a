"""Frozen beside the board (manifest.py): app.py finds it by this where no folder can be listed."""

NAME = "devkit"
