"""Finding SHIP nodes: asks for `_ship._tcp.local` and keeps what the answers say until it runs out (RFC 6763).

Attach it as `responder.peers`; the responder passes it every answer it hears and sends what it asks.
"""

from bounded.compat import const
from ship.dns_message import read_name, read_records

_A = const(1)
_PTR = const(12)
_TXT = const(16)
_SRV = const(33)
_FIRST_ASK_MS = const(1000)
_LAST_ASK_MS = const(60000)
_LONGEST_TTL_S = const(4500)

_SERVICE = b"\x05_ship\x04_tcp\x05local\0"

# Fields of a peer while it is put together.
_NAME = const(0)
_UNTIL_MS = const(1)
_HOST = const(2)
_PORT = const(3)
_ADDRESS = const(4)
_FIELDS = const(5)


class Peers:
    """The nodes found, at most `limit`; a new one takes the place of the one that runs out first."""

    def __init__(self, limit):
        self._limit = limit
        self._nodes = []
        self._next_ms = 0
        self._every_ms = _FIRST_ASK_MS

    def search(self):
        """Ask anew at once, then in growing intervals up to a minute: after the network returned, or when in need."""
        self._next_ms = 0
        self._every_ms = _FIRST_ASK_MS

    def ask(self, message, now_ms):
        """The next question as a packet in `message`, or None when it is too early."""
        if now_ms < self._next_ms:
            return None
        self._next_ms = now_ms + self._every_ms
        self._every_ms = min(self._every_ms * 3, _LAST_ASK_MS)
        self._nodes = [node for node in self._nodes if node[_UNTIL_MS] > now_ms]
        message.begin(0, 0)
        message.question(_SERVICE, _PTR)
        for node in self._nodes:  # the first that came without its records
            if not (node[_PORT] and node[_FIELDS]):
                message.question(node[_NAME], 255)
                break
            if not node[_ADDRESS]:
                message.question(node[_HOST], _A)
                break
        return message.end()

    def take(self, packet, at, count, now_ms, own):
        """Learn from `count` records at `at`, except about the service named `own`."""
        start = at
        for name, kind, ttl, at, end in read_records(packet, start, count):
            if kind == _PTR and name == _SERVICE:
                name = read_name(packet, at)[0]
            elif kind != _SRV and kind != _TXT:
                continue
            if name == own or not name.endswith(_SERVICE):
                continue
            node = None
            for known in self._nodes:
                if known[_NAME] == name:
                    node = known
            until_ms = now_ms + min(ttl, _LONGEST_TTL_S) * 1000
            if not ttl:
                if node and kind != _TXT:
                    self._nodes.remove(node)
                continue
            if not node:
                node = [name, until_ms, None, 0, None, None]
                if len(self._nodes) >= self._limit:
                    self._nodes.sort(key=lambda known: -known[_UNTIL_MS])
                    self._nodes.pop()
                self._nodes.append(node)
            if kind == _SRV:
                node[_UNTIL_MS] = until_ms
                node[_PORT] = packet[at + 4] << 8 | packet[at + 5]
                node[_HOST] = read_name(packet, at + 6)[0]
            elif kind == _TXT:
                node[_FIELDS] = _fields(packet, at, end)
        for name, kind, ttl, at, end in read_records(packet, start, count):
            if kind == _A and ttl and end - at == 4:
                for node in self._nodes:
                    if node[_HOST] == name:
                        node[_ADDRESS] = "%d.%d.%d.%d" % tuple(packet[at:end])

    def known(self, now_ms):
        """The complete nodes: tuples (ski, ship_id, address, port, path, register)."""
        found = []
        for node in self._nodes:
            if node[_UNTIL_MS] > now_ms and node[_PORT] and node[_ADDRESS] and node[_FIELDS]:
                ski, ship_id, path, register = node[_FIELDS]
                found.append((ski, ship_id, node[_ADDRESS], node[_PORT], path, register))
        return found


def _fields(packet, at, end):
    """(ski, ship_id, path, register) of a TXT record, or None when it has no proper SKI."""
    values = {}
    while at < end:
        start = at + 1
        at = start + packet[at]
        key, equals, value = packet[start : min(at, end)].partition(b"=")
        key = key.lower()
        if key not in values and key in (b"ski", b"id", b"path", b"register") and len(value) <= 63:
            values[key] = str(value, "utf-8")
    ski = values.get(b"ski", "").lower()
    if len(ski) != 40:
        return None
    return ski, values.get(b"id"), values.get(b"path", "/"), values.get(b"register") == "true"
