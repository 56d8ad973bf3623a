"""Waiting inside an asyncio task, alike on MicroPython and CPython: for a socket, and for milliseconds.

One reader and one writer task per socket: a second waiter would displace the first.
"""

import asyncio

try:
    sleep_ms = asyncio.sleep_ms

    def readable(sock):
        """Return once `sock` has something to read, was closed or failed."""
        yield asyncio.core._io_queue.queue_read(sock)

    def writable(sock):
        """Return once `sock` takes bytes again, was closed or failed."""
        yield asyncio.core._io_queue.queue_write(sock)

except AttributeError:
    from bounded.cpython import readable, sleep_ms, writable  # noqa: F401
