"""What can be set, and how settings are read, checked and written.

Loaded only while that happens (config.py), so that its RAM is free otherwise. A line of the table is
`name type default range`; `-` is an empty default. Units are in the names. Types:

    i low high   whole number            b            true or false
    z low high   the same, or 0          c one/two    one of these words
    s most       text, most bytes        p most       the same, never exported
    x count      so many bytes, in hex   k most       list of SKIs, 40 hex digits each
    t points     temperature curve: 0.1 degree, per mille, 0.1 degree, per mille ... ending at 0 per mille
"""

import json
import os
from binascii import hexlify, unhexlify

from bounded.attribute import attribute, names
from bounded.compat import const
from bounded.files import Files
from bounded.records import Slots
from wallbox.board import Ratings

IMPORT = "settings.json"
VERSION = const(1)  # of the meaning of names and values; raise it together with a step in `_migrate`

_NAME = "settings"
_MOST_BYTES = const(2048)  # of a slot, and half that of an import
_LOST_MA = const(6000)

_TABLE = """
profile c core core/full
bind s - 45
multicast_if s - 45
hostname s wallbox 32
wifi_ssid s - 32
wifi_password p - 63
time_server s - 45
page_password p - 32
page_port i 80 1 65535
vendor s Open 32
brand s Open 32
model s Wallbox 32
serial s - 32
supply_ma z 0 6000 80000
min_ma i 6000 6000 32000
own_w i 5 0 1000
rise_ma_per_5s i 5000 100 80000
resume_hold_s i 5 0 600
temperature_curve t - 6
failsafe_w i 4200 0 100000
failsafe_s i 7200 7200 86400
failsafe_hold b 0
opev_fallback_ma z 6000 6000 80000
echonet_charger b 1
echonet_v2x b 0
echonet_minimal b 0
echonet_release x 5202 2
echonet_maker x FFFFFF 3
echonet_unique x - 13
echonet_charger_type i 17 16 83
echonet_lease_s z 0 10 86400
echonet_fallback c drop drop/keep/minimum
ship_port i 4712 0 65535
trust k - 8
accept_any b 0
update_trial_s i 120 10 3600
ratings.phases i - 1 3
ratings.max_ma i - 6000 80000
ratings.min_ma i - 6000 32000
ratings.nominal_mv i - 100000 300000
"""


def files(storage):
    """The store that `storage` is, or the folder of that name."""
    return Files(storage) if isinstance(storage, str) else storage


def _lines():
    """Each setting's [name, type, default, ...], in order; the ratings too."""
    at = 1
    while at < len(_TABLE):
        end = _TABLE.find("\n", at)
        yield _TABLE[at:end].split()
        at = end + 1


def _default(line):
    """The default value of a line of the table, as an attribute of the settings."""
    kind = line[1]
    text = "" if line[2] == "-" else line[2]
    if kind in "izb":
        return bool(int(text)) if kind == "b" else int(text)
    if kind == "x":
        return unhexlify(text)
    return None if kind == "t" else () if kind == "k" else text


def _plain(value):
    """A value as JSON has it."""
    return str(hexlify(value), "ascii") if isinstance(value, bytes) else value


def _curve(value, points):
    if not isinstance(value, list) or len(value) % 2 or not 4 <= len(value) <= 2 * points:
        return False
    for at in range(len(value)):
        if type(value[at]) is not int or not -400 <= value[at] <= 1000 or at % 2 and value[at] < 0:
            return False
        if at > 1 and (value[at] <= value[at - 2] if at % 2 == 0 else value[at] > value[at - 2]):
            return False
    return value[-1] == 0


def _hex(value, count):
    return isinstance(value, str) and len(value) == 2 * count and not value.strip("0123456789abcdefABCDEF")


def checked(key, value):
    """The value as an attribute of the settings, from JSON; ValueError is a sentence naming key and range."""
    line = kind = None
    for line in _lines():
        if line[0] == key:
            kind = line[1]
            break
    if kind is None and key[:8] == "ratings.":
        if isinstance(getattr(Ratings(), attribute(key[8:], names()), None), bool):
            kind = "b"
    if kind is None:
        raise ValueError("there is no setting %s" % key)
    if kind in "iz":
        low = int(line[3])
        high = int(line[4])
        good = type(value) is int and (low <= value <= high or (kind == "z" and value == 0))
        wanted = "%s%d to %d" % ("0 or " if kind == "z" else "", low, high)
    elif kind == "b":
        good = value is True or value is False
        wanted = "true or false"
    elif kind == "c":
        wanted = line[3]
        good = value in wanted.split("/")
    else:
        most = int(line[3])
        if kind == "x":
            good = _hex(value, most) or (value == "" and line[2] == "-")
            wanted = "%d bytes as hex digits" % most
            if good:
                value = unhexlify(value)
        elif kind == "k":
            good = isinstance(value, (list, tuple)) and len(value) <= most
            good = good and all(_hex(ski, 20) for ski in value)
            wanted = "a list of at most %d SKIs of 40 hex digits" % most
            if good:
                value = tuple(ski.lower() for ski in value)
        elif kind == "t":
            good = value is None or _curve(value, most)
            wanted = "null or up to %d pairs, 0.1 degree rising and per mille falling to 0" % most
        else:
            good = isinstance(value, str) and len(value.encode()) <= most and min(value.encode() or b" ") >= 0x20
            wanted = "text of at most %d bytes" % most
            if kind == "p" and not good:
                value = "that"
    if not good:
        raise ValueError("%s must be %s, not %s" % (key, wanted, repr(value)[:40]))
    return value


def _migrate(version, values):
    """Bring a dictionary of settings of an older `version` up to date, in place. ValueError: it is of no version.

    Each step that a new version needs stands here, from the oldest: `if version < 2: values["new"] = ...`.
    """
    if type(version) is not int or not 1 <= version <= VERSION:
        raise ValueError("version must be 1 to %d, not %s" % (VERSION, repr(version)[:40]))


def _pairs(raw):
    """How many names JSON text holds, as bytes, twice named ones twice; -1 when it was cut or goes deeper than lists.

    That is what the loader does not tell: MicroPython's closes open brackets itself, and takes RAM for any depth.
    """
    count = depth = 0
    quoted = escaped = False
    for mark in raw:  # by number: MicroPython makes a name of each letter of a text
        if escaped:
            escaped = False
        elif mark == 0x22:
            quoted = not quoted
        elif quoted:
            escaped = mark == 0x5C
        elif mark == 0x3A:
            count += 1
        elif mark in b"[{":
            depth += 1
            if depth > 2:
                return -1
        elif mark in b"]}":
            depth -= 1
    return count if depth == 0 and not quoted else -1


def _parse(raw, version=None):
    """Checked values of JSON text; `version` is that of a slot, a file may carry its own. Else ValueError."""
    text = str(raw, "utf-8")
    count = _pairs(raw)
    values = json.loads(text) if count >= 0 else None
    if not isinstance(values, dict):
        raise ValueError("not a whole object {...}")
    if count != len(values):
        raise ValueError("a name stands there twice")
    if version is None:
        version = values.pop("version", VERSION)
    _migrate(version, values)
    for key in values:
        values[key] = checked(key, values[key])
    return values


def put(settings, key, value):
    """Set one setting to a checked value."""
    _put(settings, key, value, names())


def _put(settings, key, value, known):
    if key[:8] == "ratings.":
        settings.ratings[key[8:]] = value
    else:
        setattr(settings, attribute(key, known), value)


def _read(store, found, problems):
    """The slots of `store`, the newest good one read into `found`; sentences about others go to `problems`.

    A running station does without them: they are read again before they are written."""

    def accept(version, raw):
        try:
            values = _parse(raw, version)
        except ValueError as error:
            problems.append("a slot is refused: %s" % error)
            return False
        found.clear()
        found.update(values)
        return True

    slots = Slots(store, _NAME, _MOST_BYTES, VERSION)
    slots.read(accept)
    return slots


def load(settings, storage):
    """Fill in the settings: defaults, the newest good slot, the file to import, a new device's unique number."""
    settings.storage = storage
    store = files(storage)
    found = {}
    problems = []
    known = names()
    for line in _lines():
        if line[0][:8] != "ratings.":
            _put(settings, line[0], _default(line), known)
    slots = _read(store, found, problems)
    if problems:
        settings.problem = problems[-1]
    if slots.found is None and (store.size(_NAME + ".0") or store.size(_NAME + ".1")):
        settings.problem = "settings were lost"
        settings.supply_ma = _LOST_MA  # the installation may bear no more
    raw = store.read(IMPORT, 0, 2 * _MOST_BYTES + 1)
    try:
        if len(raw) > 2 * _MOST_BYTES:
            raise ValueError("more than %d bytes" % (2 * _MOST_BYTES))
        if raw:
            found.update(_parse(raw))
    except ValueError as error:
        settings.problem = "%s: %s" % (IMPORT, error)
        raw = b""
    for key in found:
        _put(settings, key, found[key], known)
    fresh = not settings.echonet_unique
    if fresh:
        settings.echonet_unique = os.urandom(13)
    if not settings.serial:
        settings.serial = str(hexlify(settings.echonet_unique[:6]), "ascii")
    if (raw or fresh) and save(settings) and raw:
        store.remove(IMPORT)


def forget(settings, stays):
    """Put all but those named in `stays` (and the ratings) back to the default, and keep that; False as for save."""
    known = names()
    for line in _lines():
        if line[0][:8] != "ratings." and line[0] not in stays:
            _put(settings, line[0], _default(line), known)
    if not save(settings):
        return False
    store = files(settings.storage)
    if store.size(IMPORT):  # it was refused, and would be tried at each start
        store.remove(IMPORT)
    return True


def items(settings):
    """Yield (name, value as JSON has it, type, default) of all but ratings, and of the ratings overridden."""
    known = names()
    for line in _lines():
        if line[0][:8] != "ratings.":
            yield line[0], _plain(getattr(settings, attribute(line[0], known))), line[1], _plain(_default(line))
    for name in settings.ratings:
        yield "ratings." + name, settings.ratings[name], "", None


def export(settings):
    """Yield pieces of JSON text of all settings but passwords; what the file to import may be."""
    yield '{"version": %d' % VERSION
    for key, value, kind, _ in items(settings):
        if kind != "p":
            yield ',\n"%s": %s' % (key, json.dumps(value))
    yield "}\n"


def save(settings):
    """Keep what differs from the defaults; False, with `problem` set, when the store failed."""
    values = {}
    for key, value, _, usual in items(settings):
        if value != usual:
            values[key] = value
    try:
        _read(files(settings.storage), {}, []).write(json.dumps(values).encode())
    except (OSError, ValueError) as error:
        settings.problem = "settings not saved: %s" % error
        return False
    return True
