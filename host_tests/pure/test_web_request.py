"""The head of a request to the status page: what is read, what is refused, and that nothing grows."""

from wallbox.web.request import BAD, LONG, METHOD, OK, URI, Head

BASIC = b"Authorization: Basic bWU6Z2VoZWlt\r\n"  # me:geheim


def told(data, piece=1 << 20, room=512):
    head = Head(bytearray(room))
    for at in range(0, len(data), piece):
        head.feed(data[at : at + piece])
    return head


def test_a_browsers_request():
    head = told(b"GET /status.json?x=1 HTTP/1.1\r\nHost: box\r\n" + BASIC + b"Accept: */*\r\n\r\n")
    assert head.status == OK and head.body and head.path == b"/status.json" and head.password == b"geheim"


def test_any_pieces_give_the_same():
    data = b"HEAD / HTTP/1.1\r\nHost: box\r\nX: " + b"y" * 900 + b"\r\n" + BASIC + b"\r\n"
    for piece in (1, 2, 3, 7, 64, 511, 512, 513):
        head = told(data, piece)
        assert head.status == OK and not head.body and head.path == b"/" and head.password == b"geheim", piece


def test_not_whole_is_not_judged():
    data = b"GET / HTTP/1.1\r\n" + BASIC + b"\r\n"
    for end in range(len(data)):
        assert told(data[:end]).status == 0, end


def test_bare_line_feeds_and_a_leading_empty_line():
    assert told(b"\r\n\nGET / HTTP/1.0\n" + BASIC + b"\n").password == b"geheim"


def test_other_methods_are_refused_at_the_first_line():
    for method in (b"POST", b"PUT", b"DELETE", b"get", b"OPTIONS", b"CONNECT", b"\x00"):
        assert told(method + b" / HTTP/1.1\r\n").status == METHOD, method


def test_what_is_no_request_is_refused():
    for line in (b"GET /", b"GET  / HTTP/1.1", b"GET / x HTTP/1.1", b"GET / HTTP/2", b"\x16\x03\x01", b"GET / http/1.1",
                 b" ", b"\xff\xfe\xfd"):
        assert told(line + b"\r\n").status == BAD, line


def test_a_request_line_that_does_not_fit_is_refused_and_one_that_just_fits_is_read():
    for size, status in ((511, OK), (512, OK), (513, URI), (600, URI), (5000, URI)):
        line = b"GET /" + b"a" * (size - 16) + b" HTTP/1.1\r\n"
        assert told(line + b"\r\n").status == status, size


def test_another_line_that_does_not_fit_is_passed_over_and_a_part_of_it_is_no_line():
    data = b"GET / HTTP/1.1\r\nCookie: " + b"a" * 504 + BASIC + b"\r\n"
    assert told(data).status == OK and told(data).password is None
    assert told(data, 1).password is None


def test_the_head_as_a_whole_is_bounded():
    field = b"X: " + b"y" * 95 + b"\r\n"
    assert told(b"GET / HTTP/1.1\r\n" + field * 39 + b"\r\n").status == OK
    assert told(b"GET / HTTP/1.1\r\n" + field * 50 + b"\r\n").status == LONG
    assert told(b"GET / HTTP/1.1\r\nX: " + b"y" * 5000).status == LONG


def test_credentials_of_another_kind_are_none():
    for value in (b"Digest x", b"Basic", b"Basic !!!", b"Basic bWU", b"Basic bWU=", b"Basic a b", b"",
                  b"Bearer bWU6Z2VoZWlt"):
        head = told(b"GET / HTTP/1.1\r\nAuthorization: " + value + b"\r\n\r\n")
        assert head.status == OK and head.password is None, value


def test_the_scheme_and_the_name_of_the_field_have_no_case():
    assert told(b"GET / HTTP/1.1\r\nAUTHORIZATION:basic bWU6Z2VoZWlt\r\n\r\n").password == b"geheim"


def test_a_password_may_have_colons_and_be_empty():
    for text, password in ((b"OmE6Yg==", b"a:b"), (b"bWU6", b"")):
        assert told(b"GET / HTTP/1.1\r\nAuthorization: Basic " + text + b"\r\n\r\n").password == password


def test_what_follows_the_head_is_not_looked_at():
    head = told(b"GET / HTTP/1.1\r\n\r\nGET /status.json HTTP/1.1\r\n" + BASIC + b"\r\n")
    assert head.path == b"/" and head.password is None
