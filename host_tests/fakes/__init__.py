"""Stand-ins for the hardware modules of an ESP32, with the traps that their documentation and users report.

For tests of drivers on every runtime: `install()` before a driver is imported. The pseudo-terminal board
(tools/pty_board.py) gives them to the firmware, which finds them as it finds the real ones.
"""

import sys
import time


def install():
    """Let `import machine`, `network` and `esp32` find these; returns the three modules."""
    from host_tests.fakes import esp32, machine, network

    if not hasattr(time, "ticks_us"):  # CPython
        time.ticks_us = lambda: time.monotonic_ns() // 1000
        time.ticks_diff = lambda later, earlier: later - earlier
    sys.modules["machine"] = machine
    sys.modules["network"] = network
    sys.modules["esp32"] = esp32
    return machine, network, esp32
