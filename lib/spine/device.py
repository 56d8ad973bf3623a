"""The SPINE device tree as data, and what node management says about it (SPINE 1.3.0; reference 3.5).

A function is a tuple (schema, source[, write[, flags[, stage]]]):
 schema  `name:(...)` in the language of bounded.json_reader
 source  its data, as Message.describe takes it; None: cannot be read (a client's function, a call)
 write   write(rows, peer, full) -> error number (0 or None: done), rows as of restricted.changes; None: read only
 flags   FULL_ONLY, FIRST
 stage   stage(at, row) takes the entries of a big list as they arrive (True: taken), stage(0, None) begins; the
         function then takes full writes only, and `write` gets None for the rows
A feature is an int (common_data_types.py) and its owner: an object whose method `functions(feature)` makes its
functions for one message (all those of a device with twenty would fill 10 KB), or a tuple of them.
An entity is a tuple (address, type, use cases, feature, owner, feature, owner ...). Its use cases are rows (actor,
((name, version, available, scenarios, subrevision), ...)), an object whose method `use_cases()` makes them, or None.
"""

from bounded.compat import const

from spine.common_data_types import CLIENT, DEVICE_INFORMATION, NODE_MANAGEMENT, SPECIAL, role_word, word
from spine.schema import name, schema

FULL_ONLY = const(1)  # no partial writes, and none announced
FIRST = const(2)  # notify once right after the subscription
QUIET = const(6)  # items of a subscription (peer.py) of which nothing is to be told

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
_FEATURES = const(3)  # where they begin in an entity


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
    """The own device: `entities` as data, and the peers connected now.

    `features` are those of entity [0] beside node management, of which the device is the owner itself.
    `bindings` is how many clients may bind one server feature; a further one is refused.
    `hook(peer, what, entity, value)` hears of a peer and its entity: "alive" (a heartbeat came: its timestamp,
    counter and promised timeout in ms, each None when missing), "shown" (the same as the answer to a read: perhaps an
    old one), "state" (its operatingState), "bound" and "unbound" (the owner of the own feature), "closed".
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
        self.entities = [(NODE_AT, DEVICE_INFORMATION, None, NODE_MANAGEMENT | SPECIAL, self) + tuple(features)]

    def functions(self, feature):
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
        """(feature, owner) of this number on the entity of this address, or None."""
        for place in self.entities:
            if place[0] == address:
                for at in range(_FEATURES, len(place), 2):
                    if place[at] >> 8 == number:
                        return place[at : at + 2]
        return None

    def add(self, place):
        """Add an entity; subscribers of node management hear of it."""
        self.entities.append(tuple(list(place)))  # one of its own for every time it comes
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
        self.changed(self, USE_CASES)

    def changed(self, owner, schema):
        """The data of a function of this owner has changed: notify its subscribers."""
        self.changes += 1
        for peer in self.peers:
            for each in peer.subscriptions:
                if each[0] is owner:
                    for i in range(QUIET, len(each)):
                        if each[i] is schema:
                            break
                    else:
                        each.append(schema)

    def discovery(self, field, index, only=None, change=None):
        """Source of DISCOVERY, for the whole device or for the entity `only` with its `change`."""
        own = self.address
        if field == 0:
            return (("1.3.0",),)
        if field == 1:
            return (own,) if only else (own, word(self.kind), "smart")
        if field == 2:
            if only:
                return None if index else (own, only[0], word(only[1]), change)
            if index < len(self.entities):
                place = self.entities[index]
                return (own, place[0], word(place[1]))
            return None
        if change == "removed":
            return None
        for place in (only,) if only else self.entities:
            at = _FEATURES + 2 * index
            if at < len(place):
                feature = place[at]
                rows = []
                if feature & CLIENT == 0:
                    for function in functions_of(feature, place[at + 1]):
                        rows.append(_operations(function))
                return (own, place[0], feature >> 8, word(feature), role_word(feature), rows or None)
            index -= (len(place) - _FEATURES) // 2
        return None

    def use_case(self, field, index):
        """Source of USE_CASES."""
        for place in self.entities:
            rows = cases_of(place)
            if index < len(rows):
                return (self.address, place[0], None) + rows[index]
            index -= len(rows)
        return None

    # --- for a person

    def entity_type(self, place):
        """The type of an entity."""
        return word(place[1])

    def told_features(self, place):
        """Yield what says number, type, role and functions of a feature."""
        for at in range(_FEATURES, len(place), 2):
            feature = place[at]
            names = ""
            for each in functions_of(feature, place[at + 1]):
                names += " " + _name(each)
            yield "%d %s %s:%s" % (feature >> 8, word(feature), role_word(feature), names)

    def told_cases(self, place):
        """Yield (actor, use cases with their versions)."""
        for actor, cases in cases_of(place):
            yield actor, ["%s %s" % case[:2] for case in cases]


def functions_of(feature, owner):
    """The functions of a feature, made now where they are not kept."""
    return owner if isinstance(owner, tuple) else owner.functions(feature)


def cases_of(place):
    """The rows of use cases of an entity."""
    cases = place[2]
    return cases or () if cases is None or isinstance(cases, tuple) else cases.use_cases()


def _name(function):
    return str(name(function[0]), "utf-8")


def _operations(function):
    called = _name(function)
    read = None if function[1] is None else True
    if len(function) < 3 or function[2] is None:
        return (called, None, True) if read else (called, True)
    if len(function) > 3 and function[3] & FULL_ONLY:
        return (called, None, read, True)
    return (called, None, read, None, True)
