"""An acceptance on the device itself, by words of the console, over the raw REPL of mpremote:

    mpremote connect PORT exec "from boards.devkit import script; script.run('plug; ready; wait 8; state'); import main"

`run` notes the words, which are separated by semicolons; `import main` starts the wallbox, which says them one after
the other, prints each answer as a line of JSON, and ends with "script done". `wait S` lets S seconds pass, `until
pilot=C charging=true s=20` waits for facts of the plant, and ends with "unmet" when they do not come.
"""

import json
import sys

from boards.esp32.console import answer
from bounded.wait import sleep_ms

_words = []


def run(words):
    """Say these once the wallbox runs."""
    _words[:] = [each.strip() for each in words.split(";") if each.strip()]


async def play(call, plant):
    """Say them, then end the wallbox."""
    await sleep_ms(1000)
    while _words:
        line = _words.pop(0)
        print("> " + line)
        word, _, rest = line.partition(" ")
        if word == "wait":
            await sleep_ms(int(rest) * 1000)
        elif word == "until":
            await _until(rest, plant)
        else:
            answer(call, line, sys.stdout.write)
    print("script done")
    raise KeyboardInterrupt


async def _until(rest, plant):
    wanted = {}
    for word in rest.split():
        name, _, value = word.partition("=")
        wanted[name] = value
    left_ms = int(wanted.pop("s", "20")) * 1000
    while True:
        truth = plant.truth()
        facts = {
            "pilot": truth["pilot"]["state"],
            "charging": json.dumps(truth["power_w"] > 0),
            "closed": json.dumps(truth["contactor"]["closed"]),
        }
        if all(facts.get(name) == wanted[name] for name in wanted):
            print(json.dumps(facts))
            return
        left_ms -= 100
        if left_ms < 0:
            print("unmet: %s" % json.dumps(facts))
            raise KeyboardInterrupt
        await sleep_ms(100)
