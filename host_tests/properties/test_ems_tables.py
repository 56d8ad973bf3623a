"""The parts of tools/ems.py that need no box: EEBUS JSON, values, tables from CSV, and the shape of what it writes."""

import asyncio
import datetime
import json

import ems_echonet
import ems_tables
import ems_writes
import pytest
from bounded.iso8601 import duration_ms
from eebus_json import decode, encode, fold, unfold
from hypothesis import given
from hypothesis import strategies as st
from spine_client import Feature, SpineError
from spine_values import duration, number, scaled, seconds

from host_tests.pure.spine_box import CURVE_WRITE, EV_REMOVED, INCENTIVE_WRITE, LIMIT_WITHOUT_DURATION, LIMIT_WRITE

_SCALARS = st.booleans() | st.integers(-2**40, 2**40) | st.text(max_size=5)
_OBJECTS = st.recursive(
    st.dictionaries(st.text(min_size=1, max_size=4), _SCALARS, min_size=1, max_size=4),
    lambda inner: st.dictionaries(
        st.text(min_size=1, max_size=4),
        _SCALARS | inner | st.lists(inner, min_size=1, max_size=3) | st.lists(st.integers(0, 9), min_size=1),
        min_size=1, max_size=4), max_leaves=12)


@given(_OBJECTS)
def test_what_is_unfolded_folds_to_the_same_in_the_same_order(value):
    assert json.dumps(fold(unfold(value))) == json.dumps(value)
    assert decode(encode({"x": value})) == {"x": value}


@pytest.mark.parametrize("text", [LIMIT_WRITE, LIMIT_WITHOUT_DURATION, CURVE_WRITE, INCENTIVE_WRITE, EV_REMOVED])
def test_golden_frames_go_through_unchanged(text):
    (cmd,) = fold(json.loads(text))
    assert json.dumps(unfold([cmd]), separators=(",", ":")) == text


def test_what_only_the_name_tells():
    assert fold(json.loads('[{"loadControlLimitListData":[{"loadControlLimitData":[]}]}]')) == {
        "loadControlLimitListData": {"loadControlLimitData": []}}
    lone = fold(json.loads('[{"aListData":[{"aData":[{"id":1},{"b":2}]}]}]'))
    assert lone == {"aListData": {"aData": [{"id": 1, "b": 2}]}}
    assert fold(json.loads('{"payload":{"datagram":[{"cmdControl":[{"partial":[]}]}]}}')) == {
        "payload": {"datagram": {"cmdControl": {"partial": {}}}}}


@given(st.integers(-10**9, 10**9), st.integers(0, 5))
def test_numbers_are_exact(value, places):
    text = "%se-%d" % (value, places)
    assert number(scaled(text)) == pytest.approx(value / 10**places, abs=1e-9)
    assert scaled(text)["scale"] <= 0


@given(st.integers(0, 10**7))
def test_durations(total_s):
    text = duration(total_s)
    assert seconds(text) == total_s and duration_ms(text.encode(), len(text)) == total_s * 1000
    assert seconds("-" + duration(total_s)) == -total_s


def test_durations_of_others():
    for text, total_s in (("P0D", 0), ("P1DT2H", 93600), ("PT0.5S", 0.5), ("P1W", 604800)):
        assert seconds(text) == total_s
    for text in ("", "P", "PT", "4", "PT4", None):
        assert seconds(text) is None


# --- CSV

_NOW = datetime.datetime(2026, 11, 26, 18, 20, tzinfo=datetime.timezone.utc)


def _file(tmp_path, text):
    path = tmp_path / "table.csv"
    path.write_text(text)
    return str(path)


def test_durations_in_all_their_forms(tmp_path):
    for head, rows in (("duration", ("PT30M", "1:30")), ("duration_min", ("30", "90")),
                       ("duration_s", ("1800", "5400")), ("Duration", ("30 min", "PT1H30M"))):
        text = "%s,remark,kW\n%s,a,11\n\n%s,b,4.2\n" % (head, *rows)
        assert ems_tables.curve(_file(tmp_path, text)) == [(0, 1800, 11000), (1800, 5400, 4200)]


def test_units_of_prices(tmp_path):
    for head, value in (("EUR/kWh", "0.31"), ("ct/kWh", "31"), ("EUR/MWh", "310"), ("EUR / kWh", "0.31")):
        slots, currency = ems_tables.prices(_file(tmp_path, "duration,%s\nPT1H,%s\n" % (head, value)))
        assert [(start, length, float(price)) for start, length, price in slots] == [(0, 3600, 0.31)]
        assert currency == "EUR"
    assert ems_tables.prices(_file(tmp_path, "duration,CHF/kWh\nPT1H,-0.01\n"))[1] == "CHF"


def test_points_in_time_begin_now_and_end_as_the_slot_before_or_as_said(tmp_path):
    rows = "2026-11-26T17:00+00:00,1\n2026-11-26T18:00+00:00,2\n2026-11-26 20:00+01:00,3\n"
    slots = ems_tables.prices(_file(tmp_path, "start,EUR/kWh\n" + rows), _NOW)[0]
    assert slots == [(0, 2400, 2), (2400, 3600, 3)]
    slots = ems_tables.prices(_file(tmp_path, "start,EUR/kWh\n" + rows + "2026-11-26T19:30+00:00,\n"), _NOW)[0]
    assert slots == [(0, 2400, 2), (2400, 1800, 3)]


def test_clock_times_go_on_over_midnight(tmp_path):
    text = "start;ct/kWh\n18:00;30,5\n23:00;20,5\n6:00;\n"
    now = datetime.datetime(2026, 11, 26, 18, 20).astimezone()
    slots = ems_tables.prices(_file(tmp_path, text), now)[0]
    assert [(start, length, float(price)) for start, length, price in slots] == [
        (0, 16800, 0.305), (16800, 25200, 0.205)]


@pytest.mark.parametrize("text, sentence", [
    ("", "needs a line of headings"), ("duration,W\n", "has no rows"), ("duration,A\nPT1H,6\n", "W or kW"),
    ("duration,W\nPT1H,x\n", "line 2 is not understood"), ("duration,W\nPT,1\n", "line 2 is not understood"),
    ("duration,W\nPT1H,\n", "a row without a value"), ("start,W\n18:00,1\n", "one row only"),
    ("start,W\n2026-11-26T19:00Z,1\n2026-11-26T20:00Z,1\n", "begins in 2400 s only"),
    ("duration,W,kW\nPT1H,1,1\n", "needs a line"),
    ("start,W\n2026-11-25T10:00+00:00,1\n2026-11-25T11:00+00:00,1\n", "is over"),
    ("start,W\n2026-11-26T18:00Z,1\n2026-11-26T17:00Z,1\n", "order of time"),
    ("start,W\n2026-11-26T18:00Z,1\n2026-11-26T19:00Z,\n2026-11-26T20:00Z,1\n", "line 4 stands behind"),
])
def test_a_file_that_is_no_good_is_told_in_one_sentence(tmp_path, text, sentence):
    with pytest.raises(ems_tables.Bad, match=sentence):
        ems_tables.curve(_file(tmp_path, text), _NOW)


def test_a_file_that_is_not_there():
    with pytest.raises(ems_tables.Bad, match="cannot be read"):
        ems_tables.curve("/nowhere/at/all.csv")


# --- what is written, where a box has the feature

class Recorder:
    """A box that has what `reads` says, and takes every write."""

    def __init__(self, entity, kind, reads, partial=True):
        write = {"write": {"partial": {}} if partial else {}}
        self.feature = Feature(entity, 1, kind, "server", {name: dict(write, read={}) for name in reads})
        self.reads = reads
        self.heard = asyncio.Event()
        self.heard.set()

    def find(self, kind, entity=None):
        return [self.feature] if kind == self.feature.kind and entity in (None, self.feature.entity) else []

    def one(self, kind, entity=None):
        for each in self.find(kind, entity):
            return each
        raise SpineError("none")

    def car(self):
        return (1, 1)

    async def read(self, feature, function):
        return self.reads[function]

    async def write(self, feature, function, data, filters=None):
        cmd = {"function": function, "filter": filters} if filters else {}
        self.written = json.dumps(unfold([{**cmd, function: data}]), separators=(",", ":"))


_PARTIAL = '"filter":[[{"cmdControl":[{"partial":[]}]}]]'


def test_setpoint():
    box = Recorder((1, 1), "Setpoint", {"setpointListData": {}, "setpointDescriptionListData": {
        "setpointDescriptionData": [{"setpointId": 4, "setpointType": "valueAbsolute", "unit": "W"}]}})
    asyncio.run(ems_writes.setpoint(box, -3000))
    row = '{"setpointId":4},%s{"value":[{"number":-3000},{"scale":0}]},{"isSetpointActive":true}'
    written = '[[{"function":"setpointListData"},{%s},{"setpointListData":[{"setpointData":[[%s]]}]}]]'
    no_end = '{"cmdControl":[{"delete":[]}]},{"setpointListDataSelectors":[{"setpointId":4}]},' \
             '{"setpointDataElements":[{"timePeriod":[]}]}'
    assert box.written == written % (_PARTIAL.replace("[[", "[[%s],[" % no_end), row % "")
    asyncio.run(ems_writes.setpoint(box, -3000, duration_s=90))
    assert box.written == written % (_PARTIAL, row % '{"timePeriod":[{"endTime":"PT1M30S"}]},')
    with pytest.raises(SpineError, match="no setpoint in W"):
        asyncio.run(ems_writes.setpoint(Recorder((1, 1), "Setpoint", {"setpointListData": {}}), 1))


def test_bill():
    box = Recorder((1,), "Bill", {"billListData": {}, "billDescriptionListData": {"billDescriptionData": [
        {"billId": 0, "billWriteable": True, "updateRequired": True, "supportedBillType": ["chargingSummary"]}]}})
    asyncio.run(ems_writes.bill(box, 12345, 3600, 2.47, "EUR", 80))
    assert box.written == (
        '[[{"function":"billListData"},{%s},{"billListData":[{"billData":[[{"billId":0},{"billType":"chargingSummary"},'
        '{"total":[{"timePeriod":[{"startTime":"-PT1H"},{"endTime":"PT0S"}]},{"value":[[{"unit":"Wh"},{"value":'
        '[{"number":12345},{"scale":0}]}]]},{"cost":[[{"costType":"absolutePrice"},{"currency":"EUR"},{"cost":'
        '[{"number":247},{"scale":-2}]}]]}]},{"position":[[{"positionId":1},{"positionType":"gridElectricEnergy"},'
        '{"value":[[{"valuePercentage":[{"number":80},{"scale":0}]}]]},{"cost":[[{"costPercentage":[{"number":100},'
        '{"scale":0}]}]]}],[{"positionId":2},{"positionType":"selfProducedElectricEnergy"},{"value":'
        '[[{"valuePercentage":[{"number":20},{"scale":0}]}]]},{"cost":[[{"costPercentage":[{"number":0},'
        '{"scale":0}]}]]}]]}]]}]}]]' % _PARTIAL)


def test_a_box_without_partial_writes_gets_a_full_one():
    box = Recorder((1, 1), "Setpoint", {"setpointListData": {}, "setpointDescriptionListData": {
        "setpointDescriptionData": [{"setpointId": 0, "unit": "W"}]}}, partial=False)
    asyncio.run(ems_writes.setpoint(box, None, False))
    assert box.written == '[[{"setpointListData":[{"setpointData":[[{"setpointId":0},{"isSetpointActive":false}]]}]}]]'


def test_values_of_echonet_lite():
    assert ems_echonet.words(0xED, b"\x00\x50") == ("charging current", 8.0, "A")
    assert ems_echonet.words(0xE0, b"\xff\xff\xf4\x48") == ("signed power set-point", -3000, "W")
    assert ems_echonet.words(0xC7, b"\x30") == ("vehicle connection", "no car", "")
    assert ems_echonet.words(0x8A, b"\x00\x00\x16") == ("8A", "000016", "")
    assert ems_echonet.words(0xD3, None) == ("power", None, "")
