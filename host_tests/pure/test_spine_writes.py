# heap: 256K
"""Writes: full, partial, delete, selectors, elements, all or nothing, and the errors of the reference (3.3, 3.4)."""

from host_tests.pure.spine_box import (
    CURVE_WRITE, DATAGRAM, EV_REMOVED, INCENTIVE_WRITE, LIMIT_WITHOUT_DURATION, LIMIT_WRITE, Box,
)
from bounded.json_reader import KEEP
from spine.numbers import scaled
from spine.restricted import CLEARED, changes


def bound(**more):
    """A box whose LoadControl feature (and time series) the EMS has bound."""
    box = Box(**more)
    assert box.relate() == 0
    assert box.relate(to=((1,), 8)) == 0
    return box


def partial(entries, filters='[{"cmdControl":[{"partial":[]}]}]'):
    return (
        '[[{"function":"loadControlLimitListData"},{"filter":[%s]},{"loadControlLimitListData":'
        '[{"loadControlLimitData":[%s]}]}]]' % (filters, entries)
    )


def test_golden_limit_write():
    box = bound()
    assert box.ask("write", LIMIT_WRITE, ack=True) == 0
    assert box.writes == [([[0, None, True, None, 900000, 4200, 0]], False)]
    assert box.limit == [0, True, True, None, 900000, 4200, 0]


def test_golden_limit_write_that_deletes_the_duration():
    box = bound()
    box.limit[4] = 5000
    assert box.ask("write", LIMIT_WITHOUT_DURATION, ack=True) == 0
    assert box.writes == [([[0, None, True, CLEARED, CLEARED, 4200, 0]], False)]
    assert box.limit == [0, True, True, None, None, 4200, 0]


def test_delete_comes_first_in_whatever_order_the_filters_are():
    box = bound()
    delete = '[{"cmdControl":[{"delete":[]}]},{"loadControlLimitDataElements":[{"timePeriod":[]}]}]'
    part = '[{"cmdControl":[{"partial":[]}]}]'
    for filters in (delete + "," + part, part + "," + delete):
        entry = '[{"limitId":0},{"timePeriod":[{"endTime":"PT9S"}]}]'
        assert box.ask("write", partial(entry, filters), ack=True) == 0
        assert box.writes[-1] == ([[0, None, None, CLEARED, 9000, None, None]], False)


def test_golden_power_curve_is_a_full_write():
    box = bound()
    assert box.ask("write", CURVE_WRITE, to=((1,), 8), ack=True) == 0
    rows, full = box.writes[0]
    assert full
    none = [None, None]
    assert rows == [
        [1, 0, 1800000, [[0, 0, None, None] + none * 2 + [11000, 0],
         [1, 900000, 1800000, None] + none * 2 + [4200, 0]]]
    ]


def test_golden_incentives_are_staged_as_they_come():
    box = bound()
    assert box.ask("write", INCENTIVE_WRITE, to=((1,), 8), ack=True) == 0
    assert box.writes == [(None, True)]
    assert [row for _, row in box.staged] == [
        None, [0, None, None, 0, 0, None, None], [0, None, 31, -2], [0, None, None], [None, 0, None, 900000,
            None], [0, None],
    ]
    places = [at for at, _ in box.staged]
    assert places[0] == 0 and len(set(places)) == 6


def test_pitfall_30_writes_arrive_in_any_split():
    text = (DATAGRAM % ("[1]", 1, "[1]", 5, 60, "write", "", LIMIT_WITHOUT_DURATION)).encode()
    box = bound()
    for first in range(1, len(text), 3):
        box.limit[4] = 5000
        del box.writes[:]
        reader = box.peer.begin()
        assert reader.feed(text, 0, first)
        assert reader.feed(text, first, len(text))
        box.peer.end(0)
        assert box.writes == [([[0, None, True, CLEARED, CLEARED, 4200, 0]], False)], first
    box.take(text, 1)
    assert len(box.writes) == 2
    assert box.hear() is None


def test_an_entity_that_goes_while_a_write_arrives():
    box = bound()
    text = (DATAGRAM % ("[1]", 1, "[1]", 5, 60, "write", "", LIMIT_WRITE)).encode()
    reader = box.peer.begin()
    assert reader.feed(text, 0, len(text) - 20)
    place = box.device.entities[1]
    box.device.remove(place[0])
    assert reader.feed(text, len(text) - 20, len(text))
    box.peer.end(0)
    assert box.hear()[3] == {"errorNumber": 4} and not box.writes


def test_a_long_description_of_a_result_does_no_harm():
    box = Box(client=True)
    box.hear()
    result = '[[{"resultData":[{"errorNumber":7},{"description":"%s"}]}]]' % ("no " * 500)
    box.tell("result", result, to=((0,), 0), source=((0,), 0), ref=1)
    box.now = 2000
    assert box.hear()[2] == "nodeManagementDetailedDiscoveryData"


def test_plain_objects_mean_the_same():
    box = bound()
    cmd = (
        '{"function":"loadControlLimitListData","filter":{"cmdControl":{"partial":{}}},"loadControlLimitListData":'
        '{"loadControlLimitData":{"limitId":0,"isLimitActive":true,"timePeriod":{"endTime":"PT15M"},"value":{"number":4200,"scale":0}}}}'
    )
    assert box.ask("write", cmd, ack=True) == 0
    assert box.writes == [([[0, None, True, None, 900000, 4200, 0]], False)]


def test_full_write_clears_what_did_not_come():
    box = bound()
    cmd = (
        '[[{"loadControlLimitListData":[{"loadControlLimitData":[[{"limitId":0},{"isLimitActive":true},'
        '{"value":[{"number":5}]}]]}]}]]'
    )
    assert box.ask("write", cmd, ack=True) == 0
    assert box.writes == [([[0, CLEARED, True, CLEARED, CLEARED, 5, 0]], True)]
    without_id = cmd.replace('{"limitId":0},', "")
    assert box.ask("write", without_id, ack=True) == 7 and len(box.writes) == 1


def test_pitfall_26_number_without_scale_keeps_the_stored_scale():
    box = bound()
    box.limit[6] = 3
    assert box.ask("write", partial('[{"limitId":0},{"value":[{"number":5}]}]'), ack=True) == 0
    assert box.limit[5:] == [5, 3]
    assert box.ask("write", partial('[{"limitId":0},{"value":[{"number":42},{"scale":2}]}]'), ack=True) == 0
    assert box.limit[5:] == [42, 2]


def test_pitfall_26_a_refused_write_changes_nothing():
    box = bound()
    before = list(box.limit)
    for entries in (
        '[{"limitId":0},{"isLimitActive":true},{"value":[{"number":-1},{"scale":0}]}]',
        '[{"limitId":0},{"isLimitActive":true}],[{"limitId":9},{"value":[{"number":1},{"scale":0}]}]',
        '[{"limitId":0},{"isLimitActive":true},{"value":[{"number":"5"}]}]',
        '[{"limitId":0},{"isLimitActive":1}]',
        '[{"limitId":0},{"isLimitActive":true},{"value":[{"number":0.5}]}]',
        '[{"limitId":0},{"isLimitActive":true},{"timePeriod":[{"endTime":"PT"}]}]',
        '[{"limitId":-1},{"isLimitActive":true}]',
    ):
        assert box.ask("write", partial(entries)) == 7, entries
        assert box.limit == before
    # delete first, then a part that is refused: the deletion does not happen either
    box.limit[4] = 5000
    assert box.ask("write", LIMIT_WITHOUT_DURATION.replace("4200", "-4200")) == 7
    assert box.limit[4] == 5000


def test_pitfall_35_and_pitfall_36_every_optional_element_may_be_missing():
    box = bound()
    elements = ['{"isLimitActive":true}', '{"timePeriod":[{"endTime":"PT15M"}]}',
        '{"value":[{"number":4200},{"scale":0}]}']
    places = [[2], [4], [5, 6]]
    for chosen in range(8):
        members = ['{"strange":[{"value":[{"number":1}]}]}', '{"limitId":0}', '{"isLimitChangable":false}']
        want = [0] + [None] * 6
        for i in range(3):
            if chosen >> i & 1:
                members.insert(0, elements[i])
                for place in places[i]:
                    want[place] = (None, None, True, None, 900000, 4200, 0)[place]
        del box.writes[:]
        assert box.ask("write", partial("[%s]" % ",".join(members)), ack=True) == 0
        assert box.writes == [([want], False)], members


def test_pitfall_34_fractions_of_an_ampere_stay():
    assert scaled(65, -1, -3) == 6500 and scaled(6500, -3, -3) == 6500 and scaled(1, -1, -3) == 100
    assert scaled(96906, -4) == 9 and scaled(-1, -1) == -1 and scaled(5, None, -3) == 5000 and scaled(5, KEEP) == 5
    assert scaled(None, 3) is None and scaled(7, 127) == 7 * 10**30 and scaled(7, -128) == 0
    box = bound()
    forms = (("65", -1, 6500), ("6500", -3, 6500), ("1", -1, 100), ("1.0", 0, 1000), ("65e1", -2, 6500))
    for number, scale, want_ma in forms:
        entry = '[{"limitId":0},{"value":[{"number":%s},{"scale":%d}]}]' % (number, scale)
        assert box.ask("write", partial(entry), ack=True) == 0
        assert scaled(box.limit[5], box.limit[6], -3) == want_ma
    assert box.ask("write", partial('[{"limitId":0},{"value":[{"number":6.5}]}]')) == 7  # number is an integer


def test_entry_without_id_applies_to_all():
    box = bound()
    assert box.ask("write", partial('[{"isLimitActive":true}]'), ack=True) == 0
    assert box.writes == [([[0, None, True, None, None, None, None]], False)]


def test_delete_forms():
    box = bound()
    selectors = '{"loadControlLimitListDataSelectors":[{"limitId":%d}]}'
    elements = '{"loadControlLimitDataElements":[{"timePeriod":[]}]}'
    cleared = [0] + [CLEARED] * 6
    timeless = [0, None, None, CLEARED, CLEARED, None, None]
    for filters, want in (
        ('[{"cmdControl":[{"delete":[]}]},%s,%s]' % (selectors % 0, elements), [timeless]),
        ('[{"cmdControl":[{"delete":[]}]},%s]' % elements, [timeless]),
        ('[{"cmdControl":[{"delete":[]}]},%s]' % (selectors % 9), None),
        ('[{"cmdControl":[{"delete":[]}]},{"loadControlLimitDataElements":[{"timePeriod":[{"endTime":[]}]},{"isLimitActive":[]}]}]',
         [[0, None, CLEARED, CLEARED, CLEARED, None, None]]),
        ('[{"cmdControl":[{"delete":[]}]},%s]' % (selectors % 0), [cleared]),
    ):  # fmt: skip
        for empty in ("[]", '[{"loadControlLimitData":[]}]', '[{"loadControlLimitData":[[]]}]'):
            del box.writes[:]
            cmd = '[[{"function":"loadControlLimitListData"},{"filter":[%s]},{"loadControlLimitListData":%s}]]'
            cmd %= (filters, empty)
            error = box.ask("write", cmd, ack=True)
            if want is None:
                assert error == 0 and not box.writes
            else:
                assert [rows for rows, _ in box.writes] == [want], filters
                assert error == (7 if want == [cleared] else 0)


def test_partial_with_selectors_changes_only_what_is_there():
    box = bound()
    filters = '[{"cmdControl":[{"partial":[]}]},{"loadControlLimitListDataSelectors":[{"limitId":%d}]}]'
    assert box.ask("write", partial('[{"isLimitActive":true}]', filters % 0), ack=True) == 0
    assert box.limit[2] is True
    assert box.ask("write", partial('[{"isLimitActive":false}]', filters % 3), ack=True) == 0
    assert box.limit[2] is True and len(box.writes) == 1


def test_filters_that_are_not_supported():
    box = bound()
    entry = '[{"limitId":0},{"isLimitActive":true}]'
    part = '[{"cmdControl":[{"partial":[]}]}]'
    for filters in (
        part + "," + part,
        part + "," + part + "," + part,
        '[{"cmdControl":[]}]',
        '[{"filterId":3}]',
        '[{"cmdControl":[{"partial":[]},{"delete":[]}]}]',
        '[{"cmdControl":[{"partial":[]}]},{"loadControlLimitDataElements":[{"value":[]}]}]',
        '[{"cmdControl":[{"partial":[]}]},{"loadControlLimitListDataSelectors":[{"timestampInterval":[]}]}]',
    ):
        assert box.ask("write", partial(entry, filters)) == 8, filters
    assert not box.writes
    curve = CURVE_WRITE.replace('[[{"timeSeries',
        '[[{"function":"timeSeriesListData"},{"filter":[%s]},{"timeSeries' % part, 1)
    assert box.ask("write", curve, to=((1,), 8)) == 8
    table = INCENTIVE_WRITE.replace('[[{"incentiveTableData',
        '[[{"function":"incentiveTableData"},{"filter":[%s]},{"incentiveTableData' % part, 1)
    assert box.ask("write", table, to=((1,), 8)) == 8
    assert not box.writes and not box.staged


def test_errors_by_address_and_function():
    box = bound()
    value = '[[{"loadControlLimitListData":[]}]]'
    for classifier, cmd, to, source, error in (
        ("write", LIMIT_WRITE, ((1,), 5), ((1,), 2), 9),
        ("write", LIMIT_WRITE, ((1,), 5), ((2,), 1), 9),
        ("write", '[[{"loadControlLimitDescriptionListData":[]}]]', ((1,), 5), ((1,), 1), 6),
        ("write", '[[{"deviceDiagnosisHeartbeatData":[]}]]', ((1,), 6), ((1,), 1), 6),
        ("read", '[[{"measurementListData":[]}]]', ((1,), 5), ((1,), 1), 6),
        ("write", '[[{"noSuchFunction":[{"a":[[{"b":1}]]}]}]]', ((1,), 5), ((1,), 1), 6),
        ("call", value, ((1,), 5), ((1,), 1), 6),
        ("read", value, ((1,), 99), ((1,), 1), 4),
        ("read", value, ((1, 1), 5), ((1,), 1), 4),
        ("read", '[[{"deviceDiagnosisHeartbeatData":[]}]]', ((1,), 7), ((1,), 1), 7),
        ("write", '[[{"deviceDiagnosisHeartbeatData":[]}]]', ((1,), 7), ((1,), 1), 7),
        ("read", '[[{"nodeManagementDetailedDiscoveryData":[]}]]', ((1,), 5), ((1,), 1), 6),
        ("read", '[[{"nodeManagementBindingRequestCall":[]}]]', ((0,), 0), ((0,), 0), 6),
        ("write", LIMIT_WRITE.replace('"function":"loadControlLimitListData"',
         '"function":"measurementListData"'), ((1,), 5), ((1,), 1), 7),
        ("write", LIMIT_WRITE.replace('{"function":"loadControlLimitListData"},', ""), ((1,), 5), ((1,), 1), 7),
        ("read", '[[{"function":"loadControlLimitListData"}]]', ((1,), 5), ((1,), 1), 7),
        ("read", "[[]]", ((1,), 5), ((1,), 1), 7),
        ("read", '[[{"loadControlLimitListData":[]}],[{"loadControlLimitListData":[]}]]', ((1,), 5), ((1,), 1), 7),
        ("write", '[[{"loadControlLimitListData":[]},{"loadControlLimitListData":[]}]]', ((1,), 5), ((1,), 1), 7),
        ("bless", value, ((1,), 5), ((1,), 1), 7),
        ("notify", '[[{"measurementListData":[]}]]', ((1,), 7), ((1,), 4), 6),
        ("notify", EV_REMOVED, ((1,), 99), ((1,), 4), 4),
    ):  # fmt: skip
        assert box.ask(classifier, cmd, to=to, source=source) == error, (classifier, cmd)
    assert not box.writes


def test_too_many_entries_are_an_overload():
    box = bound()
    entries = ",".join('[{"limitId":%d},{"isLimitActive":true}]' % i for i in range(60))
    assert box.ask("write", partial(entries)) == 3
    assert not box.writes


def test_broken_json_is_a_general_error_once_the_sender_is_known():
    box = bound()
    text = DATAGRAM % ("[1]", 1, "[1]", 5, 60, "write", "", LIMIT_WRITE)
    for broken in (text[:-9], text.replace('"limitId":0', '"limitId":0}'),
        text.replace('"limitId":0', '"limitId":00'), text + "x"):
        box.take(broken)
        heard = box.hear()
        assert heard[2] == "resultData" and heard[3] == {"errorNumber": 1}, broken
        assert heard[1]["msgCounterReference"] == 60
    for broken in ("", "{", "[]", "{}", '{"data":[]}', text[:250],
        text.replace('"msgCounter":60', '"msgCounter":"60"')):
        box.take(broken)
        assert box.hear() is None
    assert not box.writes
    assert box.ask("write", LIMIT_WRITE, ack=True) == 0


def test_changes_of_entries_with_two_ids():
    schema = b"f:(l:[a:k b:k v:n s:s])"
    source = ((1, 1, 10, -1, "x"), (1, 2, 20, 0), (2, 1))
    row = [1, 2, 5, None, None]
    assert changes(schema, source, [list(row)], [(None, True, None, None)]) == [[1, 2, 5, None, None]]
    part = [1, None, None, None, "y"]
    assert changes(schema, source, [part], [(None, True, None, None)]) == 7
    selected = changes(schema, source, [[None, None, None, None, "y"]],
        [(None, True, [1, None, None, None, None], None)])
    assert selected == [[1, 1, None, None, "y"], [1, 2, None, None, "y"]]
    everything = changes(schema, source, [[None] * 4 + ["y"]], [(None, True, None, None)])
    assert [row[:2] for row in everything] == [[1, 1], [1, 2], [2, 1]]
    assert changes(schema, lambda field, index: source[index] if index < 3 else None, None,
        [(True, None, None, [None, None, True, True, None])]) == [
        [1, 1, CLEARED, CLEARED, None], [1, 2, CLEARED, CLEARED, None], [2, 1, CLEARED, CLEARED, None]]
