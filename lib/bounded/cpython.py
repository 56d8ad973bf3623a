"""What CPython lacks of MicroPython, for compat.py and wait.py; no device loads it."""

import asyncio
import time
from traceback import print_exception  # noqa: F401


def const(value):
    """MicroPython's compiler puts such a value in place of its name; here it is the value."""
    return value


def ptr8(buffer):
    """A viper pointer to bytes; here the buffer itself."""
    return buffer


def ticks_ms():
    """Milliseconds of the monotonic clock."""
    return time.monotonic_ns() // 1000000


def ticks_diff(later, earlier):
    """Milliseconds between two ticks."""
    return later - earlier


class micropython:
    """What the firmware uses of MicroPython's module of this name, without effect here."""

    @staticmethod
    def viper(function):
        return function

    native = viper

    @staticmethod
    def heap_lock():
        return 0

    @staticmethod
    def heap_unlock():
        return 0


async def _ready(loop, add, remove, sock):
    ready = loop.create_future()
    add(sock, lambda: ready.done() or ready.set_result(None))
    try:
        await ready
    finally:
        remove(sock)


async def readable(sock):
    """Return once `sock` has something to read, was closed or failed."""
    loop = asyncio.get_running_loop()
    await _ready(loop, loop.add_reader, loop.remove_reader, sock)


async def writable(sock):
    """Return once `sock` takes bytes again, was closed or failed."""
    loop = asyncio.get_running_loop()
    await _ready(loop, loop.add_writer, loop.remove_writer, sock)


def sleep_ms(ms):
    """Awaitable that ends after `ms` milliseconds."""
    return asyncio.sleep(ms / 1000)
