# heap: 320K
"""Limits from a protocol without heartbeat, in simulated time: they stay, or lapse as the settings say."""

from host_tests.simulation.station_bench import StationBench


def quick(**more):
    """Settings without slew and hold, which are tested elsewhere."""
    settings = {"rise_ma_per_5s": 80000, "resume_hold_s": 0}
    settings.update(more)
    return settings


def test_limits_stay_for_ever_without_a_lease():
    bench = StationBench(quick())
    bench.charge()
    bench.power_limit.set_w(7000)
    bench.until(lambda: bench.offers(10100), 8000)
    bench.station.now_ms += 30 * 86400000
    bench.run(6000)
    assert bench.offers(10100) and bench.binding() == "power limit"


def lapse(fallback, write, settings=None):
    """A charging station whose limits were written, and their lease of 10 s has run out since."""
    bench = StationBench(quick(echonet_lease_s=10, echonet_fallback=fallback, **(settings or {})))
    bench.charge()
    write(bench)
    bench.run(9500)
    before_ma = bench.station.offer.offer_ma
    bench.run(1000)
    return bench, before_ma


def test_a_lapsed_limit_is_dropped_kept_or_replaced_by_the_minimum():
    for fallback, after_ma in (("drop", 32000), ("keep", 10000), ("minimum", 6000)):
        bench, before_ma = lapse(fallback, lambda bench: bench.load_control.set_current_ma(10000))
        assert (before_ma, bench.station.offer.offer_ma) == (10000, after_ma), fallback
        bench.load_control.set_current_ma(9000)
        bench.run(6000)
        assert bench.offers(9000), "a new write counts"


def test_the_fallback_holds_for_each_limit():
    writes = (
        (lambda bench: bench.power_limit.set_w(7000), 10100),
        (lambda bench: bench.power_limit.set_per_cent(50), 16000),
        (lambda bench: bench.load_control.set_power_w(7000), 10100),
    )
    for write, limit_ma in writes:
        for fallback, after_ma in (("drop", 32000), ("keep", limit_ma), ("minimum", 8000)):
            bench, before_ma = lapse(fallback, write, {"min_ma": 8000})
            assert (before_ma, bench.station.offer.offer_ma) == (limit_ma, after_ma), fallback


def test_what_was_never_written_has_no_fallback():
    bench, before_ma = lapse("minimum", lambda bench: bench.operation_mode.set(0))
    assert before_ma == bench.station.offer.offer_ma == 32000
    bench, before_ma = lapse("minimum", lambda bench: bench.power_limit.set_w(7000))
    bench.power_limit.set_w(None)
    bench.run(6000)
    assert bench.station.offer.offer_ma == 32000, "taken back, not lapsed"


def test_a_sign_of_life_renews_what_still_runs_and_nothing_else():
    bench = StationBench(quick(echonet_lease_s=10))
    bench.charge()
    bench.power_limit.set_w(7000)
    sources = bench.power_limit.sources + bench.load_control.sources
    for _ in range(4):
        bench.run(8000)
        bench.station.renew(sources)
    assert bench.offers(10100)
    bench.run(11000)
    assert bench.station.offer.offer_ma == 32000
    bench.station.renew(sources)
    bench.run(1000)
    assert bench.station.offer.offer_ma == 32000, "over is over until it is written again"
