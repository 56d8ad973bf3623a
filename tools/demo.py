"""`make run`: the simulated wallbox serves, a car charges, and two controllers change its current: one over ECHONET
Lite, then one over EEBUS (SHIP and SPINE).

    python3 tools/demo.py [--only echonet|eebus] [--brief | --long] [--stay] [sim.py's options]

The firmware is the unmodified one, on MicroPython. The ECHONET Lite controller is pychonet, as a home energy manager
would use it; the energy manager of EEBUS is that of tools/ems.py. Ends by itself with a summary and exit code 0 when
every step did what it should; with --stay the wallbox goes on. --long also waits 120 s for the loss of a heartbeat;
--brief tells half a minute of it.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import subprocess
import sys

import demo_echonet
import demo_eebus
from control import Control
from demo_story import Story, wants
from runtimes import BUILD

HERE = os.path.dirname(os.path.abspath(__file__))
BOX = "127.0.0.3"
STATE = os.path.join(BUILD, "demo")
CAR = {"phases": 3, "max_ma": 32000, "min_ma": 6000, "soc": 40}
# The firmware's own 5 A per 5 s and 5 s of hold would only make the story longer.
QUICK = ["--set", "rise_ma_per_5s=40000", "--set", "resume_hold_s=0"]
KNOWN = ["--set", "ratings.ev_data=true"]  # the box learns the state of charge from the car


async def tell(control, ready, given):
    """The whole story; True when every step did what it should."""
    story = Story(control)
    await story.step("nothing is plugged in", None, lambda s: s["binding"] == "board", 10)
    control.call("plug", **CAR)
    await story.step("a three-phase car is plugged in", None, lambda s: s["pilot"]["state"] == "B", 10)
    control.call("ready")
    await story.step("the car is ready: the box tests itself, closes, and the car draws", None, wants(32))
    if given.only != "eebus":
        await demo_echonet.tell(story, BOX, given.brief)
    if given.only != "echonet":
        manager = demo_eebus.Manager(os.path.join(given.state, "ems"), ready["ski"],
                                     {"host": BOX, "port": int(ready["ship_port"]), "path": "/ship/"})
        await demo_eebus.tell(story, manager, lambda: control.call("plug", ready=True, **CAR), given.long,
                              given.brief)
    good = story.summary()
    state = control.state()
    print("  energy of the session %s Wh, longest gap between two guard ticks %s ms, heap free %s bytes" % (
        state.get("session_wh"), state["loop_gap_ms"], (state["memory"] or {}).get("free")))
    if given.stay:
        print("\nThe wallbox goes on; Ctrl-C ends it.")
        await asyncio.Event().wait()
    return good


def start(given, options):
    """Start the simulator; its process and the KEY=VALUE words of its ready line."""
    if given.state is None:
        given.state = STATE
        shutil.rmtree(STATE, ignore_errors=True)
    command = [sys.executable, os.path.join(HERE, "sim.py"), "--bind", BOX, "--multicast-if", "127.0.0.1",
               "--profile", "full", "--state", given.state, *QUICK, *KNOWN, *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for text in process.stdout:
        print(text, end="", flush=True)
        if text.startswith("ready "):
            return process, dict(word.split("=", 1) for word in text.split() if "=" in word)
    sys.exit("demo: the simulator did not start")


def main():
    parser = argparse.ArgumentParser(description="The wallbox at work: see README.md.")
    parser.add_argument("--only", choices=("echonet", "eebus"), help="one part of the story")
    parser.add_argument("--long", action="store_true", help="wait 120 s for the loss of a heartbeat")
    parser.add_argument("--brief", action="store_true", help="tell how each part begins and ends")
    parser.add_argument("--stay", action="store_true", help="leave the wallbox running after the story")
    parser.add_argument("--state", help="folder of everything persistent (default: a new one)")
    given, options = parser.parse_known_args()
    process, ready = start(given, options)
    good = False
    try:
        with Control(int(ready["control"].rsplit(":", 1)[1])) as control:
            good = asyncio.run(tell(control, ready, given))
    except KeyboardInterrupt:
        good = True
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
