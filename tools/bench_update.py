"""What an update costs: verifying its signature on each runtime, and the heap that its code takes while it is there.

    python3 tools/bench_update.py

An ESP32 is 20 to 90 times slower than a PC at bytecode, as measured in an emulator; products of 256-bit numbers
are C on both. The longest step is how long nobody else gets a turn. The file runs under MicroPython, too.
"""

import gc
import sys
import time

_DIGEST = "9d6fd7c0cbd5a4e0a3d4f6bf6d2c91a31b3a5a4a5a2be2b7a3b1f1bfe0a4bb9e"


def measured():
    """(ms in all, ms of the longest step, steps) of one verification; the key and the nonce are 1."""
    from bounded.ecdsa_p256 import _G, _N, verify

    e = int(_DIGEST, 16)
    r = _G[0] % _N
    key = _G[0].to_bytes(32, "big") + _G[1].to_bytes(32, "big")
    signature = r.to_bytes(32, "big") + ((e + r) % _N).to_bytes(32, "big")
    total_us = longest_us = steps = 0
    turns = verify(key, e.to_bytes(32, "big"), signature)
    verdict = None
    while verdict is None:
        begun = _now_us()
        verdict = next(turns)
        took_us = _now_us() - begun
        total_us += took_us
        longest_us = max(longest_us, took_us)
        steps += 1
    assert verdict
    return total_us, longest_us, steps


def _now_us():
    return time.ticks_us() if hasattr(time, "ticks_us") else time.monotonic_ns() // 1000


def loaded():
    """Bytes of heap that the code of an update takes."""
    import bounded.on_demand  # noqa: F401 - these are there anyway
    import bounded.wait  # noqa: F401
    import wallbox.journal  # noqa: F401

    gc.collect()
    before = gc.mem_alloc()
    from bounded import ecdsa_p256  # noqa: F401
    from wallbox import update, update_source  # noqa: F401

    gc.collect()
    return gc.mem_alloc() - before


def main():
    import os
    import subprocess

    import image
    import runtimes

    sys.path.insert(0, os.path.join(runtimes.ROOT, "lib"))
    print("signature of an update           ms   longest step ms   steps   heap of its code")
    line = "%-28s %7.1f %12.1f %12d"
    print(line % ("CPython", measured()[0] / 1000, measured()[1] / 1000, measured()[2]))
    for name in ("mpy64", "mpy32"):
        folder = image.build(name, "all")  # apart, so that names are as here
        environment = dict(os.environ, MICROPYPATH=":".join((folder, folder + "/lib", ".frozen")))
        done = subprocess.run(runtimes.command(name) + ["-X", "heapsize=256K", os.path.abspath(__file__)],
                              env=environment, stdout=subprocess.PIPE, universal_newlines=True, check=True)
        total_us, longest_us, steps, size = [int(each) for each in done.stdout.split()]
        print((line + " %15d") % (name + " 256K", total_us / 1000, longest_us / 1000, steps, size))


if __name__ == "__main__":
    if sys.implementation.name == "micropython":
        print(*measured())
        print(loaded())
    else:
        main()
