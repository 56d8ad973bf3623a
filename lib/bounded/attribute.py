"""Attributes that are looked up by a name that comes as text: a setting, a rating, what a meter measures.

In an image for a device an attribute has another name than in the source (tools/rom_names.py): `names()` tells which.
"""

from bounded.compat import const
from bounded.on_demand import read_text

_TABLE = const(0)  # where the image has it among its texts


def names():
    """What `attribute` needs, 1 to 2 KB in an image: not to be kept."""
    return read_text(_TABLE << 16) if _TABLE else None


def attribute(name, names):
    """What the attribute `name` is called in this program; a name that no attribute has when it is not known."""
    if names is None:
        return name
    at = names.find(b" %s=" % name.encode()) + 1
    if not at:
        return "-"
    at += len(name) + 1
    return str(names[at : names.find(b" ", at)], "utf-8")
