"""Any bytes, in any pieces, at any time: a SHIP connection neither fails nor forgets its bounds."""

from hypothesis import given, strategies

from host_tests.pure.ship_bench import (
    ANNOUNCE,
    ASK,
    CONFIRM,
    INIT,
    LEAVE,
    NO_PIN,
    PEER_ID,
    PENDING,
    PROLONG,
    READY,
    SELECT,
    data,
    in_state,
)
from ship.upgrade import accepted, answer

STATES = strategies.sampled_from(("cmi", "hello", "protocol", "select", "pin", "access", "data"))
MESSAGES = strategies.sampled_from(
    (ANNOUNCE, ASK, CONFIRM, INIT, LEAVE, NO_PIN, PEER_ID, PENDING, PROLONG, READY, SELECT, data(b"1"))
)
CHANGED = strategies.builds(
    lambda message, at, by: message[: at % len(message)] + by + message[at % len(message) + len(by) :],
    MESSAGES,
    strategies.integers(0, 400),
    strategies.binary(max_size=6),
)


@given(STATES, strategies.binary(max_size=300), strategies.integers(1, 300), strategies.integers(0, 90000))
def test_any_bytes(state, raw, chunk, ms):
    box = in_state(state)
    box.bytes(raw, chunk)
    box.wait_ms(ms, False)
    assert len(box.sent_frames()) < 12


@given(STATES, strategies.lists(MESSAGES | CHANGED | strategies.binary(max_size=40), max_size=12))
def test_any_messages_in_any_order(state, messages):
    box = in_state(state)
    answers = box.give(*messages)
    assert len(answers) <= 3 * len(messages) + 3
    assert not box.sink.text


@given(
    strategies.lists(MESSAGES | CHANGED, min_size=1, max_size=8),
    strategies.integers(1, 50),
    strategies.lists(strategies.integers(0, 60), max_size=5),
)
def test_the_way_it_is_cut_changes_nothing(messages, chunk, cuts):
    """Fragments, pings between them and short reads do not change what is understood and answered."""
    whole, cut = in_state("data"), in_state("data")
    expected, raw = [], b""
    for message in messages:
        expected += whole.give(message)
        places = sorted({each % (len(message) + 1) for each in cuts} | {0, len(message)})
        for i in range(len(places) - 1):
            last = i == len(places) - 2
            raw += cut.frame(2 if i == 0 else 0, message[places[i] : places[i + 1]], last)
            if not last:
                raw += cut.frame(9, b"")
    answers = [each for each in cut.bytes(raw, chunk) if each != (10, b"")]
    assert answers == expected
    assert cut.sink.messages == whole.sink.messages
    assert (cut.state, cut.why) == (whole.state, whole.why)


@given(strategies.binary(max_size=300))
def test_any_http_head(raw):
    good, response = answer(raw, b"/ship/")
    assert not good and response.startswith(b"HTTP/1.1 4")
    assert not accepted(raw, b"key")


@given(strategies.integers(0, 4000), strategies.booleans())
def test_messages_of_any_length_arrive_as_sent(size, server):
    box = in_state("data", server)
    message = data(b"x" * size)
    assert box.give(message) == []
    assert box.sink.messages == [message[1:]]
