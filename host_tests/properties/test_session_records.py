"""Records of charging sessions: every bill that is accepted comes back from flash as it was, and is shown right."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from host_tests.pure.session_box import SessionBox
from wallbox.functions.session_summary import OK
from wallbox.session_log import packed
from wallbox.session_records import parsed
from wallbox.session_text import decimal

WORD = st.integers(0, 2**32 - 1)
SCALED = st.tuples(st.integers(-(2**31), 2**31), st.integers(-10, 10)) | st.just((None, None))
SHARE = st.tuples(st.integers(-1, 101), st.just(0)) | st.tuples(st.integers(0, 10**6), st.just(-4)) | SCALED
CURRENCY = st.none() | st.text(min_size=1, max_size=4) | st.just("EUR")
BILL = st.tuples(
    st.tuples(st.none() | st.integers(-1, 2**31), CURRENCY), SCALED, SCALED, SHARE, SHARE, SHARE, SHARE
).map(lambda parts: [value for part in parts for value in part])


@given(BILL)
def test_an_accepted_bill_is_kept_as_it_was(bill):
    box = SessionBox()
    box.session()
    summary = box.session_summary
    accepted = summary.set_bill(list(bill)) == OK
    shares = [Decimal(bill[at]).scaleb(bill[at + 1]) for at in (6, 8, 10, 12) if bill[at] is not None]
    assert summary.bill == (bill if accepted else None)
    if accepted:
        assert all(0 <= share <= 100 for share in shares)
        box.settle()
        row = box.list()[0]
        assert box.again().session_summary.bill == bill
        assert row["currency"] == bill[1] and (row["cost"] is None) == (bill[4] is None)
    elif len(shares) == 4 and None not in bill and bill[1] == "EUR" and 0 <= bill[0] < 2**31:
        assert (
            any(not 0 <= share <= 100 for share in shares)
            or any(abs(bill[at]) >= 2**31 or abs(bill[at + 1]) > 9 for at in range(2, 14, 2))
            or bill[2] < 0 or shares[0] + shares[2] > 101 or shares[1] + shares[3] > 101
        )


@given(st.tuples(WORD, WORD, WORD, WORD, st.booleans()))
def test_a_record_without_bill(record):
    assert parsed(packed(list(record), None)) == (list(record), None)


@given(st.integers(-(2**31), 2**31), st.integers(-9, 9))
def test_numbers_are_shown_as_what_they_are(number, scale):
    text = decimal([number, scale], 0)
    assert Decimal(text) == Decimal(number).scaleb(scale)
    assert text.strip("-0123456789") in ("", ".") and len(text.partition(".")[2]) == max(-scale, 0)
