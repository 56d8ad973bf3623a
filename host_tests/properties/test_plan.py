"""The planner of coordinated charging (limits/plan.py): never above the curve, the need met when it can be, never
dearer than any other plan."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from wallbox.limits.plan import plan

_SPAN = st.tuples(st.integers(0, 7200), st.integers(0, 22000), st.integers(-50, 500))


def _planned(spans, need_wh, least_w=0):
    power_w = [None] * len(spans)
    missing = plan([each[0] for each in spans], [each[1] for each in spans], [each[2] for each in spans], len(spans),
                   need_wh, least_w, power_w)
    return power_w, missing


@given(st.lists(_SPAN, max_size=96), st.integers(0, 100000), st.integers(0, 8000))
def test_within_the_curve_and_above_the_least_power(spans, need_wh, least_w):
    power_w, missing = _planned(spans, need_wh, least_w)
    for (_, most_w, _), watts in zip(spans, power_w):
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
