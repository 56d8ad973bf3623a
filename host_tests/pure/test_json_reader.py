"""The EEBUS JSON reader: every form the reference names, every split, limits, and what must be refused."""

from bounded.json_reader import KEEP, TAGS, JsonReader

LIMITS = (
    b"loadControlLimitListData:(loadControlLimitData:"
    b"[limitId:k isLimitChangeable:b isLimitActive:b timePeriod:p value:n])"
)
LIMIT_WRITE = (
    b'[{"loadControlLimitListData":[{"loadControlLimitData":[[{"limitId":0},{"isLimitActive":true},'
    b'{"timePeriod":[{"endTime":"PT15M"}]},{"value":[{"number":4200},{"scale":0}]}]]}]}]'
)
ADDRESS = b"a:a s:S u:U t:s d:d b:b e:e o:(x:i y:(z:i) l:[k:k]) n:n"


def read(text, schema, places=1, step=None, reader=None, start=0):
    """(whether it is JSON and complete, problem, row) of `text`, fed in pieces of `step` bytes."""
    reader = reader or JsonReader()
    row = [None] * places
    reader.begin(schema + b")", start, row)
    step = step or len(text) or 1
    for at in range(0, len(text), step):
        if not reader.feed(text, at, min(at + step, len(text))):
            return False, reader.problem, row
    return reader.complete, reader.problem, row


def value(text, schema=b"v:i"):
    """(problem, value) of the one element `v`."""
    sound, problem, row = read(b'{"v":' + text + b"}", schema)
    assert sound, text
    return problem, row[0]


def test_pitfall_30_limit_write_in_every_split():
    whole = (True, 0, [[[0, None, True, None, 900000, 4200, 0]]])
    assert read(LIMIT_WRITE, LIMITS) == whole
    reader = JsonReader()
    for first in range(1, len(LIMIT_WRITE)):
        row = [None]
        reader.begin(LIMITS, 0, row)
        assert reader.feed(LIMIT_WRITE, 0, first)
        assert not reader.complete
        assert reader.feed(LIMIT_WRITE, first, len(LIMIT_WRITE))
        assert (reader.complete, reader.problem, row) == whole
    assert read(LIMIT_WRITE, LIMITS, step=1) == whole


def test_objects_in_every_form_seen_in_the_field():
    entry = [[0, None, True, None, None, 7, 0]]
    for text in (
        b'[{"loadControlLimitListData":[{"loadControlLimitData":[[{"limitId":0},{"isLimitActive":true},'
        b'{"value":[{"number":7},{"scale":0}]}]]}]}]',
        b'{"loadControlLimitListData":{"loadControlLimitData":[{"limitId":0,"isLimitActive":true,'
        b'"value":{"number":7,"scale":0}}]}}',
        b'{"loadControlLimitListData":{"loadControlLimitData":{"limitId":0,"isLimitActive":true,'
        b'"value":{"number":7,"scale":0}}}}',
        b'{"loadControlLimitListData":[{"loadControlLimitData":[{"limitId":0},{"isLimitActive":true},'
        b'{"value":[{"number":7},{"scale":0}]}]}]}',
        b'[[{"loadControlLimitListData":[[{"loadControlLimitData":[[[{"limitId":[0]},{"isLimitActive":true},'
        b'{"value":[[{"number":7},{"scale":0}]]}]]]}]]}]]',
    ):
        assert read(text, LIMITS) == (True, 0, [entry]), text


def test_list_of_objects_without_arrays_is_split_at_the_repeated_first_element():
    schema = b"l:[a:k b:i]"
    want = (True, 0, [[[0, 5], [1, None], [2, 6]]])
    assert read(b'{"l":[{"a":0,"b":5},{"a":1},{"a":2,"b":6}]}', schema) == want
    assert read(b'{"l":[{"a":0},{"b":5},{"a":1},{"a":2},{"b":6}]}', schema) == want
    assert read(b'{"l":[[{"a":0},{"b":5}],[{"a":1}],[{"a":2},{"b":6}]]}', schema) == want
    assert read(b'{"l":[[{"b":5},{"a":0}],[{"a":1}],[{"b":6},{"a":2}]]}', schema) == want


def test_empty_forms():
    for text in (b"[]", b"{}", b'{"l":[]}', b'{"l":{}}', b'{"l":[[]]}', b'{"l":[[],[]]}', b'{"l":null}',
    b'[{"l":[{}]}]'):
        assert read(text, b"l:[a:k] o:(x:i) v:i s:S", 4) == (True, 0, [None] * 4), text
    assert read(b'{"o":[],"v":[],"s":[]}', b"l:[a:k] o:(x:i) v:i s:S", 4) == (True, 0, [None] * 4)
    assert read(b'{"o":null,"v":null,"s":null}', b"l:[a:k] o:(x:i) v:i s:S", 4) == (True, 0, [None] * 4)


def test_rows_are_flat_in_schema_order_whatever_the_order_of_the_elements():
    text = (
        b'[{"n":[{"scale":-1},{"number":65}]},{"o":[{"y":[{"z":4}]},{"l":[[{"k":1}],[{"k":2}]]},{"x":3}]},{"e":[]},{"b":false},'
        b'{"d":"-PT1H"},{"t":"x"},{"u":[0,5]},{"s":["p","q"]},{"a":[{"feature":7},{"entity":[1,2]},{"device":"d"}]}]'
    )
    row = ["d", 1 << 20 | 1 << 10 | 2, 7, ["p", "q"], [0, 5], "x", -3600000, False, True, 3, 4, [[1], [2]],
    65, -1]
    assert read(text, ADDRESS, 14) == (True, 0, row)
    assert read(text, ADDRESS, 14, step=1) == (True, 0, row)


def test_unknown_elements_are_passed_over():
    text = (
        b'{"limitIdx":1,"x":[{"loadControlLimitListData":[1,{"a":"]}\\"["}]},[],{}],"y":null,"z":-1.5e9,'
        b'"loadControlLimitListData":[{"q":{"loadControlLimitData":[]}},{"loadControlLimitData":[[{"limitId":4},{"zz":[{"limitId":9}]}]]}]}'
    )
    assert read(text, LIMITS) == (True, 0, [[[4, None, None, None, None, None, None]]])
    assert read(text, LIMITS, step=1) == (True, 0, [[[4, None, None, None, None, None, None]]])


def test_pitfall_19_white_space_and_trailing_zero():
    text = LIMIT_WRITE.replace(b",", b" ,\r\n\t").replace(b":", b" : ").replace(b"[", b" [ ").replace(b"]",
    b"\n]\t") + b" \0"
    assert read(text, LIMITS) == read(LIMIT_WRITE, LIMITS)
    assert read(text, LIMITS, step=1) == read(LIMIT_WRITE, LIMITS)
    assert not read(LIMIT_WRITE + b"\0[", LIMITS)[0]


def test_what_is_not_json_is_refused():
    for text in (
        b"[}", b"[1 2]", b'{"a" 1}', b"{1:2}", b"12", b'"x"', b"true", b"[,]", b"[1,]", b'{"a":1,}', b"[]]",
        b"[][]", b'{"v":01}',
        b'{"v":1_0}', b'{"v":+1}', b'{"v":.5}', b'{"v":5.}', b'{"v":1e}', b'{"v":--1}', b'{"v":tru}',
        b'{"v":"\\x"}', b'{"t":"\\u00g0"}',
        b'{"t":"a\nb"}', b'{"v":1\0}', b'{"v":0x10}', b"{,}", b'{"a"}', b'{"a":}', b"[[[", b'{"t":"x',
        b'{"v":1', b"", b" ", b"\0", b"\xef\xbb\xbf{}",
    ):
        assert not read(text, b"v:i t:s", 2)[0], text
        assert not read(text, b"v:i t:s", 2, step=1)[0], text


def test_nothing_is_read_after_a_refusal():
    reader = JsonReader()
    assert not read(b'{"v":]', b"v:i", reader=reader)[0]
    assert not reader.feed(b'1}', 0, 2)
    assert not reader.complete


def test_numbers_are_integers_of_64_bits():
    for text, wanted in (
        (b"0", 0), (b"-0", 0), (b"7", 7), (b"-12", -12), (b"1.0", 1), (b"1e3", 1000), (b"12.50e1", 125),
        (b"1E+2", 100), (b"500e-2", 5),
        (b"999999999", 999999999), (b"1073741824", 1 << 30), (b"-2147483649", -2147483649), (b"0e999", 0),
        (b"0.000", 0),
        (b"9223372036854775807", (1 << 63) - 1), (b"-9223372036854775808", -1 << 63),
        (b"9.223372036854775807e18", (1 << 63) - 1),
    ):
        assert value(text) == (0, wanted), text
    for text in (b"9223372036854775808", b"-9223372036854775809", b"1e19", b"1e99999", b"0.5", b"65e-1",
    b"6500e-4", b"1e-200", b'"5"', b"true"):
        assert value(text) == (1, None), text


def test_types_are_checked():
    assert value(b"-1", b"v:u") == (1, None)
    assert value(b"-1", b"v:k") == (1, None)
    assert value(b"1", b"v:b") == (1, None)
    assert value(b"1", b"v:s") == (1, None)
    assert value(b"1", b"v:d") == (1, None)
    assert value(b'"x"', b"v:b") == (1, None)
    assert value(b'"x"', b"v:u") == (1, None)
    assert value(b'"Px"', b"v:d") == (1, None)
    assert value(b'"2026-01-01T00:00:00Z"', b"v:d") == (0, "2026-01-01T00:00:00Z")
    assert value(b'"P1DT2H"', b"v:d") == (0, 93600000)
    assert value(b"5", b"v:n") == (1, None)
    assert value(b'"x"', b"v:[a:k]") == (1, None)
    assert value(b'{"x":1}', b"v:i") == (1, None)
    assert value(b"[5,6]", b"v:i")[0] == 1
    assert value(b"5", b"v:U") == (0, [5])
    assert value(b"1024", b"v:A")[0] == 1
    assert value(b"[1,2,3,4,5,6,7]", b"v:A")[0] == 1
    assert value(b"[1,true]", b"v:U")[0] == 1


def test_pitfall_26_a_number_without_scale_is_marked():
    assert read(b'{"n":[{"number":5}]}', b"n:n", 2) == (True, 0, [5, KEEP])
    assert read(b'{"n":[{"number":5},{"scale":0}]}', b"n:n", 2) == (True, 0, [5, 0])
    assert read(b'{"n":[{"scale":3},{"number":5}]}', b"n:n", 2) == (True, 0, [5, 3])
    assert read(b'{"n":[{"scale":3}]}', b"n:n", 2) == (True, 0, [None, 3])


def test_strings():
    for text, wanted in (
        (b'""', ""),
        (b'"a\\"\\\\\\/\\b\\f\\n\\r\\tz"', 'a"\\/\b\f\n\r\tz'),
        (b'"\\u0041\\u00e9\\u20ac\\ud83d\\ude00"', "A\xe9\u20ac\U0001f600"),
        (b'"\xc3\xa9\xe2\x82\xac"', "\xe9\u20ac"),
        (b'"\\ud83d"', ""),
        (b'"\\ude00x"', "x"),
    ):
        assert value(text, b"v:s") == (0, wanted), text
        assert read(b'{"v":' + text + b"}", b"v:s", step=1) == (True, 0, [wanted])
    assert value(b'"\xff"', b"v:s") == (1, None)


def test_bounds_have_defined_answers():
    reader = JsonReader(token_size=16, depth=8, max_rows=3)
    assert read(b'{"v":"%s"}' % (b"x" * 16), b"v:s", reader=reader) == (True, 0, ["x" * 16])
    assert read(b'{"v":"%s"}' % (b"x" * 17), b"v:s", reader=reader) == (True, 1, [None])
    assert read(b'{"w":"%s","%s":3,"v":"y"}' % (b"x" * 999, b"k" * 300), b"v:s", reader=reader) == (True, 0,
    ["y"])
    long = b"k" * 16
    assert read(b'{"%s":1}' % long, long + b":i", reader=reader) == (True, 0, [1])
    assert read(b'{"%sx":1}' % long, long + b":i", reader=reader) == (True, 0, [None])
    assert not read(b'{"w":%s}' % (b"1" * 17), b"w:i", reader=reader)[0]
    assert read(b"[" * 8 + b"]" * 8, b"v:s", reader=reader)[0]
    assert not read(b"[" * 9 + b"]" * 9, b"v:s", reader=reader)[0]
    three = b'{"l":[[{"a":1}],[{"a":2}],[{"a":3}]]}'
    assert read(three, b"l:[a:k]", reader=reader) == (True, 0, [[[1], [2], [3]]])
    assert read(three.replace(b"]]", b"],[{\"a\":4}]]"), b"l:[a:k]", reader=reader)[1] == 2
    assert read(b'{"v":[1,2,3,4]}', b"v:U", reader=reader)[1] == 2


class Streaming:
    """Uses entries up as they come, and opens the entries of one list."""

    def __init__(self):
        self.reader = JsonReader(owner=self)
        self.seen = []

    def began(self, at):
        if at == 4:
            self.reader.open()

    def entry(self, at, row):
        self.seen.append((at, [v for v in row]))
        return True

    def unknown(self):
        reader = self.reader
        self.seen.append(reader.name())
        if reader.name() == b"in":
            reader.push(b"p:i q:(r:i))", 0, 0, [None, None])
        elif reader.name() == b"tags":
            reader.push(b"p:i q:(r:i s:p) t:n)", 0, TAGS, [])
        else:
            reader.skip()

    def element(self, at, slot):
        self.seen.append((at, slot))


def test_entries_are_handed_out_as_they_come():
    owner = Streaming()
    reader = owner.reader
    text = b'{"l":[[{"a":1},{"m":[[{"b":2}],[{"b":3}]]}],[{"a":4},{"x":[{"m":1}]}]]}'
    assert read(text, b"l:[a:k m:[b:k]]", reader=reader) == (True, 0, [None])
    assert owner.seen == [(10, [2]), (10, [3]), (3, [1, None]), (3, [4, None])]


def test_unknown_elements_of_open_entries_are_asked_for():
    for step in (1, 1000):
        owner = Streaming()
        reader = owner.reader
        text = (
            b'{"ll":[[{"a":1},{"in":[{"q":[{"r":5}]},{"z":1}]},{"no":[{"in":1}]},'
            b'{"tags":[{"q":[{"s":[{"endTime":[]}]}]},{"t":[]},{"p":[]}]},{"b":2}]]}'
        )
        assert read(text, b"ll:[a:k b:i]", reader=reader, step=step) == (True, 0, [None])
        assert owner.seen == [
            b"in", (0, [None, 5]), b"no", b"tags", (5, 1), (12, 2), (36, 3), (17, 4), (1, 0), (0, []), (4,
            [1, 2]),
        ], owner.seen
