"""`make run`: the simulated wallbox serves, a car charges, and a controller changes its current over ECHONET Lite.

    python3 tools/demo.py [--stay] [sim.py's options]

The firmware is the unmodified one, on MicroPython; the controller is pychonet, as a home energy manager would use it.
Ends by itself with a summary and exit code 0 when every step did what it should; with --stay the wallbox goes on.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import subprocess
import sys

from control import Control
from runtimes import BUILD

HERE = os.path.dirname(os.path.abspath(__file__))
BOX = "127.0.0.3"
STATE = os.path.join(BUILD, "demo")

CHARGE, STANDBY = 0x42, 0x44
POWER_LIMIT, CHARGING_CURRENT, MODE = (0x99, 2), (0xED, 2), (0xDA, 1)


class Story:
    """The steps told so far, with the time each took."""

    def __init__(self, control):
        self._control = control
        self._rows = []

    async def step(self, words, act, reached, timeout_s=30):
        """Say `words`, do `act`, wait until the state shows `reached`, and print what the box does then."""
        print("\n* %s" % words)
        loop = asyncio.get_running_loop()
        start = loop.time()
        if act is not None:
            await act
        try:
            state = await loop.run_in_executor(None, self._control.wait, reached, timeout_s)
            good = True
        except TimeoutError:
            state = self._control.state()
            good = False
        took_s = loop.time() - start
        print(line(state))
        self._rows.append((words, took_s, good))
        return good

    def summary(self):
        """Print one row a step; True when all went as told."""
        print("\nSummary")
        for words, took_s, good in self._rows:
            print("  %-6s %5.1f s  %s" % ("ok" if good else "FAILED", took_s, words))
        return all(good for _, _, good in self._rows)


def line(state):
    """The state of the box in one readable line."""
    return "    pilot %s  duty %5.1f %%  offered %4.1f A  measured %s A  contactor %-6s  bound by %s" % (
        state["pilot"]["state"],
        state["pilot"]["duty_permille"] / 10,
        (state["offer_ma"] or 0) / 1000,
        "/".join("%.1f" % ((ma or 0) / 1000) for ma in state["current_ma"]),
        "closed" if state["contactor"]["closed"] else "open",
        state["binding"],
    )


class Controller:
    """A pychonet controller that knows one charger."""

    def __init__(self):
        self._client = None

    async def find(self):
        """Discover the box and read its property maps."""
        from pychonet import ECHONETAPIClient
        from pychonet.lib.udpserver import UDPServer

        udp = UDPServer()
        udp.run("0.0.0.0", 3610, loop=asyncio.get_running_loop())
        self._client = client = ECHONETAPIClient(server=udp)
        client._message_timeout = 30
        client._debug_flag = False
        await client.discover(BOX)
        for _ in range(50):
            if client._state.get(BOX, {}).get("discovered"):
                break
            await asyncio.sleep(0.1)
        else:
            raise SystemExit("demo: the controller did not find the box")
        await client.getAllPropertyMaps(BOX, 2, 0xA1, 1)

    async def set(self, prop, value):
        """SetC of one property."""
        epc, size = prop
        await self._client.echonetMessage(BOX, 2, 0xA1, 1, 0x61, [{"EPC": epc, "PDC": size, "EDT": value}])


def wants(offer_a, current=True):
    """A predicate on the state: this much is offered, the duty says so, and the car follows (the contactor too)."""

    def reached(state):
        if state["offer_ma"] is None or abs(state["offer_ma"] - offer_a * 1000) > 50:
            return False
        if offer_a == 0:
            return state["pilot"]["duty_permille"] == 1000 and not state["contactor"]["closed"]
        if abs(state["pilot"]["duty_permille"] - offer_a * 1000 / 60) > 1.1:
            return False
        return not current or (
            state["contactor"]["closed"] and abs(state["current_ma"][0] - offer_a * 1000) < offer_a * 60 + 200
        )

    return reached


async def tell(control, stay):
    story = Story(control)
    box = Controller()
    await story.step("nothing is plugged in", None, lambda s: s["binding"] == "board", 10)
    control.call("plug", phases=3, max_ma=32000, min_ma=6000, soc=40)
    await story.step("a three-phase car is plugged in", None, lambda s: s["pilot"]["state"] == "B", 10)
    control.call("ready")
    await story.step("the car is ready: the box tests itself, closes, and the car draws", None, wants(32))
    await story.step("an ECHONET Lite controller (pychonet) finds the box", box.find(), lambda s: True)
    await story.step(
        "the controller limits the power to 11 kW (Power_Limit, EPC 99)", box.set(POWER_LIMIT, 11000), wants(15.9)
    )
    await story.step(
        "the controller asks for 8 A (Load_Control, EPC ED)", box.set(CHARGING_CURRENT, 80), wants(8)
    )
    await story.step("it raises the current to 12 A", box.set(CHARGING_CURRENT, 120), wants(12))
    await story.step("it says standby (Operation_Mode, EPC DA)", box.set(MODE, STANDBY), wants(0))
    await story.step("it says charge again", box.set(MODE, CHARGE), wants(12), 60)
    await story.step("it asks for 5 A: below 6 A the box pauses", box.set(CHARGING_CURRENT, 50), wants(0))
    await story.step("it asks for 10 A", box.set(CHARGING_CURRENT, 100), wants(10), 60)
    good = story.summary()
    state = control.state()
    print("  energy of the session %s Wh, longest gap between two guard ticks %s ms, heap free %s bytes" % (
        state.get("session_wh"), state["loop_gap_ms"], (state["memory"] or {}).get("free")))
    if stay:
        print("\nThe wallbox goes on; Ctrl-C ends it.")
        await asyncio.Event().wait()
    return good


def start(options):
    """Start the simulator, on a new state folder unless one is given; its process and its control port."""
    if not any(option.startswith("--state") for option in options):
        shutil.rmtree(STATE, ignore_errors=True)
        options = ["--state", STATE, *options]
    command = [sys.executable, os.path.join(HERE, "sim.py"), "--bind", BOX, "--multicast-if", "127.0.0.1", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for text in process.stdout:
        print(text, end="", flush=True)
        if text.startswith("ready "):
            return process, int(text.split("control=")[1].split()[0].rsplit(":", 1)[1])
    sys.exit("demo: the simulator did not start")


def main():
    parser = argparse.ArgumentParser(description="The wallbox at work: see README.md.")
    parser.add_argument("--stay", action="store_true", help="leave the wallbox running after the story")
    given, options = parser.parse_known_args()
    process, port = start(options)
    good = False
    try:
        with Control(port) as control:
            good = asyncio.run(tell(control, given.stay))
    except KeyboardInterrupt:
        good = True
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
