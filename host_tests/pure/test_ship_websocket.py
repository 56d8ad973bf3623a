"""Websocket frames and upgrade as a SHIP node needs them (RFC 6455; pitfalls 19 and 30)."""

from host_tests.pure.ship_bench import ASK, BOX_ID, bye, data, in_state

from ship.upgrade import accepted, answer, request

HEAD = 8

HELLO = (
    b"GET /ship/ HTTP/1.1\r\nHost: box:4712\r\nUser-Agent: Go-http-client/1.1\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ship\r\n"
    b"Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n\r\n"
)


def test_upgrade_is_accepted_as_in_the_rfc():
    good, response = answer(HELLO, b"/ship/")
    assert good
    assert response.startswith(b"HTTP/1.1 101 ")
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in response
    assert b"\r\nSec-WebSocket-Protocol: ship\r\n" in response and response.endswith(b"\r\n\r\n")
    assert b"xtension" not in response


def test_upgrade_forms_that_are_as_good():
    for old, new in (
        (b"/ship/", b"/"),
        (b"/ship/", b"/ship"),
        (b"protocol: ship", b"protocol: a, ship ,b"),
        (b"Upgrade: websocket", b"UPGRADE:WebSocket"),
        (b"Connection: Upgrade", b"Connection: keep-alive, upgrade"),
        (b"Protocol: ship", b"Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: ship"),
    ):
        assert answer(HELLO.replace(old, new), b"/ship/")[0], new


def test_upgrade_is_refused_with_a_status():
    for old, new, status in (
        (b"/ship/", b"/other/", b"404"),
        (b"GET", b"POST", b"400"),
        (b"HTTP/1.1", b"HTTP/1.0", b"400"),
        (b"HTTP/1.1", b"", b"400"),
        (b"Protocol: ship", b"Protocol: chat", b"400"),
        (b"Sec-WebSocket-Protocol: ship\r\n", b"", b"400"),
        (b"n: 13", b"n: 8", b"4"),
        (b"Upgrade: websocket", b"Upgrade: h2c", b"4"),
        (b"dGhlIHNhbXBsZSBub25jZQ==", b"x", b"4"),
        (HELLO, b"\r\n\r\n", b"400"),
        (HELLO, b"\x16\x03\x01 \xff \0\r\n\r\n", b"400"),
    ):
        good, response = answer(HELLO.replace(old, new), b"/ship/")
        assert not good and response.startswith(b"HTTP/1.1 " + status), new


def test_our_request_is_accepted_by_our_server():
    key, head = request(b"10.0.0.1:4712", b"/ship/")
    good, response = answer(head, b"/ship/")
    assert good and accepted(response, key)
    assert not accepted(response, request(b"h", b"/")[0])
    assert not accepted(response.replace(b"101", b"200"), key)
    assert not accepted(response.replace(b"Protocol: ship", b"Protocol: soap"), key)
    assert not accepted(b"", key)


def test_a_message_in_fragments_of_one_byte_and_reads_of_one_byte():
    box = in_state("data")
    message = data(b'{"a":1}' * 30)
    frames = box.frame(2, message[:1], False)
    for i in range(1, len(message)):
        frames += box.frame(0, message[i : i + 1], False)
    frames += box.frame(0, b"")
    assert box.bytes(frames, 1) == []
    assert box.bytes(frames, 7) == []
    assert box.bytes(frames) == []
    assert box.sink.messages == [message[1:]] * 3


def test_long_messages_in_every_length_form():
    for size in (125 - 61, 126 - 61, 3000):
        box = in_state("data")
        message = data(b"x" * size)
        assert box.bytes(box.frame(2, message)) == []
        assert box.sink.messages == [message[1:]]
    box = in_state("data")
    message = data(b"x" * 300)
    short = box.frame(2, message)
    assert box.bytes(b"\x82\xff" + bytes(6) + short[2:]) == []
    assert box.sink.messages == [message[1:]]


def test_control_frames_between_fragments():
    box = in_state("data")
    message = data(b"1")
    out = box.bytes(
        box.frame(2, message[:5], False)
        + box.frame(9, b"ping")
        + box.frame(10, b"pong")
        + box.frame(0, message[5:])
    )
    assert out == [(10, b"ping")]
    assert box.sink.messages == [message[1:]]


def test_a_ping_in_reads_of_one_byte_is_echoed():
    box = in_state("data")
    assert box.bytes(box.frame(9, b"x" * 125), 1) == [(10, b"x" * 125)]


def test_pings_are_echoed_one_by_one_and_a_flood_of_them_is_not():
    box = in_state("data")
    assert box.bytes(box.frame(9, b"a") + box.frame(9, b"b")) == [(10, b"a"), (10, b"b")]
    flood = b"".join([box.frame(9, b"%d" % i) for i in range(20)])
    assert len(flood) < len(box.inb)
    assert len(box.bytes(flood)) == 3


def test_frames_without_mask_are_refused():
    box = in_state("data")
    assert box.bytes(bytes([0x82, len(ASK)]) + ASK) == [bye(1002)]


def test_broken_rules_close_with_1002():
    box = in_state("data")
    masked = box.frame(2, b"\x01{}")
    for wrong in (
        b"\xc2" + masked[1:],
        b"\x92" + masked[1:],
        b"\x83" + masked[1:],
        b"\x8b" + masked[1:],
        bytes([0x82, 3]) + b"\x01{}",
        box.frame(0, b"x"),
        box.frame(9, b"", False),
        b"\x89\xfe\0\xff" + bytes(4),
        box.frame(2, b"\x01", False) + box.frame(2, b"{}"),
    ):
        box = in_state("data")
        assert box.bytes(wrong + box.frame(2, ASK)) == [bye(1002)], wrong
        assert box.why == "frame"


def test_text_frames_are_refused():
    box = in_state("data")
    assert box.bytes(box.frame(1, b"\x01{}")) == [bye(1002)]


def test_a_client_refuses_masked_frames_and_masks_its_own():
    box = in_state("data", server=False)
    assert box.give(ASK) == [BOX_ID]
    assert box.bytes(in_state("data").frame(2, ASK)) == [bye(1002)]


def test_messages_beyond_the_limit_close_with_1009():
    box = in_state("data")
    assert box.bytes(b"\x82\xff\0\0\0\1\0\0\0\0aaaa") == [bye(1009)]
    box = in_state("data")
    assert box.bytes(b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xffaaaa") == [bye(1009)]
    box = in_state("data")
    box.receiver = None
    out = []
    for i in range(40):
        out += box.bytes(box.frame(2 if i == 0 else 0, bytes([2]) + b" " * 4095, False))
    assert out == [bye(1009)]


def test_fragments_out_have_the_right_header():
    for server in (True, False):
        box = in_state("data", server)
        for size, first, last in (
            (5, True, False),
            (125, False, False),
            (126, False, True),
            (1000, True, True),
        ):
            for i in range(size):
                box.out[HEAD + i] = i & 255
            box.put((2 if first else 0) | (128 if last else 0), size)
            raw = bytes(memoryview(box.out)[box.sent : box.fill])
            assert raw[0] == (2 if first else 0) | (128 if last else 0)
            assert (raw[1] > 127) != server
            expected = bytes([i & 255 for i in range(size)])
            assert box.sent_frames() == [expected if last else (2 if first else 0, expected)]
