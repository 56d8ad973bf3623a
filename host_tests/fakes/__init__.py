"""Stand-ins for the hardware modules of an ESP32, with the traps that their documentation and users report.

For tests of drivers on every runtime: `install()` before a driver is imported. The pseudo-terminal board
(tools/pty_board.py) gives them to the firmware, which finds them as it finds the real ones.
"""

import sys


def install():
    """Let `import machine`, `network` and `esp32` find these; returns the three modules."""
    from host_tests.fakes import esp32, machine, network

    sys.modules["machine"] = machine
    sys.modules["network"] = network
    sys.modules["esp32"] = esp32
    return machine, network, esp32
