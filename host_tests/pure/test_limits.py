"""Arbiter: sources with leases, the decision, the offer over time; rows E2, E3, M2, C1 of the fault table."""

import gc

from bounded.compat import micropython
from host_tests.pure.support import raises
from wallbox.limits.decide import CHARGE, PAUSE, Decision, Facts, decide
from wallbox.limits.offer import Offer
from wallbox.limits.sources import (
    ALLOWED,
    CEILING,
    EMS_PLAN,
    INTERLOCK,
    KEEP,
    MA,
    OBLIGATION,
    PERMISSION,
    REQUEST,
    SELF_CONSUMPTION,
    USER_NOW,
    Source,
    W,
    rows,
)


def decided(sources, now_ms=0, facts=None):
    decision = Decision(len(sources))
    decide(sources, now_ms, facts or Facts(), decision)
    return decision


def one_limit(kind=OBLIGATION):
    source = Source("limit", kind)
    return source, [source]


def test_nothing_asked_gives_the_board():
    decision = decided([])
    assert decision.offer_ma == 32000 and decision.binding == "board" and decision.action == CHARGE
    assert decision.phases == 3 and decision.ma == [32000, 32000, 32000]


def test_pilot_never_says_more_than_80_a():
    facts = Facts()
    facts.max_ma = 100000
    assert decided([], 0, facts).offer_ma == 80000


def test_written_values():
    """E2: 5.9 and 6.0 A, 0, negative, huge, asymmetric, fractions of 100 mA."""
    source, sources = one_limit()
    for written, offer_ma in ((5900, 0), (5999, 0), (6000, 6000), (0, 0), (6799, 6700), (10**12, 32000)):
        source.set_ma(0, written, written, written)
        decision = decided(sources)
        assert decision.offer_ma == offer_ma
        assert (decision.action == PAUSE) == (offer_ma == 0)
    source.set_ma(0, 16000, 9000, 20000)
    decision = decided(sources)
    assert decision.offer_ma == 9000 and decision.ma == [16000, 9000, 20000] and decision.binding == "limit"
    source.set_ma(0, 16000, 5000, 20000)
    assert decided(sources).offer_ma == 0
    source.set_ma(0, None, None, 7000)
    assert decided(sources).ma == [32000, 32000, 7000]


def test_negative_is_refused_and_changes_nothing():
    source, sources = one_limit()
    source.set_ma(5, 10000, 11000, 12000, 1000)
    assert raises(ValueError, source.set_ma, 9, 10000, -1, 10000)
    assert raises(ValueError, source.set_w, 9, -1)
    assert raises(ValueError, source.set_ma, 9, 6000, 6000, 6000, -1)
    assert raises(ValueError, source.fall_back, -2)
    assert source.own == [10000, 11000, 12000, MA] and source.set_ms == 5 and source.lease_ms == 1000
    assert decided(sources, 5).offer_ma == 10000


def test_only_used_phases_count():
    source, sources = one_limit()
    source.set_ma(0, 16000, 9000, 0)
    facts = Facts()
    facts.phases = 1
    decision = decided(sources, 0, facts)
    assert decision.offer_ma == 16000 and decision.ma == [16000, 0, 0] and decision.phases == 1
    facts.phases = 2
    assert decided(sources, 0, facts).offer_ma == 9000


def test_power_becomes_current_by_measured_voltage():
    source, sources = one_limit()
    facts = Facts()
    source.set_w(0, 4200)
    assert decided(sources, 0, facts).limit_ma == 5500  # unknown voltage: 253 V, errs low (M2)
    facts.phases = 1
    assert decided(sources, 0, facts).offer_ma == 16600
    facts.voltage_mv[0] = 230000
    assert decided(sources, 0, facts).offer_ma == 18200
    facts.own_w = 60
    assert decided(sources, 0, facts).offer_ma == 18000
    facts.voltage_mv[0] = 0  # a meter on the dead side, or broken: not to be believed
    assert decided(sources, 0, facts).offer_ma == 16300
    facts.voltage_mv[0] = None
    source.set_w(0, 30)
    assert decided(sources, 0, facts).limit_ma == 0
    source.set_w(0, 10**12)
    assert decided(sources, 0, facts).offer_ma == 32000
    facts.phases = 3
    source.set_w(0, 22080)
    facts.own_w = 0
    facts.voltage_mv[:] = [230000, 230000, 230000]
    assert decided(sources, 0, facts).offer_ma == 32000


def test_minimum_of_board_or_car_is_never_undercut_nor_rounded_up_to():
    source, sources = one_limit()
    facts = Facts()
    facts.min_ma = 8000
    source.set_ma(0, 7900, 7900, 7900)
    decision = decided(sources, 0, facts)
    assert decision.offer_ma == 0 and decision.limit_ma == 7900 and decision.min_ma == 8000
    facts.min_ma = 0
    source.set_ma(0, 5900, 5900, 5900)
    assert decided(sources, 0, facts).offer_ma == 0


def test_lease_and_fallbacks():
    source, sources = one_limit()
    source.set_ma(1000, 10000, 10000, 10000, 500)
    assert decided(sources, 1499).offer_ma == 10000
    assert decided(sources, 1500).offer_ma == 32000  # dropped
    source.fall_back(KEEP)
    assert decided(sources, 99999).offer_ma == 10000
    source.fall_back(6000)
    assert decided(sources, 1499).offer_ma == 10000 and decided(sources, 1500).offer_ma == 6000
    source.fall_back(16000)  # a fallback above what was set is the declared one
    assert decided(sources, 1500).offer_ma == 16000
    source.fall_back(0, W)
    decision = decided(sources, 1500)
    assert decision.offer_ma == 0 and decision.binding == "limit"
    source.clear(1600)
    assert decided(sources, 1600).offer_ma == 32000
    source.set_ma(1700, 7000, 7000, 7000)  # no lease: no end
    assert decided(sources, 1 << 40).offer_ma == 7000
    source.set_ma(1700, 7000, 7000, 7000, 0)  # over as soon as it came
    assert decided(sources, 1700).offer_ma == 0


def test_three_sources_expire_in_every_order():
    """E3: LPC in W, OPEV per phase, ECHONET Lite current; the smallest in force binds, and is named."""
    ends = (1000, 2000, 3000)
    for first in range(3):
        for second in range(3):
            if second == first:
                continue
            leases = [ends[2]] * 3
            leases[first] = ends[0]
            leases[second] = ends[1]
            lpc = Source("LPC", OBLIGATION, 4200, W)
            opev = Source("OPEV", OBLIGATION, 8000)
            echonet = Source("ECHONET", OBLIGATION)
            lpc.set_w(0, 6900, leases[0])  # 9.0 A at 3 x 253 V
            opev.set_ma(0, 16000, 12000, 10000, leases[1])
            echonet.set_ma(0, 11000, 11000, 11000, leases[2])
            sources = [lpc, opev, echonet]
            for now_ms in (0, 999, 1000, 1999, 2000, 2999, 3000, 4000):
                wanted = []
                wanted.append((9000 if now_ms < leases[0] else 5500, "LPC"))
                wanted.append((10000 if now_ms < leases[1] else 8000, "OPEV"))
                if now_ms < leases[2]:
                    wanted.append((11000, "ECHONET"))
                limit_ma, name = min(wanted)
                decision = decided(sources, now_ms)
                assert decision.limit_ma == limit_ma and decision.binding == name
                assert decision.offer_ma == (limit_ma if limit_ma >= 6000 else 0)


def test_one_request_wins_and_raises_nothing():
    surplus = Source("surplus", REQUEST + SELF_CONSUMPTION)
    plan = Source("plan", REQUEST + EMS_PLAN)
    user = Source("user", REQUEST + USER_NOW)
    supply = Source("supply", CEILING)
    sources = [surplus, plan, user, supply]
    surplus.set_ma(0, 7000, 7000, 7000)
    assert decided(sources).offer_ma == 7000
    plan.set_ma(0, 10000, 10000, 10000, 50)
    decision = decided(sources)
    assert decision.offer_ma == 10000 and decision.binding == "plan" and decision.request is plan
    assert decision.share_ma[0] == -1 and decision.share_ma[1] == 10000
    user.set_ma(0, 80000, 80000, 80000)
    assert decided(sources).binding == "board"
    supply.set_ma(0, 20000, 20000, 20000)
    assert decided(sources).offer_ma == 20000
    user.clear(60)
    decision = decided(sources, 60)  # the plan's lease is over too
    assert decision.offer_ma == 7000 and decision.binding == "surplus"


def test_permission_and_interlock():
    interlock = Source("guard", INTERLOCK)
    mode = Source("mode", PERMISSION, 0, ALLOWED)
    limit = Source("limit", OBLIGATION)
    sources = [limit, mode, interlock]
    decision = decided(sources)
    assert decision.action == PAUSE and decision.binding == "guard"  # never heard of: not safe
    interlock.set_allowed(0, True)
    assert decided(sources).offer_ma == 32000
    mode.set_allowed(0, True, 100)
    assert decided(sources, 99).offer_ma == 32000
    decision = decided(sources, 100)
    assert decision.offer_ma == 0 and decision.binding == "mode" and decision.limit_ma == 32000
    interlock.set_allowed(100, False)
    limit.set_ma(100, 0, 0, 0)
    decision = decided(sources, 100)
    assert decision.binding == "guard"  # safety is named before wishes and limits
    interlock.set_allowed(100, True, 10)
    assert decided(sources, 110).binding == "guard"  # its lease is over: nobody vouches


def test_tie_is_broken_by_kind_then_name():
    a = Source("a", OBLIGATION)
    b = Source("b", OBLIGATION)
    z = Source("z", CEILING)
    for source in (a, b, z):
        source.set_ma(0, 9000, 9000, 9000)
    for sources in ([a, b, z], [z, b, a], [b, a, z]):
        assert decided(sources).binding == "z"
        assert decided([s for s in sources if s is not z]).binding == "a"


def test_rows_tell_value_age_and_share():
    lpc = Source("LPC", OBLIGATION, 4200, W)
    opev = Source("OPEV", OBLIGATION)
    mode = Source("mode", PERMISSION)
    lpc.set_w(100, 11000, 900)
    mode.set_allowed(200, True)
    sun = Source("sun", REQUEST + SELF_CONSUMPTION)
    sources = [lpc, opev, mode, sun]
    got = list(rows(sources, 300, decided(sources, 300)))
    assert got[0] == ("LPC", OBLIGATION, 11000, W, 200, True, True, 14492)
    assert got[1] == ("OPEV", OBLIGATION, None, 0, None, False, False, -1)
    assert got[2] == ("mode", PERMISSION, 1, ALLOWED, 100, True, False, -1)
    assert got[3] == ("sun", REQUEST, None, 0, None, False, False, -1)
    got = list(rows(sources, 1000, decided(sources, 1000)))
    assert got[0] == ("LPC", OBLIGATION, 4200, W, 900, True, True, 5533)


class Run:
    """The offer over simulated time, one limit."""

    def __init__(self, kind=OBLIGATION):
        self.now_ms = 1000
        self.limit = Source("limit", kind)
        self.mode = Source("mode", PERMISSION)
        self.sources = [self.limit, self.mode]
        self.offer = Offer()
        self.charging = True

    def at(self, limit_ma, after_ms=100):
        self.limit.set_ma(self.now_ms, limit_ma, limit_ma, limit_ma)
        return self.later(after_ms)

    def later(self, after_ms):
        end_ms = self.now_ms + after_ms
        while self.now_ms < end_ms:
            self.now_ms += 100
            decision = decided(self.sources, self.now_ms)
            offer_ma = self.offer.step(self.now_ms, decision, self.charging)
            assert offer_ma == 0 or decision.min_ma <= offer_ma <= decision.offer_ma
        return offer_ma


def test_decrease_at_once_increase_by_steps():
    run = Run()
    assert run.at(16000) == 16000  # a first offer needs no ramp
    assert run.at(9000) == 9000
    assert run.at(32000, 4900) == 9000
    assert run.later(200) == 14000
    assert run.later(4800) == 14000
    assert run.later(15000) == 29000
    assert run.later(5000) == 32000
    assert run.at(6000) == 6000
    run.charging = False  # nothing flows: nothing to ramp
    assert run.at(20000) == 20000


def test_resume_after_an_obligation_within_10_s():
    run = Run()
    run.at(16000)
    assert run.at(0) == 0 and run.offer.interruptions == 1
    run.charging = False
    assert run.at(6000, 5000) == 0 and run.offer.wait_ms == 100
    assert run.later(100) == 6000 and run.offer.wait_ms == 0
    run.charging = True
    run.at(5999)
    assert run.at(6500, 2500) == 0  # half an ampere to spare: half the hold
    assert run.later(100) == 6500
    run.at(0)
    run.at(9000, 2000)
    run.at(0)  # a dip starts the hold again
    assert run.at(9000, 2500) == 0
    assert run.later(100) == 9000


def test_resume_after_surplus_takes_minutes():
    run = Run(REQUEST + SELF_CONSUMPTION)
    run.at(8000)
    assert run.at(4000) == 0
    run.charging = False
    assert run.at(6000, 300000) == 0
    assert run.later(100) == 6000
    run.charging = True
    run.at(0)
    assert run.at(7000, 150000) == 0
    assert run.later(100) == 7000


def test_who_outranks_the_surplus_does_not_wait_for_it():
    run = Run(REQUEST + SELF_CONSUMPTION)
    user = Source("user", REQUEST + USER_NOW)
    run.sources.append(user)
    run.at(8000)
    run.at(0)
    user.set_ma(run.now_ms, 16000, 16000, 16000)
    assert run.later(2500) == 0
    assert run.later(100) == 16000


def test_permission_resumes_at_once():
    run = Run()
    run.at(16000)
    for _ in range(20):
        run.mode.set_allowed(run.now_ms, False)
        assert run.later(100) == 0
        run.mode.set_allowed(run.now_ms, True)
        assert run.later(100) == 16000
    assert run.offer.interruptions == 0


def test_limit_behind_a_permission_still_holds():
    run = Run()
    run.at(16000)
    run.mode.set_allowed(run.now_ms, False)
    run.later(100)
    run.at(0)
    run.mode.set_allowed(run.now_ms, True)
    assert run.at(16000, 2500) == 0
    assert run.later(100) == 16000


def test_many_interruptions_make_patient():
    run = Run()
    for _ in range(8):
        run.at(16000, 10000)
        assert run.at(0) == 0
    assert run.offer.interruptions == 8
    assert run.at(16000, 150000) == 0
    assert run.later(100) == 16000
    run.at(0)
    run.charging = False
    run.offer.new_session()
    assert run.at(16000, 100) == 16000


def test_decision_allocates_nothing():
    now_ms = (1 << 30) - 2
    sources = [
        Source("supply", CEILING),
        Source("LPC", OBLIGATION, 4200, W),
        Source("OPEV", OBLIGATION, 8000),
        Source("user", REQUEST + USER_NOW),
        Source("surplus", REQUEST + SELF_CONSUMPTION),
        Source("mode", PERMISSION),
        Source("guard", INTERLOCK),
    ]
    sources[0].set_ma(0, 32000, 32000, 32000)
    sources[1].set_w(0, 100000, 5)
    sources[2].set_ma(now_ms - 5, 16000, 16000, 16000, 1000)
    sources[3].set_ma(0, 16000, 16000, 16000)
    sources[4].set_ma(0, 16000, 16000, 16000)
    sources[6].set_allowed(0, True)
    facts = Facts()
    decision = Decision(len(sources))
    offer = Offer()
    for locked in (False, True):
        gc.collect()
        if locked:
            micropython.heap_lock()
        try:
            for step in range(3):
                facts.voltage_mv[0] = None if step else 231234
                sources[1].own[0] = 100000 if step else 11000
                decide(sources, now_ms + step // 2, facts, decision)
                offer.step(now_ms + step // 2, decision, True)
        finally:
            if locked:
                micropython.heap_unlock()
    assert decision.offer_ma == 0 and decision.limit_ma == 5500 and decision.binding == "LPC"
