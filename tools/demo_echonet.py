"""The ECHONET Lite part of `make run`: pychonet, a controller written by others, changes the current of the box."""

import asyncio

from demo_story import wants

CHARGE, STANDBY = 0x42, 0x44
POWER_LIMIT, CHARGING_CURRENT, MODE = (0x99, 2), (0xED, 2), (0xDA, 1)


class Controller:
    """A pychonet controller that knows one charger."""

    def __init__(self, host):
        self._host = host
        self._client = None

    async def find(self):
        """Discover the box and read its property maps."""
        from pychonet import ECHONETAPIClient
        from pychonet.lib.udpserver import UDPServer

        udp = UDPServer()
        udp.run("0.0.0.0", 3610, loop=asyncio.get_running_loop())
        self._client = client = ECHONETAPIClient(server=udp)
        client._message_timeout = 30
        client._debug_flag = False
        await client.discover(self._host)
        for _ in range(50):
            if client._state.get(self._host, {}).get("discovered"):
                break
            await asyncio.sleep(0.1)
        else:
            raise RuntimeError("the controller did not find the box")
        await client.getAllPropertyMaps(self._host, 2, 0xA1, 1)

    async def set(self, prop, value):
        """SetC of one property."""
        epc, size = prop
        if self._client is None:
            raise RuntimeError("the controller did not find the box")
        await self._client.echonetMessage(self._host, 2, 0xA1, 1, 0x61, [{"EPC": epc, "PDC": size, "EDT": value}])

    async def lift(self):
        """Limits beyond what the box has."""
        await self.set(POWER_LIMIT, 30000)
        await self.set(CHARGING_CURRENT, 320)


async def tell(story, host, brief=False):
    """A car is charging; at the end nothing of the controller's counts any more."""
    box = Controller(host)
    await story.step("an ECHONET Lite controller (pychonet) finds the box", box.find(), lambda s: True)
    if not brief:
        await story.step(
            "the controller limits the power to 11 kW (Power_Limit, EPC 99)", box.set(POWER_LIMIT, 11000), wants(15.9)
        )
    await story.step(
        "the controller asks for 8 A (Load_Control, EPC ED)", box.set(CHARGING_CURRENT, 80), wants(8)
    )
    if not brief:
        await story.step("it raises the current to 12 A", box.set(CHARGING_CURRENT, 120), wants(12))
        await story.step("it says standby (Operation_Mode, EPC DA)", box.set(MODE, STANDBY), wants(0))
        await story.step("it says charge again", box.set(MODE, CHARGE), wants(12), 60)
        await story.step("it asks for 5 A: below 6 A the box pauses", box.set(CHARGING_CURRENT, 50), wants(0))
    await story.step("it lifts its limits", box.lift(), wants(32, "board"), 60)
