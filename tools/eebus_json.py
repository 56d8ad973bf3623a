"""EEBUS JSON to plain objects and back (SHIP 11.3, SPINE 3.1): on the wire an object is an array of one-member objects.

The array form keeps the order of elements; so does a dictionary here. No schema is needed: an array of arrays is a
list, an array of objects is one object, and only `[]` does not say which it is (see `fold`).
"""

import json


def fold(value, within=""):
    """Wire form to plain: {"limitId": 0} of [{"limitId": 0}]; a list stays one.

    `[]` becomes {}, but for the entries of a list function (`loadControlLimitData` in `loadControlLimitListData`)."""
    if isinstance(value, dict):
        return {name: _member(name, each, within) for name, each in value.items()}
    if not isinstance(value, list):
        return value
    if not value:
        return {}
    if all(isinstance(each, dict) for each in value):
        names = [name for each in value for name in each]
        if len(set(names)) == len(names):
            return {name: _member(name, each[name], within) for each in value for name in each}
    return [fold(each, within) for each in value]


def _member(name, value, within):
    if within.endswith("ListData") and name == within[:-8] + "Data":
        if value in ([], {}):
            return []
        value = fold(value, name)
        return value if isinstance(value, list) else [value]  # a lone entry that was not put into a list
    return fold(value, name)


def unfold(value):
    """Plain form to wire."""
    if isinstance(value, dict):
        return [{name: unfold(each)} for name, each in value.items()]
    if isinstance(value, (list, tuple)):
        return [unfold(each) for each in value]
    return value


def encode(message):
    """The text of a message: {"connectionHello": {...}} with its one member outermost."""
    (name, value), = message.items()
    return json.dumps({name: unfold(value)}, separators=(",", ":"), ensure_ascii=False).encode()


def decode(text):
    """The message in such a text (bytes), plain; ValueError when it is none."""
    message = json.loads(text.rstrip(b"\0 \r\n\t"))
    if not isinstance(message, dict) or len(message) != 1:
        raise ValueError("not one message")
    return fold(message)
