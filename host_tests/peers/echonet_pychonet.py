"""pychonet as a test peer: `echonet_pychonet.py OWN_ADDRESS NODE_ADDRESS`, see echonet_controller.py."""

import asyncio
import json
import sys

from pychonet import ECHONETAPIClient, Factory
from pychonet.lib.functions import decodeEchonetMsg
from pychonet.lib.udpserver import UDPServer

OWN, NODE = sys.argv[1:3]
_MAPS = {"get": 0x9F, "set": 0x9E, "inf": 0x9D}


class Peer:
    """The library's client and what it was told."""

    def __init__(self):
        server = UDPServer(local_ip=OWN)
        server.run("0.0.0.0", 3610, loop=asyncio.get_running_loop())
        server.subscribe(self._hear)
        self.client = ECHONETAPIClient(server=server)
        self.client._logger = lambda *_: None
        self.client._message_timeout = 30
        self.told = []
        self.heard = asyncio.Event()
        self.client._discover_callback = self._found
        self.objects = {}

    async def _found(self, host):
        if host == NODE:
            self.heard.set()

    async def _hear(self, data, sender):
        frame = decodeEchonetMsg(data)
        if sender[0] == NODE and frame["ESV"] == 0x73:
            eoj = "%02x%02x%02x" % (frame["SEOJGC"], frame["SEOJCC"], frame["SEOJCI"])
            for each in frame["OPC"]:
                self.told.append([eoj, "%02x" % each["EPC"], each["EDT"].hex()])

    async def discover(self, _):
        search = asyncio.ensure_future(self.client.discover())
        await asyncio.wait_for(self.heard.wait(), 5)
        await self.client.discover(NODE)
        for _ in range(50):
            if self.client._state[NODE].get("discovered"):
                break
            await asyncio.sleep(0.1)
        search.cancel()
        instances = self.client._state[NODE]["instances"]
        return ["%02x%02x%02x" % (group, kind, number) for group in instances for kind in instances[group]
                for number in instances[group][kind]]

    async def instance(self, eoj):
        if eoj not in self.objects:
            code = bytes.fromhex(eoj)
            if NODE not in self.client._state:
                await self.client.discover(NODE)
            await self.client.getAllPropertyMaps(NODE, *code)
            self.objects[eoj] = Factory(NODE, self.client, *code)
        return self.objects[eoj]

    def state(self, eoj):
        code = bytes.fromhex(eoj)
        return self.client._state[NODE]["instances"][code[0]][code[1]][code[2]]

    async def maps(self, asked):
        await self.instance(asked["eoj"])
        state = self.state(asked["eoj"])
        return {word: ["%02x" % epc for epc in sorted(state[epc_of_map])] for word, epc_of_map in _MAPS.items()}

    async def get(self, asked):
        instance = await self.instance(asked["eoj"])
        value = await instance.getMessage(int(asked["epc"], 16))
        return value.hex() if isinstance(value, (bytes, bytearray)) else value

    async def set(self, asked):
        instance = await self.instance(asked["eoj"])
        edt = bytes.fromhex(asked["edt"])
        return await instance.setMessages(
            [{"EPC": int(asked["epc"], 16), "PDC": len(edt), "EDT": int.from_bytes(edt, "big")}])

    async def read(self, asked):
        values = {}
        for epc in (await self.maps(asked))["get"]:
            if epc not in ("9d", "9e", "9f"):
                values[epc] = await self.get({"eoj": asked["eoj"], "epc": epc})
        return values

    async def answer(self, asked):
        if asked["op"] == "told":
            told, self.told = self.told, []
            return told
        return await getattr(self, asked["op"])(asked)


async def main():
    peer = Peer()
    loop = asyncio.get_running_loop()
    while True:
        line = await loop.run_in_executor(None, sys.stdin.readline)
        if not line:
            break
        try:
            answer = {"result": await peer.answer(json.loads(line))}
        except Exception as error:
            answer = {"error": repr(error)}
        print(json.dumps(answer), flush=True)


asyncio.run(main())
