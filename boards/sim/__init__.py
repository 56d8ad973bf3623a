"""The simulated board: a thin link to the plant, which runs in another process (tools/sim.py).

The plant listens on WALLBOX_PLANT=host:port. The first byte of a connection says what it carries: `F` frames of
32-bit integers in the machine's order, one out and one back each tick (`answer` names them, NONE is unknown);
`C` the console, one JSON object a line each way.
"""

import json
import os
import select
import socket
import time
from array import array

from bounded.compat import const, ticks_diff, ticks_ms
from wallbox.board import Ratings

NONE = const(-(1 << 30))
_PLANT_GONE = const(4)  # exit status
_RESTART = const(5)  # likewise: start me again
_FAILS = const(-1)  # instead of a stall: let the guard fail
_WAIT_MS = const(5)  # for the plant's answer, within one tick

_AGES = const(14)
_FLAGS = const(17)
_NAMES = const(21)
_STALL = const(28)
_WORDS = const(29)


def answer():
    """What the plant answers: Readings by name; then voltage_mv and current_ma of three phases, error of the wall
    clock in s, loop stall in ms."""
    return (
        "pilot_high_mv",
        "pilot_low_mv",
        "pilot_hz",
        "pilot_permille",
        "proximity_ohm",
        "poles_closed",
        "load_side_mv",
        "temperature_dc",
        "power_w",
        "energy_wh",
        "exported_wh",
        "frequency_mhz",
        "ev_soc_per_cent",
        "ev_capacity_wh",
        "pilot_age_ms",
        "temperature_age_ms",
        "meter_age_ms",
        "rcm_tripped",
        "lock_closed",
        "button",
        "ev_discharge",
    )
def _connect(kind):
    host, port = os.getenv("WALLBOX_PLANT").split(":")  # set by tools/sim.py
    link = socket.socket()
    link.connect(socket.getaddrinfo(host, int(port))[0][-1])
    link.setsockopt(6, 1, 1)  # TCP_NODELAY
    stream = link.makefile("rwb", 0) if hasattr(link, "recv_into") else link  # CPython's has no readinto
    stream.write(kind)
    return link, stream


class SimulatedBoard:
    """See wallbox/board.py; `wall_offset_s` is the error of the wall clock, None while that is not set."""

    def __init__(self, ratings):
        self.ratings = ratings
        self.storage = "."  # the simulator starts the firmware in its state folder
        self.reset_cause = int(os.getenv("WALLBOX_RESET") or 0)
        self._fed = 0
        from bounded.attribute import attribute, names

        known = names()
        self._readings = [attribute(name, known) for name in answer()]
        link, self._stream = _connect(b"F")
        self._out = array("i", (1, 1000, 0, 0, 0))  # answer wanted, per mille, bits, LED, mA to give back
        self._in = array("i", range(_WORDS))
        self._ask()
        self._receive()
        link.setblocking(False)
        poll = select.poll()
        poll.register(link, 1)  # POLLIN
        self._poll = getattr(poll, "ipoll", poll.poll)
        self._then = ticks_ms()

    def apply(self, outputs):
        """Send the outputs to the plant."""
        out = self._out
        out[0] = 0
        out[1] = outputs.pilot_permille
        out[2] = (1 if outputs.contactor else 0) | (2 if outputs.lock else 0) | (4 if outputs.rcm_test else 0)
        out[2] |= self._fed
        self._fed = 0
        out[3] = outputs.led
        out[4] = outputs.discharge_ma
        self._stream.write(out)

    def sample(self, readings):
        """Ask the plant and fill in its answer. Without one in time the old readings stay and their ages grow."""
        now = ticks_ms()
        older_ms = ticks_diff(now, self._then)
        self._then = now
        late = self._waiting
        try:
            if not late:
                self._ask()
            for _ in self._poll(_WAIT_MS):
                self._receive()
                if not late:
                    older_ms = 0
        except OSError:
            raise SystemExit(_PLANT_GONE)
        words = self._in
        for i in range(_STALL):
            value = words[i]
            if value == NONE:
                value = None
            elif i < _AGES:
                pass
            elif i < _FLAGS:
                value += older_ms
                words[i] = value
            elif i < _NAMES:
                value = value != 0
            if i < _NAMES:
                setattr(readings, self._readings[i], value)
            elif i < _NAMES + 3:
                readings.voltage_mv[i - _NAMES] = value
            elif i < _NAMES + 6:
                readings.current_ma[i - _NAMES - 3] = value
            else:
                self.wall_offset_s = value
        stall_ms = words[_STALL]
        if stall_ms:
            words[_STALL] = 0
            if stall_ms == _FAILS:
                raise ValueError("a failure, as injected")
            time.sleep(stall_ms / 1000)

    def feed_watchdog(self):
        """With the next outputs the plant hears that all is well."""
        self._fed = 8

    def restart(self):
        raise SystemExit(_RESTART)

    def _ask(self):
        self._out[0] = 1
        self._stream.write(self._out)
        self._waiting = True

    def _receive(self):
        if self._stream.readinto(self._in) != 4 * _WORDS:
            raise SystemExit(_PLANT_GONE)
        self._waiting = False

    async def serve_console(self, console):
        """Answer the plant's requests by the pairs of `console.call(request)`, until the plant is gone."""
        from bounded.wait import readable  # not above: the plant in this package does without asyncio

        link, stream = _connect(b"C")
        while True:
            await readable(link)
            line = stream.readline()
            if not line:
                raise SystemExit(_PLANT_GONE)
            stream.write(b"{")
            mark = ""
            try:
                for key, value in console.call(json.loads(line)):  # piece by piece: never the whole answer in memory
                    stream.write((mark + json.dumps(key) + ":").encode())
                    mark = ","
                    if hasattr(value, "close"):  # a generator: a list, item by item
                        between = "["
                        for item in value:
                            stream.write((between + json.dumps(item)).encode())
                            between = ","
                        stream.write(b"[]" if between == "[" else b"]")
                    else:
                        stream.write(json.dumps(value).encode())
            except Exception as error:
                stream.write((mark + '"error":' + json.dumps(repr(error))).encode())
            stream.write(b"}\n")


def create(settings=None):
    """The board. WALLBOX_RATINGS, a JSON object, says what its hardware is where that differs from Ratings."""
    ratings = Ratings()
    ratings.name = "sim"
    given = json.loads(os.getenv("WALLBOX_RATINGS") or "{}")
    from bounded.attribute import attribute, names

    for name in given:
        setattr(ratings, attribute(name, names()), given[name])
    return SimulatedBoard(ratings)
