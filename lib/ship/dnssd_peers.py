"""Finding SHIP nodes: asks for `_ship._tcp.local` and keeps what the answers say until it runs out (RFC 6763).

Attach it as `responder.peers`; the responder passes it every answer it hears and sends what it asks.
"""

from bounded.compat import const
from ship.dnssd import read_name, read_records

_A = const(1)
_PTR = const(12)
_TXT = const(16)
_SRV = const(33)
_FIRST_ASK_MS = const(1000)
_LAST_ASK_MS = const(60000)
_LONGEST_TTL_S = const(4500)
_NEW_MS = const(10000)  # a name without records is not kept for long

_SERVICE = b"\x05_ship\x04_tcp\x05local\0"

# Fields of a node while it is put together.
_UNTIL_MS = const(0)
_HOST = const(1)
_PORT = const(2)
_ADDRESS = const(3)
_FIELDS = const(4)


class Peers:
    """The nodes found, at most `limit`; a new one takes the place of the one that runs out first."""

    def __init__(self, limit):
        self._limit = limit
        self._nodes = {}  # by name
        self.search()

    def search(self):
        """Ask anew at once, then in growing intervals up to a minute: after the network returned, or in need."""
        self._next_ms = 0
        self._every_ms = _FIRST_ASK_MS

    def ask(self, now_ms):
        """The next question as a packet, or None when it is too early."""
        if now_ms < self._next_ms:
            return None
        self._next_ms = now_ms + self._every_ms
        self._every_ms = min(self._every_ms * 3, _LAST_ASK_MS)
        questions = _SERVICE + b"\0\x0c\0\1"
        count = 1
        for name, node in list(self._nodes.items()):
            if node[_UNTIL_MS] <= now_ms:
                del self._nodes[name]
            elif count == 1 and not (node[_PORT] and node[_FIELDS] and node[_ADDRESS]):
                # the first that came without all its records
                questions += name + b"\0\xff\0\1"
                count = 2
                if node[_HOST]:
                    questions += node[_HOST] + b"\0\1\0\1"
                    count = 3
        return bytes((0, 0, 0, 0, 0, count, 0, 0, 0, 0, 0, 0)) + questions

    def take(self, packet, start, count, now_ms, own):
        """Learn from the `count` records at `start`, except about the service named `own`."""
        nodes = self._nodes
        for name, kind, ttl, at, end in read_records(packet, start, count):
            if kind == _PTR and name == _SERVICE:
                name = read_name(packet, at)[0]
            elif kind != _SRV and kind != _TXT:
                continue
            if name == own or not name.endswith(_SERVICE):
                continue
            if not ttl:
                if kind != _TXT:
                    nodes.pop(name, None)
                continue
            if name not in nodes:
                if len(nodes) >= self._limit:
                    del nodes[min(nodes, key=lambda known: nodes[known][_UNTIL_MS])]
                nodes[name] = [now_ms + _NEW_MS, None, 0, None, None]
            node = nodes[name]
            if kind == _SRV:
                node[_UNTIL_MS] = now_ms + min(ttl, _LONGEST_TTL_S) * 1000
                node[_PORT] = packet[at + 4] << 8 | packet[at + 5]
                node[_HOST] = read_name(packet, at + 6)[0]
            elif kind == _TXT:
                node[_FIELDS] = _fields(packet, at, end)
        for name, kind, ttl, at, end in read_records(packet, start, count):
            if kind == _A and ttl and end - at == 4:
                for node in nodes.values():
                    if node[_HOST] == name:
                        node[_ADDRESS] = "%d.%d.%d.%d" % tuple(packet[at:end])

    def known(self, now_ms):
        """The complete nodes: tuples (ski, ship_id, address, port, path, register)."""
        found = []
        for until_ms, _, port, address, fields in self._nodes.values():
            if until_ms > now_ms and port and address and fields:
                ski, ship_id, path, register = fields
                found.append((ski, ship_id, address, port, path, register))
        return found


def _fields(packet, at, end):
    """(ski, ship_id, path, register) of a TXT record, or None when it has no proper SKI."""
    values = {}
    while at < end:
        start = at + 1
        at = start + packet[at]
        key, _, value = packet[start : min(at, end)].partition(b"=")
        key = key.lower()
        if key not in values and key in (b"ski", b"id", b"path", b"register") and len(value) <= 63:
            values[key] = str(value, "utf-8")
    ski = values.get(b"ski", "").lower()
    if len(ski) != 40:
        return None
    return ski, values.get(b"id"), values.get(b"path", "/"), values.get(b"register") == "true"
