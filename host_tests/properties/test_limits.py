"""Properties of the arbiter: monotone, order-free, only lowering, deterministic, idempotent, safe at expiry."""

from hypothesis import given, settings
from hypothesis import strategies as st

from wallbox.limits.decide import CHARGE, Decision, Facts, decide
from wallbox.limits.offer import Offer
from wallbox.limits.sources import (
    ALLOWED,
    CEILING,
    INTERLOCK,
    KEEP,
    MA,
    OBLIGATION,
    PERMISSION,
    REQUEST,
    SELF_CONSUMPTION,
    Source,
    W,
    rows,
)

checked = settings(max_examples=200, deadline=None)
ma = st.one_of(st.sampled_from([0, 5900, 5999, 6000, 6100, 16000, 32000, 10**7]), st.integers(0, 90000))
watts = st.one_of(st.sampled_from([0, 1380, 4200, 22000, 10**9]), st.integers(0, 60000))
limit_kind = st.sampled_from([CEILING, OBLIGATION])
request_kind = st.integers(REQUEST, REQUEST + SELF_CONSUMPTION)
lease = st.one_of(st.none(), st.integers(0, 2000))
NOW_MS = 5000


@st.composite
def facts(draw):
    f = Facts()
    f.phases = draw(st.integers(1, 3))
    f.voltage_mv = [draw(st.one_of(st.none(), st.integers(0, 300000))) for _ in range(3)]
    f.nominal_mv = draw(st.sampled_from([100000, 200000, 230000]))
    f.min_ma = draw(st.integers(6000, 14000))
    f.max_ma = draw(st.integers(6000, 90000))
    f.own_w = draw(st.integers(0, 100))
    return f


@st.composite
def source(draw, name, kinds):
    kind = draw(kinds)
    s = Source(name, kind)
    s.set_at = draw(st.integers(3000, NOW_MS))
    if kind <= PERMISSION:
        s.fall_back(draw(st.sampled_from([None, KEEP, 0, 1])), ALLOWED)
        if draw(st.booleans()):
            s.set_allowed(s.set_at, draw(st.booleans()), draw(lease))
    else:
        s.fall_back(draw(st.one_of(st.none(), st.just(KEEP), ma)), draw(st.sampled_from([MA, W])))
        how = draw(st.integers(0, 2))
        if how == 1:
            s.set_ma(s.set_at, draw(ma), draw(ma), draw(ma), draw(lease))
        elif how == 2:
            s.set_w(s.set_at, draw(watts), draw(lease))
    return s


sun = REQUEST + SELF_CONSUMPTION
any_kind = st.sampled_from([INTERLOCK, PERMISSION, CEILING, OBLIGATION, OBLIGATION, REQUEST, sun])
limiting_kind = st.sampled_from([CEILING, OBLIGATION, REQUEST])
lowering_kind = st.sampled_from([INTERLOCK, PERMISSION, CEILING, OBLIGATION])


@st.composite
def sources(draw, kinds=any_kind, at_most=6):
    return [draw(source("s%d" % index, kinds)) for index in range(draw(st.integers(0, at_most)))]


def decided(some, f, now_ms=NOW_MS):
    decision = Decision(len(some))
    decide(some, now_ms, f, decision)
    return decision


def seen(decision):
    limiter = decision.limiter.name if decision.limiter else None
    return (
        list(decision.ma),
        decision.limit_ma,
        decision.offer_ma,
        decision.phases,
        decision.action,
        decision.binding,
        limiter,
    )


def one_source_ma(values, f, phase):
    """What one value alone allows on one phase, by exact fractions and the definition of section 7."""
    if values[3] != W:
        return values[phase]
    total_mv = 0
    for mv in f.voltage_mv[: f.phases]:
        total_mv += f.nominal_mv * 11 // 10 if mv is None or mv < f.nominal_mv * 4 // 5 else mv
    return max(values[0] - f.own_w, 0) * 10**6 / total_mv


@checked
@given(sources(), facts())
def test_never_between_zero_and_minimum_and_under_every_limit(some, f):
    decision = decided(some, f)
    offer_ma = decision.offer_ma
    assert offer_ma == 0 or f.min_ma <= offer_ma <= min(f.max_ma, 80000)
    assert offer_ma % 100 == 0
    assert (decision.action == CHARGE) == (offer_ma > 0)
    for s in some:
        values = s.in_force(NOW_MS)
        if s.kind <= PERMISSION:
            if values is not None and not values[0] or values is None and s.kind == INTERLOCK:
                assert offer_ma == 0
        elif values is not None and s.kind < REQUEST:
            for phase in range(f.phases):
                assert offer_ma <= decision.ma[phase] <= one_source_ma(values, f, phase)


@checked
@given(sources(st.sampled_from([CEILING, OBLIGATION])), facts())
def test_not_needlessly_low(some, f):
    """Without permissions and requests the limit is the smallest of all, less rounding (0.1 A and 0.1 V)."""
    least = min(f.max_ma, 80000)
    for s in some:
        values = s.in_force(NOW_MS)
        if values is not None:
            least = min([least] + [one_source_ma(values, f, phase) for phase in range(f.phases)])
    assert least * 998 / 1000 - 101 <= decided(some, f).limit_ma <= least


@checked
@given(st.integers(0, 60000), st.lists(st.integers(207000, 253000), min_size=3, max_size=3), st.integers(1, 3))
def test_power_limit_is_kept_at_any_voltage(total_w, voltage_mv, phases):
    """The exact power of the current is at most what was written, and misses it by less than 0.05 %."""
    limit = Source("LPC", OBLIGATION)
    limit.set_w(NOW_MS, total_w)
    f = Facts()
    f.voltage_mv = voltage_mv
    f.phases = phases
    f.max_ma = 80000
    decision = decided([limit], f)
    sum_mv = sum(voltage_mv[:phases])
    assert decision.ma[0] * sum_mv <= total_w * 10**6
    assert decision.ma[0] >= min(total_w * 10**6 // sum_mv * 9995 // 10000 - 1, 80000)


@checked
@given(sources(), facts(), st.randoms())
def test_order_free(some, f, random):
    first = seen(decided(some, f))
    random.shuffle(some)
    assert seen(decided(some, f)) == first


@checked
@given(sources(), facts())
def test_deterministic_and_idempotent(some, f):
    decision = decided(some, f)
    first = seen(decision)
    table = list(rows(some, NOW_MS, decision))
    decide(some, NOW_MS, f, decision)
    assert seen(decision) == first
    assert list(rows(some, NOW_MS, decision)) == table


@checked
@given(sources(), facts(), source("new", lowering_kind))
def test_no_source_can_raise(some, f, new):
    assert decided(some + [new], f).offer_ma <= decided(some, f).offer_ma


@checked
@given(sources(lowering_kind), facts(), source("new", request_kind))
def test_no_request_can_raise_above_having_none(some, f, new):
    assert decided(some + [new], f).offer_ma <= decided(some, f).offer_ma


@checked
@given(sources(), facts(), source("low", limiting_kind), ma, ma, ma, ma, ma, ma)
def test_monotone_in_current(some, f, low, a, b, c, d, e, g):
    low.set_ma(NOW_MS, max(a, d), max(b, e), max(c, g))
    before = decided(some + [low], f)
    low.set_ma(NOW_MS, min(a, d), min(b, e), min(c, g))
    after = decided(some + [low], f)
    assert after.offer_ma <= before.offer_ma and after.limit_ma <= before.limit_ma


@checked
@given(sources(), facts(), source("low", limiting_kind), watts, watts)
def test_monotone_in_power(some, f, low, p, q):
    low.set_w(NOW_MS, max(p, q))
    before = decided(some + [low], f)
    low.set_w(NOW_MS, min(p, q))
    assert decided(some + [low], f).offer_ma <= before.offer_ma


@checked
@given(sources(st.sampled_from([PERMISSION, CEILING, OBLIGATION])), facts(), ma, ma, limit_kind)
def test_expiry_never_raises_above_the_fallback(some, f, value, fallback, kind):
    s = Source("leased", kind, fallback)
    s.set_ma(NOW_MS, value, value, value, 100)
    some.append(s)
    for now_ms in (NOW_MS + 100, NOW_MS + 101, NOW_MS + 10**6):
        expired = decided(some, f, now_ms)
        assert expired.limit_ma <= fallback
        keeping = Source("leased", kind, KEEP)
        keeping.set_ma(NOW_MS, value, value, value, 100)
        assert decided(some[:-1] + [keeping], f, now_ms).limit_ma <= value


@checked
@given(sources(), facts())
def test_binding_is_what_was_in_the_way(some, f):
    """Without the source that binds the limit is the same or higher; "board" has nobody to lift."""
    decision = decided(some, f)
    if decision.binding == "board":
        assert decision.limiter is None
        assert decision.limit_ma == min(f.max_ma, 80000) // 100 * 100
    elif decision.limiter and decision.limiter.kind < REQUEST:
        rest = [s for s in some if s is not decision.limiter]
        assert decided(rest, f).limit_ma >= decision.limit_ma


steps = st.lists(
    st.tuples(ma, st.booleans(), st.booleans(), st.integers(1, 200)),
    min_size=1,
    max_size=60,
)


@checked
@given(steps, st.integers(100, 32000), st.integers(0, 10000), request_kind)
def test_offer_over_time(sequence, rise_ma, hold_ms, kind):
    """Never above the decision, nor between 0 and the minimum; increases while charging slewed; replayable."""
    f = Facts()
    runs = []
    for _ in range(2):
        limit = Source("limit", kind)
        mode = Source("mode", PERMISSION)
        offer = Offer(rise_ma, hold_ms)
        now_ms = last = raised_ms = 0
        run = []
        for value, allowed, charging, tenths in sequence:
            limit.set_ma(now_ms, value, value, value)
            mode.set_allowed(now_ms, allowed)
            decision = decided([limit, mode], f, now_ms)
            got = offer.step(now_ms, decision, charging)
            assert got == 0 or decision.min_ma <= got <= decision.offer_ma
            if charging and last and got > last:
                assert got - last <= rise_ma and now_ms - raised_ms >= 5000
            if got != last:
                raised_ms = now_ms
            assert decision.offer_ma > last or got == decision.offer_ma  # decreases at once
            last = got
            run.append(got)
            now_ms += 100 * tenths
        runs.append(run)
    assert runs[0] == runs[1]


@checked
@given(st.integers(6000, 32000), st.integers(0, 10000))
def test_offer_arrives(value, hold_ms):
    """Whatever was before, a steady permission reaches the full limit: no state holds for ever."""
    limit = Source("limit", OBLIGATION)
    offer = Offer(1000, hold_ms)
    limit.set_ma(0, 0, 0, 0)
    offer.step(0, decided([limit], Facts(), 0), True)
    limit.set_ma(0, value, value, value)
    for now_ms in range(0, 200000, 1000):
        got = offer.step(now_ms, decided([limit], Facts(), now_ms), True)
    assert got == value // 100 * 100
