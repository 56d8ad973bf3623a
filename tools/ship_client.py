"""A SHIP client: dials a box, checks its SKI, and carries SPINE datagrams (SHIP 9 to 13), on `websockets` and `ssl`.

    connection = await Connection.open(folder, "192.168.1.20", 4712, ski="0123...", told=print)
    await connection.send(datagram); datagram = await connection.receive()

Our own identity lies in `folder`, made when it is first needed (tools/provision.py).
"""

import asyncio
import base64
import os
import ssl
import sys
import tempfile
import time

import provision
import runtimes
from eebus_json import decode, encode

sys.path.insert(0, os.path.join(runtimes.ROOT, "lib"))

from ship.ski import proven_ski  # noqa: E402
from ship.trust import normalise  # noqa: E402,F401 - for those who take an SKI as typed

PORT = 4712
_HELLO_MS = 60000
_STEP_S = 10
_FRAGMENT = 4096  # as ship-go does: there are boxes that take no longer frame
_MOST = 1 << 20
_REJECTED = 4452  # "Node rejected by application"
_PROTOCOL = {"version": {"major": 1, "minor": 0}, "formats": {"format": ["JSON-UTF8"]}}


class ShipError(Exception):
    """There is no connection (any more); the text is the one sentence a person needs."""


class NotTrusted(ShipError):
    """The box does not trust us, or not yet."""


def identity(folder):
    """Our own, as a dictionary with `ski`, `id` and more; made when there is none."""
    try:
        return provision.ensure(folder, brand="Wallbox", type="EnergyManagementSystem", model="ems", cat="2")
    except (provision.Refused, OSError) as error:
        raise ShipError(str(error)) from None


def _pem(folder):
    """Certificate and key as one PEM text."""
    text = ""
    for name, kind in (("cert.der", "CERTIFICATE"), ("key.der", "EC PRIVATE KEY")):
        with open(os.path.join(folder, "identity", name), "rb") as file:
            body = base64.encodebytes(file.read()).decode()
        text += "-----BEGIN %s-----\n%s-----END %s-----\n" % (kind, body, kind)
    return text


def _context(folder):
    """TLS 1.2 with the suites of SHIP 9.1, which every node has; who the box is, its SKI says."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA256")
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(_pem(folder))
        file.flush()
        context.load_cert_chain(file.name)
    return context


class Connection:
    """One connection in its data phase; `ski` and `ship_id` are the box's."""

    def __init__(self, socket, own, ski):
        self._socket = socket
        self._own = own
        self._first = []  # data that came before the handshake was over
        self.own_ski = own["ski"]
        self.ski = ski
        self.ship_id = None

    @classmethod
    async def dial(cls, folder, host, port=PORT, ski=None, path="/ship/"):
        """TLS and websocket, and the SKI checked; ski None: whoever is there (`ski` of the connection says who)."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import WebSocketException

        own = identity(folder)
        where = "%s:%d" % (host, port)
        try:
            socket = await connect(
                "wss://%s%s" % (where, path), ssl=_context(folder), subprotocols=["ship"], compression=None, proxy=None,
                open_timeout=_STEP_S, close_timeout=2, ping_interval=45, ping_timeout=20, max_size=_MOST)
        except (OSError, TimeoutError, WebSocketException) as error:
            raise ShipError("no SHIP node answers at %s: %s" % (where, _reason(error))) from None
        connection = cls(socket, own, None)
        try:
            connection._prove(where, ski)
        except ShipError:
            await connection.drop()
            raise
        return connection

    @classmethod
    async def open(cls, folder, host, port=PORT, ski=None, path="/ship/", wait_s=10, told=None):
        """Dial and shake hands; a box that has to ask a person first is waited for, `wait_s` seconds at most.

        `told` gets a sentence when that begins."""
        connection = await cls.dial(folder, host, port, ski, path)
        try:
            await connection._shake(wait_s, told or (lambda _: None))
        except (ShipError, asyncio.CancelledError):
            await connection._socket.close()
            raise
        return connection

    def _prove(self, where, ski):
        der = self._socket.transport.get_extra_info("ssl_object").getpeercert(True)
        try:
            self.ski = proven_ski(der)
        except ValueError as error:
            raise ShipError("the certificate of %s is no good: %s" % (where, error)) from None
        if ski and self.ski != ski:
            raise ShipError("the node at %s has the SKI %s, not %s: nothing was said to it" % (where, self.ski, ski))

    async def _shake(self, wait_s, told):
        from websockets.exceptions import ConnectionClosed

        try:
            await self._socket.send(b"\0\0")
            if await self._next(_STEP_S) != b"\0\0":
                raise ShipError("the node does not begin as SHIP 13.4.3 demands")
            await self._hello(wait_s, told)
            await self._control("messageProtocolHandshake", {"handshakeType": "announceMax", **_PROTOCOL})
            await self._expect("messageProtocolHandshake")
            await self._control("messageProtocolHandshake", {"handshakeType": "select", **_PROTOCOL})
            await self._control("connectionPinState", {"pinState": "none"})
            pin = await self._expect("connectionPinState")
            if pin.get("pinState") not in ("none", "optional", "pinOk"):
                raise ShipError("the box demands a PIN, which EEBUS nodes do not use")
            await self._control("accessMethodsRequest", {})
            self.ship_id = (await self._expect("accessMethods")).get("id")
        except TimeoutError:
            raise ShipError("the box does not go on with the SHIP handshake") from None
        except ConnectionClosed as error:
            if error.rcvd and error.rcvd.code == _REJECTED:
                raise NotTrusted("the box refused us: it does not trust SKI %s" % self._own["ski"]) from None
            raise ShipError("the box ended the SHIP handshake: %s" % _reason(error)) from None

    async def _hello(self, wait_s, told):
        await self._control("connectionHello", {"phase": "ready", "waiting": _HELLO_MS})
        end = time.monotonic() + wait_s
        waited = False
        while True:
            try:
                hello = await self._expect("connectionHello", end - time.monotonic())
            except TimeoutError:
                await self._control("connectionHello", {"phase": "aborted"})
                raise NotTrusted("the box does not trust us; accept the SKI %s there" % self._own["ski"]) from None
            phase = hello.get("phase")
            if phase == "ready":
                return
            if phase != "pending":
                raise NotTrusted("the box refused us; accept the SKI %s there" % self._own["ski"])
            if not waited:
                waited = True
                told("the box waits for a person to accept our SKI %s" % self._own["ski"])
            if hello.get("prolongationRequest"):
                await self._control("connectionHello", {"phase": "ready", "waiting": _HELLO_MS})

    async def _control(self, name, value):
        await self._socket.send(b"\x01" + encode({name: value}))

    async def _next(self, timeout_s=None):
        message = await asyncio.wait_for(self._socket.recv(), timeout_s)
        return message if isinstance(message, bytes) else message.encode()

    async def _expect(self, name, timeout_s=_STEP_S):
        """The value of the next control message, which has to be `name`; what may come at any time is served."""
        end = time.monotonic() + timeout_s
        while True:
            message = await self._next(max(end - time.monotonic(), 0))
            if message[:1] == b"\x02":
                self._first.append(message)
                continue
            found = _decoded(message)
            if name in found:
                return found[name] or {}
            if not await self._serve(found) and not (name == "messageProtocolHandshake" and "connectionHello" in found):
                raise ShipError("the box sent %s where SHIP has %s" % (" ".join(found) or "nothing", name))

    async def _serve(self, found):
        """Answer a control message that may come at any time; False for another one."""
        if "accessMethodsRequest" in found:
            await self._control("accessMethods", {"id": self._own["id"]})
        elif (found.get("connectionClose") or {}).get("phase") == "announce":
            await self._socket.send(b"\x03" + encode({"connectionClose": {"phase": "confirm"}}))
            await self._socket.close(4001)
        else:
            return False
        return True

    # the data phase

    async def send(self, datagram):
        """Send one SPINE datagram, {"header": ..., "payload": ...} in plain form."""
        from websockets.exceptions import ConnectionClosed

        text = b"\x02" + _datagram(datagram)
        try:
            if len(text) <= _FRAGMENT:
                await self._socket.send(text)
            else:
                await self._socket.send([text[at : at + _FRAGMENT] for at in range(0, len(text), _FRAGMENT)])
        except ConnectionClosed as error:
            raise ShipError("the connection ended: %s" % _reason(error)) from None

    async def receive(self):
        """The next datagram in plain form; ShipError when the connection ended."""
        from websockets.exceptions import ConnectionClosed

        while True:
            try:
                message = self._first.pop(0) if self._first else await self._next()
                if message[:1] != b"\x02":
                    await self._serve(_decoded(message))
                    continue
            except ConnectionClosed as error:
                raise ShipError("the connection ended: %s" % _reason(error)) from None
            payload = (_decoded(message).get("data") or {}).get("payload") or {}
            if payload.get("datagram"):
                return payload["datagram"]

    async def close(self):
        """Announce the end, as SHIP 13.4.7 wants it, and end."""
        from websockets.exceptions import ConnectionClosed

        try:
            close = {"phase": "announce", "maxTime": 500, "reason": "unspecific"}
            await self._socket.send(b"\x03" + encode({"connectionClose": close}))
            end = time.monotonic() + 0.5
            while "connectionClose" not in _decoded(await self._next(max(end - time.monotonic(), 0))):
                pass
        except (ConnectionClosed, TimeoutError):
            pass
        await self._socket.close(4001)

    async def drop(self):
        """End without a word, as when the power goes."""
        self._socket.transport.abort()
        await self._socket.wait_closed()


def _datagram(datagram):
    """The SHIP data message. Its outermost levels are objects in the field, only below them arrays."""
    inner = encode({"datagram": datagram})
    return b'{"data":[{"header":[{"protocolId":"ee1.0"}]},{"payload":%s}]}' % inner


def _decoded(message):
    try:
        return decode(message[1:])
    except ValueError:
        return {}


def _reason(error):
    received = getattr(error, "rcvd", None)
    if received:
        return "closed with %d %s" % (received.code, received.reason)
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
