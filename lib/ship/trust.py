"""Whom this node trusts: the SKIs a person accepted, kept over power loss (SHIP 12.2; never undone by a peer).

A peer becomes trusted when its SKI is accepted (typed, chosen from the list of askers) or when it asks while the
accept-any window is open. Only a person removes it; a remote abort does not.
"""

from binascii import hexlify, unhexlify

from bounded.compat import const

PEER_BYTES = 84  # what one trusted peer may take in the store
_ID_BYTES = const(63)  # SHIP ID, limit of its TXT key
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


class Trust:
    """The trusted peers, at most `max_peers`, in `store` (read() -> bytes or None, write(bytes); at
    most PEER_BYTES a peer).

    `on_change(ski)` is called after a peer was added or removed (None: the accept-any window changed), so that a
    waiting connection can go on at once. `askers` holds the newest SKIs that asked in vain, the latest last.
    """

    def __init__(self, store, max_peers):
        self._store = store
        self._max = max_peers
        self._peers = {}
        self._until_ms = 0
        self.askers = []
        self.on_change = None
        stored = store.read() or b""
        at = 0
        while len(self._peers) < max_peers and at + 21 <= len(stored):
            end = at + 21 + stored[at + 20]
            try:
                ship_id = str(stored[at + 21 : end], "utf-8") or None
            except ValueError:  # a damaged name is no reason to forget its owner
                ship_id = None
            self._peers[str(hexlify(stored[at : at + 20]), "ascii")] = ship_id
            at = end

    def _changed(self, peers, ski):
        record = bytearray()
        for peer in peers:
            ship_id = (peers[peer] or "").encode()
            record += unhexlify(peer)
            record.append(len(ship_id))
            record += ship_id
        self._store.write(bytes(record))
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
        return self._peers.get(ski)

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
        elif not ship_id or ship_id == self._peers[ski]:
            return
        peers = dict(self._peers)
        peers[ski] = ship_id
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
