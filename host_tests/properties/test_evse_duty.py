"""Duty and current for every value: the car never reads more than was offered, and hardly less."""

from hypothesis import given
from hypothesis import strategies as st

from wallbox.evse.bounds import derate_permille
from wallbox.evse.pilot import classify, duty_permille, ev_ma
from wallbox.evse.proximity import cable_ma

OFFERS = st.integers(6000, 80000)


@given(OFFERS)
def test_round_trip_never_raises(offer_ma):
    permille = duty_permille(offer_ma)
    told_ma = ev_ma(permille)
    assert 100 <= permille <= 960
    assert told_ma <= offer_ma
    # 0.1 A of the current and one per mille of the duty; no duty says 51.1 to 52.7 A
    lost = 160 if offer_ma <= 51000 else 350 if offer_ma >= 52800 else 1800
    assert offer_ma - told_ma < lost


@given(OFFERS, OFFERS)
def test_more_offered_is_never_less_told(one_ma, other_ma):
    low_ma, high_ma = sorted((one_ma, other_ma))
    assert duty_permille(low_ma) <= duty_permille(high_ma)
    assert ev_ma(duty_permille(low_ma)) <= ev_ma(duty_permille(high_ma))


@given(st.integers(100, 960))
def test_every_duty_comes_back_or_lower(permille):
    again = duty_permille(ev_ma(permille))
    assert permille - 2 <= again <= permille


@given(st.integers(-2000, 3000))
def test_ev_column_is_bounded_for_any_duty(permille):
    assert ev_ma(permille) == 0 or 6000 <= ev_ma(permille) <= 80000


@given(st.integers(-13000, 13000), st.sampled_from("ABCDEF"))
def test_classify_is_stable_and_total(mv, before):
    letter = classify(mv, before)
    assert letter in "ABCDEF"
    assert classify(mv, letter) == letter


@given(st.integers(0, 1 << 20), st.sampled_from((1, 3)))
def test_any_resistance_is_a_known_cable_or_none(ohm, phases):
    assert cable_ma(ohm, phases) in (0, 13000, 20000, 32000, 63000, 70000)


@given(
    st.lists(st.integers(-300, 1200), min_size=2, max_size=5, unique=True),
    st.lists(st.integers(0, 1000), min_size=5, max_size=5),
    st.integers(-400, 1250), st.integers(-400, 1250),
)
def test_falling_curves_fall_everywhere(points, levels, one_dc, other_dc):
    curve = []
    for temperature_dc, permille in zip(sorted(points), sorted(levels, reverse=True)):
        curve += [temperature_dc, permille]
    cold_dc, hot_dc = sorted((one_dc, other_dc))
    cold = derate_permille(curve, cold_dc)
    hot = derate_permille(curve, hot_dc)
    assert 0 <= hot <= cold <= 1000
