"""An ECHONET Lite controller over plain UDP: reads, sets and follows properties of the box (release R, EV charger 02A1,
charger/discharger 027E).

    async with Controller("192.168.1.20") as controller:
        values = await controller.get([0xC7, 0xDA])          # {0xC7: b"A", ...}; None where the box cannot
"""

import asyncio
import socket

PORT = 3610
_TRIES, _ANSWER_S = 3, 1
_SETC, _GET, _SET_RES, _GET_RES, _INF = 0x61, 0x62, 0x71, 0x72, 0x73
_OWN = b"\x05\xff\x01"  # a controller

# EPC: (name, unit, factor), or what its values are called
_NUMBERS = {
    0x87: ("current limit", "%", 1), 0x99: ("power limit", "W", 1), 0xD3: ("power", "W", 1),
    0xD4: ("current", "A", 0.1), 0xD5: ("voltage", "V", 1), 0xD8: ("energy charged", "Wh", 1),
    0xE0: ("signed power set-point", "W", 1), 0xE2: ("energy in the battery", "Wh", 1),
    0xE4: ("state of charge", "%", 1), 0xE7: ("amount to charge", "Wh", 1), 0xEB: ("charging power", "W", 1),
    0xED: ("charging current", "A", 0.1), 0xC5: ("rated power", "W", 1), 0xC6: ("rated discharging power", "W", 1)}
_NAMES = {
    0x80: ("operation status", {0x30: "on", 0x31: "off"}),
    0x88: ("fault status", {0x41: "fault", 0x42: "no fault"}),
    0xC7: ("vehicle connection", {0x30: "no car", 0x40: "connected, cannot charge", 0x41: "connected, can charge",
                                  0x42: "connected, can discharge", 0x43: "connected, can charge and discharge",
                                  0x44: "unknown", 0xFF: "not determined"}),
    0xDA: ("mode", {0x42: "charge", 0x43: "discharge", 0x44: "standby", 0x47: "idle", 0x40: "other"}),
    0xE1: ("actual mode", {0x42: "charge", 0x43: "discharge", 0x44: "standby", 0x47: "idle", 0x40: "other"})}
_SIGNED = (0xD3, 0xD4, 0xD5, 0xE0)
USUAL = (0x80, 0x88, 0xC7, 0xDA, 0x99, 0xEB, 0xED, 0xD3, 0xD8)


class EchonetError(Exception):
    """No answer, or a refusal; the text is the one sentence a person needs."""


def words(epc, data):
    """(name, value, unit) of a property; an unknown one as hex digits."""
    if epc in _NUMBERS and data is not None:
        name, unit, factor = _NUMBERS[epc]
        value = int.from_bytes(data, "big", signed=epc in _SIGNED)
        return name, round(value * factor, 1) if factor != 1 else value, unit
    name, meanings = _NAMES.get(epc, ("%02X" % epc, {}))
    if data is None:
        return _NUMBERS[epc][0] if epc in _NUMBERS else name, None, ""
    return name, meanings.get(data[0] if len(data) == 1 else None, data.hex()), ""


class Controller(asyncio.DatagramProtocol):
    """Asks one node. `own` is the address it speaks from; replies come to port 3610 there, so it must be free."""

    def __init__(self, host, own="0.0.0.0", eoj="02A101"):
        self._host, self._own, self._eoj = host, own, bytes.fromhex(eoj)
        self._waiting = {}
        self._number = 0
        self.on_inform = None  # called with {epc: data} of what the node announces

    async def __aenter__(self):
        loop = asyncio.get_running_loop()
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.bind((self._own, PORT))
            self._transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=sock)
        except OSError as error:
            sock.close()
            raise EchonetError("UDP port 3610 of %s cannot be used: %s; say another address of this computer with --own"
                               % (self._own, error.strerror)) from None
        return self

    async def __aexit__(self, *_):
        self._transport.close()

    def datagram_received(self, data, sender):
        if len(data) < 12 or data[:2] != b"\x10\x81" or sender[0] != self._host:
            return
        answer = self._waiting.get(int.from_bytes(data[2:4], "big"))
        if data[10] == _INF and self.on_inform and data[4:7] == self._eoj:
            self.on_inform(_properties(data))
        elif answer and not answer.done() and data[10] != _INF:
            answer.set_result(data)

    async def get(self, epcs):
        """{epc: bytes, or None where the node has no value}."""
        data = await self._ask(_GET, [(epc, b"") for epc in epcs])
        return {epc: value or None for epc, value in _properties(data).items()}

    async def set(self, epc, value):
        """Write one property (SetC); EchonetError when the node refuses."""
        data = await self._ask(_SETC, [(epc, value)])
        if data[10] != _SET_RES:
            raise EchonetError("the box refused %s for %02X" % (value.hex(), epc))

    async def _ask(self, service, properties):
        self._number = self._number % 0xFFFF + 1
        frame = b"\x10\x81" + self._number.to_bytes(2, "big") + _OWN + self._eoj + bytes((service, len(properties)))
        for epc, value in properties:
            frame += bytes((epc, len(value))) + value
        answer = self._waiting[self._number] = asyncio.get_running_loop().create_future()
        try:
            for _ in range(_TRIES):
                self._transport.sendto(frame, (self._host, PORT))
                try:
                    return await asyncio.wait_for(asyncio.shield(answer), _ANSWER_S)
                except TimeoutError:
                    continue
        finally:
            del self._waiting[self._number]
        raise EchonetError("no ECHONET Lite node answers at %s for the object %s" % (self._host, self._eoj.hex()))


def _properties(data):
    found, at = {}, 12
    for _ in range(data[11]):
        if at + 2 > len(data):
            break
        size = data[at + 1]
        found[data[at]] = data[at + 2 : at + 2 + size]
        at += 2 + size
    return found


async def word(given, out):
    """`ems.py echonet HOST [EPC[=EDT]...]`: set, then read once, or follow with --every."""
    tell = out.tell

    def show(values):
        rows = {epc: words(epc, data) for epc, data in values.items()}
        tell("\n".join("%02X  %-26s %s %s" % (epc, name, "-" if value is None else value, unit)
                       for epc, (name, value, unit) in rows.items()),
             values={"%02X" % epc: value for epc, (_, value, _) in rows.items()},
             raw={"%02X" % epc: data.hex() if data is not None else None for epc, data in values.items()})

    async with Controller(given.host, given.own, given.eoj) as controller:
        for epc, data in given.properties:
            if data is not None:
                await controller.set(epc, data)
        wanted = [epc for epc, _ in given.properties] or list(USUAL)
        controller.on_inform = show
        end = None if given.seconds is None else asyncio.get_running_loop().time() + given.seconds
        while True:
            show(await controller.get(wanted))
            if given.every is None or end and asyncio.get_running_loop().time() + given.every > end:
                return
            await asyncio.sleep(given.every)
