"""A small SHIP node on lib/ship, for interoperability tests: run it under MicroPython.

    ship_node.py FILE     with {"cert": path, "key": path, "ski": ..., "port": n, "control": n, "trust": [ski...], ...}

Its receiver counts the bytes of every data message and answers with their number and sum. The control port takes
one JSON object a line and answers each with one: see Demo.command.
"""

import asyncio
import gc
import json
import sys

from bounded.compat import ticks_diff, ticks_ms
from bounded.wait import sleep_ms

from ship.node import Node
from ship.trust import Trust


class Store:
    """Keeps the trust list in memory."""

    def __init__(self):
        self.data = None

    def read(self):
        return self.data

    def write(self, data):
        self.data = data


class Producer:
    """Writes a SHIP data text that carries `text` and `size` bytes of padding."""

    def __init__(self, text, size=0):
        self.before = (
            b'{"data":[{"header":[{"protocolId":"ee1.0"}]},{"payload":{"datagram":[{"text":"' + text.encode()
        )
        self.size = size
        self.after = b'"}]}}]}'
        self.at = 0

    def __call__(self, buf):
        n = 0
        first = len(self.before)
        last = first + self.size
        end = last + len(self.after)
        while n < len(buf) and self.at < end:
            at = self.at
            buf[n] = self.before[at] if at < first else 120 if at < last else self.after[at - last]
            self.at += 1
            n += 1
        return n


class Receiver:
    """Counts what comes and answers it."""

    def __init__(self, session):
        self.session = session
        self.messages = 0

    def begin(self):
        self.bytes = self.sum = 0
        return self

    def feed(self, view, start, end):
        for i in range(start, end):
            self.sum = (self.sum + view[i]) & 0xFFFF
        self.bytes += end - start

    def end(self):
        self.messages += 1
        return self.session.send(Producer("%d bytes, sum %d" % (self.bytes, self.sum)))


class Demo:
    def __init__(self, settings):
        self.events = []
        self.handshakes = 0
        self.hold = False
        self.start = ticks_ms()
        self.now = 0
        self.trust = Trust(Store(), 4)
        for ski in settings.get("trust", ()):
            self.trust.add(ski)
        with open(settings["cert"], "rb") as file:
            cert = file.read()
        with open(settings["key"], "rb") as file:
            key = file.read()
        self.settings = settings
        self.node = Node(
            self,
            (cert, key),
            "demo-" + settings["ski"][:8],
            settings["ski"],
            self.trust,
            self.clock,
            sessions=settings.get("sessions", 2),
            hurry=settings.get("hurry", 1),
        )

    def clock(self):
        now = ticks_ms()
        self.now += ticks_diff(now, self.start)
        self.start = now
        return self.now

    async def before_handshake(self):
        self.handshakes += 1
        while self.hold:
            await sleep_ms(5)

    async def after_handshake(self):
        self.handshakes -= 1
        await sleep_ms(1)

    def connected(self, session):
        self.events.append("connected")
        return Receiver(session)

    def disconnected(self, session):
        self.events.append("disconnected " + session.why)

    async def command(self, order):
        node = self.node
        op = order["op"]
        if op == "trust":
            self.trust.add(order["ski"])
        elif op == "distrust":
            self.trust.remove(order["ski"])
        elif op == "window":
            self.trust.open_window(self.clock(), order["ms"])
        elif op == "seen":
            node.seen(order["ski"], order["host"], order["port"], order.get("path", "/ship/"))
        elif op == "hold":
            self.hold = order["on"]
        elif op == "hurry":
            node.hurry = order["by"]
        elif op == "debts":
            node._debts = {}
        elif op == "leave":
            for session in node.sessions:
                session.leave(order.get("reason", "unspecific"))
        elif op == "send":
            for session in list(node.sessions):
                if session.open:
                    await session.send(Producer(order.get("text", ""), order.get("size", 0)))
        gc.collect()
        events, self.events = self.events, []
        return {
            "memory": gc.mem_alloc(),
            "sessions": [[s.ski, s.state, s.server, s.why] for s in node.sessions],
            "counts": node.counts,
            "pool": len(node.pool) + node.unmade,
            "events": events,
            "askers": self.trust.askers,
            "known": self.trust.known(),
            "ids": [self.trust.ship_id(ski) for ski in self.trust.known()],
            "handshakes": self.handshakes,
            "error": repr(getattr(node, "error", None)),
        }

    async def serve(self, reader, writer):
        while True:
            line = await reader.readline()
            if not line:
                break
            try:
                reply = await self.command(json.loads(line))
            except Exception as error:
                reply = {"failed": repr(error)}
            writer.write((json.dumps(reply) + "\n").encode())
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def run(self):
        host = self.settings.get("host", "127.0.0.1")
        if "control" in self.settings:
            await asyncio.start_server(self.serve, host, self.settings["control"])
        asyncio.create_task(self.node.keep())
        print("ready", gc.mem_alloc())
        await self.node.listen(host, self.settings["port"])


with open(sys.argv[1]) as orders:
    demo = Demo(json.load(orders))
asyncio.run(demo.run())
