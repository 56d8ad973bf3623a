"""The settings: kept in two slots that survive a power cut, checked, exported and imported as JSON.

At boot the newest good slot counts, over the defaults. `settings.json` in the storage folder is imported on top
of that, whole or not at all, and removed once it is saved. What can be set is in config_table.py.
"""

import os


def _table():
    """The module config_table; a device has it in memory only while the caller holds it (tools/cold_table.py)."""
    from wallbox import config_table

    return config_table


class Settings:
    """Each setting is an attribute; `ratings` are overrides for a simulated board's Ratings, by name.

    `problem` is a sentence for a person when something was wrong with what was read or could not be written.
    """

    def __init__(self):
        self.problem = None
        self.ratings = {}

    def set(self, key, value):
        """Set one, as JSON has it; it lasts once saved. ValueError is a sentence naming key and range."""
        table = _table()
        table.put(self, key, table.checked(key, value))

    def forget(self, stays):
        """All but the settings named in `stays` are as on a new device, and that is kept. False as for `save`."""
        return _table().forget(self, stays)

    def save(self):
        """Keep what differs from the defaults. False, and `problem` says why, when the store failed."""
        return _table().save(self)

    def items(self):
        """Yield (name, value as JSON has it, type, default); see config_table."""
        return _table().items(self)

    def export(self):
        """Yield pieces of JSON text of all settings but passwords; what `settings.json` may be."""
        return _table().export(self)


def load(storage):
    """The settings kept in `storage`, a folder or a store as in bounded/files.py. Never fails."""
    settings = Settings()
    _table().load(settings, storage)
    return settings


def _reset(storage):
    """A factory reset was asked for before this start (factory_reset.py)."""
    from wallbox import factory_reset

    try:
        factory_reset.perform(factory_reset.Files(storage), load)
        print("factory reset done")
    except OSError as error:
        print("factory reset failed: %s" % error)


current = None  # what `read` found


def read(storage):
    """Load the settings and keep them in `current` for the app to fetch; says what was wrong with them."""
    global current
    if "reset" in os.listdir(storage):
        _reset(storage)
    current = load(storage)
    if current.problem:
        print(current.problem)
