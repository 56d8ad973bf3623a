"""The library as a process of its own, for peers written by others: a node with two made-up chargers.

    micropython -X heapsize=48K echonet_node_fixture.py BIND INTERFACE [SPREAD_MS [REPEAT_MS]]

02A101 has three properties of the user-defined range besides: F0 is the free heap after a collection, a Set of F1 to 1
raises and lets the announced F2 raise from then on, to 2 tells the server that the network was regained, to 3 lets a
car (C7) come after 2 s.
"""

import asyncio
import gc
import sys

from bounded.wait import sleep_ms
from echonet.object import EchonetObject
from echonet.udp import Server
from host_tests.interop.echonet_node_fixture_objects import MAKER, ROWS, UNIQUE, Demo, charger, constant, node


class Probe:
    """What a test wants to know of this process."""

    broken = False

    def get(self, epc):
        if epc == 0xF2:
            return 1 // (not self.broken)
        gc.collect()
        return gc.mem_free() if hasattr(gc, "mem_free") else 0

    def set(self, epc, value):
        if value == 1:
            self.broken = True
            raise ValueError("asked for")
        if value == 2:
            self.server.renew()
        else:
            self.task = asyncio.create_task(self.come())
        return True

    async def come(self):
        await sleep_ms(2000)
        self.demo.values[0xC7] = 0x41


def build(probe):
    probe.demo = Demo()
    identity = constant(0x82, b"\0\0R\2") + constant(0x83, b"\xfe" + MAKER + UNIQUE) + constant(0x8A, MAKER)
    parts = ((identity, None), (ROWS, probe.demo), (b"\xf0\x14\xf1\x34\xf2\x51", probe))
    return node(EchonetObject(0x02A101, parts), charger(0x02A102))


def main(bind, interface, spread_ms="1000", repeat_ms="300000"):
    probe = Probe()
    probe.server = server = Server(build(probe), bind, interface, int(spread_ms), int(repeat_ms))

    async def serve():
        task = asyncio.create_task(server.run())
        while not server.sent:
            await sleep_ms(10)
        print("ready")
        await task

    asyncio.run(serve())


if __name__ == "__main__":
    main(*sys.argv[1:])
