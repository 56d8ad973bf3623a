"""The SHIP states: each phase, timer and error (SHIP 13.4; TC_SHIP ids and pitfalls in the names)."""

from host_tests.pure.ship_bench import (
    ABORTED,
    ANNOUNCE,
    ASK,
    BOX_ID,
    CONFIRM,
    DATA_STATE,
    DEAD_STATE,
    INIT,
    LEAVE,
    NO_PIN,
    PEER_ID,
    PENDING,
    PING,
    PROLONG,
    READY,
    SELECT,
    Box,
    bye,
    data,
    error,
    in_state,
)

STEPS = ("hello", "protocol", "select", "pin", "access", "data")


def test_the_server_is_led_through_the_golden_handshake():
    box = in_state("data")
    assert box.peer_id == "peer" and box.trusted and box.why == "lost"
    assert box.give(data(b"1")) == []
    assert box.sink.messages == [data(b"1")[1:]]


def test_the_client_leads_through_the_golden_handshake():
    box = in_state("data", server=False)
    assert box.give(data(b"1"), ASK) == [BOX_ID]
    assert box.sink.messages == [data(b"1")[1:]]


def test_cmi_a_wrong_head_is_answered_before_the_close_pitfall_18():
    for wrong in (b"\0\1", b"\0", b"\0\0\0", READY, b"\x02{}", b"\x07"):
        box = Box()
        assert box.give(wrong) == [INIT, bye()], wrong
        assert box.why == "cmi"
        client = Box(server=False)
        assert client.sent_frames() == [INIT]
        assert client.give(wrong) == [bye()]


def test_cmi_silence_for_10_s_ends_it():
    box = Box()
    assert box.wait_ms(9900) == []
    assert box.wait_ms(200) == [bye()]
    assert box.wait_ms(1000) == [] and box.state == DEAD_STATE


def test_hello_ready_times_out_after_60_s():
    box = in_state("hello")
    assert [m for m in box.wait_ms(59900) if m != PING] == []
    assert box.wait_ms(200) == [ABORTED, bye()] and box.why == "pending"


def test_hello_pending_of_the_peer_is_waited_for_and_prolonged():
    box = in_state("hello")
    assert box.give(PENDING) == []
    box.wait_ms(40000)
    answer = box.give(PROLONG)
    assert answer == [READY.replace(b"60000", b"80000")]
    assert box.wait_ms(70000).count(ABORTED) == 0 and box.state < DATA_STATE
    assert box.give(READY) == []
    assert box.give(ANNOUNCE) == [SELECT]


def test_hello_prolongation_false_is_no_request():
    box = in_state("hello")
    assert box.give(PROLONG.replace(b"true", b"false")) == []
    assert ABORTED in box.wait_ms(60100)


def test_hello_abort_of_the_peer_ends_it_in_every_phase():
    for name in ("hello", "protocol", "select", "pin"):
        box = in_state(name)
        assert box.give(ABORTED) == [bye()], name
        assert box.why == "aborted"


def test_hello_anything_else_is_answered_with_aborted():
    for wrong in (
        ANNOUNCE,
        NO_PIN,
        b"\x01",
        b"\x01{}",
        b"\x01[]",
        b"\x01{",
        data(b"1"),
        INIT,
        b'\x01{"connectionHello":[{"phase":"maybe"}]}',
        b'\x01{"connectionHello":[{"phase":7}]}',
        b'\x01{"somethingElse":[]}',
    ):
        assert in_state("hello").give(wrong) == [ABORTED, bye()], wrong


def test_an_untrusted_ready_peer_is_kept_waiting_for_minutes_pitfall_13():
    box = Box(accept=False)
    assert box.give(INIT) == [INIT, PENDING]
    assert box.give(READY) == []
    for _ in range(10):
        assert box.wait_ms(44900).count(PROLONG) == 0
        assert PROLONG in box.wait_ms(200)
        assert box.give(READY) == []
    box.accept = True
    assert box.wait_ms(100) == [READY]
    assert box.give(ANNOUNCE) == [SELECT]


def test_acceptance_while_both_wait_goes_to_ready_at_once():
    box = Box(accept=False)
    assert box.give(INIT, PENDING) == [INIT, PENDING]
    box.accept = True
    assert box.wait_ms(100) == [READY]
    assert box.give(ANNOUNCE) == [ABORTED, bye()]  # the peer is not ready itself
    box = Box(accept=False)
    box.give(INIT, PENDING)
    box.accept = True
    box.wait_ms(100)
    assert box.give(READY, ANNOUNCE) == [SELECT]


def test_both_pending_each_prolongs_the_other():
    box = Box(accept=False)
    assert box.give(INIT, PENDING) == [INIT, PENDING]
    assert PROLONG in box.wait_ms(45100)
    assert box.give(PROLONG) == [PENDING.replace(b"60000", b"74900")]
    assert box.give(PENDING) == []
    assert PROLONG in box.wait_ms(45100)


def test_an_unanswered_prolongation_request_ends_it():
    box = Box(accept=False)
    box.give(INIT, READY.replace(b"60000", b"40000"))
    assert PROLONG in box.wait_ms(25100)
    assert ABORTED not in box.wait_ms(39000)
    assert ABORTED in box.wait_ms(1100)
    assert box.why == "pending"


def test_short_waiting_times_are_prolonged_in_time():
    box = Box(accept=False)
    box.give(INIT, READY.replace(b"60000", b"10000"))
    assert box.wait_ms(4900) == []
    assert box.wait_ms(200) == [PROLONG]


def test_a_pending_peer_that_never_gets_ready_is_let_go():
    box = Box(accept=False)
    assert box.give(INIT, PENDING.replace(b',{"waiting":60000}', b"")) == [INIT, PENDING]
    assert ABORTED in box.wait_ms(60100)


def test_protocol_wrong_messages_get_error_2_pitfall_18():
    for name in ("protocol", "select"):
        for wrong in (NO_PIN, ASK, PENDING, b"\x01", b"\x01{]", data(b"1"), INIT, b'\x01{"unknown":[]}'):
            assert in_state(name).give(wrong) == [error(2), bye()], (name, wrong)
    assert in_state("protocol").give(SELECT) == [error(2), bye()]
    assert in_state("select").give(ANNOUNCE) == [error(2), bye()]
    assert in_state("protocol", server=False).give(ANNOUNCE) == [error(2), bye()]


def test_protocol_what_we_do_not_speak_gets_error_3():
    utf16 = ANNOUNCE.replace(b"UTF8", b"UTF16")
    assert in_state("protocol").give(utf16) == [error(3), bye()]
    assert in_state("select").give(utf16.replace(b"announceMax", b"select")) == [error(3), bye()]
    for name, server in (("select", True), ("protocol", False)):
        assert in_state(name, server).give(SELECT.replace(b'"major":1', b'"major":2')) == [error(3), bye()]
    assert in_state("protocol").give(ANNOUNCE.replace(b'[{"major":1},{"minor":0}]', b"[]")) == [
        error(3),
        bye(),
    ]


def test_protocol_a_peer_that_can_more_is_offered_ours():
    more = ANNOUNCE.replace(b'"major":1', b'"major":3').replace(
        b'"JSON-UTF8"', b'"CBOR","JSON-UTF8","JSON-UTF16"'
    )
    assert in_state("protocol").give(more) == [SELECT]


def test_protocol_10_s_are_up_error_1():
    for name, server in (("protocol", True), ("select", True), ("protocol", False)):
        box = in_state(name, server)
        assert box.wait_ms(9900) == []
        assert box.wait_ms(200) == [error(1), bye()]
        assert box.why == "protocol"


def test_protocol_an_error_of_the_peer_ends_it_flat_form_too():
    for wrong in (error(2), b'\x01{"error":1}'):
        assert in_state("protocol").give(wrong) == [bye()]


def test_protocol_a_late_hello_is_no_error():
    assert in_state("protocol").give(READY, ANNOUNCE) == [SELECT]


def test_pin_never_needed_and_never_given():
    for state in (b"none", b"optional", b"pinOk"):
        assert in_state("pin").give(NO_PIN.replace(b"none", state)) == [ASK]
    for wrong in (NO_PIN.replace(b"none", b"required"), PENDING, b"\x01{}", data(b"1"), INIT):
        assert in_state("pin").give(wrong) == [bye()], wrong
    box = in_state("pin")
    assert box.wait_ms(10000) == [bye()] and box.why == "slow"


def test_access_request_is_answered_whenever_it_comes_tc_ship_amdata():
    for name in ("pin", "access", "data"):
        assert in_state(name).give(ASK) == [BOX_ID], name
    box = in_state("data")
    assert box.give(ASK, data(b"1"), ASK) == [BOX_ID, BOX_ID]


def test_access_data_before_the_answer_is_taken_tc_ship_amdata():
    box = in_state("access")
    assert box.give(data(b"1")) == []
    assert box.sink.messages == [data(b"1")[1:]]
    assert box.give(PEER_ID, data(b"2"), ASK) == [BOX_ID]
    assert len(box.sink.messages) == 2


def test_access_no_answer_for_10_s_is_no_reason_to_refuse():
    box = in_state("access")
    assert box.wait_ms(10000) == []
    assert box.state == DATA_STATE and box.peer_id is None


def test_data_odd_messages_are_ignored_tc_ship_msg_001_002():
    box = in_state("data")
    for odd in (
        b"\x02",
        b"\x01",
        b"\x01{}",
        b'\x01{"x":[',
        b"\x07whatever",
        b"",
        INIT,
        NO_PIN,
        PENDING,
        READY,
        PEER_ID,
        b'\x01{"accessMethods":[]}',
        b"\x03",
        b"\x03{}",
    ):
        assert box.give(odd) == [], odd
    assert box.give(data(b"1")) == [] and box.sink.messages == [data(b"1")[1:]]


def test_white_space_trailing_zero_unknown_elements_objects_tc_ship_msg_003_pitfall_19():
    spaced = b'\x01 {\r\n\t"connectionHello" : [ { "phase" : "ready" } , { "waiting" : 60000 } ] } \n'
    for form in (
        spaced,
        READY + b"\0",
        READY + b"\0\0",
        b'\x01{"connectionHello":{"phase":"ready","waiting":60000}}',
        b'\x01{"connectionHello":[{"waiting":60000},{"x":[{"phase":"aborted"}]},{"phase":"ready"}]}',
        b'\x01{"connectionHello":[{"phase":"ready"},{"y":null},{"z":-1.5e3}]}',
    ):
        assert in_state("hello").give(form, ANNOUNCE) == [SELECT], form
    object_form = (
        b'\x01{"messageProtocolHandshake":{"handshakeType":"announceMax","version":{"major":1,"minor":0},'
        b'"formats":{"format":["JSON-UTF8"]}}}\0'
    )
    assert in_state("protocol").give(object_form) == [SELECT]
    assert in_state("access").give(b'\x01{"accessMethodsRequest":{}}\0') == [BOX_ID]


def test_oversize_and_deep_control_messages_have_their_answer():
    big = b'\x01{"connectionHello":[{"phase":"ready"},{"x":"' + b"y" * 2000 + b'"}]}'
    deep = b'\x01{"connectionHello":[{"phase":"ready"},{"x":' + b"[" * 300 + b"]" * 300 + b"}]}"
    for wrong in (big, deep):
        assert in_state("hello").give(wrong) == [ABORTED, bye()]
        assert in_state("protocol").give(wrong) == [error(2), bye()]
        assert in_state("pin").give(wrong) == [bye()]
        box = in_state("data")
        assert box.give(wrong, ASK) == [BOX_ID]


def test_every_truncation_of_every_message_has_its_answer():
    expected = {
        "hello": [ABORTED, bye()],
        "protocol": [error(2), bye()],
        "select": [error(2), bye()],
        "pin": [bye()],
        "access": [],
        "data": [],
    }
    messages = {
        "hello": READY,
        "protocol": ANNOUNCE,
        "select": SELECT,
        "pin": NO_PIN,
        "access": PEER_ID,
        "data": LEAVE,
    }
    for name in STEPS:
        message = messages[name]
        for end in range(1, len(message)):
            box = in_state(name)
            assert box.give(message[:end]) == expected[name], (name, end)


def test_close_of_the_peer_is_confirmed():
    for name in STEPS[1:]:
        box = in_state(name)
        assert box.give(LEAVE) == [CONFIRM, bye()]
        assert box.why == "left"
        box.bytes(box.frame(8, b"\x0f\xa1"))
        assert box.state == DEAD_STATE


def test_close_of_ours_is_announced_and_ends_after_500_ms():
    for answered in (True, False):
        box = in_state("data")
        box.leave("removedConnection")
        assert box.sent_frames() == [LEAVE.replace(b"unspecific", b"removedConnection")]
        if answered:
            assert box.give(CONFIRM) == [bye()]
        else:
            assert box.wait_ms(400) == []
            assert box.wait_ms(100) == [bye()]
        assert box.why == "removedConnection"
        assert box.wait_ms(1000) == [] and box.state == DEAD_STATE


def test_leaving_before_the_data_phase():
    box = in_state("hello")
    box.leave()
    assert box.sent_frames() == [ABORTED, bye()]
    box = in_state("pin")
    box.leave()
    assert box.sent_frames() == [bye()]


def test_close_code_4452_is_understood_pitfall_13():
    box = in_state("hello")
    assert box.bytes(box.frame(8, (4452).to_bytes(2, "big") + b"Node rejected by application")) == [bye(1000)]
    assert box.why == "rejected"
    box = in_state("data")
    assert box.bytes(box.frame(8, b"")) == [bye(1000)]
    assert box.why == "closed"
    assert box.wait_ms(300) == [] and box.state == DEAD_STATE


def test_ping_at_most_every_50_s_and_silence_is_noticed_within_60_s_pitfall_1():
    box = in_state("data")
    assert box.wait_ms(44900) == []
    assert box.wait_ms(200, False) == [PING]
    assert box.wait_ms(14800, False) == []
    box.tick(200)
    assert box.state == DEAD_STATE and box.why == "silent"


def test_a_peer_that_is_asked_for_life_has_seconds():
    box = in_state("data")
    box.silence = 4000
    box.ping_in = 0
    assert box.wait_ms(100, False) == [PING]
    assert box.wait_ms(3800, False) == []
    box.tick(200)
    assert box.state == DEAD_STATE


def test_requests_that_pile_up_get_one_answer():
    box = in_state("data")
    flood = b"".join([box.frame(2, ASK) for _ in range(20)])
    box.inb = bytearray(flood)
    box.view = memoryview(box.inb)
    box.at, box.end = 0, len(flood)
    while box.feed():
        box.deliver()
    assert box.sent_frames() == [BOX_ID]


def test_nothing_but_control_frames_goes_between_fragments():
    box = in_state("data")
    box.streaming = True
    assert box.give(ASK) == []
    assert box.bytes(box.frame(9, b"hi")) == [(10, b"hi")]
    box.streaming = False
    assert box.sent_frames() == [BOX_ID]
