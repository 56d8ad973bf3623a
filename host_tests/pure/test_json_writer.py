"""The EEBUS JSON writer: the exact bytes, into buffers of any size."""

from bounded.json_reader import JsonReader
from bounded.json_writer import JsonWriter

SCHEMA = b"l:[limitId:k c:b b:b timePeriod:p value:n a:a s:s t:S u:U e:e d:d o:(x:u y:(z:u) w:i)] q:u)"
ROWS = (
    (0, True, False, None, 7199999, 4200, -1, "d:_i:1", 1 << 20 | 1 << 10 | 7, 12, 'a"\\\n\xe9', ("x", b"y"),
    (1, 2), True, "2026-01-01T00:00:00Z",
     None, 5, -77777777777),
    (1,),
    (),
    (None, None),
    [2, None, None, None, 0],
)
TEXT = (
    b'[{"l":[[{"limitId":0},{"c":true},{"b":false},{"timePeriod":[{"endTime":"PT1H59M59S"}]},{"value":[{"number":4200},{"scale":-1}]},'
    b'{"a":[{"device":"d:_i:1"},{"entity":[1,7]},{"feature":12}]},{"s":"a\\u0022\\u005c\\u000a\xc3\xa9"},{"t":["x","y"]},{"u":[1,2]},{"e":[]},'
    b'{"d":"2026-01-01T00:00:00Z"},{"o":[{"y":[{"z":5}]},{"w":-77777777777}]}],[{"limitId":1}],'
    b'[{"limitId":2},{"timePeriod":[{"endTime":"PT0S"}]}]]},{"q":5}]'
)


def render(size, rows=ROWS, q=5):
    """The text of the message, through buffers of `size` bytes."""
    writer = JsonWriter()
    buffer = bytearray(size)
    text = b""
    unit = 0
    writer.start(buffer)
    while unit < 3:
        if unit == 1:
            writer.members(SCHEMA, 0, (rows, q), 0)
        else:
            writer.raw(b"]" if unit else b"[")
        if writer.done():
            unit += 1
        else:
            assert writer.written() == size
            text += bytes(buffer)
            writer.start(buffer)
    return text + bytes(buffer[: writer.written()])


def test_every_type_is_written():
    assert render(1000) == TEXT


def test_buffers_of_any_size():
    for size in range(1, 130):
        assert render(size) == TEXT
    assert render(len(TEXT)) == TEXT


def test_what_was_written_is_read_back():
    reader = JsonReader()
    row = [None, None]
    reader.begin(SCHEMA, 0, row)
    assert reader.feed(TEXT, 0, len(TEXT)) and reader.complete and not reader.problem
    first = [0, True, False, None, 7199000, 4200, -1, "d:_i:1", 1 << 20 | 1 << 10 | 7, 12, 'a"\\\n\xe9',
    ["x", "y"], [1, 2], True, "2026-01-01T00:00:00Z",
             None, 5, -77777777777]
    assert row == [[first, [1] + [None] * 17, [2, None, None, None, 0] + [None] * 13], 5]


def test_pitfall_4_no_empty_instance():
    assert render(100, ()) == b'[{"l":[]},{"q":5}]'
    assert render(100, ((), (None,)), None) == b'[{"l":[]}]'
    assert render(100, None, None) == b"[]"


LISTS = b"a:[x:u c:[y:u d:[z:u] n:n]] b:[v:u] e:[w:[u:u]] q:u)"


class Rows:
    """Rows made when they are asked for, as those of a plan are; `made` counts."""

    def __init__(self, count):
        self.count = count
        self.made = 0

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        self.made += 1
        if i % 5 == 3:
            return (None,)
        return (i, ((i, (((7,), (8,)) if i % 2 else ((9,),)), 10 * i, -1), (), (1,)))


def lists(size, rows):
    """The text of three lists, the first of `rows`, through buffers of `size`, and the most rows made for one."""
    writer = JsonWriter()
    buffer = bytearray(size)
    text = b""
    most = 0
    while True:
        made = rows.made
        writer.start(buffer)
        writer.members(LISTS, 0, (rows, ((1,), (None,), (2,)), ((((3,), (4,)),),), 5), 0)
        most = max(most, rows.made - made)
        if writer.done():
            return text + bytes(buffer[: writer.written()]), most
        text += bytes(buffer)


def test_long_lists_in_buffers_of_any_size():
    whole = lists(10000, Rows(23))[0]
    for size in range(1, 150):
        assert lists(size, Rows(23))[0] == whole, size


def test_a_long_list_is_not_written_from_its_beginning_for_every_buffer():
    rows = Rows(96)
    text, most = lists(500, rows)
    assert len(text) > 6000 and most <= 14 and rows.made <= 96 + 2 * len(text) // 500, (most, rows.made)


def test_a_list_left_half_way_is_forgotten():
    writer = JsonWriter()
    writer.start(bytearray(500))
    writer.members(LISTS, 0, (Rows(96),), 0)
    assert not writer.done()
    writer.reset()
    buffer = bytearray(500)
    writer.start(buffer)
    writer.members(LISTS, 0, (((1,), (2,)),), 0)
    assert writer.done() and bytes(buffer[: writer.written()]) == b'{"a":[[{"x":1}],[{"x":2}]]}'
