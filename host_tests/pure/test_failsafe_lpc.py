"""The LPC state machine, rule by rule (numbers of LPC 1.0.0; TS: of its test specification)."""

from wallbox.limits import failsafe as lpc

HOUR_MS = 3600000


def machine(**values):
    return lpc.ConsumptionLimit(0, 4200, 2 * HOUR_MS, **values)


def limited(at_ms=1000, value_w=6000, **write):
    box = machine()
    box.heartbeat(at_ms)
    assert box.write(at_ms, value_w, True, **write)
    assert box.state == lpc.LIMITED
    return box


def failed():
    """A machine whose guard fell silent: in failsafe since 121 s."""
    box = limited()
    box.step(121000)
    assert box.state == lpc.FAILSAFE
    return box


def keep_alive(box, start_ms, end_ms):
    for now_ms in range(start_ms, end_ms, 30000):
        box.heartbeat(now_ms)
        box.step(now_ms)


def test_rule_901_1_and_rule_009_2_starts_in_init_limited_to_the_failsafe_value():
    box = machine()
    assert box.state == lpc.INIT and box.limit_w() == 4200 and not box.is_active()
    box.step(0)
    box.step(1)
    assert box.state == lpc.INIT and box.limit_w() == 4200


def test_rule_905_init_to_unlimited_controlled_by_deactivated_limit():
    box = machine()
    box.heartbeat(1000)
    assert box.write(2000, 5000, False)
    assert box.state == lpc.UNLIMITED_CONTROLLED and box.limit_w() is None and box.value_w == 5000


def test_rule_904_init_to_limited():
    box = limited()
    assert box.limit_w() == 6000 and box.is_active()


def test_rule_902_rejected_limit_in_init_still_takes_control():
    box = machine()
    box.heartbeat(1000)
    assert not box.write(1000, -1000, True)
    assert box.state == lpc.UNLIMITED_CONTROLLED and box.value_w == 0


def test_rule_906_init_to_autonomous_after_120_s_without_and_with_heartbeats():
    for beats in (False, True):
        box = machine()
        if beats:
            keep_alive(box, 0, 119000)
        box.step(119999)
        assert box.state == lpc.INIT
        box.step(120000)
        assert box.state == lpc.UNLIMITED_AUTONOMOUS and box.limit_w() is None


def test_rule_907_1_rejected_limit_stays_unlimited_controlled():
    box = machine()
    box.heartbeat(0)
    assert box.write(0, 0, False)
    assert not box.write(10, -1, True)
    assert box.state == lpc.UNLIMITED_CONTROLLED


def test_rule_907_2_rejected_limit_stays_limited_with_the_old_value():
    box = limited()
    assert not box.write(2000, -1, False)
    assert box.state == lpc.LIMITED and box.limit_w() == 6000


def test_rule_007_and_rule_908_expired_duration_ends_the_limit():
    box = limited(duration_ms=60000)
    box.heartbeat(50000)
    box.step(60999)
    assert box.state == lpc.LIMITED and box.remaining_ms(60999) == 1
    seen = box.version
    box.step(61000)
    assert box.state == lpc.UNLIMITED_CONTROLLED and not box.is_active() and box.version > seen
    assert box.remaining_ms(61000) is None


def test_rule_008_rule_909_and_rule_910_deactivate_and_activate():
    box = limited()
    assert box.write(2000, None, False)
    assert box.state == lpc.UNLIMITED_CONTROLLED
    assert box.write(3000, None, True)
    assert box.state == lpc.LIMITED and box.limit_w() == 6000


def test_rule_911_rule_912_and_rule_914_2_no_heartbeat_for_120_s_is_failsafe():
    for active in (True, False):
        box = machine()
        box.heartbeat(1000)
        assert box.write(5000, 6000, active)
        box.step(120999)
        assert box.state == (lpc.LIMITED if active else lpc.UNLIMITED_CONTROLLED)
        box.step(121000)
        assert box.state == lpc.FAILSAFE and box.limit_w() == 4200 and not box.is_active()


def test_rule_913_write_without_a_heartbeat_before_it_is_ignored():
    box = machine()
    assert not box.write(1000, 3000, True)
    assert box.state == lpc.INIT and box.value_w == 0


def test_rule_036_write_counts_only_within_60_s_of_a_heartbeat():
    box = machine()
    box.heartbeat(1000)
    assert not box.write(61001, 3000, True)
    assert box.state == lpc.INIT
    box.heartbeat(61002)
    assert box.write(61003, 3000, True)
    assert box.limit_w() == 3000


def test_rule_037_configuration_only_after_heartbeat_and_limit():
    box = machine()
    box.heartbeat(0)
    assert not box.set_failsafe_w(5000) and not box.set_duration_ms(3 * HOUR_MS)
    assert box.failsafe_w == 4200
    box.write(1, 0, False)
    assert box.set_failsafe_w(5000) and box.set_duration_ms(3 * HOUR_MS)
    box = failed()
    assert not box.set_failsafe_w(1) and box.failsafe_w == 4200


def test_rule_914_1_zero_watts_and_values_above_the_range_are_applied():
    box = limited(value_w=0)
    assert box.limit_w() == 0
    assert box.write(2000, 1000000, None)
    assert box.limit_w() == 1000000


def test_rule_916_and_rule_919_leave_failsafe_by_heartbeat_and_applicable_limit_only():
    box = failed()
    box.heartbeat(130000)
    box.step(130000)
    assert box.state == lpc.FAILSAFE
    assert box.write(131000, 3000, True)
    assert box.state == lpc.LIMITED and box.limit_w() == 3000


def test_rule_918_and_rule_920_leave_failsafe_by_rejected_or_deactivated_limit():
    for value_w, active in ((3000, False), (-5, True)):
        box = failed()
        box.heartbeat(130000)
        box.write(131000, value_w, active)
        assert box.state == lpc.UNLIMITED_CONTROLLED


def test_rule_036_write_in_failsafe_without_fresh_heartbeat_changes_nothing():
    box = failed()
    assert not box.write(130000, 3000, True)
    assert box.state == lpc.FAILSAFE and box.limit_w() == 4200


def test_rule_921_heartbeat_back_without_limit_for_120_s_goes_autonomous():
    box = failed()
    keep_alive(box, 130000, 250000)
    box.step(249999)
    assert box.state == lpc.FAILSAFE
    box.step(250000)
    assert box.state == lpc.UNLIMITED_AUTONOMOUS


def test_rule_921_needs_a_heartbeat_that_stays():
    box = failed()
    box.heartbeat(130000)
    box.step(260000)
    assert box.state == lpc.FAILSAFE


def test_rule_922_and_ts_012_failsafe_lasts_its_minimum_duration():
    box = failed()
    box.step(121000 + 2 * HOUR_MS - 1)
    assert box.state == lpc.FAILSAFE
    box.step(121000 + 2 * HOUR_MS)
    assert box.state == lpc.UNLIMITED_AUTONOMOUS


def test_policy_hold_keeps_the_failsafe_until_the_guard_returns():
    box = machine(hold=True)
    box.heartbeat(0)
    box.write(0, 6000, True)
    box.step(120000)
    box.step(120000 + 48 * HOUR_MS)
    assert box.state == lpc.FAILSAFE and box.limit_w() == 4200


def test_transitions_11_and_12_autonomous_returns_by_heartbeat_and_write():
    for value_w, active, accepted, state in ((3000, True, True, lpc.LIMITED),
                                             (3000, False, True, lpc.UNLIMITED_CONTROLLED),
                                             (-1, True, False, lpc.UNLIMITED_CONTROLLED)):
        box = machine()
        box.step(120000)
        assert not box.write(121000, value_w, active) and box.state == lpc.UNLIMITED_AUTONOMOUS
        box.heartbeat(122000)
        assert box.write(123000, value_w, active) is accepted
        assert box.state == state


def test_rule_022_duration_range_and_rule_022_5_own_value_set_to_the_maximum():
    box = limited()
    assert not box.set_duration_ms(2 * HOUR_MS - 360000)  # 1 h 54 min
    assert box.duration_ms == 2 * HOUR_MS
    assert box.set_duration_ms(24 * HOUR_MS)
    assert box.set_duration_ms(5 * HOUR_MS)
    assert not box.set_duration_ms(24 * HOUR_MS * 105 // 100)
    assert box.duration_ms == 24 * HOUR_MS


def test_rule_010_and_rule_021_failsafe_limit_not_negative():
    box = limited()
    assert not box.set_failsafe_w(-1000) and box.failsafe_w == 4200
    assert box.set_failsafe_w(0) and box.failsafe_w == 0


def test_duration_zero_deactivates_at_once():
    box = limited()
    assert box.write(2000, None, None, 0)
    assert box.state == lpc.UNLIMITED_CONTROLLED


def test_pitfall_9_duration_zero_with_activation_is_ignored():
    box = limited(value_w=6000)
    assert box.write(2000, 1000, True, 0)
    assert box.state == lpc.LIMITED and box.limit_w() == 6000
    box = machine()
    box.heartbeat(0)
    assert box.write(0, 1000, True, 0)
    assert box.state == lpc.UNLIMITED_CONTROLLED


def test_rule_004_pitfall_7_and_pitfall_35_limit_without_duration_does_not_expire():
    box = limited()
    keep_alive(box, 1000, 3 * HOUR_MS)
    assert box.state == lpc.LIMITED


def test_all_17_write_combinations():
    """{value, -} x {activate, deactivate, -} x {set, delete, keep}, without the empty one."""
    count = 0
    for value_w in (None, 3000):
        for active in (None, True, False):
            for duration_ms in (lpc.KEEP, lpc.DELETE, 600000):
                if value_w is None and active is None and duration_ms == lpc.KEEP:
                    continue
                count += 1
                for before in (True, False):
                    box = limited(duration_ms=900000)
                    if not before:
                        box.write(1500, None, False)
                    assert box.write(2000, value_w, active, duration_ms)
                    expected = before if active is None else active
                    assert box.is_active() == expected
                    assert box.value_w == (6000 if value_w is None else value_w)
                    left_ms = {lpc.KEEP: 899000, lpc.DELETE: None, 600000: 600000}[duration_ms]
                    assert box.remaining_ms(2000) == left_ms
    assert count == 17


def test_stale_limit_is_forgotten_in_failsafe():
    box = limited(duration_ms=10 * HOUR_MS)
    box.step(121000)
    assert box.remaining_ms(121000) is None and not box.is_active()


def test_new_connection_does_not_inherit_the_heartbeat():
    box = failed()
    box.heartbeat(130000)
    box.forget_heartbeat()
    assert not box.write(131000, 3000, True)
    box.step(300000)
    assert box.state == lpc.FAILSAFE


def test_rule_001_a_limit_under_zero_is_refused_everywhere():
    box = limited()
    assert not box.write(2000, -1, True) and box.limit_w() == 6000
    assert box.write(2000, 0, True) and box.limit_w() == 0


def test_rule_923_nothing_but_the_guard_and_time_interrupts_a_limit():
    box = limited()
    for now_ms in range(2000, 24 * HOUR_MS, 60000):
        box.heartbeat(now_ms)
        box.step(now_ms)
        box.write(now_ms, -1, False)
        assert box.state == lpc.LIMITED and box.limit_w() == 6000
