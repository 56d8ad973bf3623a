# heap: 512K
"""LPC through the station's SPINE device: who the energy guard is, and which heartbeat is its own."""

from host_tests.pure.spine_box import EMS_DISCOVERY
from host_tests.pure.spine_station import BEAT, LOAD, NODE, WATCH, StationBox, active, limit, watts
from wallbox.limits import failsafe as lpc


def failed():
    box = StationBox().limited(6000)
    box.pass_ms(121000)
    assert box.lpc.state == lpc.FAILSAFE
    return box


def dialled(box, counter):
    """An EMS connects anew; it shows a heartbeat with this counter when the box reads it, and binds."""
    old, box.peer = box.peer, box.connect(client=True)
    old.close()
    assert box.hear()[2] == "nodeManagementDetailedDiscoveryData"
    box.tell("reply", EMS_DISCOVERY, to=NODE, source=NODE, ref=box.device.counter)
    assert box.hear()[2] == "deviceDiagnosisHeartbeatData"
    box.tell("reply", BEAT % ("", counter), to=WATCH, source=((1,), 4), ref=box.device.counter)
    box.hear()
    assert box.relate(to=LOAD) == 0


def test_rule_036_a_heartbeat_that_the_box_reads_counts():
    box = StationBox()
    dialled(box, 7)
    assert box.write(limit(watts(6000), active(True))) == 0
    assert box.lpc.state == lpc.LIMITED


def test_pitfall_32_an_old_heartbeat_that_is_read_again_is_no_sign_of_life():
    """An EMS that beats no more, but connects again and again."""
    for step, state in ((0, lpc.FAILSAFE), (1, lpc.LIMITED)):
        box = StationBox()
        dialled(box, 7)
        assert box.write(limit(watts(6000), active(True))) == 0
        box.beat()
        box.told()
        counter = box.beats
        for _ in range(5):
            box.pass_ms(25000, 1000)
            counter += step
            dialled(box, counter)
        assert box.lpc.state == state


def test_pitfall_10_heartbeat_counts_of_the_entity_that_bound_the_limit():
    box = StationBox().limited(6000)
    for _ in range(12):
        box.pass_ms(10000)
        box.beat(source=((2,), 4))  # another entity of the same EMS
    box.pass_ms(1000)
    assert box.lpc.state == lpc.FAILSAFE
    box = StationBox().limited(6000)
    for _ in range(12):
        box.pass_ms(10000)
        box.beat(source=((1,), 99))  # whatever the number of the feature
    assert box.lpc.state == lpc.LIMITED


def test_pitfall_20_heartbeat_of_an_ems_that_is_not_the_guard_does_not_count():
    box = StationBox().limited(6000)
    other = box.connect()
    assert box.relate(to=LOAD, peer=other) == 7
    for _ in range(12):
        box.pass_ms(10000)
        box.beat(peer=other)
    box.pass_ms(1000)
    assert box.lpc.state == lpc.FAILSAFE


def test_heartbeat_before_the_binding_counts_and_keeps_its_age():
    box = StationBox()
    box.beat()
    box.pass_ms(50000)
    assert box.relate(to=LOAD) == 0
    assert box.write(limit(watts(6000), active(True))) == 0
    box = StationBox()
    box.beat()
    box.pass_ms(61000)
    assert box.relate(to=LOAD) == 0
    assert box.write(limit(watts(6000), active(True))) == 7


def test_pitfall_2_and_pitfall_5_reconnect_of_a_limiting_ems_keeps_limit_and_counts_its_new_heartbeats():
    box = StationBox().limited(6000)
    for _ in range(100):
        old, box.peer = box.peer, box.connect()
        old.close()
        assert box.offered_ma() == 8600
        assert box.write(limit(watts(1000))) == 9  # relations ended with the connection
        box.pass_ms(5000)
        assert box.relate(to=LOAD) == 0
        box.keep_alive(10000)
        assert box.lpc.state == lpc.LIMITED and box.value()["isLimitActive"]
    assert len(box.device.peers) == 1 and len(box.node._beats) == 1
    box.pass_ms(119000, 1000)
    assert box.lpc.state == lpc.FAILSAFE
    box.peer.close()
    assert not box.node._beats and not box.device.peers and box.node._guards is None


def test_the_limit_of_an_ems_that_left_lasts_120_s_and_then_the_failsafe():
    box = StationBox().limited(9000)
    box.peer.close()
    box.pass_ms(119000, 1000)
    assert box.offered_ma() == 13000
    box.pass_ms(2000)
    assert box.lpc.state == lpc.FAILSAFE and box.offered_ma() == 6000


def test_rule_913_a_new_connection_in_failsafe_begins_with_a_heartbeat_of_its_own():
    box = failed()
    box.beat()
    old, box.peer = box.peer, box.connect()
    old.close()
    assert box.relate(to=LOAD) == 0
    assert box.write(limit(watts(9000), active(True))) == 7
    assert box.lpc.state == lpc.FAILSAFE
    box.beat()
    assert box.write(limit(watts(9000), active(True))) == 0
    assert box.lpc.state == lpc.LIMITED


def test_another_ems_takes_the_free_place():
    box = StationBox().limited(9000)
    other = box.connect()
    box.peer.close()
    assert box.relate(to=LOAD, peer=other, source=((3,), 1)) == 0
    box.beat(peer=other, source=((3,), 4))
    assert box.lpc.state == lpc.LIMITED
    assert box.write(limit(watts(7000)), peer=other, source=((3,), 1)) == 0
    assert box.offered_ma() == 10100
