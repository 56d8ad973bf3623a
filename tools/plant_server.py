"""Runs a plant in real time and lets the simulated board (boards/sim) reach it over loopback TCP.

One firmware at a time: a new `F` connection takes over. While no firmware is connected the plant sees a
controller in reset. The plant's time is the machine's, except that a gap longer than _GAP_MS of this process
itself is left out, so that a busy machine does not look like a dead controller; `lag_ms` counts what was left out.
"""

import asyncio
import json
import struct
import time
from collections import deque

from boards.sim import NONE, answer
from boards.sim.watchdog import Watchdog
from wallbox.board import Outputs, Readings

_STEP_MS = 5
_GAP_MS = 50
_LINE = 1 << 18  # longest console answer
_QUESTION = struct.Struct("=5i")
_ANSWER = struct.Struct("=%di" % (len(answer()) + 8))
_MOST = (1 << 30) - 1  # largest integer of a 32-bit MicroPython that needs no heap


class PlantServer:
    """`address` is what the firmware gets as WALLBOX_PLANT; `bitten()` is called when the watchdog bites."""

    def __init__(self, plant, bitten=None):
        self.plant = plant
        self.watchdog = Watchdog()
        self._bitten = bitten
        self.address = None
        self.lag_ms = 0
        self.frames = 0
        self._then_ms = _now_ms()
        self._outputs = Outputs()
        self._readings = Readings()
        self._link = None
        self._console = None
        self._console_there = asyncio.Event()
        self._expected = deque()  # futures of questions to the console, in order
        self._server = None
        self._ticker = None

    async def start(self):
        """Listen on a free loopback port and let time pass."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.address = "127.0.0.1:%d" % self._server.sockets[0].getsockname()[1]
        self._then_ms = _now_ms()
        self._ticker = asyncio.create_task(self._tick())

    async def close(self):
        """End listening and the firmware's connections."""
        self._ticker.cancel()
        self._server.close()
        for connection in (self._link, self._console):
            if connection is not None:
                connection.transport.abort()

    async def _tick(self):
        while True:
            self.advance()
            await asyncio.sleep(0.01)

    def advance(self):
        """Bring the plant to now."""
        now_ms = _now_ms()
        left = now_ms - self._then_ms
        self._then_ms = now_ms
        if left > _GAP_MS:
            self.lag_ms += left - _GAP_MS
            left = _GAP_MS
        bites = self.watchdog.step(left)
        while left > 0:
            self.plant.step(min(left, _STEP_MS))
            left -= _STEP_MS
        if bites and self._bitten:
            self._bitten()

    async def ask(self, request, timeout_s=1.0):
        """Send one request to the firmware's console; its answer, or None when it is silent or not there."""
        try:
            return await asyncio.wait_for(self._asked(request), timeout_s)
        except asyncio.TimeoutError:
            return None

    async def _asked(self, request):
        await self._console_there.wait()
        answer = asyncio.get_running_loop().create_future()
        self._expected.append(answer)  # stays there when nobody waits any more, for the late answer
        self._console.transport.write(json.dumps(request).encode() + b"\n")
        return await answer

    # called by the connections

    def taken(self, connection, kind):
        """A connection said what it carries; False when that is nothing known."""
        if kind == b"F":
            self._link = connection
            self.watchdog.disarm()
            self.plant.reset_outputs()
        elif kind == b"C":
            self._forget_questions()
            self._console = connection
            self._console_there.set()
        return kind in (b"F", b"C")

    def lost(self, connection):
        """A connection ended."""
        if connection is self._link:
            self._link = None
            self.watchdog.disarm()
            self.advance()
            self.plant.reset_outputs()
        elif connection is self._console:
            self._console = None
            self._console_there.clear()
            self._forget_questions()

    def exchange(self, connection, frame):
        """Apply the outputs of one frame; answer with the readings if it wants them."""
        if connection is not self._link:
            return
        wanted, permille, bits, led, discharge_ma = _QUESTION.unpack(frame)
        outputs = self._outputs
        outputs.pilot_permille = permille
        outputs.contactor = bits & 1 != 0
        outputs.lock = bits & 2 != 0
        outputs.rcm_test = bits & 4 != 0
        outputs.led = led
        outputs.discharge_ma = discharge_ma
        self.advance()
        if bits & 8:
            self.watchdog.feed()
        self.plant.apply(outputs)
        self.frames += 1
        if wanted:
            connection.transport.write(self._answer())

    def _answer(self):
        readings = self._readings
        self.plant.sample(readings)
        words = [getattr(readings, name) for name in answer()]
        words += readings.voltage_mv
        words += readings.current_ma
        words.append(self.plant.wall_offset_s())
        words.append(self.plant.take_stall_ms())
        return _ANSWER.pack(*[NONE if each is None else max(-_MOST, min(_MOST, int(each))) for each in words])

    def heard(self, connection, line):
        """A line from the console: the answer to the oldest question."""
        if connection is not self._console or not self._expected:
            return
        answer = self._expected.popleft()
        if not answer.done():
            try:
                answer.set_result(json.loads(line))
            except ValueError:
                answer.set_result({"error": "the firmware answered with bad JSON: %r" % line[:200]})

    def _forget_questions(self):
        while self._expected:
            answer = self._expected.popleft()
            if not answer.done():
                answer.set_result(None)


class _Connection(asyncio.Protocol):
    def __init__(self, server):
        self._server = server
        self._kind = None
        self._buffer = bytearray()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        buffer = self._buffer
        buffer += data
        if self._kind is None:
            self._kind = bytes(buffer[:1])
            del buffer[:1]
            if not self._server.taken(self, self._kind):
                self.transport.abort()
                return
        if self._kind == b"F":
            while len(buffer) >= _QUESTION.size:
                frame = bytes(buffer[:_QUESTION.size])
                del buffer[:_QUESTION.size]
                self._server.exchange(self, frame)
            return
        while True:
            end = buffer.find(b"\n")
            if end < 0:
                break
            line = bytes(buffer[:end])
            del buffer[: end + 1]
            self._server.heard(self, line)
        if len(buffer) > _LINE:
            self.transport.abort()

    def connection_lost(self, error):
        self._server.lost(self)


def _now_ms():
    return time.monotonic_ns() // 1000000
