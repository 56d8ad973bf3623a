"""The client side of a peer: read its discovery, subscribe to its DeviceDiagnosis, read it, retry with back-off.

Of the foreign discovery only the addresses of DeviceDiagnosis servers stay (with the type of their entity). Requests
go out one at a time, the heartbeat first: the peer's limits count only after it. One that fails is put back, the
others go on (pitfalls 2, 10, 12).
"""

from bounded.compat import const

from spine.device import DISCOVERY, NODE_AT, SUBSCRIBE
from spine.schema import schema

# Of a foreign discovery no more is read.
SEEN = schema(
    b"nodeManagementDetailedDiscoveryData:("
    b"entityInformation:[description:(entityAddress:(device:s entity:A) entityType:s lastStateChange:s)] "
    b"featureInformation:[description:(featureAddress:a featureType:s role:s)])"
)
HEARTBEAT = schema(b"deviceDiagnosisHeartbeatData:(timestamp:s heartbeatCounter:u heartbeatTimeout:d)")
STATE = schema(
    b"deviceDiagnosisStateData:(timestamp:s operatingState:s vendorStateCode:s lastErrorCode:s upTime:d "
    b"totalUpTime:d powerSupplyCondition:s)"
)

_ANSWER_MS = const(15000)
_LOOK_MS = const(1000)  # between two looks when there is nothing to ask
_SOURCES = const(8)
_ENTITIES = const(32)

# Places in the header's row.
_DEVICE = const(0)
_ENTITY = const(1)
_FEATURE = const(2)
_TO_DEVICE = const(3)
_TO_ENTITY = const(4)
_TO_FEATURE = const(5)
_COUNTER = const(6)
_CLASSIFIER = const(8)
_ACK = const(9)

# Steps: 0 read the discovery, 1 subscribe node management, then three for each source: read the heartbeat, subscribe,
# read the state. A discovery is followed by those of the first source.
_STEPS = const(3)
_FIRST = const(2)


class Client:
    """What the own client feature of DeviceDiagnosis, number `feature` on the entity `entity`, does with one peer."""

    def __init__(self, entity, feature):
        self.entity = entity
        self.feature = feature
        self.sources = []  # (entity, feature, type of the entity) of the peer's DeviceDiagnosis servers
        self.call = None  # data of the request that wish() described
        self._types = []  # of the discovery that is arriving
        self._found = []
        self._done = 0
        self._step = self._current = 0
        self._fails = 0
        self._waiting = None  # msgCounter of the request on its way
        self.due = 0  # until then wish() has nothing

    def wish(self, now, header):
        """The schema of the next request, its header filled in and its data in `call`; None: nothing for now."""
        if now < self.due:
            return None
        if self._waiting is not None:
            self.failed(now)
            return None
        steps = _FIRST + _STEPS * len(self.sources) if self._done & 1 else 1
        for _ in range(steps):
            step = self._step
            if step >= steps:
                step = 0
            self._step = step + 1
            if not self._done >> step & 1:
                break
        else:
            self.due = now + _LOOK_MS
            return None
        self._current = step
        self._waiting = header[_COUNTER]
        self.due = now + _ANSWER_MS
        own = header[_DEVICE]
        peer = header[_TO_DEVICE]
        header[_ENTITY] = header[_TO_ENTITY] = NODE_AT
        header[_FEATURE] = header[_TO_FEATURE] = 0
        header[_CLASSIFIER] = "read"
        self.call = None
        if step == 0:
            header[_TO_DEVICE] = None  # not known before the answer
            return DISCOVERY
        entity, feature, kind = NODE_AT, 0, "NodeManagement"
        if step >= _FIRST:
            entity, feature, _ = self.sources[(step - _FIRST) // _STEPS]
            kind = "DeviceDiagnosis"
            step = (step - _FIRST) % _STEPS
            if step != 1:
                header[_ENTITY] = self.entity
                header[_FEATURE] = self.feature
                header[_TO_ENTITY] = entity
                header[_TO_FEATURE] = feature
                return STATE if step else HEARTBEAT
            own_entity, own_feature = self.entity, self.feature
        else:
            own_entity, own_feature = NODE_AT, 0
        header[_CLASSIFIER] = "call"
        header[_ACK] = True
        self.call = ((own, own_entity, own_feature, peer, entity, feature, kind),)
        return SUBSCRIBE

    def failed(self, now):
        """The request was refused or not answered: go on with the next, later."""
        self._waiting = None
        self._fails = min(self._fails + 1, 4)  # 16 s: a heartbeat must not be missed for 120 s
        self.due = now + (1000 << self._fails)

    def answered(self, reference, error, now):
        """A reply (error 0) or a result to our message `reference`."""
        if reference is None or reference != self._waiting:
            return
        if error:
            self.failed(now)
            return
        self._waiting = None
        self._fails = 0
        self.due = now
        self._done |= 1 << self._current

    def seen(self, row):
        """A row of a foreign discovery: an entity or a feature; they differ in length."""
        if len(row) == 4:
            if row[3] == "removed":  # perhaps it is back before the discovery is read again: a new one
                self._keep([each for each in self.sources if each[0] != row[1]])
            if len(self._types) < _ENTITIES:
                self._types.append((row[1], row[2]))
        elif row[3] == "DeviceDiagnosis" and row[4] == "server" and row[1] and row[2] is not None:
            if len(self._found) < _SOURCES:
                kind = None
                for entity, name in self._types:
                    if entity == row[1]:
                        kind = name
                self._found.append((row[1], row[2], kind))

    def discovered(self, whole):
        """The discovery is complete. A partial one only says that something changed: then read it all again."""
        found = self._found
        self._types = []
        self._found = []
        if not whole:
            self._done &= ~1
            if self._waiting is None:
                self.due = 0
        elif found != self.sources:
            self._keep(found)
            self._step = _FIRST
            if self._waiting is None:
                self.due = 0

    def _keep(self, sources):
        """These are the peer's sources now; what was done of the old ones among them stays done."""
        if sources == self.sources:
            return
        done = self._done & 3
        for i in range(len(sources)):
            if sources[i] in self.sources:
                old = self._done >> _FIRST + _STEPS * self.sources.index(sources[i])
                done |= (old & 7) << _FIRST + _STEPS * i
        self.sources = sources
        self._done = done
        if self._current >= _FIRST:  # on its way is a step that may have another number now
            self._waiting = None
