"""Whom this node trusts: the SKIs a person accepted, kept over power loss (SHIP 12.2; never undone by a peer).

A peer becomes trusted when its SKI is accepted (typed, chosen from the list of askers) or when it asks while the
accept-any window is open. Only a person removes it; a remote abort does not.
"""

from binascii import hexlify, unhexlify

from bounded.compat import const

PEER_BYTES = 88  # what one trusted peer may take in the store
_ID_BYTES = const(63)  # SHIP ID, limit of its TXT key
_PLACED = const(128)  # beside the length of the ID: an IPv4 address follows
_MOVED_MS = const(600000)  # between two writes of addresses
_ASKERS = const(4)


def normalise(text):
    """A typed SKI as 40 lower-case hex digits; spaces, colons, hyphens and capitals are taken out first.

    ValueError says in one sentence what is wrong with it.
    """
    text = "".join(text.split()).replace(":", "").replace("-", "").lower()
    if text.strip("0123456789abcdef"):
        raise ValueError("an SKI has only the digits 0-9 and a-f")
    if len(text) != 40:
        raise ValueError("an SKI has 40 digits, not %d" % len(text))
    return text


def _octets(host):
    """The four octets of a dotted address, none of anything else."""
    try:
        octets = bytes([int(part) for part in host.split(".")])
    except ValueError:
        return b""
    return octets if len(octets) == 4 else b""


class Trust:
    """The trusted peers, at most `max_peers`, in `store` (read() -> bytes or None, write(bytes); at
    most PEER_BYTES a peer).

    `on_change(ski)` is called after a peer was added or removed (None: the accept-any window changed), so that a
    waiting connection can go on at once. `askers` holds the newest SKIs that asked in vain, the latest last.
    In the store a peer is its SKI, the length of its SHIP ID, that, and the address behind which it was proven.
    """

    def __init__(self, store, max_peers):
        self._store = store
        self._max = max_peers
        self._peers = {}  # SKI: (SHIP ID or None, four octets of its address or none)
        self._moved_ms = None  # when an address was written last
        self._until_ms = 0
        self.askers = []
        self.on_change = None
        stored = store.read() or b""
        at = 0
        while len(self._peers) < max_peers and at + 21 <= len(stored):
            end = at + 21 + (stored[at + 20] & _ID_BYTES)
            try:
                ship_id = str(stored[at + 21 : end], "utf-8") or None
            except ValueError:  # a damaged name is no reason to forget its owner
                ship_id = None
            host = bytes(stored[end : end + 4]) if stored[at + 20] & _PLACED else b""
            self._peers[str(hexlify(stored[at : at + 20]), "ascii")] = ship_id, host
            at = end + len(host)

    def _write(self, peers):
        record = bytearray()
        for peer in peers:
            ship_id, host = peers[peer]
            ship_id = (ship_id or "").encode()
            record += unhexlify(peer)
            record.append(len(ship_id) | (_PLACED if host else 0))
            record += ship_id + host
        self._store.write(bytes(record))

    def _changed(self, peers, ski):
        self._write(peers)
        self._peers = peers  # only now: a store that fails leaves everything as it was
        if ski in self.askers:
            self.askers.remove(ski)
        if self.on_change:
            self.on_change(ski)

    def is_trusted(self, ski):
        """Whether this SKI (40 lower-case hex digits) is trusted."""
        return ski in self._peers

    def ship_id(self, ski):
        """The SHIP ID of a trusted peer, or None while it is unknown."""
        return self._peers[ski][0] if ski in self._peers else None

    def is_at(self, host):
        """Whether a trusted peer was proven behind the address `host` (dotted) last."""
        host = _octets(host)
        for ski in self._peers:
            if host and self._peers[ski][1] == host:
                return True
        return False

    def proven(self, ski, host, now_ms):
        """The trusted `ski` was proven behind `host` (dotted). Kept at once, but not too often: flash wears."""
        host = _octets(host)
        if ski not in self._peers or not host or self._peers[ski][1] == host:
            return
        self._peers[ski] = self._peers[ski][0], host
        if self._moved_ms is None or now_ms - self._moved_ms >= _MOVED_MS:
            self._moved_ms = now_ms
            try:
                self._write(self._peers)
            except OSError:  # remembering it is a courtesy
                pass

    def known(self):
        """The trusted SKIs, in no particular order."""
        return list(self._peers)

    def add(self, ski, ship_id=None):
        """Trust `ski` (as typed) and remember its SHIP ID; None keeps the one known.

        ValueError when the SKI is malformed, the ID longer than 63 bytes or the list full; OSError of the store.
        """
        ski = normalise(ski)
        if ship_id and len(ship_id.encode()) > _ID_BYTES:
            raise ValueError("a SHIP ID has at most 63 bytes")
        if ski not in self._peers:
            if len(self._peers) >= self._max:
                raise ValueError("the trust list is full, remove a peer first")
        elif not ship_id or ship_id == self._peers[ski][0]:
            return
        peers = dict(self._peers)
        peers[ski] = ship_id, peers[ski][1] if ski in peers else b""
        self._changed(peers, ski)

    def remove(self, ski):
        """Trust `ski` (as typed) no longer. False when it was not trusted."""
        ski = normalise(ski)
        if ski not in self._peers:
            return False
        peers = dict(self._peers)
        del peers[ski]
        self._changed(peers, ski)
        return True

    def admit(self, ski, now_ms):
        """Whether a peer that asks is trusted: already, or from now on because the window is open.

        Otherwise its SKI joins `askers`, for a person to choose from.
        """
        if ski in self._peers:
            return True
        if self.window_open(now_ms) and len(self._peers) < self._max:
            self.add(ski)
            return True
        if ski in self.askers:
            self.askers.remove(ski)
        elif len(self.askers) == _ASKERS:
            self.askers.pop(0)
        self.askers.append(ski)
        return False

    def open_window(self, now_ms, duration_ms):
        """Accept any peer that asks within `duration_ms` from now; 0 closes the window."""
        self._until_ms = now_ms + duration_ms
        if self.on_change:
            self.on_change(None)

    def window_open(self, now_ms):
        """Whether any peer is accepted now (announced as `register=true`)."""
        return now_ms < self._until_ms
