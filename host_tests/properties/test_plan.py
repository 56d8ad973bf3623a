"""The planner of coordinated charging (limits/plan.py): never above the curve, the need met when it can be, never
dearer than any other plan; in steps of any size the same, each of no more than so many pieces."""

import itertools
from array import array

from hypothesis import given
from hypothesis import strategies as st

from wallbox.limits.plan import Planner, place

_SPAN = st.tuples(st.integers(0, 7200), st.integers(0, 22000), st.integers(-50, 500))
_NOW_S = 5000
_RATED_W = 22080


def _table(values, seconds, start_s=_NOW_S):
    """(start, value, ..., end) of spans that follow each other."""
    table = array("i")
    for value, length in zip(values, seconds):
        table.append(start_s)
        table.append(value)
        start_s += length
    table.append(start_s)
    return table


def _made(planner, pieces=1000):
    while not planner.step(pieces):
        pass
    return planner


def _planned(spans, need_wh, least_w=0):
    """What is planned for (seconds, most W, price) each; spans without a length are left out."""
    seconds = [each[0] for each in spans]
    curve = _table([each[1] for each in spans], seconds)
    prices = _table([each[2] for each in spans], seconds)
    made = _made(Planner(curve, prices, _NOW_S, _NOW_S + sum(seconds), _RATED_W, least_w, need_wh))
    assert list(made.starts) == list(curve[::2] if spans else ())
    return made.powers, made.missing_wh


@given(st.lists(_SPAN.filter(lambda span: span[0]), max_size=96), st.integers(0, 100000), st.integers(0, 8000))
def test_within_the_curve_and_above_the_least_power(spans, need_wh, least_w):
    power_w, missing = _planned(spans, need_wh, least_w)
    for (_, most_w, _), watts in zip(spans, power_w, strict=True):
        assert watts == 0 or least_w <= watts <= most_w
    charged_ws = sum(watts * span[0] for watts, span in zip(power_w, spans))
    usable_ws = sum(span[0] * span[1] for span in spans if span[1] >= least_w)
    if usable_ws >= need_wh * 3600:
        assert missing == 0 and charged_ws >= need_wh * 3600
    else:
        assert charged_ws == usable_ws and missing == -(-(need_wh * 3600 - usable_ws) // 3600)
    assert charged_ws <= need_wh * 3600 + max([span[0] * max(least_w, 1) for span in spans] or [0])


@given(st.lists(st.tuples(st.just(3600), st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=5),
       st.integers(0, 12))
def test_no_other_plan_is_cheaper(spans, need_wh):
    power_w, missing = _planned(spans, need_wh)
    charged = sum(power_w)
    assert charged == min(need_wh, sum(span[1] for span in spans)) and missing == need_wh - charged
    cost = sum(watts * span[2] for watts, span in zip(power_w, spans))
    for other in itertools.product(*(range(span[1] + 1) for span in spans)):
        if sum(other) == charged:
            assert cost <= sum(watts * span[2] for watts, span in zip(other, spans))


# --- in steps


def _tables(most):
    """A curve or prices, which may begin and end before or behind what is planned; None."""
    slots = st.lists(st.tuples(st.integers(-50, 25000), st.integers(1, 4000)), min_size=1, max_size=most)
    return st.none() | st.builds(
        lambda rows, start_s: _table([row[0] for row in rows], [row[1] for row in rows], start_s), slots,
        st.integers(0, 3 * _NOW_S))


def _at_once(curve, prices, now_s, end_s, most_w, least_w, need_wh):
    """The same plan in one go, with sets and sorting: edges wherever something changes, each looked up from the
    first slot on."""
    def value(table, at_s):
        rows = zip(table[::2], table[1::2], table[2::2]) if table else ()
        return next((worth for start, worth, end in rows if start <= at_s < end), None)

    if end_s <= now_s:
        return [], [], need_wh
    edges = {now_s, end_s}.union(*(set(table[::2]) for table in (curve, prices) if table))
    starts = sorted(edge for edge in edges if now_s <= edge <= end_s)
    spans = []
    for i, (start_s, next_s) in enumerate(itertools.pairwise(starts)):
        high_w = value(curve, start_s)
        spans.append((value(prices, start_s) or 0, i, next_s - start_s, most_w if high_w is None else
                      min(high_w, most_w)))
    powers = [0] * len(spans)
    need_ws = need_wh * 3600
    for _, i, seconds, high_w in sorted(spans):
        if need_ws > 0 and high_w >= least_w and high_w > 0:
            powers[i] = max(-(-need_ws // seconds), least_w) if high_w * seconds > need_ws else high_w
            need_ws -= powers[i] * seconds
    return starts, powers, max(-(-need_ws // 3600), 0)


@given(_tables(96), _tables(24), st.integers(0, 90000), st.integers(0, 8000), st.integers(0, 100000),
       st.integers(1, 40))
def test_in_steps_of_any_size_the_plan_is_the_one_made_at_once(curve, prices, end_s, least_w, need_wh, pieces):
    planner = Planner(curve, prices, _NOW_S, end_s, _RATED_W, least_w, need_wh)
    steps = did = 0
    done = False
    while not done:
        done = planner.step(pieces)
        steps += 1
        now = max(len(planner.starts) - 1, 0) + planner._filled
        assert now - did == pieces or done and now - did <= pieces
        did = now
    starts, powers, missing = _at_once(curve, prices, _NOW_S, end_s, _RATED_W, least_w, need_wh)
    assert (list(planner.starts), list(planner.powers), planner.missing_wh) == (starts, powers, missing)
    spans = len(powers)
    assert did == 2 * spans and steps == max(-(-did // pieces), 1)
    assert spans <= (len(curve or ()) + len(prices or ())) // 2 + 2


@given(_tables(96), st.integers(-10, 500000), st.sampled_from((1, 2)))
def test_the_slot_of_a_time(table, now_s, width):
    if table and width == 1:
        table = table[::2]
    found = place(table, width, now_s)
    begins = [i for i in range(0, len(table or ()) - 1, width) if table[i] <= now_s < table[i + width]]
    assert found == (begins[0] if begins else -1)
