"""Waiting for a socket inside an asyncio task, alike on MicroPython and CPython.

One reader and one writer task per socket: a second waiter would displace the first.
`sleep_ms(n)` is here too, since only MicroPython's asyncio has it.
"""

import asyncio

try:
    from asyncio.core import _io_queue
except ImportError:  # CPython
    _io_queue = None

if _io_queue is None:

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

else:
    sleep_ms = asyncio.sleep_ms

    def readable(sock):
        """Return once `sock` has something to read, was closed or failed."""
        yield asyncio.core._io_queue.queue_read(sock)

    def writable(sock):
        """Return once `sock` takes bytes again, was closed or failed."""
        yield asyncio.core._io_queue.queue_write(sock)
