# heap: 256K
"""What goes on over time: notifies, back pressure, the client side of a peer."""

import json

from host_tests.pure.spine_box import EMS_DISCOVERY, EV_REMOVED, HEARTBEAT_DATA, LIMIT_WRITE, LIMITS, Box
from spine.client import HEARTBEAT, Client
from spine.device import entity

RESULT = '[[{"resultData":[{"errorNumber":%d}]}]]'
STATE = '[[{"deviceDiagnosisStateData":[{"operatingState":"%s"}]}]]'

BEAT = ["2026-01-05T10:00:00Z", 7, 60000]


def test_notify_on_change_to_every_subscriber():
    box = Box()
    second = box.connect()
    assert box.relate("Subscription") == 0
    assert box.relate("Subscription", source=((2,), 9)) == 0
    assert box.relate("Subscription", peer=second) == 0
    assert box.hear() is None
    assert box.relate() == 0
    assert box.ask("write", LIMIT_WRITE, ack=True) == 0
    for peer, count in ((box.peer, 2), (second, 1)):
        for _ in range(count):
            classifier, header, name, data, cmd = box.hear(peer)
            assert classifier == "notify" and name == "loadControlLimitListData" and "filter" not in cmd
            assert data["loadControlLimitData"][0]["timePeriod"] == {"endTime": "PT15M"}
            assert "ackRequest" not in header and "msgCounterReference" not in header
        assert box.hear(peer) is None
    assert header["addressDestination"] == {"device": "d:_n:EMS", "entity": [1], "feature": 1}


def test_pitfall_24_notifies_are_limited_in_rate():
    box = Box()
    assert box.relate("Subscription") == 0
    sent = 0
    for box.now in range(0, 10000, 10):
        box.limit[5] += 1
        box.device.changed(box.load, LIMITS)
        while box.hear():
            sent += 1
    assert 35 <= sent <= 41
    box.now += 1000
    assert box.hear()[3]["loadControlLimitData"][0]["value"]["number"] == box.limit[5]  # the last change is not lost
    assert box.hear() is None


def test_only_what_is_flagged_is_notified_right_after_the_subscription():
    box = Box()
    assert box.relate("Subscription", to=((1,), 6)) == 0
    assert box.hear()[2] == "deviceDiagnosisHeartbeatData"
    assert box.hear() is None


def test_pitfall_17_golden_heartbeat_notify():
    box = Box()
    assert box.relate("Subscription", to=((1,), 6)) == 0
    box.hear()
    box.now = 60000
    box.beat[0] = b"2026-01-05T10:00:00Z"
    box.beat[1] = 7
    box.device.changed(box.diagnosis, HEARTBEAT)
    assert ('"cmd":%s}' % HEARTBEAT_DATA).encode() in box.text()


def test_sixty_requests_at_once_are_answered_in_order_under_back_pressure():
    box = Box()
    answered = []
    for i in range(60):
        while not box.peer.ready():
            answered.append(box.hear()[1]["msgCounterReference"])
        if i % 3:
            box.tell("read", '[[{"loadControlLimitListData":[]}]]')
        else:
            box.tell("read", '[[{"unknownData":[]}]]')
    waiting = 0
    while box.peer.next_message(0):
        answered.append(box.hear()[1]["msgCounterReference"])
        waiting += 1
    assert answered == list(range(1, 61)) and waiting == 8
    assert box.peer.ignored == 0


def test_a_peer_that_ignores_back_pressure_loses_answers_only():
    box = Box()
    for _ in range(60):
        box.tell("read", '[[{"loadControlLimitListData":[]}]]')
    assert box.peer.ignored == 52
    for counter in range(1, 9):
        assert box.hear()[1]["msgCounterReference"] == counter
    assert box.hear() is None


def test_the_same_producer_until_a_message_is_out():
    box = Box()
    box.tell("read", '[[{"loadControlLimitListData":[]}]]')
    box.tell("read", '[[{"unknownData":[]}]]')
    producer = box.peer.next_message(0)
    buffer = bytearray(40)
    assert producer(buffer) == 40
    assert box.peer.next_message(0) is producer
    assert b"loadControlLimitListData" in box.text()
    assert b"resultData" in box.text()


def next_request(box):
    """(classifier, destination, function, data) of the box's next own request."""
    heard = box.hear()
    if heard is None:
        return None
    address = heard[1]["addressDestination"]
    box.last = heard[1]["msgCounter"]
    return heard[0], (tuple(address["entity"]), address["feature"]), heard[2], heard[3]


def discovered(now=0):
    """A box with client that has read the discovery of the EMS."""
    box = Box(client=True)
    box.now = now
    assert next_request(box)[:3] == ("read", ((0,), 0), "nodeManagementDetailedDiscoveryData")
    assert box.hear() is None
    box.tell("reply", EMS_DISCOVERY, to=((0,), 0), source=((0,), 0), ref=box.last)
    return box


def test_client_reads_discovery_subscribes_and_reads():
    box = Box(client=True)
    heard = box.hear()
    assert heard[0] == "read" and "device" not in heard[1]["addressDestination"] and "ackRequest" not in heard[1]
    box = discovered()
    assert box.peer.client.sources == [(entity(1), 4, "CEM")]
    assert next_request(box)[:3] == ("read", ((1,), 4), "deviceDiagnosisHeartbeatData")
    assert box.hear() is None
    box.tell("reply", HEARTBEAT_DATA, to=((1,), 7), source=((1,), 4), ref=box.last)
    request = next_request(box)
    assert request == ("call", ((0,), 0), "nodeManagementSubscriptionRequestCall", {"subscriptionRequest": {
        "clientAddress": {"device": "d:_n:BOX", "entity": [1], "feature": 7},
        "serverAddress": {"device": "d:_n:EMS", "entity": [1],
         "feature": 4}, "serverFeatureType": "DeviceDiagnosis"}})
    box.tell("result", RESULT % 0, to=((0,), 0), source=((0,), 0), ref=box.last)
    assert next_request(box)[:3] == ("read", ((1,), 4), "deviceDiagnosisStateData")
    box.tell("reply", STATE % "normalOperation", to=((1,), 7), source=((1,), 4), ref=box.last)
    request = next_request(box)
    assert request[2] == "nodeManagementSubscriptionRequestCall"
    assert request[3]["subscriptionRequest"]["serverAddress"] == {"device": "d:_n:EMS", "entity": [0], "feature": 0}
    box.tell("result", RESULT % 0, to=((0,), 0), source=((0,), 0), ref=box.last)
    assert box.heard == [("shown", entity(1), BEAT), ("state", entity(1), "normalOperation")]
    box.now = 10**7
    assert box.hear() is None
    box.tell("notify", HEARTBEAT_DATA, to=((1,), 7), source=((1,), 4))
    box.tell("notify", STATE % "failure", to=((1,), 7), source=((1,), 4))
    box.tell("notify", '[[{"deviceDiagnosisHeartbeatData":[]}]]', to=((1,), 7), source=((1,), 4))
    assert box.heard[2:] == [("alive", entity(1), BEAT), ("state", entity(1), "failure")]


def test_a_heartbeat_that_promises_a_point_in_time_promises_nothing():
    box = Box()
    cmd = HEARTBEAT_DATA.replace("PT60S", "2026-01-05T10:01:00Z")
    box.tell("notify", cmd, to=((1,), 7), source=((1,), 4))
    assert box.heard == [("alive", entity(1), ["2026-01-05T10:00:00Z", 7, None])]


def test_own_requests_do_not_wait_behind_a_burst_of_answers():
    box = Box(client=True)
    begin = next_request(box)[2]
    box.tell("read", '[[{"nodeManagementDetailedDiscoveryData":[]}]]', to=((0,), 0), source=((0,), 0))
    box.tell("reply", EMS_DISCOVERY, to=((0,), 0), source=((0,), 0), ref=box.last)
    for _ in range(10):
        box.tell("read", '[[{"loadControlLimitListData":[]}]]')
    sent = [begin] + [box.hear()[2] for _ in range(4)]
    discovery = "nodeManagementDetailedDiscoveryData"  # answered first: only who has read it knows our client
    assert sent == [discovery, discovery, "deviceDiagnosisHeartbeatData"] + ["loadControlLimitListData"] * 2


def test_pitfall_12_requests_are_repeated_with_growing_pauses():
    box = discovered()
    times = []
    refused = 0
    for box.now in range(0, 120000, 100):
        request = next_request(box)
        if request:
            times.append(box.now)
            if request[2] == "deviceDiagnosisStateData":
                box.tell("reply", STATE % "normalOperation", to=((1,), 7), source=((1,), 4), ref=box.last)
            else:
                refused += 1
                box.tell("result", RESULT % (7 if refused % 2 else 1), to=((0,), 0), source=((0,), 0), ref=box.last)
    assert len(times) < 14 and ("state", entity(1), "normalOperation") in box.heard
    assert times[1] - times[0] == 2000 and max(times[i + 1] - times[i] for i in range(len(times) - 1)) >= 16000
    granted = 0
    for box.now in range(120000, 400000, 100):
        request = next_request(box)
        if request:
            granted += 1
            if request[0] == "call":
                box.tell("result", RESULT % 0, to=((0,), 0), source=((0,), 0), ref=box.last)
            else:
                box.tell("reply", HEARTBEAT_DATA, to=((1,), 7), source=((1,), 4), ref=box.last)
    assert granted == 3


def test_a_silent_peer_is_asked_again():
    box = Box(client=True)
    times = []
    for box.now in range(0, 100000, 100):
        if next_request(box):
            times.append(box.now)
    assert times[0] == 0 and times[1] == 17000 and 3 <= len(times) <= 5


def test_a_change_of_the_foreign_device_is_read_again():
    box = discovered()
    for box.now in range(0, 2000, 100):
        request = next_request(box)
        if request and request[0] == "call":
            box.tell("result", RESULT % 0, to=((0,), 0), source=((0,), 0), ref=box.last)
        elif request:
            box.tell("reply", HEARTBEAT_DATA, to=((1,), 7), source=((1,), 4), ref=box.last)
    assert box.hear() is None
    box.tell("notify", EV_REMOVED, to=((0,), 0), source=((0,), 0))
    assert next_request(box)[2] == "nodeManagementDetailedDiscoveryData"
    moved = EMS_DISCOVERY.replace('{"entity":[1]},{"feature":4}', '{"entity":[2]},{"feature":11}')
    box.tell("reply", moved, to=((0,), 0), source=((0,), 0), ref=box.last)
    assert box.peer.client.sources == [(entity(2), 11, None)]
    assert next_request(box)[:3] == ("read", ((2,), 11), "deviceDiagnosisHeartbeatData")
    box.tell("result", RESULT % 7, to=((1,), 7), source=((2,), 11), ref=box.last)
    box.now += 2000
    assert next_request(box)[3]["subscriptionRequest"]["serverAddress"]["feature"] == 11


def settled(box):
    """The box has subscribed and read what it wants."""
    for _ in range(8):
        request = next_request(box)
        if request and request[0] == "call":
            box.tell("result", RESULT % 0, to=((0,), 0), source=((0,), 0), ref=box.last)
        elif request and request[2] == "nodeManagementDetailedDiscoveryData":
            return request
        elif request:
            box.tell("reply", HEARTBEAT_DATA, to=((1,), 7), source=((1,), 4), ref=box.last)
        box.now += 100
    assert box.hear() is None
    return None


def test_an_entity_that_goes_and_comes_back_at_once_is_subscribed_again():
    box = discovered()
    settled(box)
    gone = EV_REMOVED.replace("[1,1]", "[1]").replace("d:_n:BOX", "d:_n:EMS")
    for cmd in (gone, gone.replace("removed", "added")):
        box.tell("notify", cmd, to=((0,), 0), source=((0,), 0))
    assert settled(box)[2] == "nodeManagementDetailedDiscoveryData"
    box.tell("reply", EMS_DISCOVERY, to=((0,), 0), source=((0,), 0), ref=box.last)
    assert next_request(box)[2] == "deviceDiagnosisHeartbeatData"
    box.tell("reply", HEARTBEAT_DATA, to=((1,), 7), source=((1,), 4), ref=box.last)
    assert next_request(box)[3]["subscriptionRequest"]["serverAddress"]["feature"] == 4


def test_an_entity_more_leaves_the_relations_of_the_others():
    box = discovered()
    settled(box)
    begin = '[{"description":[{"featureAddress":[{"device":"d:_n:EMS"},{"entity":[1]},{"feature":4}'
    feature = EMS_DISCOVERY[EMS_DISCOVERY.index(begin) : EMS_DISCOVERY.rindex("]}]}]]")]
    second = feature.replace('{"entity":[1]},{"feature":4}', '{"entity":[2]},{"feature":5}')
    more = EMS_DISCOVERY.replace(feature, second + "," + feature)
    box.tell("notify", EV_REMOVED.replace("removed", "added"), to=((0,), 0), source=((0,), 0))
    assert settled(box)[2] == "nodeManagementDetailedDiscoveryData"
    box.tell("reply", more, to=((0,), 0), source=((0,), 0), ref=box.last)
    asked = []
    for _ in range(3):
        request = next_request(box)
        if request[0] == "call":
            asked.append(request[3]["subscriptionRequest"]["serverAddress"]["feature"])
            box.tell("result", RESULT % 0, to=((0,), 0), source=((0,), 0), ref=box.last)
        else:
            asked.append(request[1])
            box.tell("reply", HEARTBEAT_DATA, to=((1,), 7), source=((2,), 5), ref=box.last)
    assert asked == [((2,), 5), 5, ((2,), 5)]
    assert settled(box) is None


def test_foreign_discovery_of_any_size_is_kept_small():
    box = Box(client=True)
    start = '[{"description":[{"featureAddress":[{"device":"d:_n:EMS"},{"entity":[1]},{"feature":4}'
    feature = EMS_DISCOVERY[EMS_DISCOVERY.index(start) :]
    feature = feature[: feature.rindex("]}]}]]")]
    many = EMS_DISCOVERY.replace('{"featureInformation":[', '{"featureInformation":[' + (feature + ",") * 40)
    next_request(box)
    box.tell("reply", many, to=((0,), 0), source=((0,), 0), ref=box.last, step=100)
    assert len(many) > 10000 and len(box.peer.client.sources) == 8


def test_messages_for_the_client_do_no_harm_without_one():
    box = Box()
    box.tell("reply", EMS_DISCOVERY, to=((0,), 0), source=((0,), 0), ref=1)
    box.tell("notify", EMS_DISCOVERY, to=((0,), 0), source=((0,), 0))
    box.tell("result", RESULT % 0, to=((0,), 0), source=((0,), 0), ref=1)
    assert box.hear() is None


def test_clients_are_independent():
    one, two = Client(entity(1), 7), Client(entity(1), 7)
    one.seen([None, entity(1), 4, "DeviceDiagnosis", "server"])
    one.discovered(True)
    assert one.sources == [(entity(1), 4, None)] and two.sources == []


def test_text_of_a_call_on_the_wire():
    box = discovered()
    next_request(box)
    box.tell("reply", HEARTBEAT_DATA, to=((1,), 7), source=((1,), 4), ref=box.last)
    command = json.loads(box.text())["data"][1]["payload"]["datagram"][1]["payload"][0]["cmd"]
    assert command == [[{"nodeManagementSubscriptionRequestCall": [{"subscriptionRequest": [
        {"clientAddress": [{"device": "d:_n:BOX"}, {"entity": [1]}, {"feature": 7}]},
        {"serverAddress": [{"device": "d:_n:EMS"}, {"entity": [1]}, {"feature": 4}]},
        {"serverFeatureType": "DeviceDiagnosis"}]}]}]]
