"""The network's keeper of the ESP32 boards, and the time it asks for, against stand-ins (host_tests/fakes)."""

import asyncio

from host_tests import fakes
from host_tests.pure.socket_stand_in import SocketStandIn

network = fakes.install()[1]

from boards.esp32 import net  # noqa: E402


class _Settings:
    wifi_ssid = "home"
    wifi_password = "secret12"
    hostname = "wallbox"
    time_server = "off"


def _keeper(told, **air):
    network.air = air
    network.made.clear()
    return net.keeper(None, _Settings(), lambda up, address: told.append((up, address)), told.append)


async def _look(keeper, looks):
    """So many looks of the keeper, without the waits between them."""
    for _ in range(looks):
        keeper.look()
        await asyncio.sleep(0)


def test_wifi_connects_without_power_saving_and_comes_back():
    told = []
    keeper = _keeper(told, home="secret12")
    wlan = network.made[0]
    asyncio.run(_look(keeper, 4))
    assert told == [(True, network.address)] and wlan.pm == network.WLAN.PM_NONE
    assert network.hostname() == "wallbox" and keeper._router == "192.168.1.1"
    wlan.lose()
    asyncio.run(_look(keeper, 4))
    assert told[1:] == [(False, None)] and wlan.calls.count("connect") == 1  # the chip may come back by itself
    asyncio.run(_look(keeper, 40))
    assert told[2:] == [(True, network.address)] and wlan.calls.count("connect") == 2


def test_a_wrong_password_goes_up_the_ladder_and_never_raises():
    told = []
    keeper = _keeper(told, home="another12")
    asyncio.run(_look(keeper, 400))
    wlan = network.made[0]
    assert told == [] and wlan.calls.count("connect") >= 4
    assert wlan.calls.count("active 0") >= 1 and wlan.pm == network.WLAN.PM_NONE  # set again after a restart
    network.air["home"] = "secret12"
    asyncio.run(_look(keeper, 130))
    assert told == [(True, network.address)]


def test_an_open_network():
    told = []
    _Settings.wifi_password = ""
    try:
        asyncio.run(_look(_keeper(told, home=None), 4))
    finally:
        _Settings.wifi_password = "secret12"
    assert told == [(True, network.address)]


def test_ethernet_where_no_wifi_is_named():
    from boards.esp32_wallbox.wiring import BOARD

    network.made.clear()
    told = []
    settings = _Settings()
    settings.wifi_ssid = ""
    keeper = net.keeper(BOARD["ethernet"], settings, lambda up, address: told.append((up, address)), None)
    lan = network.made[0]
    assert lan.wiring["phy_type"] == network.PHY_LAN8720 and lan.wiring["mdc"].number == 23
    asyncio.run(_look(keeper, 2))
    assert told == [(True, network.address)]
    assert net.keeper(None, settings, None, None) is None


class _TimeServer(SocketStandIn):
    """In the place of the module socket: answers as told by `seconds`, None not at all."""

    def __init__(self, seconds):
        self.seconds = list(seconds)
        self.asked = []
        self.closed = 0

    def sendto(self, packet, address):
        self.asked.append(address)
        self.request = packet

    def recvfrom(self, _):
        told_s = self.seconds.pop(0)
        if told_s is None:
            raise OSError(11)
        answer = bytearray(48)
        answer[0] = 0x24
        answer[1] = 1
        answer[24:32] = self.request[40:48]
        answer[40:44] = (told_s + 2208988800).to_bytes(4, "big")
        return answer, None

    def close(self):
        self.closed += 1


def test_the_time_is_asked_once_there_is_a_router_soon_again_without_an_answer_and_else_every_six_hours():
    told, offsets = [], []
    keeper = _keeper(told, home="secret12")
    keeper._server = ""
    keeper._clock_changed = offsets.append
    server = _TimeServer([None] * 60 + [1900000000])
    kept = net.socket, net.sleep_ms
    net.socket, net.sleep_ms = server, lambda ms: asyncio.sleep(0)

    async def live():
        while not told:
            await _look(keeper, 1)
        assert server.asked == [(keeper._router, 123)]
        for _ in range(100):
            await asyncio.sleep(0)
        assert server.closed == 1 and offsets == []
        await _look(keeper, 119)
        assert len(server.asked) == 1
        await _look(keeper, 5)
        assert len(server.asked) == 2 and len(offsets) == 1 and server.closed == 2
        await _look(keeper, 43180)
        assert len(server.asked) == 2
        server.seconds = [1900000000]
        keeper._server = "10.0.0.9"
        await _look(keeper, 30)
        assert server.asked[2:] == [("10.0.0.9", 123)]
        keeper._server = None
        await _look(keeper, 43210)
        assert len(server.asked) == 3

    try:
        asyncio.run(live())
    finally:
        net.socket, net.sleep_ms = kept
