"""The one place that knows which Python this is: MicroPython (unix, ESP32) or CPython on a host.

Gives `const`, `micropython` (with `viper`, `native`, `heap_lock`...), `ptr8`, `ticks_ms`, `ticks_diff`
`print_exception`, `peer_ip` and `unload` with the same meaning on both.
"""

import sys

try:
    import micropython
    from micropython import const
    from sys import print_exception
    from time import ticks_diff, ticks_ms

    ptr8 = None  # a word of the viper compiler; never evaluated as a value
except ImportError:
    from bounded.cpython import const, micropython, print_exception, ptr8, ticks_diff, ticks_ms  # noqa: F401


def peer_ip(address):
    """The four octets of an IPv4 socket address as text, whatever form the platform gives addresses in."""
    if isinstance(address, tuple):
        return address[0]
    return "%d.%d.%d.%d" % (address[4], address[5], address[6], address[7])


def unload(name):
    """Drop the module `name` from memory; what still uses it keeps it, and importing it again loads it again."""
    folder, _, word = name.rpartition(".")
    if sys.modules.pop(name, None):
        delattr(sys.modules[folder], word)
