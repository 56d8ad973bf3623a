# heap: 512K
"""LPC through the station's SPINE device: its states, failsafe, and what the box offers."""

import asyncio

from host_tests.pure.spine_station import (
    CONFIGURATION, LOAD, MEASUREMENT, NODE, WATCH, StationBox, active, failsafe, limit, read, until, watts,
)
from wallbox.echonet_map.power_limit import PowerLimitMap
from wallbox.limits import failsafe as lpc
from wallbox.spine_map.node import Link

HOUR_MS = 3600000
STATE = '[[{"deviceDiagnosisStateData":[{"operatingState":"normalOperation"}]}]]'


def failed():
    box = StationBox().limited(6000)
    box.pass_ms(121000)
    assert box.lpc.state == lpc.FAILSAFE
    return box


def test_rule_901_and_pitfall_7_first_tick_after_boot_is_limited_to_the_failsafe_value():
    box = StationBox({"failsafe_w": 5000})
    assert box.lpc.state == lpc.INIT and box.value()["isLimitActive"] is False
    assert box.binding() == "consumption limit" and box.offered_ma() == 7200
    box.pass_ms(10000)
    assert box.lpc.state == lpc.INIT and box.offered_ma() == 7200


def test_rule_903_the_vendors_failsafe_value_counts_in_init_unless_one_was_kept():
    box = StationBox()
    assert box.configured() == (4200, "PT2H") and box.offered_ma() == 6000
    box.lpc.failsafe_w = 8000  # as remembered.restore sets it, before any EMS is expected
    box.node.expect_ems(False)
    box.node.expect_ems(True)
    box.pass_ms(0)
    assert box.offered_ma() == 11500


def test_without_any_ems_that_is_trusted_nothing_limits():
    box = StationBox()
    box.node.expect_ems(False)
    assert box.offered_ma() == 32000 and box.binding() == "board"
    box.pass_ms(600000, 1000)
    assert box.offered_ma() == 32000
    box.node.expect_ems(True)  # now one is: as after power-up
    box.pass_ms(0)
    assert box.lpc.state == lpc.INIT and box.binding() == "consumption limit"
    box.node.expect_ems(True)
    box.limited(7000)
    box.node.expect_ems(True)
    assert box.lpc.state == lpc.LIMITED
    box.node.expect_ems(False)  # the last one was removed
    assert box.offered_ma() == 32000


def test_rule_902_rule_904_and_rule_905_leave_init():
    for members, state in (((watts(6000), active(False)), lpc.UNLIMITED_CONTROLLED), ((active(True),), lpc.LIMITED),
                           ((watts(-1), active(True)), lpc.UNLIMITED_CONTROLLED),
                           ((active(True), until("-PT5M")), lpc.UNLIMITED_CONTROLLED)):
        box = StationBox().bound()
        box.write(limit(*members))
        assert box.lpc.state == state


def test_rule_906_and_pitfall_11_ems_that_never_states_a_limit():
    box = StationBox().bound()
    box.keep_alive(119000)
    assert box.lpc.state == lpc.INIT and box.binding() == "consumption limit"
    box.keep_alive(2000)
    assert box.lpc.state == lpc.UNLIMITED_AUTONOMOUS and box.offered_ma() == 32000
    box.keep_alive(HOUR_MS)
    assert box.write(limit(watts(4200), active(True))) == 0  # accepted later
    assert box.lpc.state == lpc.LIMITED and box.offered_ma() == 6000


def test_rule_907_rule_908_rule_909_and_rule_910():
    box = StationBox().controlled()
    assert box.write(limit(watts(-1000), active(True))) == 7
    assert box.lpc.state == lpc.UNLIMITED_CONTROLLED  # 907/1
    assert box.write(limit(watts(6000), active(True), until("PT1M"))) == 0
    assert box.lpc.state == lpc.LIMITED  # 910
    assert box.write(limit(watts(-1000), active(False))) == 7
    assert box.lpc.state == lpc.LIMITED  # 907/2
    box.pass_ms(61000)
    assert box.lpc.state == lpc.UNLIMITED_CONTROLLED  # 908
    assert box.write(limit(active(True))) == 0
    assert box.lpc.state == lpc.LIMITED
    box.pass_ms(30000)
    assert box.write(limit(active(False))) == 0
    assert box.lpc.state == lpc.UNLIMITED_CONTROLLED  # 909


def test_rule_911_and_rule_912_heartbeat_lost_is_failsafe_and_told():
    for on in (True, False):
        box = StationBox().bound()
        box.subscribe(LOAD)
        assert box.write(limit(watts(9000), active(on))) == 0
        box.keep_alive(600000)
        box.told()
        box.pass_ms(89000, 1000)  # the last heartbeat is 30 s old
        assert box.lpc.state == (lpc.LIMITED if on else lpc.UNLIMITED_CONTROLLED) and box.told() == []
        box.pass_ms(2000)
        assert box.lpc.state == lpc.FAILSAFE and box.offered_ma() == 6000
        (notified,) = box.told()
        assert notified[2]["loadControlLimitData"][0]["isLimitActive"] is False


def test_pitfall_6_heartbeat_with_jitter_up_to_the_timeout():
    box = StationBox().limited(6000)
    for wait_s in (2, 4, 7, 58, 61, 90, 119, 1, 119):
        box.pass_ms(wait_s * 1000, 1000)
        box.beat()
        assert box.lpc.state == lpc.LIMITED


def test_pitfall_32_other_traffic_is_no_sign_of_life():
    box = StationBox().limited(6000)
    for _ in range(11):
        box.pass_ms(10000)
        assert box.value()["value"]["number"] == 6000
        assert box.write(limit(watts(6000), active(True))) == 0
        box.tell("notify", STATE, to=WATCH, source=((1,), 4))
        box.ask("read", read("measurementListData"), to=MEASUREMENT)
        assert box.ask("call", '[[{"nodeManagementSubscriptionRequestCall":[]}]]', to=NODE, source=NODE) == 7
    box.pass_ms(11000)
    assert box.lpc.state == lpc.FAILSAFE


def test_rule_036_and_rule_913_write_without_a_heartbeat_or_long_after_one():
    box = StationBox()
    assert box.relate(to=LOAD) == 0
    assert box.write(limit(watts(7000), active(True))) == 7
    assert box.lpc.state == lpc.INIT and box.value()["value"]["number"] == 0
    box.beat()
    box.pass_ms(61000)
    assert box.write(limit(watts(7000), active(True))) == 7
    box.beat()
    assert box.write(limit(watts(7000), active(True))) == 0
    box = failed()
    assert box.write(limit(watts(7000), active(True))) == 7
    assert box.lpc.state == lpc.FAILSAFE and box.offered_ma() == 6000


def test_rule_916_rule_918_rule_919_and_rule_920_leave_failsafe_by_heartbeat_and_write():
    for members, error, state, offer_ma in (
        ((watts(9000), active(True)), 0, lpc.LIMITED, 13000),
        ((watts(9000), active(False)), 0, lpc.UNLIMITED_CONTROLLED, 32000),
        ((watts(-9000), active(True)), 7, lpc.UNLIMITED_CONTROLLED, 32000),
    ):
        box = failed()
        box.beat()
        box.pass_ms(1000)
        assert box.lpc.state == lpc.FAILSAFE
        assert box.write(limit(*members)) == error
        assert box.lpc.state == state and box.offered_ma() == offer_ma


def test_rule_921_heartbeat_back_without_limit():
    box = failed()
    box.keep_alive(119000)
    assert box.lpc.state == lpc.FAILSAFE
    box.keep_alive(2000)
    assert box.lpc.state == lpc.UNLIMITED_AUTONOMOUS and box.offered_ma() == 32000


def test_rule_921_heartbeats_long_ago_do_not_count():
    box = failed()
    box.beat()
    box.pass_ms(HOUR_MS, 10000)
    box.keep_alive(119000)
    assert box.lpc.state == lpc.FAILSAFE
    box.keep_alive(2000)
    assert box.lpc.state == lpc.UNLIMITED_AUTONOMOUS


def test_rule_922_failsafe_lasts_the_written_minimum():
    box = StationBox().limited(6000)
    assert box.relate(to=CONFIGURATION) == 0
    assert box.write(failsafe(5000, "PT3H"), to=CONFIGURATION) == 0
    box.pass_ms(120000, 1000)
    assert box.lpc.state == lpc.FAILSAFE and box.offered_ma() == 7200
    box.pass_ms(3 * HOUR_MS - 2000, 2000)
    assert box.lpc.state == lpc.FAILSAFE
    box.pass_ms(4000, 1000)
    assert box.lpc.state == lpc.UNLIMITED_AUTONOMOUS and box.offered_ma() == 32000


def test_policy_hold_keeps_init_and_failsafe():
    box = StationBox({"failsafe_hold": True})
    box.pass_ms(HOUR_MS, 10000)
    assert box.lpc.state == lpc.INIT and box.offered_ma() == 6000
    box.limited(9000)
    box.pass_ms(30 * HOUR_MS, 60000)
    assert box.lpc.state == lpc.FAILSAFE and box.offered_ma() == 6000


def test_transitions_11_and_12_autonomous_is_left_by_heartbeat_and_write():
    for on in (True, False):
        box = StationBox()
        box.pass_ms(121000, 1000)
        box.bound()
        assert box.lpc.state == lpc.UNLIMITED_AUTONOMOUS
        assert box.write(failsafe(5000), to=CONFIGURATION) == 7  # 037
        assert box.write(limit(watts(9000), active(on))) == 0
        assert box.lpc.state == (lpc.LIMITED if on else lpc.UNLIMITED_CONTROLLED)


def test_pitfall_9_stale_limit_is_forgotten_in_failsafe():
    box = StationBox().limited(6000, until("PT10H"))
    box.pass_ms(121000, 1000)
    assert box.value()["isLimitActive"] is False and "timePeriod" not in box.value()


def test_pitfall_35_limit_without_end_does_not_expire():
    box = StationBox().limited(6000)
    box.keep_alive(6 * HOUR_MS, 60000)
    assert box.lpc.state == lpc.LIMITED and box.value()["isLimitActive"]


class Session:
    """A connection on which sending fails with `error`."""

    def __init__(self, error):
        self.error = error
        self.left = 0

    async def send(self, producer):
        raise self.error

    def leave(self):
        self.left += 1


async def send_fails(box, error):
    session = Session(error)
    link = Link(box.device, session, box.station)
    await asyncio.sleep(0.05)
    link.close()
    return session.left


def test_a_connection_that_cannot_be_told_any_more_ends():
    """An EMS that hears nothing would wait for ever; one that is cut off begins anew."""
    box = StationBox()
    assert asyncio.run(send_fails(box, MemoryError())) == 1
    assert asyncio.run(send_fails(box, OSError())) == 0  # it has ended already
    assert len(box.device.peers) == 1


def test_the_stricter_of_both_protocols_counts_and_echonet_lite_shows_it():
    box = StationBox()
    shown = PowerLimitMap(box)
    assert shown.get(0x99) == 4200  # init
    box.limited(9000)
    assert shown.get(0x99) == 9000
    box.power_limit.set_w(7000)
    assert shown.get(0x99) == 7000 and box.offered_ma() == 10100 and box.binding() == "power limit"
    box.power_limit.set_w(11000)
    assert shown.get(0x99) == 9000 and box.offered_ma() == 13000 and box.binding() == "consumption limit"
    assert box.write(limit(active(False))) == 0
    assert shown.get(0x99) == 11000 and box.offered_ma() == 15900
    box.power_limit.set_w(None)
    assert shown.get(0x99) == 22080
    box.pass_ms(121000, 1000)
    assert shown.get(0x99) == 4200
    box.node.expect_ems(False)
    assert shown.get(0x99) == 22080


def test_limits_of_an_energy_guard_are_not_kept_over_a_power_cut_and_cost_no_flash():
    box = StationBox().limited(6000)
    box.offered_ma()
    box.station.written = False
    assert box.write(limit(watts(7000))) == 0
    assert box.offered_ma() == 10100 and not box.station.written
    box.power_limit.set_w(5000)
    assert box.offered_ma() == 7200 and box.station.written
    box.station.written = False
    assert box.write(limit(watts(4300))) == 0
    box.power_limit.set_w(4200)
    assert box.write(limit(watts(4400))) == 0
    assert box.offered_ma() == 6000 and box.station.written
