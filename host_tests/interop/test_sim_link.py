"""The link of the simulated board on every runtime, against a plant served by this process."""

import asyncio
import os
import re
import sys

import image
import plant_server
import pytest
import runtimes
from boards.sim.car import Car
from boards.sim.plant import Plant
from wallbox.board import Ratings

_CODE = """
import time
from boards import sim
from wallbox.board import Outputs, Readings
try:
    import gc, micropython
    allocated = gc.mem_alloc
except (ImportError, AttributeError):
    allocated = lambda: 0
board = sim.create()
outputs, readings = Outputs(), Readings()
outputs.pilot_permille, outputs.contactor = 267, True

def ticks(n, pause=0.002):
    for _ in range(n):
        board.sample(readings)
        board.apply(outputs)
        time.sleep(pause)
"""


def run(runtime, code, act=None, plant=None, ratings="{}"):
    """Run the code with a plant; returns what it printed, its exit status and the plant. `act(server)` meanwhile."""
    plant = plant or Plant(Ratings(), Car(ready=True, reaction_ms=0, ramp_ma_s=1000000))
    folder = image.build(runtime)
    path = ":".join((folder, folder + "/lib", ".frozen"))

    async def session():
        server = plant_server.PlantServer(plant)
        await server.start()
        environment = dict(os.environ, WALLBOX_PLANT=server.address, WALLBOX_RATINGS=ratings)
        environment["PYTHONPATH" if runtime == "cpython" else "MICROPYPATH"] = path
        process = await asyncio.create_subprocess_exec(
            *runtimes.command(runtime), "-c", _CODE + code, env=environment, stdout=-1, stderr=-2)
        done = asyncio.create_task(process.communicate())
        try:
            if act is not None:
                await act(server)
            text = (await asyncio.wait_for(done, 60))[0].decode()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            await server.close()
        return text, process.returncode

    text, status = asyncio.run(session())
    return text, status, plant


@pytest.fixture(params=runtimes.NAMES)
def runtime(request):
    return request.param


def test_outputs_and_readings_pass(runtime):
    text, status, plant = run(runtime, """
ticks(400)
print(board.ratings.name, board.ratings.phases, board.ratings.interlock)
print(readings.pilot_high_mv, readings.pilot_low_mv, readings.pilot_permille, readings.pilot_hz)
print(readings.pilot_age_ms < 100, readings.poles_closed, readings.load_side_mv, readings.rcm_tripped)
print(readings.lock_closed, readings.proximity_ohm, readings.button, readings.temperature_dc)
print(readings.voltage_mv, readings.current_ma, readings.power_w, readings.frequency_mhz, board.wall_offset_s)
""", ratings='{"phases": 2, "interlock": false}')
    assert status == 0, text
    assert text.splitlines() == [
        "sim 2 False", "5995 -12000 267 1000", "True 7 230000 False", "None None False 250",
        "[230000, 230000, 230000] [16020, 16020, 16020] 11054 50000 0"]
    plant.step(5)
    assert plant.truth()["pilot"]["duty_permille"] == 1000, "with the firmware gone its outputs fall back"


@pytest.mark.parametrize("runtime", ["mpy32", "mpy64"])
def test_a_tick_allocates_nothing(runtime):
    text, status, _ = run(runtime, """
def measured():
    ticks(20, 0)
    gc.collect()
    gc.disable()
    micropython.heap_lock()
    try:
        for _ in range(300):
            board.sample(readings)
            board.apply(outputs)
    finally:
        micropython.heap_unlock()
    before = allocated()
    for _ in range(300):
        board.sample(readings)
        board.apply(outputs)
    print("grown", allocated() - before)
measured()
""")
    assert status == 0 and text == "grown 0\n", text


def test_a_silent_plant_is_seen_by_growing_ages(runtime):
    async def freeze(server):
        while server.frames < 500:
            await asyncio.sleep(0.01)
        exchange, server.exchange = server.exchange, lambda connection, frame: late.append((connection, frame))
        late = []
        while not late:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        server.exchange = exchange
        for each in late:
            exchange(*each)

    text, status, _ = run(runtime, """
ticks(200, 0.005)
oldest, high, gap = 0, set(), 0
end = time.time() + 2
while time.time() < end:
    begun = time.time()
    board.sample(readings)
    gap = max(gap, time.time() - begun)
    board.apply(outputs)
    oldest = max(oldest, readings.pilot_age_ms)
    high.add(readings.pilot_high_mv)
    time.sleep(0.005)
print(oldest > 250, gap < 0.2, sorted(high), readings.pilot_age_ms < 50)
""", freeze)
    assert status == 0 and text in ("True True [5995] True\n",), text


def test_a_stall_holds_the_loop(runtime):
    async def stall(server):
        while server.frames < 100:
            await asyncio.sleep(0.01)
        server.plant.fault("loop_stall", True, 400)

    text, status, plant = run(runtime, """
longest = 0
end = time.time() + 2
while time.time() < end:
    begun = time.time()
    ticks(1)
    longest = max(longest, time.time() - begun)
print(longest >= 0.39)
""", stall)
    assert status == 0 and text == "True\n", text
    assert plant.interlock_trips >= 1


def test_firmware_ends_with_the_plant(runtime):
    async def go(server):
        while server.frames < 50:
            await asyncio.sleep(0.01)
        await server.close()

    text, status, _ = run(runtime, "ticks(1000000, 0.01)", go)
    assert status not in (0, None), text


def test_console_answers_every_request(runtime):
    answers = []

    async def talk(server):
        while server._console is None:
            await asyncio.sleep(0.01)
        answers.append(await server.ask({"op": "echo", "deep": [1, {"a": None}]}))
        answers.append(await server.ask({"op": "fail"}))
        answers.append(await server.ask({"op": "long"}, 5))
        answers.append(await server.ask({"op": "empty"}))
        slow = server.ask({"op": "slow"}, 0.1)
        answers.append(await slow)
        answers.append(await server.ask({"op": "echo", "n": 2}, 5))
        await server.ask({"op": "end"}, 5)

    text, status, _ = run(runtime, """
import asyncio
class Console:
    def call(self, request):
        word = request["op"]
        if word == "fail":
            raise KeyError("oh")
        if word == "long":
            return ("rows", (row for row in ["x" * 50] * 100)), ("none", (row for row in ())), ("n", 7)
        if word == "slow":
            time.sleep(0.5)
        if word == "end":
            raise SystemExit(0)
        return () if word == "empty" else (("request", request),)
asyncio.run(board.serve_console(Console()))
""", talk)
    assert answers[0] == {"request": {"op": "echo", "deep": [1, {"a": None}]}}, text
    assert list(answers[1]) == ["error"] and "oh" in answers[1]["error"]
    assert answers[2] == {"rows": ["x" * 50] * 100, "none": [], "n": 7}
    assert answers[3] == {}
    assert answers[4] is None, "silent within its time"
    assert answers[5] == {"request": {"op": "echo", "n": 2}}, "a late answer belongs to its own question"
    assert status == 0, text


def test_every_reading_has_its_place():
    words = re.findall(r"self\.(\w+) = ", open(sys.modules["wallbox.board"].__file__).read().split("class Readings")[1]
                       .split("class Outputs")[0])
    from boards.sim import answer

    assert set(words) == set(answer()) | {"voltage_mv", "current_ma"}
