"""The client side of a peer: read its discovery, subscribe to its DeviceDiagnosis, read it, retry with back-off.

Of the foreign discovery only the addresses of DeviceDiagnosis servers stay (with the type of their entity). Requests
go out one at a time; one that fails is put back, the others go on (pitfalls 2, 10, 12).
"""

from bounded.compat import const

from spine.device import DISCOVERY, NODE_AT, SUBSCRIBE

HEARTBEAT = b"deviceDiagnosisHeartbeatData:(timestamp:s heartbeatCounter:u heartbeatTimeout:d)"
STATE = (
    b"deviceDiagnosisStateData:(timestamp:s operatingState:s vendorStateCode:s lastErrorCode:s upTime:d "
    b"totalUpTime:d powerSupplyCondition:s)"
)

# What a device's hook hears: (peer, what, entity address, value).
ALIVE = const(0)  # a heartbeat of the peer's entity arrived; the timeout it promises in ms
CONDITION = const(1)  # the operatingState of the peer's entity
BOUND = const(2)  # a client feature of the peer's entity bound the server feature `value`
UNBOUND = const(3)
CLOSED = const(4)  # the connection has ended

_ANSWER_MS = const(15000)
_SOURCES = const(4)

# Steps: 0 read the discovery, 1 subscribe node management, then three for each source.
_STEPS = const(3)


class Client:
    """What the own client feature of DeviceDiagnosis, number `feature` on the entity `entity`, does with one peer."""

    def __init__(self, entity, feature):
        self.entity = entity
        self.feature = feature
        self.sources = []  # [entity, feature, type of the entity] of the peer's DeviceDiagnosis servers
        self._types = []
        self._found = None
        self._done = 0
        self._step = 0
        self._fails = 0
        self._waiting = None  # msgCounter of the request on its way
        self._due = 0

    def next(self, now, counter, header):
        """Describe the next request into `header` (from own entity on); (schema, source), or None for now."""
        if now < self._due:
            return None
        if self._waiting is not None:
            self.failed(now)
            return None
        steps = 2 + _STEPS * len(self.sources) if self._done & 1 else 1
        for _ in range(steps):
            step = self._step
            if step >= steps:
                step = 0
            self._step = step + 1
            if not self._done >> step & 1:
                break
        else:
            return None
        self._current = step
        self._waiting = counter
        self._due = now + _ANSWER_MS
        header[1] = header[4] = NODE_AT
        header[2] = header[5] = 0
        header[8] = "call"
        header[9] = True
        own = header[0]
        peer = header[3]
        if step == 1:
            return SUBSCRIBE, ((own, NODE_AT, 0, peer, NODE_AT, 0, "NodeManagement"),)
        if step > 1:
            entity, feature, _ = self.sources[(step - 2) // _STEPS]
            if (step - 2) % _STEPS == 0:
                return SUBSCRIBE, ((own, self.entity, self.feature, peer, entity, feature, "DeviceDiagnosis"),)
            header[1] = self.entity
            header[2] = self.feature
            header[4] = entity
            header[5] = feature
        header[8] = "read"
        header[9] = None
        if step == 0:
            header[3] = None  # the address is not known before the answer
            return DISCOVERY, None
        return (STATE if (step - 2) % _STEPS == 2 else HEARTBEAT), None

    def failed(self, now):
        """The request was refused or not answered: go on with the next, later."""
        self._waiting = None
        self._fails = min(self._fails + 1, 6)
        self._due = now + (1000 << self._fails)

    def answered(self, reference, error, now):
        """A reply (error 0) or a result to our message `reference`."""
        if reference is None or reference != self._waiting:
            return
        if error:
            self.failed(now)
            return
        self._waiting = None
        self._fails = 0
        self._due = now
        self._done |= 1 << self._current

    def begin_discovery(self):
        """A foreign discovery begins to arrive."""
        self._types = []
        self._found = []

    def seen_entity(self, row):
        """One entity of it: row of entityInformation."""
        if len(self._types) < 32:
            self._types.append((row[1], row[2]))

    def seen_feature(self, row):
        """One feature of it: row of featureInformation."""
        if row[3] == "DeviceDiagnosis" and row[4] == "server" and len(self._found) < _SOURCES:
            kind = None
            for entity, name in self._types:
                if entity == row[1]:
                    kind = name
            if row[1] and row[2] is not None:
                self._found.append([row[1], row[2], kind])

    def end_discovery(self, whole):
        """The discovery is complete. A partial one only says that something changed: read it all again."""
        found = self._found or []
        self._types = []
        self._found = None
        if not whole:
            self._done &= ~1
            self._due = 0 if self._waiting is None else self._due
        elif found != self.sources:
            self.sources = found
            self._done &= 3
