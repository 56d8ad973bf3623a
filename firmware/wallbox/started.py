"""What memory gets back once everything runs: modules and constructors that only the start needed.

Loaded by app when the station is complete, and dropped, too.
"""

from bounded.compat import unload

_MODULES = (
    "wallbox.config",
    "wallbox.spine_map.electrical_connection",
    "wallbox.spine_map.manufacturer_information",
)


def free():
    """Drop what no running station comes back to: modules, and constructors of which no further object is ever made
    (others than these are loaded when they are called, tools/cold.py)."""
    from wallbox.evse.contactor import Contactor
    from wallbox.evse.faults import Faults
    from wallbox.evse.guard import Guard
    from wallbox.evse.pilot import Pilot
    from wallbox.limits.offer import Offer
    from wallbox.limits.sources import Source

    classes = (Contactor, Faults, Guard, Pilot, Offer, Source)
    for each in classes:
        each.__init__ = None  # `del` would keep what the slot holds
    for name in _MODULES:
        unload(name)
