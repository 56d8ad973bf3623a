"""The HTTP upgrade to a websocket, both sides (RFC 6455 clause 4; SHIP 10: subprotocol "ship", no extension)."""

from binascii import b2a_base64
from hashlib import sha1
from os import urandom


def _field(head, name):
    """The value of a header field, as it came; `name` in lower case."""
    at = head.lower().find(b"\n" + name + b":")
    if at < 0:
        return b""
    at += len(name) + 2
    return head[at : head.find(b"\r", at)].strip()


def _accept(key):
    return b2a_base64(sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).strip()


def answer(head, path):
    """Judge an upgrade request (bytes up to the empty line) for `path`: (True when it is one, the response)."""
    first = head[: head.find(b"\r")].split()
    key = _field(head, b"sec-websocket-key")
    status = b"400 Bad Request"
    if len(first) == 3 and first[0] == b"GET" and first[2] == b"HTTP/1.1":
        if first[1].strip(b"/") not in (b"", path.strip(b"/")):
            status = b"404 Not Found"
        elif (
            len(key) == 24
            and _field(head, b"sec-websocket-version") == b"13"
            and _field(head, b"upgrade").lower() == b"websocket"
            and b",ship," in b",%s," % _field(head, b"sec-websocket-protocol").replace(b" ", b"")
        ):
            return True, (
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: ship\r\n\r\n" % _accept(key)
            )
    return False, b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" % status


def request(host, path):
    """A new key, and the upgrade request that carries it, for a server at `host` ("address:port")."""
    key = b2a_base64(urandom(16)).strip()
    return key, (
        b"GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: ship\r\nSec-WebSocket-Key: %s\r\n\r\n" % (path, host, key)
    )


def accepted(head, key):
    """Whether a server's response (bytes up to the empty line) accepts the request that carried `key`."""
    return (
        head.startswith(b"HTTP/1.1 101")
        and _field(head, b"sec-websocket-accept") == _accept(key)
        and _field(head, b"sec-websocket-protocol") == b"ship"
    )
