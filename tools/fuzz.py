"""`make fuzz`: damages SPINE datagrams at random and feeds them to the device, on each runtime, and counts.

    python3 tools/fuzz.py [--cases 100000] [--seed N] [--runtimes mpy32,mpy64,cpython]

golden    the datagrams of host_tests/pure/test_spine_fuzz.py, at a small device
recorded  those that an EMS on eebus-go sent, at the whole station with a car (test_spine_fuzz_real.py)
Each case must leave the device without an exception, with bounded relations and sound JSON for an answer; the heap of
MicroPython must be enough for all of them, and its use is printed. `make test` runs a share of it.
"""

import argparse
import os
import subprocess
import sys
import time

import image
import runtimes

_KINDS = (("golden", "test_spine_fuzz"), ("recorded", "test_spine_fuzz_real"))
_HEAP = {"mpy32": "640K", "mpy64": "1280K"}
_PROGRAM = """import gc, sys
from host_tests.pure.%s import fuzz
answers = fuzz(%d, %d)
gc.collect()
print(answers, gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0)
"""


def run(runtime, module, seed, cases):
    """The line that one run prints; raises SystemExit when it failed."""
    command = runtimes.command(runtime)
    environment = dict(os.environ)
    folders = [runtimes.ROOT, runtimes.ROOT + "/firmware", runtimes.ROOT + "/lib"]
    if runtime == "cpython":
        environment["PYTHONPATH"] = ":".join(folders)
    else:
        folder = image.build(runtime, "all", 3)
        environment["MICROPYPATH"] = ":".join((folder, folder + "/lib", runtimes.ROOT, ".frozen"))
        command += ["-X", "heapsize=" + _HEAP[runtime]]
    done = subprocess.run(command + ["-c", _PROGRAM % (module, seed, cases)], cwd=runtimes.ROOT, env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise SystemExit("%s on %s with seed %d failed:\n%s" % (module, runtime, seed, done.stdout[-2000:]))
    return done.stdout.split()


def main():
    parser = argparse.ArgumentParser(description="Feed damaged SPINE datagrams to the device.")
    parser.add_argument("--cases", type=int, default=100000)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100000)
    parser.add_argument("--runtimes", default="mpy32,mpy64,cpython")
    given = parser.parse_args()
    for runtime in given.runtimes.split(","):
        for kind, module in _KINDS:
            begun = time.monotonic()
            try:
                answers, used = run(runtime, module, given.seed, given.cases)[-2:]
            except runtimes.Missing as error:
                print(error)
                continue
            took_s = time.monotonic() - begun
            print("%-8s %-9s seed %5d  %d cases, %s answers, no exception, %d KB of heap used at the end, %.0f s" % (
                runtime, kind, given.seed, given.cases, answers, int(used) // 1024, took_s), flush=True)


if __name__ == "__main__":
    sys.exit(main())
