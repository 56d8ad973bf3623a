"""Waiting inside an asyncio task, alike on MicroPython and CPython: for a socket, and for milliseconds.

One reader and one writer task per socket: a second waiter would displace the first.
"""

import asyncio

try:
    sleep_ms = asyncio.sleep_ms

    # What the task awaits gives one thing, at which it is left: an iterator of 16 bytes, where a generator takes 64.

    def readable(sock):
        """Await it at once: the task goes on once `sock` has something to read, was closed or failed."""
        asyncio.core._io_queue.queue_read(sock)
        return (None,)

    def writable(sock):
        """The same, once `sock` takes bytes again, was closed or failed."""
        asyncio.core._io_queue.queue_write(sock)
        return (None,)

except AttributeError:
    from bounded.cpython import readable, sleep_ms, writable  # noqa: F401
