"""Our DNS-SD responder and search as a small program; commands on stdin, one line of answer each on stdout.

    micropython dnssd_node.py INSTANCE HOST PORT ADDRESS [INTERFACE]      ("-" for no interface)
"""

import asyncio
import gc
import sys

from bounded.compat import ticks_ms
from ship.dnssd import Responder
from ship.dnssd_socket import Announcer
from ship.dnssd_peers import Peers

SKI = "0123456789abcdef0123456789abcdef01234567"


def octets(text):
    return bytes([int(part) for part in text.split(".")])


async def main(instance, host, port, address, interface="-"):
    address = octets(address)
    interface = None if interface == "-" else octets(interface)
    fields = (("id", instance), ("path", "/ship/"), ("ski", SKI), ("brand", "B\u00e4r"), ("type", "Wallbox"),
              ("model", "M"), ("serial", "4711"), ("cat", "3"))  # fmt: skip
    responder = Responder(instance, host, int(port), fields)
    responder.peers = Peers(3)
    responder.network(address, interface)
    task = asyncio.create_task(Announcer(responder, ticks_ms, 1000).serve())
    reader = asyncio.StreamReader(getattr(sys.stdin, "buffer", sys.stdin))
    while True:
        line = (await reader.readline()).decode().split()
        if not line or line[0] == "stop":
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass
            print(responder.state)
            return
        if line[0] == "state":
            print(responder.state)
        elif line[0] == "register":
            responder.register(line[1] == "on")
            print("ok")
        elif line[0] == "network":
            responder.network(address if line[1] == "on" else None, interface)
            print("ok")
        elif line[0] == "search":
            responder.peers.search()
            print("ok")
        elif line[0] == "peers":
            print(" ".join(["%s|%s|%s|%d|%s|%s" % peer for peer in responder.peers.known(ticks_ms())]) or "none")
        elif line[0] == "memory":
            gc.collect()
            print(gc.mem_alloc())


asyncio.run(main(*sys.argv[1:]))
