"""The SPINE device tree as data, and what node management says about it (SPINE 1.3.0; reference 3.5).

A function is a tuple (schema, source[, write[, flags[, stage]]]):
 schema  `name:(...)` in the language of bounded.json_reader
 source  its data, as Message.describe takes it; None: cannot be read (a client's function, a call)
 write   write(rows, peer, full) -> error number (0 or None: done), rows as of restricted.changes; None: read only
 flags   FULL_ONLY, FIRST
 stage   stage(at, row) takes the entries of a big list as they arrive (True: taken), stage(0, None) begins; the
         function then takes full writes only, and `write` gets None for the rows
A feature is a tuple (number, type, role, functions), an entity a tuple (address, type, features). In the place of the
functions may stand an object whose method `functions()` makes them: a message needs those of one feature, and of a
device with twenty they would fill 10 KB.
"""

from bounded.compat import const

from spine.schema import schema, text

FULL_ONLY = const(1)  # no partial writes, and none announced
FIRST = const(2)  # notify once right after the subscription

DISCOVERY = schema(
    b"nodeManagementDetailedDiscoveryData:(specificationVersionList:(specificationVersion:S) "
    b"deviceInformation:(description:(deviceAddress:(device:s) deviceType:s networkFeatureSet:s)) "
    b"entityInformation:[description:(entityAddress:(device:s entity:A) entityType:s lastStateChange:s)] "
    b"featureInformation:[description:(featureAddress:a featureType:s role:s supportedFunction:"
    b"[function:s possibleOperations:e possibleOperations:(read:e write:e write:(partial:e))])])"
)
USE_CASES = schema(
    b"nodeManagementUseCaseData:(useCaseInformation:[address:a actor:s useCaseSupport:[useCaseName:s "
    b"useCaseVersion:s useCaseAvailable:b scenarioSupport:U useCaseDocumentSubRevision:s]])"
)
SUBSCRIBE = schema(
    b"nodeManagementSubscriptionRequestCall:(subscriptionRequest:(clientAddress:a serverAddress:a serverFeatureType:s))"
)
UNSUBSCRIBE = schema(
    b"nodeManagementSubscriptionDeleteCall:("
    b"subscriptionDelete:(clientAddress:a serverAddress:a))"
)
SUBSCRIPTIONS = schema(
    b"nodeManagementSubscriptionData:("
    b"subscriptionEntry:[subscriptionId:k clientAddress:a serverAddress:a])"
)
BIND = schema(
    b"nodeManagementBindingRequestCall:("
    b"bindingRequest:(clientAddress:a serverAddress:a serverFeatureType:s))"
)
UNBIND = schema(
    b"nodeManagementBindingDeleteCall:("
    b"bindingDelete:(clientAddress:a serverAddress:a))"
)
BINDINGS = schema(
    b"nodeManagementBindingData:("
    b"bindingEntry:[bindingId:k clientAddress:a serverAddress:a])"
)
DESTINATIONS = schema(
    b"nodeManagementDestinationListData:(nodeManagementDestinationData:"
    b"[deviceDescription:(deviceAddress:(device:s) deviceType:s networkFeatureSet:s)])"
)
NODE_AT = const(1024)  # entity [0]


def entity(*numbers):
    """An entity address as one int: 10 bits per number behind a leading 1; entity(1, 1) is [1,1]."""
    packed = 1
    for number in numbers:
        packed = packed << 10 | number
    return packed


def within(address, above):
    """Whether entity `address` is `above` or below it."""
    while address > above:
        address >>= 10
    return address == above


class Device:
    """The own device: `entities` as data, use cases, and the peers connected now.

    `use_cases` are rows (entity address, actor, ((name, version, available, scenarios, subrevision), ...)); the cases,
    too, may be an object with a method `use_cases(address, actor)` that makes them.
    `bindings` is how many clients may bind one server feature; a further one is refused.
    `hook(peer, what, entity, value)` hears of a peer and its entity: "alive" (a heartbeat came: its timestamp,
    counter and promised timeout in ms, each None when missing), "shown" (the same as the answer to a read: perhaps an
    old one), "state" (its operatingState), "bound" and "unbound" (the own feature), "closed".
    """

    def __init__(self, address, kind, features=(), hook=None):
        self.address = address
        self.kind = kind
        self.hook = hook or self._deaf
        self.bindings = 1
        self.gap_ms = 250  # between two notifies of a feature to one subscriber
        self.counter = 0
        self.changes = 0  # calls of changed()
        self.revision = 0  # of the list of entities
        self.peers = []
        self.use_cases = []
        self.node = (0, "NodeManagement", "special", self)
        self.entities = [(NODE_AT, "DeviceInformation", (self.node,) + tuple(features))]

    def functions(self):
        """Those of node management; their sources: a number that peers know."""
        return (
            (DISCOVERY, 0),
            (USE_CASES, 1),
            (SUBSCRIPTIONS, 2),
            (SUBSCRIBE, None),
            (UNSUBSCRIBE, None),
            (BINDINGS, 3),
            (BIND, None),
            (UNBIND, None),
            (DESTINATIONS, 4),
        )

    def _deaf(self, peer, what, entity, value):
        pass

    def find(self, address, number):
        """The feature of this number on the entity of this address, or None."""
        for place in self.entities:
            if place[0] == address:
                for feature in place[2]:
                    if feature[0] == number:
                        return feature
        return None

    def add(self, place):
        """Add an entity; subscribers of node management hear of it."""
        self.entities.append((place[0], place[1], place[2]))  # one of its own for every time it comes
        self._revise()

    def remove(self, address):
        """Remove the entity of this address, and the relations of its features."""
        for i in range(len(self.entities)):
            place = self.entities[i]
            if place[0] == address:
                self.entities.pop(i)
                for peer in self.peers:
                    peer.forget(address)
                self._revise()
                return

    def _revise(self):
        self.revision += 1
        self.changed(self.node, USE_CASES)

    def changed(self, feature, schema):
        """The data of a function has changed: notify its subscribers."""
        self.changes += 1
        for peer in self.peers:
            for each in peer.subscriptions:
                if each[0] is feature and schema not in each[4]:
                    each[4].append(schema)

    def discovery(self, field, index, only=None, change=None):
        """Source of DISCOVERY, for the whole device or for the entity `only` with its `change`."""
        own = self.address
        if field == 0:
            return (("1.3.0",),)
        if field == 1:
            return (own,) if only else (own, self.kind, "smart")
        if field == 2:
            if only:
                return None if index else (own, only[0], only[1], change)
            if index < len(self.entities):
                place = self.entities[index]
                return (own, place[0], place[1])
            return None
        if change == "removed":
            return None
        for place in (only,) if only else self.entities:
            features = place[2]
            if index < len(features):
                number, kind, role = features[index][:3]
                rows = []
                if role != "client":
                    for function in functions_of(features[index]):
                        rows.append(_operations(function))
                return (own, place[0], number, kind, role, rows or None)
            index -= len(features)
        return None

    def use_case(self, field, index):
        """Source of USE_CASES."""
        for row in self.use_cases:
            for place in self.entities:
                if place[0] == row[0]:
                    if not index:
                        return (self.address, row[0], None, row[1], cases_of(row))
                    index -= 1
        return None


def functions_of(feature):
    """The functions of a feature, made now where they are not kept."""
    functions = feature[3]
    return functions if isinstance(functions, tuple) else functions.functions()


def cases_of(row):
    """The cases of a row of `use_cases`."""
    return row[2] if isinstance(row[2], (tuple, list)) else row[2].use_cases(row[0], row[1])


def _operations(function):
    name = text(function[0])
    name = name[: name.find(b":")]
    read = None if function[1] is None else True
    if len(function) < 3 or function[2] is None:
        return (name, None, True) if read else (name, True)
    if len(function) > 3 and function[3] & FULL_ONLY:
        return (name, None, read, True)
    return (name, None, read, None, True)
