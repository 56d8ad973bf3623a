"""One SPINE datagram on its way out, written unit by unit from descriptions and data sources (reference 3.1)."""

from bounded.compat import const
from bounded.json_scan import measure
from bounded.json_writer import JsonWriter
from bounded.on_demand import running

# All of a datagram that matters here; the header's part serves writing too. Then the places of elements in it.
DATAGRAM = (
    b"data:(payload:(datagram:(header:(addressSource:a addressDestination:a msgCounter:u msgCounterReference:u "
    b"cmdClassifier:s ackRequest:b) payload:(cmd:[function:s filter:[cmdControl:(delete:e partial:e)]])))))"
)
_HEADER_AT = const(33)

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


class Message:
    """Holds what is being sent: header, function, and where in its data the writer is.

    `header` is the row of the header in DATAGRAM: source (device, entity, feature), destination (the same),
    msgCounter, msgCounterReference, cmdClassifier, ackRequest. `producer` is produce as a ready-made callable.
    """

    def __init__(self):
        self.header = [None] * 10
        self.producer = self.produce
        self._writer = JsonWriter()
        self._one = [None]
        self._step = _IDLE

    def describe(self, schema, source, partial=False):
        """Send the function of this schema (its text), with the filter `partial` or none, under the header filled in
        before.

        `source` has its data: None for none, a sequence, or a function of field and index. For a list it gives
        the row of entry `index` (None behind the last), else the value or row of element number `field`.
        """
        self._writer.reset()
        self._schema = schema
        self._source = source
        self._partial = partial
        self._at = schema.find(b":") + 2
        self._field = 0
        self._some = False
        self._step = _BEGIN

    def busy(self):
        """Whether a message is not out completely."""
        return self._step

    def produce(self, buf):
        """Write the next bytes of the message into `buf`; how many, 0 at the end."""
        writer = self._writer
        running.append(type(self))
        running.append(type(writer))
        try:
            writer.start(buf)
            while self._step:
                self._unit(writer, writer.raw)
                if not writer.done():
                    break
                self._advance()
        finally:
            running.pop()
            running.pop()
        return writer.written()

    def _unit(self, writer, raw):
        # Write where we are, always the same until _advance.
        step = self._step
        schema = self._schema
        if step == _BEGIN:
            name = schema[: schema.find(b":")]
            raw(_HEAD)
            writer.members(DATAGRAM, _HEADER_AT, self.header, 0)
            raw(b']},{"payload":[{"cmd":[[{"')
            if self._partial:
                raw(b'function":"')
                raw(name)
                raw(b'"},{"filter":[[{"cmdControl":[{"partial":[]}]}]]},{"')
            raw(name)
            raw(b'":[')
            return
        if step == _END:
            raw(b"]}]]}]}]}}]}")
            return
        row = self._row
        colon = self._colon
        if step == _ENTRIES:
            if row is None:
                raw(b"]}")
            else:
                self._wrote = writer.entry(schema, colon + 2, row, self._lead)
            return
        raw(b',{"' if self._some else b'{"')
        raw(schema[self._at : colon])
        raw(b'":')
        kind = schema[colon + 1]
        if kind == 91:
            raw(b"[")
            return
        if kind not in b"(npa":
            self._one[0] = row
            row = self._one
        writer.value(schema, colon, row, 0)
        raw(b"}")

    def _advance(self):
        # From what is out to the next thing to write, and get its data.
        step = self._step
        if step == _END:
            self._step = _IDLE
            self._source = self._row = self._schema = None
            return
        if step == _ENTRIES and self._row is not None:
            if self._wrote:
                self._lead = b","
            self._index += 1
            self._get()
            return
        if step == _FIELD:
            self._some = True
            if self._schema[self._colon + 1] == 91:
                self._step = _ENTRIES
                self._lead = b""
                return
        if step != _BEGIN:
            self._next()
        schema = self._schema
        while self._source is not None and schema[self._at] != 41:
            self._colon = schema.find(b":", self._at)
            self._index = 0
            self._get()
            if self._row is not None:
                self._step = _FIELD
                return
            self._next()
        self._step = _END

    def _next(self):
        # To the next element of the function.
        schema = self._schema
        at = self._colon + 2
        if schema[at - 1] == 40 or schema[at - 1] == 91:
            at = measure(schema, at) >> 8
        self._at = at + 1 if schema[at] == 32 else at
        self._field += 1

    def _get(self):
        source = self._source
        if callable(source):
            self._row = source(self._field, self._index)
        else:
            i = self._index if self._schema[self._colon + 1] == 91 else self._field
            self._row = source[i] if i < len(source) else None
