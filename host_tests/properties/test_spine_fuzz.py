"""Damaged datagrams against a device: never an exception, always an answer or silence as the protocol says.

100,000 at random here, 9,000 more on all runtimes in pure/; `make fuzz` does 100,000 of each kind on each runtime."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.pure import spine_box
from host_tests.pure.spine_box import DATAGRAM, Box
from host_tests.pure.test_spine_fuzz import LOAD, NODE, SERIES, WATCH, fuzz, survive
from spine.numbers import scaled
from spine.restricted import CLEARED, changes


@pytest.mark.parametrize("seed", range(10))
def test_damaged_datagrams(seed):
    assert fuzz(seed, 10000) > 2000


WORDS = st.sampled_from(
    "function filter cmdControl delete partial loadControlLimitListData loadControlLimitData limitId value number "
    "scale timePeriod endTime isLimitActive loadControlLimitListDataSelectors loadControlLimitDataElements resultData "
    "incentiveTableData incentiveTable timeSeriesListData timeSeriesData timeSeriesSlot errorNumber".split()
)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.sampled_from(["PT1S", "loadControlLimitListData", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=30,
)


@settings(max_examples=400, deadline=None)
@given(
    ANY,
    st.sampled_from([LOAD, SERIES, NODE, WATCH]),
    st.sampled_from("read write call notify reply result".split()),
)
def test_any_command(command, address, classifier):
    box = Box(client=True)
    box.hear()
    box.relate()
    box.relate(to=((1,), 8))
    text = (DATAGRAM % (address + (5, classifier, spine_box.ACK, json.dumps(command)))).encode()
    survive(box, text, 5000)


VALUE = st.none() | st.integers(0, 3)
PLAIN_ROW = st.tuples(VALUE, VALUE, VALUE, VALUE, VALUE).map(list)


@settings(max_examples=400, deadline=None)
@given(
    st.dictionaries(st.tuples(st.integers(0, 2), st.integers(0, 2)), st.tuples(VALUE, VALUE, VALUE), max_size=5),
    st.lists(PLAIN_ROW, max_size=4),
    st.sampled_from([(None, True, None, None), (True, None, None, None)]),
    st.none() | PLAIN_ROW,
    st.none() | st.tuples(*[st.none() | st.just(True)] * 3),
)
def test_changes_do_to_a_table_what_the_filters_say(table, rows, how, selectors, elements):
    """Against a plain model: entries as a dictionary from ids to the three other values."""
    schema = b"f:(l:[a:k b:k v:n s:i])"
    source = [ids + rest for ids, rest in table.items()]
    delete = how[0]
    filters = [(how[0], how[1], selectors, [None, None] + list(elements) if delete and elements else None)]
    chosen = []
    for key in table:
        if not selectors or all(w is None or w == h for w, h in zip(selectors, key + table[key])):
            chosen.append(key)
    want = {}
    refused = False
    if delete:
        gone = [i for i in range(3) if not elements or elements[i]]
        for key in chosen:
            want[key] = [CLEARED if i in gone else None for i in range(3)]
    else:
        for row in rows:
            if not selectors and row.count(None) and (row[0] is None) != (row[1] is None):
                refused = True
            targets = chosen if selectors or row[0] is None else [(row[0], row[1])]
            for key in targets:
                change = want.setdefault(key, [None] * 3)
                for i in range(3):
                    if row[2 + i] is not None:
                        change[i] = row[2 + i]
    got = changes(schema, source, [list(row) for row in rows], filters)
    if refused:
        assert got == 7
    else:
        assert {(row[0], row[1]): row[2:] for row in got} == want
        assert len(got) == len(want)


@settings(max_examples=300, deadline=None)
@given(st.integers(-(1 << 63), (1 << 63) - 1), st.integers(-20, 20), st.integers(-3, 3))
def test_scaled_numbers_are_exact(number, scale, to):
    from fractions import Fraction

    assert scaled(number, scale, to) == Fraction(number) * Fraction(10) ** (scale - to) // 1
