"""Factory reset: what the owner set goes, who the device is stays.

Asked for by the button (health.py) or by the console's word `factory_reset`, which may also wipe: a mark in
flash, then a restart. Done by the start that finds the mark (config.py), with all memory free; the mark goes last, so
that a power cut in between leaves the rest to the next start.

    goes       settings, trusted EMSs, limits that were kept
    stays      serial number, names, identity (SKI) and journal; `supply_ma`, for the installation bears no more
    with wipe  all of these go, too, and the box starts as a new one
"""

import os

from bounded.compat import const
from bounded.files import Files
from bounded.records import Slots

MARK = "reset"
_WIPE = const(3)
_MOST_BYTES = const(1024)  # of a value that is emptied
_STAYS = ("echonet_unique", "serial", "vendor", "brand", "model", "echonet_maker", "echonet_charger_type", "supply_ma")
_EMPTY = (("trust", b""), ("asked", b"[]"))  # values in two slots, and what nothing is
_WIPED = ("settings", "trust", "asked", "starts", "journal", "sessions", "energy")  # files `name`.0, .1 ...
_IDENTITY = ("identity/key.der", "identity/cert.der", "identity/ship.json")


def refused(app):
    """Why it cannot be done now, a sentence; None when it can."""
    if app.station.guard.out.contactor:
        return "not while a car is charging: pause it first"
    return None


def request(app, how):
    """Have the next start do it; `how` as the journal has it: 1 button, 2 word, 3 wipe. OSError: the store failed."""
    from wallbox.journal import FACTORY_RESET

    store = app.board.storage
    store = Files(store) if isinstance(store, str) else store
    store.write(MARK, bytes((how,)))
    app.journal.note(app.station.now_ms, FACTORY_RESET, how)
    app.health.restart = True


def perform(store, load):
    """Do what the mark in `store` wants; `load(store)` are the settings. OSError: the store failed, the mark stays."""
    if store.read(MARK, 0, 1) == bytes((_WIPE,)):
        for name in _WIPED:
            for number in range(8):
                _remove(store, "%s.%d" % (name, number))
        for name in _IDENTITY:
            _remove(store, name)
        try:
            os.rmdir("identity")
        except OSError:
            pass
    else:
        if not load(store).forget(_STAYS):
            raise OSError(5)
        for name, value in _EMPTY:
            if store.size(name + ".0") or store.size(name + ".1"):
                Slots(store, name, _MOST_BYTES).write(value)
        from wallbox import starts

        starts.forget(store)
    store.remove(MARK)


def _remove(store, name):
    if store.size(name):
        store.remove(name)
