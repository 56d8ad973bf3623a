"""The longest turns that coordinated charging takes: a curve of 96 slots and 24 prices come in, the plan is made, all
of it goes out again.

    python3 tools/bench_plan.py

Each line is a piece of work between two turns of the guard, as the firmware does it: 512 bytes of a datagram read, the
end of a datagram (the write is committed), one step of the arbiter's function, 1015 bytes of an answer. No
collection of garbage is within. An ESP32 is 20 to 90 times slower than a PC at bytecode, as measured in an emulator.
The file runs under MicroPython, too.
"""

import gc
import os
import sys
import time

_READ = 512  # as ship's buffers
_WRITTEN = 1015


class Turns:
    """Times pieces of work by name: how many in all, and the longest of a round in us, of the quickest round, for the
    computer has other things to do as well."""

    def __init__(self):
        self.found = {}
        self._round = {}

    def end_round(self):
        for name, (count, longest) in self._round.items():
            before, least = self.found.get(name, (0, longest))
            self.found[name] = (before + count, min(least, longest))
        self._round = {}

    def take(self, name, function, *arguments):
        gc.collect()
        begun = _now_us()
        value = function(*arguments)
        took_us = _now_us() - begun
        count, longest = self._round.get(name, (0, 0))
        self._round[name] = (count + 1, max(longest, took_us))
        return value


def _now_us():
    return time.ticks_us() if hasattr(time, "ticks_us") else time.monotonic_ns() // 1000


def measured():
    """A Turns in which all of that has happened five times."""
    from host_tests.pure.spine_station import read
    from host_tests.pure.test_spine_map_ev_long import PRICES, SERIES, PlanBox, prices, slots

    box = PlanBox()
    turns = Turns()
    plan = box.charge_plan
    peer = box.peer
    buffer = bytearray(_WRITTEN)

    def take(text, *_):
        text = text.encode()
        reader = peer.begin()
        for at in range(0, len(text), _READ):
            turns.take("512 bytes read", reader.feed, text, at, min(at + _READ, len(text)))
        turns.take("a datagram ends", peer.end, box.now)

    box.take = take
    plan.demand(60000, 86400)
    for number in range(5):
        box.tell("write", slots([11000 - number] * 95 + [7000], 900), to=SERIES)
        box.tell("write", prices(list(range(50, 26, -1)), 3500), to=PRICES)
        box.tell("read", read("timeSeriesListData"), to=SERIES)
        before = plan.powers
        while plan.powers is before:
            turns.take("a step of the plan (16 pieces)", plan.step)
            box.station.now_ms += 100
        turns.take("a step with nothing to plan", plan.step)
        while True:
            producer = turns.take("next message", peer.next_message, box.now)
            if not producer:
                break
            while turns.take("1015 bytes written", producer, buffer):
                pass
        turns.end_round()
    assert len(plan.powers) > 100
    return turns


def main():
    import subprocess

    import image
    import runtimes

    print("coordinated charging, 96 slots, 24 prices      turns   longest ms (an ESP32: 20 to 90 times)")
    for name in ("mpy64", "mpy32"):
        folder = image.build(name, "all")
        environment = dict(os.environ, MICROPYPATH=":".join((folder, folder + "/lib", runtimes.ROOT, ".frozen")))
        done = subprocess.run(runtimes.command(name) + ["-X", "heapsize=1M", os.path.abspath(__file__)],
                              env=environment, stdout=subprocess.PIPE, universal_newlines=True, check=True)
        for line in done.stdout.splitlines():
            what, count, longest_us = line.split("=")
            print("%-8s %-34s %8s %12.2f" % (name, what, count, int(longest_us) / 1000))


if __name__ == "__main__":
    if sys.implementation.name == "micropython":
        found = measured().found
        for name in sorted(found):
            print("%s=%d=%d" % (name, found[name][0], found[name][1]))
    else:
        main()
