"""Any bytes to the status page, in any pieces: the verdict is one of the known, and the pieces make no difference."""

from hypothesis import example, given, strategies

from wallbox.web.request import BAD, LONG, METHOD, OK, URI, Head

LINES = strategies.lists(strategies.one_of(
    strategies.sampled_from((b"GET / HTTP/1.1", b"HEAD /status.json HTTP/1.0", b"POST / HTTP/1.1",
                             b"GET /../x HTTP/1.1", b"", b"Authorization: Basic bWU6Z2VoZWlt", b"authorization:basic",
                             b"Host: box")),
    strategies.binary(max_size=700)), max_size=12)
ENDS = strategies.sampled_from((b"\r\n", b"\n"))


def judged(data, sizes):
    buffer = bytearray(512)
    head = Head(buffer)
    at = turn = 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        head.feed(data[at : at + size])
        at += size
        turn += 1
        assert len(buffer) == 512
    return head.status, head.path, head.password, head.body


@given(LINES, ENDS, strategies.lists(strategies.integers(1, 300), min_size=1, max_size=5))
@example([b"GET / HTTP/1.1", b"a" * 511, b"Authorization: Basic bWU6Z2VoZWlt", b""], b"\n", [1])
def test_pieces_make_no_difference(lines, end, sizes):
    data = end.join(lines) + end
    status, path, password, body = judged(data, sizes)
    assert (status, path, password, body) == judged(data, [len(data)])
    assert status in (0, OK, BAD, METHOD, URI, LONG)
    if status == OK:
        assert path and data.lstrip(b"\r\n").startswith((b"GET ", b"HEAD "))


@given(strategies.binary(max_size=6000))
def test_any_bytes(data):
    assert judged(data, [256])[0] in (0, OK, BAD, METHOD, URI, LONG)
