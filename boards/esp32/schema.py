"""What a board's wiring.py may say. `check` refuses a wrong one by a sentence that names the word and what it may be.

Runs on the computer before anything is deployed, and on the board at its start, before a pin is driven.

    name        text                        chip        esp32 or esp32s3
    ratings     see wallbox/board.py; what differs from Ratings
    pilot       pwm, adc: pins; zero_uv, uv_per_v: converter at 0 V, and for each volt of the pilot
    contactor   coil: pin; feedback: one pin a pole, or one for all, or none; feedback_low: closed reads 0
    rcm         trip, test: pins; trip_low: tripped reads 0                         or None
    ntc         adc: pin; pull_ohm, supply_mv                                       or None
    proximity   adc: pin; pull_ohm, supply_mv                                       or None
    meter       kind modbus: uart, tx, rx, de (pin or None), baud, parity, address, function, timeout_ms,
                blocks ((register, count), ...), values ((reading, phase or None, register, type, times, by), ...)
                kind s0: pin, per_kwh                                               or None
    led, button, alive     pins or None; alive is toggled each tick for a hardware interlock
    ethernet    words of network.LAN: pins by number, types by name                 or None
"""

from boards.esp32.modbus import SIZES
from bounded.attribute import attribute, names
from wallbox.board import Ratings

_PARTS = {
    "pilot": ("pwm out", "adc adc", "zero_uv 100000 3000000", "uv_per_v 20000 250000"),
    "contactor": ("coil out", "feedback pins", "feedback_low bool"),
    "rcm": ("trip in", "test out", "trip_low bool"),
    "ntc": ("adc adc", "pull_ohm 100 1000000", "supply_mv 1000 5000"),
    "proximity": ("adc adc", "pull_ohm 100 1000000", "supply_mv 1000 5000"),
    "modbus": ("uart 1 2", "tx out", "rx in", "de out?", "baud 1200 115200", "parity parity", "address 1 247",
               "function 3 4", "timeout_ms 20 2000", "blocks blocks", "values values"),
    "s0": ("pin in", "per_kwh 1 100000"),
}
_OWN = ("name", "chip", "ratings", "led", "button", "alive", "ethernet", "meter")
_MUST = ("pilot", "contactor")
# pins by chip: all, those that only read, those of the converter that works beside Wi-Fi, those of flash and USB
_CHIPS = {
    "esp32": (range(40), range(34, 40), range(32, 40), (6, 7, 8, 9, 10, 11, 20, 24, 28, 29, 30, 31)),
    "esp32s3": (range(49), (), range(1, 11), (19, 20, 22, 23, 24, 25) + tuple(range(26, 38))),
}
_RMII = (0, 19, 21, 22, 25, 26, 27)
_READINGS = ("voltage_mv", "current_ma", "power_w", "energy_wh", "frequency_mhz")
_LARGEST_BLOCK = 60


def check(board):
    """ValueError is the sentence for a person."""
    if not isinstance(board, dict):
        raise ValueError("BOARD must be a dictionary")
    for word in board:
        if word not in _OWN and (word not in _PARTS or word in ("modbus", "s0")):
            raise ValueError("there is no word %s" % word)
    if not isinstance(board.get("name"), str):
        raise ValueError("name must be text")
    if board.get("chip") not in _CHIPS:
        raise ValueError("chip must be %s, not %r" % (" or ".join(sorted(_CHIPS)), board.get("chip")))
    for word in _MUST:
        if not board.get(word):
            raise ValueError("%s is missing" % word)
    used = {}
    for word in _PARTS:
        if board.get(word):
            _part(board["chip"], word, word, board[word], used)
    meter = board.get("meter")
    if meter:
        kind = meter.get("kind") if isinstance(meter, dict) else None
        if kind not in ("modbus", "s0"):
            raise ValueError("meter.kind must be modbus or s0, not %r" % (kind,))
        _part(board["chip"], "meter", kind, meter, used)
    for word in ("led", "alive"):
        _pin(board["chip"], word, "out?", board.get(word), used)
    _pin(board["chip"], "button", "in?", board.get("button"), used)
    _ethernet(board, used)
    _ratings(board)


def _part(chip, name, kind, given, used):
    if not isinstance(given, dict):
        raise ValueError("%s must be a dictionary" % name)
    known = {}
    for line in _PARTS[kind]:
        words = line.split()
        known[words[0]] = words[1:]
    for word in given:
        if word not in known and word != "kind":
            raise ValueError("%s has no %s; it has %s" % (name, word, ", ".join(sorted(known))))
    for word in known:
        what = known[word]
        where = "%s.%s" % (name, word)
        value = given.get(word)
        if len(what) == 2:
            if type(value) is not int or not int(what[0]) <= value <= int(what[1]):
                raise ValueError("%s must be %s to %s, not %r" % (where, what[0], what[1], value))
        elif what[0] == "bool":
            if type(value) is not bool and word in given:
                raise ValueError("%s must be True or False, not %r" % (where, value))
        elif what[0] == "parity":
            if value not in (None, "even", "odd"):
                raise ValueError("%s must be None, even or odd, not %r" % (where, value))
        elif what[0] == "pins":
            for pin in _rows(where, value or (), None):
                _pin(chip, where, "in", pin, used)
        elif what[0] == "blocks":
            for row in _rows(where, value, 2):
                if type(row[0]) is not int or not 0 <= row[0] < 65536 or type(row[1]) is not int:
                    raise ValueError("%s: a block is (register, count), not %r" % (where, row))
                if not 1 <= row[1] <= _LARGEST_BLOCK:
                    raise ValueError("%s: a block has 1 to %d registers, not %d" % (where, _LARGEST_BLOCK, row[1]))
        elif what[0] == "values":
            _values(where, value, given)
        else:
            _pin(chip, where, what[0], value, used)


def _rows(where, value, size):
    if not isinstance(value, (tuple, list)):
        raise ValueError("%s must be a tuple" % where)
    for row in value:
        if size and (not isinstance(row, (tuple, list)) or len(row) != size):
            raise ValueError("%s: %r has not %d parts" % (where, row, size))
    return value


def _values(where, value, given):
    for row in _rows(where, value, 6):
        name, phase, register, kind, times, by = row
        if name not in _READINGS:
            raise ValueError("%s: %r is none of %s" % (where, name, ", ".join(_READINGS)))
        if phase not in ((0, 1, 2) if name in _READINGS[:2] else (None,)):
            raise ValueError("%s: %s of phase %r" % (where, name, phase))
        if kind not in SIZES:
            raise ValueError("%s: %r is none of %s" % (where, kind, ", ".join(sorted(SIZES))))
        if type(times) is not int or type(by) is not int or by < 1:
            raise ValueError("%s: %s is scaled by two integers, not %r and %r" % (where, name, times, by))
        for first, count in given["blocks"]:
            if first <= register and register + SIZES[kind] <= first + count:
                break
        else:
            raise ValueError("%s: register %r of %s is in no block" % (where, register, name))


def _pin(chip, where, kind, pin, used):
    if kind[-1] == "?" and pin is None:
        return
    every, read_only, converter, taken = _CHIPS[chip]
    if type(pin) is not int or pin not in every or pin in taken:
        raise ValueError("%s: an %s has no free pin %r" % (where, chip, pin))
    if kind[:3] == "out" and pin in read_only:
        raise ValueError("%s: pin %d of an %s can only read" % (where, pin, chip))
    if kind == "adc" and pin not in converter:
        raise ValueError("%s: pin %d of an %s has no converter beside Wi-Fi" % (where, pin, chip))
    if pin in used:
        raise ValueError("%s: pin %d is %s already" % (where, pin, used[pin]))
    used[pin] = where


def _ethernet(board, used):
    wiring = board.get("ethernet")
    if not wiring:
        return
    if not isinstance(wiring, dict):
        raise ValueError("ethernet must be a dictionary")
    if board["chip"] != "esp32":
        raise ValueError("ethernet: an %s has no RMII" % board["chip"])
    if wiring.get("phy_type", "")[:4] != "PHY_":
        raise ValueError("ethernet.phy_type must be a name such as PHY_LAN8720, not %r" % (wiring.get("phy_type"),))
    for word in ("mdc", "mdio", "power"):
        _pin(board["chip"], "ethernet." + word, "out?" if word == "power" else "out", wiring.get(word), used)
    for pin in _RMII:
        if pin in used:
            raise ValueError("%s: pin %d is needed for RMII" % (used[pin], pin))


def _ratings(board):
    given = board.get("ratings", {})
    usual = Ratings()
    known = names()
    for name in given:
        if not hasattr(usual, attribute(name, known)):
            raise ValueError("there is no rating %s" % name)
        fits = getattr(usual, attribute(name, known))
        if type(given[name]) is not type(fits):
            raise ValueError("ratings.%s must be like %r, not %r" % (name, fits, given[name]))

    def rating(name):
        return given.get(name, getattr(usual, attribute(name, known)))

    for name, low, high in (("max_ma", 6000, 80000), ("min_ma", 6000, 32000), ("phases", 1, 3),
                            ("nominal_mv", 100000, 300000)):
        if not low <= rating(name) <= high:
            raise ValueError("ratings.%s must be %d to %d, not %d" % (name, low, high, rating(name)))
    feedback = board["contactor"].get("feedback") or ()
    for name, fitted, word in (
        ("rcm", board.get("rcm"), "rcm"), ("temperature", board.get("ntc"), "ntc"),
        ("socket", board.get("proximity"), "proximity"), ("interlock", board.get("alive") is not None, "alive"),
        ("aux_contacts", feedback, "contactor.feedback"),
    ):
        if rating(name) is not bool(fitted):
            raise ValueError("ratings.%s is %r, but %s is %s" % (
                name, rating(name), word, "there" if fitted else "missing"))
    if len(feedback) not in (0, 1, rating("phases")):
        raise ValueError("contactor.feedback has %d pins for %d phases" % (len(feedback), rating("phases")))
    for name in ("generator_check", "lock", "ventilation", "discharge", "ev_data"):
        if rating(name):
            raise ValueError("ratings.%s: there is no driver for it" % name)
    if (board.get("meter") or {}).get("kind") == "s0" and rating("phases") != 1:
        raise ValueError("meter.kind: S0 pulses tell nothing of single phases, so ratings.phases must be 1")
