"""One SPINE datagram on its way in: header, filters and the data of the one function it names (reference 3.1, 3.4)."""

from bounded.compat import const
from bounded.json_reader import JsonReader
from bounded.json_scan import OPEN, TAGS, measure

from spine.common_data_types import CLIENT
from spine.client import SEEN
from spine.device import BIND, DISCOVERY, SUBSCRIBE, UNBIND, UNSUBSCRIBE, functions_of
from spine.message import DATAGRAM
from spine.restricted import entry_at
from spine.schema import is_called, schema, text

RESULT = schema(b"resultData:(errorNumber:u)")

# Places in DATAGRAM.
_CMD_AT = const(149)
_FILTER_AT = const(168)

# Places in the header's row.
_ENTITY = const(1)
_FEATURE = const(2)
_TO_DEVICE = const(3)
_TO_ENTITY = const(4)
_TO_FEATURE = const(5)
_CLASSIFIER = const(8)

_OK = const(0)
_GENERAL = const(1)
_OVERLOAD = const(3)
_UNKNOWN = const(4)
_UNSUPPORTED = const(6)
_REJECTED = const(7)
_COMBINATION = const(8)
_UNBOUND = const(9)


class Incoming:
    """What a datagram says: header `head` (as in DATAGRAM), own `feature` and its owner, the function `offered` there,
    its `place`, its `schema` and its `text`, `data`, `filters` (delete, partial, selectors, elements)."""

    def __init__(self, peer, token_size, max_rows):
        self._peer = peer
        self.reader = JsonReader(token_size, 40, max_rows, self)
        self.head = [None] * 11

    def begin(self):
        """A datagram begins."""
        head = self.head
        for i in range(11):
            head[i] = None
        self.filters = []
        self.error = self.schema = self.text = self.data = self.stage = self.feature = self.offered = None
        self._named = None
        self._commands = 0
        self._in_filter = self._excess = False
        self.reader.begin(DATAGRAM, 0, head)

    def forget(self):
        """The datagram was acted on: drop what it held, the header's row stays."""
        self.filters = self.text = self.data = self.stage = self.offered = None

    def verdict(self):
        """The datagram is over: the error number it earns so far, 0 for none."""
        reader = self.reader
        if not reader.complete:
            return _GENERAL
        schema = self.schema
        named = self._named
        if self.error is not None:
            return self.error
        if self._commands != 1 or schema is None:
            return _REJECTED
        if self.filters if named is None else not is_called(schema, named.encode()):
            return _REJECTED
        if self.head[_CLASSIFIER] not in ("write", "call"):
            return _OK  # of what only informs us, elements of the wrong type count as missing
        if reader.problem:
            return _OVERLOAD if reader.problem == 2 else _REJECTED
        now = self._peer.device.find(self.head[_TO_ENTITY], self.head[_TO_FEATURE])
        if now is None or now[1] is not self.feature[1]:
            return _UNKNOWN  # the entity went while the write arrived
        return _COMBINATION if self._excess else _OK

    # --- what the reader reports

    def began(self, at):
        reader = self.reader
        if reader.schema is DATAGRAM:
            reader.open()
            if at == _CMD_AT:
                self._commands += 1
            else:
                self._in_filter = True
                self._selectors = self._elements = None

    def entry(self, at, row):
        schema = self.reader.schema
        if schema is DATAGRAM:
            if at == _CMD_AT:
                self._named = row[0]
            else:
                self._in_filter = False
                if len(self.filters) < 3:
                    self.filters.append((row[0], row[1], self._selectors, self._elements))
            return True
        if row is self.data:
            return True
        if self.schema is DISCOVERY:  # only the client side looks at it, row by row
            if self._peer.client:
                self._peer.client.seen(row)
            return True
        return self.stage and self.stage(at, row)

    def unknown(self):
        reader = self.reader
        if reader.schema is not DATAGRAM:  # a selector that the schema does not know
            self._excess = True
            reader.skip()
            return
        name = reader.name()
        if self._in_filter:
            schema = self._find((reader.parent()[0] or "").encode())
            kind = 0
            if name.endswith(b"Selectors"):
                kind = OPEN
            elif name.endswith(b"Elements"):
                kind = TAGS
            if kind and schema:
                schema = text(schema)
                # Selectors and elements look like the entries of the function named before.
                at = entry_at(schema) or schema.find(b":") + 2
                row = [None] * (measure(schema, at) & 255)
                if kind == OPEN:
                    self._selectors = row
                else:
                    self._elements = row
                reader.push(schema, at, kind, row)
                return
            self._excess = self._excess or kind
        else:
            schema = self._wanted(name)
            if schema:
                schema = self.text = text(SEEN if schema is DISCOVERY else schema)
                at = schema.find(b":") + 2
                self.data = [None] * (measure(schema, at) & 255)
                reader.push(schema, at, 0, self.data)
                return
        reader.skip()

    def element(self, at, slot):
        """An element to delete was named: mark its places, of a time period both."""
        reader = self.reader
        kind = reader.schema[at + 1]
        width = 1
        if kind == 40:
            width = measure(reader.schema, at + 2) & 255
        elif kind == 110 or kind == 112:
            width = 2
        for i in range(slot, slot + width):
            reader.row[i] = True

    def _find(self, name):
        # The schema of the function of this name at the destination, None for an unknown one; sets feature and place.
        head = self.head
        device = self._peer.device
        self.feature = None
        if (head[_TO_DEVICE] or device.address) == device.address:
            self.feature = device.find(head[_TO_ENTITY], head[_TO_FEATURE])
        if self.feature is not None:
            functions = functions_of(self.feature[0], self.feature[1])
            for i in range(len(functions)):
                if is_called(functions[i][0], name):
                    self.place = i
                    self.offered = functions[i]
                    return functions[i][0]
        return None

    def _wanted(self, name):
        # The schema of the function whose data begins, when the data is wanted.
        if self.schema is not None or self.error is not None:
            self.error = self.error or _REJECTED
            return None
        classifier = self.head[_CLASSIFIER]
        if classifier == "result":
            self.schema = RESULT
            return RESULT
        schema = self._find(name)
        self.error = self._refusal(schema, classifier) or None
        if self.error:
            return None
        self.schema = schema
        function = self.offered
        if classifier == "write" and len(function) > 4:
            if self.filters:
                self.error = _COMBINATION
                return None
            self.stage = function[4]
            self.stage(0, None)
        return None if classifier == "read" else schema

    def _refusal(self, schema, classifier):
        # The error of a request that is wrong by its address and function alone.
        feature = self.feature
        if feature is None:
            return _UNKNOWN
        asked = classifier == "read"
        if (asked or classifier == "write") and feature[0] & CLIENT:
            return _REJECTED
        if schema is None:
            return _UNSUPPORTED
        function = self.offered
        if asked:
            return _UNSUPPORTED if function[1] is None else _OK
        if classifier == "write":
            if len(function) < 3 or function[2] is None:
                return _UNSUPPORTED
            head = self.head
            for each in self._peer.bindings:
                if each[1:] == (head[_TO_ENTITY], head[_ENTITY], head[_FEATURE], feature[0]):
                    return _OK
            return _UNBOUND
        if classifier == "call":
            return _OK if schema in (SUBSCRIBE, UNSUBSCRIBE, BIND, UNBIND) else _UNSUPPORTED
        return _OK if classifier in ("notify", "reply") else _REJECTED
