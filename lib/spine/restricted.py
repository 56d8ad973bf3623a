"""Restricted function exchange: what a write with filters changes, entry by entry (SPINE 1.3.0, reference 3.4)."""

from bounded.json_reader import KEEP
from bounded.json_scan import measure

# In a change: the element goes away (deleted, or left out by a full replacement). None: it stays as it is.
CLEARED = object()

_REJECTED = 7
_UNSUPPORTED = 8


def entry_at(schema):
    """Where the elements of a list's entry begin in a function's schema; 0 for a function that is no list."""
    colon = schema.find(b":", schema.find(b":") + 2)
    return colon + 2 if schema[colon + 1] == 91 else 0


def stored(source, index):
    """Entry `index` of the list `source` (a sequence, or a function of field and index); None behind the last."""
    if callable(source):
        return source(0, index)
    return source[index] if index < len(source) else None


def _keys(schema, at):
    # How many ids lead an entry.
    n = 0
    while True:
        colon = schema.find(b":", at)
        if schema[colon + 1] != 107:
            return n
        n += 1
        at = colon + 3


def _matches(row, wanted):
    for i in range(len(wanted)):
        if wanted[i] is not None and (i >= len(row) or row[i] != wanted[i]):
            return False
    return True


def changes(schema, source, rows, filters):
    """What a write of `rows` with `filters` (delete, partial, selectors, elements) asks for, or an error number.

    The answer is a list of rows with all ids, one per entry concerned. In it None means unchanged, CLEARED that the
    element goes away; a number without scale got the stored scale. Without filters all that did not come is CLEARED.
    """
    at = entry_at(schema)
    keys = _keys(schema, at) if at else 0
    rows = rows or []
    if not filters:
        for row in rows:
            for i in range(len(row)):
                if row[i] is None:
                    if i < keys:
                        return _REJECTED
                    row[i] = CLEARED
                elif row[i] is KEEP:
                    row[i] = 0
        return rows
    if not at or len(filters) > 2 or (len(filters) == 2 and filters[0][0] is filters[1][0]):
        return _UNSUPPORTED
    width = measure(schema, at) & 255
    result = []

    def change(ids):
        for row in result:
            if _matches(row, ids[:keys]):
                return row
        row = list(ids[:keys]) + [None] * (width - keys)
        result.append(row)
        return row

    for deleting in (True, False):
        for delete, partial, selectors, elements in filters:
            if not delete and not partial or delete and partial or partial and elements:
                return _UNSUPPORTED
            if bool(delete) is not deleting:
                continue
            for row in [elements] if delete else rows:
                index = 0
                if not delete and not selectors:
                    ids = row[:keys]
                    if None not in ids:
                        _merge(change(ids), row, keys, stored_with(source, ids))
                        continue
                    if ids.count(None) < keys:
                        return _REJECTED
                while True:
                    old = stored(source, index)
                    index += 1
                    if old is None:
                        break
                    if selectors and not _matches(old, selectors):
                        continue
                    new = change(old)
                    if not delete:
                        _merge(new, row, keys, old)
                    else:
                        for i in range(keys, width):
                            if elements is None or elements[i]:
                                new[i] = CLEARED
    return result


def stored_with(source, ids):
    """The stored entry with these ids, or None."""
    index = 0
    while True:
        row = stored(source, index)
        if row is None or _matches(row, ids):
            return row
        index += 1


def _merge(new, row, keys, old):
    for i in range(keys, len(row)):
        value = row[i]
        if value is KEEP:
            value = old[i] if old and i < len(old) and old[i] is not None else 0
        if value is not None:
            new[i] = value
