"""One connected peer: acts on its datagrams in order, keeps its relations, and has the next datagram to send.

SPINE 1.3.0; reference 3.1 to 3.6. Pure: bytes and `now_ms` in, a producer of bytes out. What is owed to the peer is
remembered as a few ints per message; its text is made when it is sent. ready() is False while no more fits: the
transport then waits before it reads on (back pressure), nothing is dropped.
"""

from bounded.compat import const

from spine.client import HEARTBEAT, STATE
from spine.common_data_types import CLIENT, SERVER, word
from spine.device import (
    BIND, DISCOVERY, FIRST, FULL_ONLY, QUIET, UNBIND, UNSUBSCRIBE, USE_CASES, functions_of, within,
)
from spine.incoming import RESULT, Incoming
from spine.message import Message
from spine.restricted import changes, entry_at
from spine.schema import text

# errorNumber of a result.
_OK = const(0)
_OVERLOAD = const(3)
_UNKNOWN = const(4)
_REJECTED = const(7)
_COMBINATION = const(8)

# Places in the header's row.
_DEVICE = const(0)
_ENTITY = const(1)
_FEATURE = const(2)
_TO_DEVICE = const(3)
_TO_ENTITY = const(4)
_TO_FEATURE = const(5)
_COUNTER = const(6)
_REFERENCE = const(7)
_CLASSIFIER = const(8)
_ACK = const(9)

# A message owed: own entity and feature, the peer's entity and feature, reference, place of the function or -1 - error.
_OWED = const(6)
_QUEUE = const(8)  # messages
_RELATIONS = const(48)  # subscriptions, bindings of one peer


class Peer:
    """begin() gives the reader of a datagram, whose feed(buf, pos, end) takes its bytes, end(now) acts on it;
    next_message(now) gives the producer of the next to send.

    `client` (client.Client) does what the own device wants of the peer; None: nothing. `subscriptions` are
    [owner of the own feature, own entity, peer's entity, its feature, own feature, not before ms] and the schemas that
    changed, `bindings` the first five of these. `ignored` counts messages without a usable header.
    """

    def __init__(self, device, client=None, token_size=96, max_rows=40):
        self.device = device
        self.client = client
        self.address = None  # of the peer's device, as its messages say
        self.subscriptions = []
        self.bindings = []
        self.ignored = 0
        self._queue = [0] * (_OWED * _QUEUE)
        self._first = 0
        self._count = 0
        self._known = None  # entities the peer has heard of
        self._revision = 0
        self._seen = 0  # changes of the device that were looked at
        self._pending = False  # a subscription has something to send, now or later
        self._turn = False  # the client's, after an answer
        self._message = Message()
        self._incoming = Incoming(self, token_size, max_rows)
        device.peers.append(self)

    def begin(self):
        """A datagram begins: what takes its bytes. (feed() there answers False when they are no JSON.)"""
        self._incoming.begin()
        return self._incoming.reader

    def ready(self):
        """Whether another datagram may be read now: there is room for what it will ask for."""
        return self._count < _QUEUE

    def end(self, now):
        """The datagram is complete: act on it at `now` (ms), or owe the answer that it is wrong."""
        incoming = self._incoming
        head = incoming.head
        classifier = head[_CLASSIFIER]
        if head[_COUNTER] is None or classifier is None or head[_ENTITY] is None or head[_FEATURE] is None:
            self.ignored += 1
            return
        if head[_DEVICE] is not None:
            self.address = head[_DEVICE]
        error = incoming.verdict()
        if not error:
            if classifier == "read":
                self._owe(incoming.place)
                incoming.forget()
                return
            error = self._act(incoming, classifier, now)
        incoming.forget()
        if classifier == "result" or (error and classifier == "reply"):
            return
        if error or head[_ACK]:
            self._owe(-1 - error)

    def _owe(self, what):
        # Remember an answer to the datagram just read.
        if self._count == _QUEUE:
            self.ignored += 1
            return
        at = (self._first + self._count) % _QUEUE * _OWED
        self._count += 1
        queue = self._queue
        head = self._incoming.head
        queue[at] = head[_TO_ENTITY]
        queue[at + 1] = head[_TO_FEATURE]
        queue[at + 2] = head[_ENTITY]
        queue[at + 3] = head[_FEATURE]
        queue[at + 4] = head[_COUNTER]
        queue[at + 5] = what

    def _act(self, incoming, classifier, now):
        # The error number to answer with, 0: done.
        head = incoming.head
        data = incoming.data
        schema = incoming.schema
        filters = incoming.filters
        client = self.client
        if classifier == "write":
            function = incoming.offered
            rows = None
            if not incoming.stage:
                if filters and len(function) > 3 and function[3] & FULL_ONLY:
                    return _COMBINATION
                whole = incoming.text
                rows = changes(whole, function[1], data[0] if entry_at(whole) else [data], filters)
                if isinstance(rows, int):
                    return rows
                if filters and not rows:
                    return _OK
            return function[2](rows, self, not filters) or _OK
        if classifier == "call":
            return self._relate(schema, data)
        if schema is RESULT:
            if client:
                client.answered(head[_REFERENCE], data[0] or 0, now)
            return _OK
        hook = self.device.hook
        if schema is HEARTBEAT:
            if not isinstance(data[2], int):  # a point in time is no promise
                data[2] = None
            if data[1] is not None or data[2] is not None:
                hook(self, "alive" if classifier == "notify" else "shown", head[_ENTITY], data)
        elif schema is STATE:
            if data[1] is not None:
                hook(self, "state", head[_ENTITY], data[1])
        elif schema is DISCOVERY and client:
            client.discovered(not filters)
        if classifier == "reply" and client:
            client.answered(head[_REFERENCE], 0, now)
        return _OK

    # --- relations

    def _relate(self, schema, row):
        # Carry out a call of node management.
        device = self.device
        binding = schema is BIND or schema is UNBIND
        relations = self.bindings if binding else self.subscriptions
        client_device, client, client_feature, own, entity, number = row[:6]
        if (own or device.address) != device.address or (client_device or self.address) != self.address:
            return _REJECTED
        if schema is UNBIND or schema is UNSUBSCRIBE:
            self._end_relations(relations, row)
            return _OK
        if client is None or client_feature is None or entity is None or number is None:
            return _REJECTED
        found = device.find(entity, number)
        if found is None:
            return _UNKNOWN
        feature = found[0]
        if feature & CLIENT or (binding and not feature & SERVER) or row[6] and row[6] != word(feature):
            return _REJECTED
        for each in relations:
            if each[1] == entity and each[2] == client and each[3] == client_feature and each[4] == feature:
                return _OK
        if len(relations) >= _RELATIONS:
            return _OVERLOAD
        asked = (found[1], entity, client, client_feature, feature)
        return self._bind(asked) if binding else self._subscribe(asked)

    def _end_relations(self, relations, row):
        client, client_feature, _, entity, number = row[1:6]
        for each in list(relations):
            if _covers(client, client_feature, each[2], each[3]) and _covers(entity, number, each[1], each[4] >> 8):
                self._drop(relations, each)

    def _bind(self, asked):
        device = self.device
        bound = 0
        for peer in device.peers:
            for each in peer.bindings:
                bound += each[1] == asked[1] and each[4] == asked[4]
        if bound >= device.bindings:
            return _REJECTED
        self.bindings.append(asked)
        device.hook(self, "bound", asked[2], asked[0])
        return _OK

    def _subscribe(self, asked):
        device = self.device
        first = []
        for function in functions_of(asked[4], asked[0]):
            if len(function) > 3 and function[3] & FIRST:
                first.append(function[0])
        self.subscriptions.append(list(asked) + [0] + first)
        self._pending = True
        if asked[0] is device and self._known is None:
            self._known = list(device.entities)
            self._revision = device.revision
        return _OK

    def _drop(self, relations, each):
        relations.remove(each)
        if relations is self.bindings:
            self.device.hook(self, "unbound", each[2], each[0])

    def forget(self, address):
        """Drop the relations of the own entity `address`."""
        for relations in (self.subscriptions, self.bindings):
            for each in list(relations):
                if each[1] == address:
                    self._drop(relations, each)

    def close(self):
        """The connection has ended: all relations go."""
        device = self.device
        if self in device.peers:
            device.peers.remove(self)
            self.subscriptions = []
            for each in list(self.bindings):
                self._drop(self.bindings, each)
            device.hook(self, "closed", None, None)
            self._message = self._incoming = self.client = self._queue = None  # a stale word may keep this object

    # --- a datagram leaves

    def next_message(self, now):
        """The producer of the next datagram (call it with buffers until it answers 0), or None when there is none."""
        message = self._message
        if message.busy():
            return message.producer
        device = self.device
        header = message.header
        header[_DEVICE] = device.address
        header[_TO_DEVICE] = self.address
        header[_COUNTER] = device.counter + 1
        header[_REFERENCE] = header[_ACK] = None
        # Own requests are few; behind a burst of 60 answers they would come too late.
        client = self.client
        wish = None
        if client and now >= client.due and (self._turn or not self._count):
            wish = client.wish(now, header)
        self._turn = False
        if wish:
            schema = text(wish)  # up to half a KB in one piece: before the code that writes it is in memory
            message.describe(schema, client.call)
        elif self._count:
            self._answer(header)
            self._turn = True
        elif not self._notify(header, now):
            return None
        device.counter += 1
        return message.producer

    def _answer(self, header):
        queue = self._queue
        at = self._first * _OWED
        for i in range(5):
            header[(1, 2, 4, 5, 7)[i]] = queue[at + i]
        place = queue[at + 5]
        found = self.device.find(queue[at], queue[at + 1]) if place >= 0 else None
        if found is not None:
            header[_CLASSIFIER] = "reply"
            self._say(found[1], functions_of(found[0], found[1])[place])
        else:
            header[_CLASSIFIER] = "result"
            schema = text(RESULT)
            self._message.describe(schema, (_UNKNOWN if place >= 0 else -1 - place,))
        self._first = (self._first + 1) % _QUEUE  # now: who lacks memory may ask again
        self._count -= 1

    def _say(self, owner, function):
        # The data of a function, as it is now.
        device = self.device
        schema, source = function[:2]
        if owner is device:
            if schema is DISCOVERY:
                self._known = list(device.entities)
                self._revision = device.revision
                source = device.discovery
            elif schema is USE_CASES:
                source = device.use_case
            elif source == 4:
                source = ((device.address, word(device.kind), "smart"),)
            else:
                source = self._subscribed if source == 2 else self._bound
        schema = text(schema)
        self._message.describe(schema, source)

    def _notify(self, header, now):
        # The first notify that is due; True: described.
        device = self.device
        if self._seen == device.changes and not self._pending:
            return False
        self._seen = device.changes
        self._pending = False
        for each in self.subscriptions:
            owner = each[0]
            feature = each[4]
            news = None
            if owner is device and self._revision != device.revision:
                schema = text(DISCOVERY)
                describe = self._message.describe  # both before the news, which are told once
                news = self._entity_news()
            if news is None and (len(each) == QUIET or now < each[5]):
                self._pending = self._pending or len(each) > QUIET
                continue
            self._pending = True
            header[_ENTITY] = each[1]
            header[_FEATURE] = feature >> 8
            header[_TO_ENTITY] = each[2]
            header[_TO_FEATURE] = each[3]
            header[_CLASSIFIER] = "notify"
            if news:
                describe(schema, news, True)
                return True
            schema = each[QUIET]
            said = False
            for function in functions_of(feature, owner):
                if function[0] is schema:
                    self._say(owner, function)
                    said = True
            each.pop(QUIET)
            if len(each) == QUIET:
                each[5] = now + device.gap_ms
            if said:
                return True
        return False

    def _entity_news(self):
        # The source of a discovery about one entity that came or went since the peer was told, or None.
        device = self.device
        known = self._known
        place = _missing(known, device.entities)
        change = "removed"
        if place:
            known.remove(place)
        else:
            place = _missing(device.entities, known)
            change = "added"
            if not place:
                self._revision = device.revision
                return None
            known.append(place)
        return lambda field, index: device.discovery(field, index, place, change)

    def _subscribed(self, field, index):
        # Source of the list of subscriptions.
        return self._listed(self.subscriptions, index)

    def _bound(self, field, index):
        return self._listed(self.bindings, index)

    def _listed(self, relations, index):
        if index >= len(relations):
            return None
        each = relations[index]
        return (index, self.address, each[2], each[3], self.device.address, each[1], each[4] >> 8)


def _missing(some, others):
    # The first of `some` that is not among `others`, the very same.
    for each in some:
        for other in others:
            if each is other:
                break
        else:
            return each
    return None


def _covers(entity, number, other, other_number):
    # Whether an address, perhaps without feature or entity, means this one.
    if entity is None:
        return True
    return within(other, entity) if number is None else entity == other and number == other_number
