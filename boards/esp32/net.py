"""The network of an ESP32: Wi-Fi (open or WPA2) or Ethernet, kept up, and the time from an SNTP server.

Power saving is off: with it the access point holds back multicast, on which both protocols live. The port of mDNS is
bound by ship/dnssd_socket.py before the first address comes, or the chip's own mDNS would take it.
"""

import asyncio
import network
import socket
import time
from os import urandom

from boards.esp32 import sntp
from boards.esp32.ladder import CONNECT, DOWN, NOTHING, RESTART, UP, Ladder
from bounded.compat import const
from bounded.wait import sleep_ms

LOOK_MS = const(500)
_NTP_PORT = const(123)
_ANSWER_MS = const(3000)
_AGAIN_MS = const(60000)
_SET_MS = const(6 * 3600000)


class Wifi:
    """A station; an empty password joins an open network."""

    def __init__(self, ssid, password, hostname):
        network.hostname(hostname)
        self._ssid = ssid
        self._password = password
        self._wlan = network.WLAN(network.WLAN.IF_STA if hasattr(network.WLAN, "IF_STA") else network.STA_IF)
        self.on()

    def on(self):
        self._wlan.active(True)
        self._wlan.config(pm=self._wlan.PM_NONE)  # lost whenever the interface goes down

    def off(self):
        self._wlan.active(False)

    def connect(self):
        try:
            self._wlan.disconnect()  # connecting while it tries by itself is an error
        except OSError:
            pass
        if self._password:
            self._wlan.connect(self._ssid, self._password)
        else:
            self._wlan.connect(self._ssid)

    def address(self):
        """Own address and the router's, None without."""
        return self._wlan.ifconfig() if self._wlan.isconnected() else None


class Ethernet:
    """The chip's MAC with a PHY behind RMII; `wiring` are the words of network.LAN, pins by number, types by name."""

    def __init__(self, wiring, hostname):
        from machine import Pin

        words = {}
        for name in wiring:
            value = wiring[name]
            if name in ("mdc", "mdio", "power", "ref_clk") and value is not None:
                value = Pin(value)
            elif isinstance(value, str):
                value = getattr(network, value)
            words[name] = value
        network.hostname(hostname)
        self._lan = network.LAN(**words)  # there is one, for ever
        self.on()

    def on(self):
        self._lan.active(True)

    def off(self):
        self._lan.active(False)

    def connect(self):
        pass  # the cable does that

    def address(self):
        """Own address and the router's, None without."""
        lan = self._lan
        return lan.ifconfig() if lan.isconnected() else None


class Keeper:
    """Keeps `interface` up and tells `changed(up, address)`; `clock_changed(offset_s)` when the time is known.

    The time comes from `server`, "" the router, None nobody."""

    def __init__(self, interface, changed, clock_changed, server=""):
        self._interface = interface
        self._changed = changed
        self._clock_changed = clock_changed
        self._server = server
        self._router = None
        self._ask_ms = 0  # until the server is asked
        self.ladder = Ladder()

    def look(self):
        """LOOK_MS have passed, in an event loop: do what the ladder says, and ask for the time a few times a day."""
        found = self._interface.address()
        address = found[0] if found and found[0] != "0.0.0.0" else ""
        todo = self.ladder.step(LOOK_MS, address)
        if todo != NOTHING:
            try:
                self._do(todo, address, found)
            except OSError as error:  # the next step of the ladder will help
                print("network: %s" % error)
        if self._router and self._server is not None:
            self._ask_ms -= LOOK_MS
            if self._ask_ms <= 0:
                self._ask_ms = _AGAIN_MS
                asyncio.create_task(self._ask(self._server or self._router))

    def _do(self, todo, address, found):
        if todo == UP:
            print("network: %s" % address)
            self._router = found[2]
            self._changed(True, address)
        elif todo == DOWN:
            print("network: lost")
            self._router = None
            self._changed(False, None)
        else:
            if todo == RESTART:
                self._interface.off()
                self._interface.on()
            if todo in (CONNECT, RESTART):
                self._interface.connect()

    async def _ask(self, server):
        """Ask for the time; soon again when the server does not tell. Only numeric addresses: a name could block us."""
        cookie = urandom(8)
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.sendto(sntp.request(cookie), socket.getaddrinfo(server, _NTP_PORT)[0][-1])
            for _ in range(_ANSWER_MS // 50):
                await sleep_ms(50)
                try:
                    told_s = sntp.seconds(sock.recvfrom(64)[0], cookie)
                except OSError:  # nothing yet
                    continue
                if told_s is not None:
                    self._ask_ms = _SET_MS
                    base_s = 946684800 if time.gmtime(0)[0] == 2000 else 0
                    self._clock_changed(told_s - int(time.time()) - base_s)
                break
        except OSError:
            pass
        finally:
            sock.close()


def keeper(wiring, settings, changed, clock_changed):
    """The keeper as the settings want it: Wi-Fi where one is named, else the board's Ethernet, else None."""
    if settings.wifi_ssid:
        interface = Wifi(settings.wifi_ssid, settings.wifi_password, settings.hostname)
    elif wiring:
        interface = Ethernet(wiring, settings.hostname)
    else:
        print("no network: set wifi_ssid")
        return None
    server = settings.time_server
    return Keeper(interface, changed, clock_changed, None if server == "off" else server)
