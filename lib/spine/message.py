"""One SPINE datagram on its way out, written unit by unit from descriptions and data sources (reference 3.1)."""

from bounded.compat import const
from bounded.json_scan import measure
from bounded.json_writer import JsonWriter

# All of a datagram that matters here. The header's part serves writing too.
DATAGRAM = (
    b"data:(payload:(datagram:(header:(addressSource:a addressDestination:a msgCounter:u msgCounterReference:u "
    b"cmdClassifier:s ackRequest:b) payload:(cmd:[function:s filter:[cmdControl:(delete:e partial:e)]]))))"
)
HEADER_AT = const(33)
CMD_AT = const(149)
FILTER_AT = const(168)

RESULT = b"resultData:(errorNumber:u description:s)"

_HEAD = (
    b'{"data":[{"header":[{"protocolId":"ee1.0"}]},'
    b'{"payload":{"datagram":[{"header":[{"specificationVersion":"1.3.0"},'
)

# Where the writer is.
_IDLE = const(0)
_BEGIN = const(1)
_FIELD = const(2)  # at an element of the function
_ENTRIES = const(3)  # within a list
_END = const(4)


class Message(JsonWriter):
    """Holds what is being sent: header, function, and where in its data the writer is.

    `header` is the row of the header in DATAGRAM: source (device, entity, feature), destination (the same),
    msgCounter, msgCounterReference, cmdClassifier, ackRequest. `producer` is produce as a ready-made callable.
    """

    def __init__(self):
        super().__init__()
        self.header = [None] * 10
        self._one = [None]
        self._step = _IDLE
        self.producer = self.produce

    def describe(self, schema, source, partial):
        """Send the function `schema`, with the filter `partial` or none, under the header filled in before.

        `source` has its data: None for none, a sequence, or a function of field and index. For a list it gives
        the row of entry `index` (None behind the last), else the value or row of element number `field`.
        """
        self.reset()
        self._schema = schema
        self._source = source
        self._partial = partial
        self._element = schema.find(b":") + 2
        self._field = 0
        self._some = False
        self._step = _BEGIN

    def busy(self):
        """Whether a message is not out completely."""
        return self._step != _IDLE

    def produce(self, buf):
        """Write the next bytes of the message into `buf`; how many, 0 at the end."""
        self.start(buf)
        while self._step:
            self._unit()
            if not self.done():
                break
            self._advance()
        return self.written()

    def _unit(self):
        step = self._step
        schema = self._schema
        if step == _BEGIN:
            name = schema[: schema.find(b":")]
            self.raw(_HEAD)
            self.members(DATAGRAM, HEADER_AT, self.header, 0)
            self.raw(b']},{"payload":[{"cmd":[[')
            if self._partial:
                self.raw(b'{"function":"')
                self.raw(name)
                self.raw(b'"},{"filter":[[{"cmdControl":[{"partial":[]}]}]]},')
            self.raw(b'{"')
            self.raw(name)
            self.raw(b'":[')
        elif step == _END:
            self.raw(b"]}]]}]}]}}]}")
        elif step == _ENTRIES:
            row = self._row
            if row is None:
                self.raw(b"]}")
            else:
                self._wrote = self.entry(schema, self._colon + 2, row, self._lead)
        else:
            colon = self._colon
            self.raw(b',{"' if self._some else b'{"')
            self.raw(schema[self._element : colon])
            self.raw(b'":')
            kind = schema[colon + 1]
            if kind == 91:
                self.raw(b"[")
                return
            row = self._row
            if kind in b"(npa":
                self.value(schema, colon, row, 0)
            else:
                self._one[0] = row
                self.value(schema, colon, self._one, 0)
            self.raw(b"}")

    def _advance(self):
        # From a unit that is out to the next one, and get its data.
        step = self._step
        if step == _END:
            self._step = _IDLE
            self._source = self._row = None
            return
        if step == _FIELD:
            self._some = True
            if self._schema[self._colon + 1] == 91:
                self._step = _ENTRIES
                self._lead = b""
                self._wrote = False
                return
        elif step == _ENTRIES:
            if self._row is not None:
                if self._wrote:
                    self._lead = b","
                self._index += 1
                self._row = self._get()
                return
        if step != _BEGIN:
            self._element = self._after
            self._field += 1
        # To the next element that has data.
        schema = self._schema
        while self._source is not None and schema[self._element] != 41:
            colon = self._colon = schema.find(b":", self._element)
            after = colon + 2
            if schema[colon + 1] == 40 or schema[colon + 1] == 91:
                after = measure(schema, after) >> 8
            self._after = after + 1 if schema[after] == 32 else after
            self._index = 0
            self._row = self._get()
            if self._row is not None:
                self._step = _FIELD
                return
            self._element = self._after
            self._field += 1
        self._step = _END

    def _get(self):
        source = self._source
        if callable(source):
            return source(self._field, self._index)
        i = self._index if self._schema[self._colon + 1] == 91 else self._field
        return source[i] if i < len(source) else None
