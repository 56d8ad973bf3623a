"""One connected peer: takes its datagrams as they arrive, acts on them in order, and has the next one to send.

SPINE 1.3.0; reference 3.1 to 3.6. Pure: bytes and `now_ms` in, a producer of bytes out. What is owed to the peer is
remembered as a few ints per message; its text is made when it is sent. ready() is False while no more fits: the
transport then waits before it reads on (back pressure), nothing is dropped.
"""

from bounded.compat import const
from bounded.json_reader import JsonReader
from bounded.json_scan import OPEN, TAGS, measure

from spine.client import ALIVE, BOUND, CLOSED, CONDITION, HEARTBEAT, STATE, UNBOUND
from spine.device import BIND, DISCOVERY, FIRST, FULL_ONLY, NODE_AT, SUBSCRIBE, UNBIND, UNSUBSCRIBE, USE_CASES, within
from spine.message import CMD_AT, DATAGRAM, FILTER_AT, RESULT, Message
from spine.restricted import changes, entry_at

# errorNumber of a result.
_OK = const(0)
_GENERAL = const(1)
_OVERLOAD = const(3)
_UNKNOWN = const(4)
_UNSUPPORTED = const(6)
_REJECTED = const(7)
_COMBINATION = const(8)
_UNBOUND = const(9)

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
_QUEUE = const(16)  # messages
_SLACK = const(2)  # of these kept free for the message being read
_RELATIONS = const(48)  # subscriptions, bindings of one peer


class Peer(JsonReader):
    """begin(), feed(), end() take one datagram each; next_message() gives the producer of the next one to send.

    `client` (client.Client) does what the own device wants of the peer; None: nothing.
    """

    def __init__(self, device, client=None, token_size=96, max_rows=40):
        self.device = device
        self.client = client
        self.address = None  # of the peer's device, as its messages say
        self.subscriptions = []  # [feature, own entity, peer's entity, its feature, dirty functions, not before ms]
        self.bindings = []  # [feature, own entity, peer's entity, its feature]
        self.ignored = 0  # messages without a usable header
        self._head = [None] * 11
        self._queue = [0] * (_OWED * _QUEUE)
        self._first = 0
        self._count = 0
        self._known = None  # entities the peer has heard of
        self._revision = 0
        self._message = Message()
        super().__init__(token_size, 40, max_rows)
        device.peers.append(self)

    # --- a datagram arrives

    def begin(self):
        """A datagram begins."""
        head = self._head
        for i in range(11):
            head[i] = None
        self._error = None
        self._filters = []
        self._commands = 0
        self._function = self._data = self._place = self._named = self._stage = None
        self._in_filter = self._excess = False
        JsonReader.begin(self, DATAGRAM, 0, head)

    def ready(self):
        """Whether another datagram may be read now: there is room for what it will ask for."""
        return self._count + _SLACK <= _QUEUE

    def began(self, at):
        if self.schema is DATAGRAM:
            self.open()
            if at == CMD_AT:
                self._commands += 1
            elif at == FILTER_AT:
                self._in_filter = True
                self._selectors = self._elements = None

    def entry(self, at, row):
        schema = self.schema
        if row is self._data:
            return True
        if schema is DATAGRAM:
            if at == CMD_AT:
                self._named = row[0]
            elif at == FILTER_AT:
                self._in_filter = False
                if len(self._filters) < 3:
                    self._filters.append((row[0], row[1], self._selectors, self._elements))
            return True
        if schema is DISCOVERY:
            # Rows of entities, features and functions differ in length.
            if self.client:
                if len(row) == 4:
                    self.client.seen_entity(row)
                elif len(row) == 6:
                    self.client.seen_feature(row)
            return True
        return self._stage is not None and self._stage(at, row)

    def unknown(self):
        name = self.name()
        if self.schema is not DATAGRAM:  # a selector that the schema does not know
            self._excess = True
            self.skip()
        elif self._in_filter:
            self._narrow(name)
        else:
            self._payload(name)

    def element(self, at, slot):
        """An element to delete was named: mark its places; a part of one named before stands for the whole."""
        kind = self.schema[at + 1]
        width = 1
        if kind == 40:
            width = measure(self.schema, at + 2) & 255
        elif kind == 110 or kind == 112:
            width = 2
        for i in range(slot, min(slot + width, len(self.row))):
            self.row[i] = True

    def _narrow(self, name):
        # Selectors or elements in a filter: rows like the entries of the function named before.
        function = self._function_named(self._rows[-1][0])
        if function is None:
            self._excess = True
            self.skip()
            return
        schema = function[0]
        at = entry_at(schema) or schema.find(b":") + 2
        row = [None] * (measure(schema, at) & 255)
        if name.endswith(b"Selectors"):
            self._selectors = row
            self.push(schema, at, OPEN, row)
        elif name.endswith(b"Elements"):
            self._elements = row
            self.push(schema, at, TAGS, row)
        else:
            self.skip()

    def _function_named(self, name):
        # The function of this name (str or None) at the destination; remembers feature and place.
        head = self._head
        device = self.device
        self._place = None
        feature = self._feature = device.find(head[_TO_ENTITY], head[_TO_FEATURE])
        if feature is None or name is None or (head[_TO_DEVICE] or device.address) != device.address:
            return None
        name = name.encode() + b":"
        functions = feature[3]
        for i in range(len(functions)):
            if functions[i][0].startswith(name):
                self._place = i
                return functions[i]
        return None

    def _payload(self, name):
        # The function's data begins: find out whether it is wanted, and take it.
        if self._function is not None or self._error is not None:
            self._error = self._error or _REJECTED
            self.skip()
            return
        head = self._head
        classifier = head[_CLASSIFIER]
        self._stage = None
        if classifier == "result":
            schema = RESULT
        else:
            function = self._function_named(str(name, "utf-8"))
            error = self._refusal(function, classifier)
            if error:
                self._error = error
                self.skip()
                return
            schema = function[0]
            if classifier == "write" and len(function) > 4:
                if self._filters:
                    self._error = _COMBINATION
                    self.skip()
                    return
                self._stage = function[4]
                self._stage(0, None)
        self._function = schema
        if classifier == "read":
            self.skip()
            return
        at = schema.find(b":") + 2
        self._data = [None] * (measure(schema, at) & 255)
        self.push(schema, at, 0, self._data)

    def _refusal(self, function, classifier):
        # The error of a request that is wrong by its address and function alone, or 0.
        feature = self._feature
        head = self._head
        if feature is None or (head[_TO_DEVICE] or self.device.address) != self.device.address:
            return _UNKNOWN
        if classifier in ("read", "write") and feature[2] == "client":
            return _REJECTED
        if function is None:
            return _UNSUPPORTED
        if classifier == "read":
            return _UNSUPPORTED if function[1] is None else _OK
        if classifier == "write":
            if len(function) < 3 or function[2] is None:
                return _UNSUPPORTED
            for relation in self.bindings:
                if relation[0] is feature and relation[2] == head[_ENTITY] and relation[3] == head[_FEATURE]:
                    return _OK
            return _UNBOUND
        if classifier == "call":
            return _OK if function[0] in (SUBSCRIBE, UNSUBSCRIBE, BIND, UNBIND) else _UNSUPPORTED
        return _OK if classifier in ("notify", "reply") else _REJECTED

    def end(self, now):
        """The datagram is complete: act on it at `now` (ms), or owe the answer that it is wrong."""
        head = self._head
        classifier = head[_CLASSIFIER]
        if head[_COUNTER] is None or classifier is None or head[_ENTITY] is None or head[_FEATURE] is None:
            self.ignored += 1
            return
        if head[_DEVICE] is not None:
            self.address = head[_DEVICE]
        error = self._error
        if not self.complete:
            error = _GENERAL
        elif error is None:
            function = self._function
            named = self._named
            if self._commands != 1 or function is None:
                error = _REJECTED
            elif self.problem:
                error = _OVERLOAD if self.problem == 2 else _REJECTED
            elif self._filters and named is None:
                error = _REJECTED
            elif named is not None and not function.startswith(named.encode() + b":"):
                error = _REJECTED
            else:
                error = self._act(classifier, now)
        if error is None or classifier == "result" or (error and classifier == "reply"):
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
        head = self._head
        queue[at] = head[_TO_ENTITY]
        queue[at + 1] = head[_TO_FEATURE]
        queue[at + 2] = head[_ENTITY]
        queue[at + 3] = head[_FEATURE]
        queue[at + 4] = head[_COUNTER]
        queue[at + 5] = what

    def _act(self, classifier, now):
        # The error number to answer with (0: done), or None when there is nothing to answer.
        head = self._head
        data = self._data
        if classifier == "read":
            self._owe(self._place)
            return None
        if classifier == "write":
            function = self._feature[3][self._place]
            if self._stage:
                return function[2](None, self, True) or _OK
            flags = function[3] if len(function) > 3 else 0
            if self._filters and (self._excess or flags & FULL_ONLY):
                return _COMBINATION
            rows = data[0] if entry_at(function[0]) else [data]
            rows = changes(function[0], function[1], rows, self._filters)
            if isinstance(rows, int):
                return rows
            if not rows and self._filters:
                return _OK
            return function[2](rows, self, not self._filters) or _OK
        if classifier == "call":
            return self._relate(data)
        client = self.client
        schema = self._function
        if classifier == "result":
            if client:
                client.answered(head[_REFERENCE], data[0] or 0, now)
            return None
        if schema is HEARTBEAT:
            if data[1] is not None or data[2] is not None:
                self.device.hook(self, ALIVE, head[_ENTITY], data[2])
        elif schema is STATE:
            if data[1] is not None:
                self.device.hook(self, CONDITION, head[_ENTITY], data[1])
        elif schema is DISCOVERY and client:
            client.end_discovery(not self._filters)
        if classifier == "reply" and client:
            client.answered(head[_REFERENCE], 0, now)
        return _OK

    # --- relations

    def _relate(self, row):
        schema = self._function
        device = self.device
        binding = schema is BIND or schema is UNBIND
        relations = self.bindings if binding else self.subscriptions
        client_device, client, client_feature, own, entity, number = row[:6]
        if (own or device.address) != device.address or (client_device or self.address) != self.address:
            return _REJECTED
        if schema is UNBIND or schema is UNSUBSCRIBE:
            for each in list(relations):
                if _covers(client, client_feature, each[2], each[3]) and _covers(entity, number, each[1], each[0][0]):
                    relations.remove(each)
                    if binding:
                        device.hook(self, UNBOUND, each[2], each[0])
            return _OK
        if client is None or client_feature is None or entity is None or number is None:
            return _REJECTED
        feature = device.find(entity, number)
        if feature is None:
            return _UNKNOWN
        if feature[2] == "client" or (binding and feature[2] == "special") or (row[6] or feature[1]) != feature[1]:
            return _REJECTED
        for each in relations:
            if each[0] is feature and each[2] == client and each[3] == client_feature:
                return _OK
        if len(relations) >= _RELATIONS:
            return _OVERLOAD
        relation = [feature, entity, client, client_feature]
        if binding:
            bound = 0
            for peer in device.peers:
                for each in peer.bindings:
                    bound += each[0] is feature
            if bound >= device.bindings:
                return _REJECTED
            relations.append(relation)
            device.hook(self, BOUND, client, feature)
            return _OK
        first = 0
        functions = feature[3]
        for i in range(len(functions)):
            if len(functions[i]) > 3 and functions[i][3] & FIRST:
                first |= 1 << i
        relation.append(first)
        relation.append(0)
        relations.append(relation)
        if feature is device.node and self._known is None:
            self._known = list(device.entities)
            self._revision = device.revision
        return _OK

    def forget(self, features):
        """Drop the relations of these own features."""
        for relations in (self.subscriptions, self.bindings):
            for each in list(relations):
                for feature in features:
                    if each[0] is feature:
                        relations.remove(each)
                        if relations is self.bindings:
                            self.device.hook(self, UNBOUND, each[2], feature)

    def close(self):
        """The connection has ended: all relations go."""
        device = self.device
        device.peers.remove(self)
        for each in self.bindings:
            device.hook(self, UNBOUND, each[2], each[0])
        self.bindings = []
        self.subscriptions = []
        device.hook(self, CLOSED, None, None)

    def dirty(self, feature, functions):
        """Functions (bits, by place) of an own feature have changed."""
        for each in self.subscriptions:
            if each[0] is feature:
                each[4] |= functions

    # --- a datagram leaves

    def next_message(self, now):
        """The producer of the next datagram (call it with buffers until it answers 0), or None when there is none.

        A producer must be used up before the next one is asked for.
        """
        message = self._message
        if message.busy():
            return message.producer
        device = self.device
        header = message.header
        header[_DEVICE] = device.address
        header[_TO_DEVICE] = self.address
        header[_COUNTER] = device.counter + 1
        header[_REFERENCE] = header[_ACK] = None
        if self._count:
            self._answer(header)
        elif not self._notify(header, now):
            wish = self.client and self.client.next(now, device.counter + 1, header)
            if not wish:
                return None
            message.describe(wish[0], wish[1], False)
        device.counter += 1
        return message.producer

    def _answer(self, header):
        queue = self._queue
        at = self._first * _OWED
        self._first = (self._first + 1) % _QUEUE
        self._count -= 1
        header[_ENTITY] = queue[at]
        header[_FEATURE] = queue[at + 1]
        header[_TO_ENTITY] = queue[at + 2]
        header[_TO_FEATURE] = queue[at + 3]
        header[_REFERENCE] = queue[at + 4]
        place = queue[at + 5]
        if place >= 0:
            feature = self.device.find(queue[at], queue[at + 1])
            if feature is not None:
                header[_CLASSIFIER] = "reply"
                self._say(feature, place)
                return
            place = -1 - _UNKNOWN
        header[_CLASSIFIER] = "result"
        self._message.describe(RESULT, (-1 - place,), False)

    def _say(self, feature, place):
        # The data of a function, as it is now.
        device = self.device
        schema = feature[3][place][0]
        source = feature[3][place][1]
        if feature is device.node:
            if schema is DISCOVERY:
                self._known = list(device.entities)
                self._revision = device.revision
                source = device.discovery
            elif schema is USE_CASES:
                source = device.use_case
            elif source == 4:
                source = ((device.address, device.kind, "smart"),)
            else:
                source = self._subscription if source == 2 else self._binding
        self._message.describe(schema, source, False)

    def _subscription(self, field, index):
        return self._relation(self.subscriptions, index)

    def _binding(self, field, index):
        return self._relation(self.bindings, index)

    def _relation(self, relations, index):
        if index >= len(relations):
            return None
        each = relations[index]
        return (index, self.address, each[2], each[3], self.device.address, each[1], each[0][0])

    def _notify(self, header, now):
        # The first notify that is due; True: described.
        device = self.device
        for each in self.subscriptions:
            feature = each[0]
            news = None
            if feature is device.node and self._revision != device.revision:
                news = self._entity_news()
            if news is None and (not each[4] or now < each[5]):
                continue
            header[_ENTITY] = each[1]
            header[_FEATURE] = feature[0]
            header[_TO_ENTITY] = each[2]
            header[_TO_FEATURE] = each[3]
            header[_CLASSIFIER] = "notify"
            if news:
                self._message.describe(DISCOVERY, news, True)
                return True
            place = 0
            while not each[4] >> place & 1:
                place += 1
            each[4] ^= 1 << place
            if not each[4]:
                each[5] = now + device.gap_ms
            self._say(feature, place)
            return True
        return False

    def _entity_news(self):
        # The source of a discovery about one entity that came or went since the peer was told, or None.
        device = self.device
        known = self._known
        place = change = None
        for each in known:
            if not _among(each, device.entities):
                place = each
                change = "removed"
                known.remove(each)
                break
        else:
            for each in device.entities:
                if not _among(each, known):
                    place = each
                    change = "added"
                    known.append(each)
                    break
        if place is None:
            self._revision = device.revision
            return None
        return lambda field, index: device.discovery(field, index, place, change)


def _among(place, places):
    for each in places:
        if each is place:
            return True
    return False


def _covers(entity, number, other, other_number):
    # Whether an address, perhaps without feature or entity, means this one.
    if entity is None:
        return True
    return within(other, entity) if number is None else entity == other and number == other_number
