# heap: 256K
"""Node management and datagrams: discovery, use cases, relations, destination list, addresses, acknowledgement."""

import json

from host_tests.pure.spine_box import DATAGRAM, EV_REMOVED, HEARTBEAT_DATA, LIMIT_WRITE, LIMITS, Box
from spine.common_data_types import CLIENT, DEVICE_DIAGNOSIS, EV, IDENTIFICATION, LOAD_CONTROL, SERVER
from spine.device import entity, within

DISCOVERY = '[[{"nodeManagementDetailedDiscoveryData":[]}]]'
NODE = {"to": ((0,), 0), "source": ((0,), 0)}
CAR = (
    entity(1, 1), EV, (("EV", (("evStateOfCharge", "1.0.0", True, (1,), "RC1"),)),),
    3 << 8 | IDENTIFICATION | SERVER, (), 1001 << 8 | DEVICE_DIAGNOSIS | CLIENT, (),
)


def test_entity_addresses():
    assert entity(0) == 1024 and entity(1, 1) == 1 << 20 | 1 << 10 | 1
    assert within(entity(1, 1), entity(1)) and within(entity(1), entity(1)) and within(entity(2, 1, 5), entity(2))
    assert not within(entity(1), entity(1, 1)) and not within(entity(2), entity(1)) and not within(entity(1, 1),
        entity(1, 2))


def test_pitfall_33_detailed_discovery_without_a_device_in_the_destination():
    box = Box()
    text = (
        '{"data":[{"header":[{"protocolId":"ee1.0"}]},{"payload":{"datagram":[{"header":[{"specificationVersion":"1.999.999"},'
        '{"addressSource":[{"device":"d:_n:EMS"},{"entity":[0]},{"feature":0}]},{"addressDestination":[{"entity":[0]},{"feature":0}]},'
        '{"msgCounter":1},{"cmdClassifier":"read"}]},{"payload":[{"cmd":[[{"nodeManagementDetailedDiscoveryData":[]}]]}]}]}}]}'
    )
    box.take(text)
    classifier, header, name, data, _ = box.hear()
    assert classifier == "reply" and name == "nodeManagementDetailedDiscoveryData"
    assert header == {
        "specificationVersion": "1.3.0",
        "addressSource": {"device": "d:_n:BOX", "entity": [0], "feature": 0},
        "addressDestination": {"device": "d:_n:EMS", "entity": [0], "feature": 0},
        "msgCounter": 1, "msgCounterReference": 1, "cmdClassifier": "reply",
    }
    assert data["specificationVersionList"] == {"specificationVersion": ["1.3.0"]}
    assert data["deviceInformation"] == {
        "description": {"deviceAddress": {"device": "d:_n:BOX"}, "deviceType": "ChargingStation",
         "networkFeatureSet": "smart"}}
    assert [each["description"] for each in data["entityInformation"]] == [
        {"entityAddress": {"device": "d:_n:BOX", "entity": [0]}, "entityType": "DeviceInformation"},
        {"entityAddress": {"device": "d:_n:BOX", "entity": [1]}, "entityType": "EVSE"},
    ]
    features = [each["description"] for each in data["featureInformation"]]
    assert [(each["featureAddress"]["entity"], each["featureAddress"]["feature"], each["featureType"],
        each["role"]) for each in features] == [
        ([0], 0, "NodeManagement", "special"), ([1], 5, "LoadControl", "server"), ([1], 6, "DeviceDiagnosis",
         "server"),
        ([1], 7, "DeviceDiagnosis", "client"), ([1], 8, "TimeSeries", "server"),
    ]
    assert len(features[0]["supportedFunction"]) == 9
    read, full, partial = {"read": []}, {"read": [], "write": []}, {"read": [], "write": {"partial": []}}
    assert [each["possibleOperations"] for each in features[1]["supportedFunction"]] == [read, partial]
    assert [each["possibleOperations"] for each in features[4]["supportedFunction"]] == [full, {"write": []}]
    assert "supportedFunction" not in features[3]


def test_order_of_the_header_on_the_wire():
    box = Box()
    box.tell("read", DISCOVERY, **NODE)
    header = json.loads(box.text())["data"][1]["payload"]["datagram"][0]["header"]
    assert [list(each)[0] for each in header] == [
        "specificationVersion", "addressSource", "addressDestination", "msgCounter", "msgCounterReference",
         "cmdClassifier"]
    assert [list(each)[0] for each in header[1]["addressSource"]] == ["device", "entity", "feature"]


def test_replies_into_buffers_of_any_size():
    box = Box()
    texts = []
    for size in (1, 7, 100, 1024, 5000):
        box.device.counter = 0
        box.counter = 0
        box.tell("read", DISCOVERY, **NODE)
        texts.append(box.text(size))
    assert len(set(texts)) == 1
    assert b"[[]]" not in texts[0]


def test_pitfall_4_every_read_has_complete_data():
    box = Box()
    assert box.ask("read", '[[{"loadControlLimitListData":[]}]]') == {"loadControlLimitData": [
        {"limitId": 0, "isLimitChangeable": True, "isLimitActive": False, "value": {"number": 4000, "scale": 0}}]}
    assert box.ask("read", '[[{"deviceDiagnosisStateData":[]}]]',
        to=((1,), 6)) == {"operatingState": "normalOperation"}
    box.tell("read", '[[{"deviceDiagnosisHeartbeatData":[]}]]', to=((1,), 6))
    beat = b'{"cmd":[[{"deviceDiagnosisHeartbeatData":[{"heartbeatCounter":0},{"heartbeatTimeout":"PT60S"}]}]]}'
    assert beat in box.text()
    box.curve[:] = []
    box.tell("read", '[[{"timeSeriesListData":[]}]]', to=((1,), 8))
    assert b'{"cmd":[[{"timeSeriesListData":[]}]]}' in box.text()
    box.curve[:] = [(), (1,), [None, None], (2,), (None,)]
    box.tell("read", '[[{"timeSeriesListData":[]}]]', to=((1,), 8))
    entries = b'{"timeSeriesData":[[{"timeSeriesId":1}],[{"timeSeriesId":2}]]}'
    assert b'{"cmd":[[{"timeSeriesListData":[' + entries + b"]}]]}" in box.text()
    box.curve[:] = [[None, None]]
    box.tell("read", '[[{"timeSeriesListData":[]}]]', to=((1,), 8))
    assert b'{"cmd":[[{"timeSeriesListData":[{"timeSeriesData":[]}]}]]}' in box.text()


def test_partial_read_is_answered_with_everything():
    box = Box()
    cmd = (
        '[[{"function":"loadControlLimitListData"},{"filter":[[{"cmdControl":[{"partial":[]}]},'
        '{"loadControlLimitListDataSelectors":[{"limitId":0}]}]]},{"loadControlLimitListData":[]}]]'
    )
    assert box.ask("read", cmd)["loadControlLimitData"][0]["limitId"] == 0


def test_selectors_nobody_knows_are_no_harm_in_a_read():
    box = Box()
    cmd = (
        '[[{"function":"loadControlLimitListData"},{"filter":[[{"cmdControl":[{"partial":[]}]},'
        '{"loadControlLimitListDataSelectors":[{"timestampInterval":[{"startTime":"PT1S"}]}]}]]},'
        '{"loadControlLimitListData":[]}]]'
    )
    assert box.ask("read", cmd)["loadControlLimitData"][0]["limitId"] == 0


def test_read_is_acknowledged_by_its_reply():
    box = Box()
    box.tell("read", DISCOVERY, ack=True, **NODE)
    assert box.hear()[0] == "reply"
    assert box.hear() is None


def test_acknowledgement_only_on_request_and_never_of_a_result():
    box = Box()
    assert box.relate() == 0
    assert box.ask("write", LIMIT_WRITE) is None
    assert box.ask("write", LIMIT_WRITE, ack=True) == 0
    assert box.ask("notify", HEARTBEAT_DATA, to=((1,), 7)) is None
    assert box.ask("notify", HEARTBEAT_DATA, to=((1,), 7), ack=True) == 0
    assert box.ask("reply", HEARTBEAT_DATA, to=((1,), 7), ref=1, ack=True) == 0
    wrong = '[[{"deviceDiagnosisHeartbeatData":[{"heartbeatCounter":"x"}]}]]'
    assert box.ask("reply", wrong, to=((1,), 7), ref=1) is None
    assert box.ask("reply", '[[{"measurementListData":[]}]]', to=((1,), 7), ref=1, ack=True) is None
    assert box.ask("notify", '[[{"measurementListData":[]}]]', to=((1,), 7)) == 6
    for cmd in ('[[{"resultData":[{"errorNumber":7}]}]]', '[[{"resultData":[{"errorNumber":"x"}]}]]',
        '[[{"other":[]}]]', "[[]]"):
        assert box.ask("result", cmd, to=((1,), 99), ref=3, ack=True) is None
    assert box.ask("read", DISCOVERY, to=((9,), 9)) == 4


def test_a_message_without_device_in_its_source_comes_from_the_known_device():
    box = Box()
    box.tell("read", DISCOVERY, **NODE)
    assert box.hear()[1]["addressDestination"]["device"] == "d:_n:EMS"
    box.take((DATAGRAM % ("[0]", 0, "[0]", 0, 9, "read", "", DISCOVERY)).replace('{"device":"d:_n:EMS"},', ""))
    assert box.hear()[1]["addressDestination"]["device"] == "d:_n:EMS"


def test_another_device_in_the_destination_is_unknown():
    box = Box()
    box.device.address = "d:_n:OTHER"
    assert box.ask("read", DISCOVERY, **NODE) == 4


def test_counters_may_jump_and_ours_ascend():
    box = Box()
    seen = []
    for counter in (5, 4000000000, 3, 9007199254740993):
        box.counter = counter - 1
        box.tell("read", DISCOVERY, **NODE)
        header = box.hear()[1]
        assert header["msgCounterReference"] == counter
        seen.append(header["msgCounter"])
    assert seen == [1, 2, 3, 4]


def test_destination_list_and_use_cases():
    box = Box()
    assert box.ask("read", '[[{"nodeManagementDestinationListData":[]}]]',
        **NODE) == {"nodeManagementDestinationData": [
        {"deviceDescription": {"deviceAddress": {"device": "d:_n:BOX"}, "deviceType": "ChargingStation",
            "networkFeatureSet": "smart"}}]}
    only = {"address": {"device": "d:_n:BOX", "entity": [1]}, "actor": "ControllableSystem", "useCaseSupport": [
        {"useCaseName": "limitationOfPowerConsumption", "useCaseVersion": "1.0.0", "useCaseAvailable": True,
         "scenarioSupport": [1, 2, 3, 4], "useCaseDocumentSubRevision": "release"}]}
    assert box.ask("read", '[[{"nodeManagementUseCaseData":[]}]]', **NODE)["useCaseInformation"] == [only]
    box.device.add(CAR)
    both = box.ask("read", '[[{"nodeManagementUseCaseData":[]}]]', **NODE)["useCaseInformation"]
    assert both[0] == only and both[1]["address"]["entity"] == [1, 1] and both[1]["actor"] == "EV"


def test_pitfall_20_binding_policy_and_always_an_answer():
    box = Box()
    second = box.connect()
    assert box.relate() == 0
    assert box.relate() == 0  # repeating it is a success
    assert box.relate(peer=second) == 7
    assert box.relate(source=((1,), 2)) == 7
    assert box.heard == [("bound", entity(1), box.load)]
    assert box.relate(to=((0,), 0), source=((0,), 0)) == 7  # node management cannot be bound
    assert box.relate(to=((1,), 7)) == 7
    assert box.relate(to=((1,), 77)) == 4
    assert box.ask("write", LIMIT_WRITE, peer=second) == 9
    box.device.bindings = 2
    assert box.relate(peer=second) == 0
    assert box.ask("write", LIMIT_WRITE, peer=second, ack=True) == 0
    box.peer.close()
    assert box.heard[-2:] == [("unbound", entity(1), box.load), ("closed", None, None)]
    assert box.device.peers == [second] and box.ask("write", LIMIT_WRITE, peer=second, ack=True) == 0
    box.peer.close()
    assert len(box.heard) == 4


def test_pitfall_2_relations_end_with_the_connection():
    box = Box()
    assert box.relate() == 0 and box.relate("Subscription") == 0
    box.peer.close()
    again = box.connect()
    assert box.ask("write", LIMIT_WRITE, peer=again) == 9
    assert box.relate(peer=again) == 0
    assert not again.subscriptions and len(again.bindings) == 1


def test_relations_are_listed_and_deleted():
    box = Box()
    for what, item in (("Subscription", "subscription"), ("Binding", "binding")):
        read = '[[{"nodeManagement%sData":[]}]]' % what
        assert box.relate(what) == 0
        assert box.relate(what, to=((1,), 6)) == 0
        entries = box.ask("read", read, **NODE)[item + "Entry"]
        assert entries[1] == {
            item + "Id": 1, "clientAddress": {"device": "d:_n:EMS", "entity": [1], "feature": 1},
            "serverAddress": {"device": "d:_n:BOX", "entity": [1], "feature": 6}}
        assert box.relate(what, delete=True) == 0
        assert box.relate(what, delete=True) == 0
        assert len(box.ask("read", read, **NODE)[item + "Entry"]) == 1
        assert box.relate(what) == 0
        body = (
            '[[{"nodeManagement%sDeleteCall":[{"%sDelete":[{"clientAddress":[{"entity":[1]}]},'
            '{"serverAddress":[{"device":"d:_n:BOX"}]}]}]}]]'
        )
        assert box.ask("call", body % (what, item), ack=True, **NODE) == 0
        assert box.ask("read", read, **NODE) == []


def test_a_delete_of_an_entity_or_a_device_takes_all_below_it():
    body = '[[{"nodeManagement%sDeleteCall":[{"%sDelete":[{"clientAddress":[%s]},{"serverAddress":[%s]}]}]}]]'
    ems, own = '{"device":"d:_n:EMS"}', '{"device":"d:_n:BOX"}'
    for client, server, left in (
        (ems, own, 0), (ems + ',{"entity":[1]}', own, 1), (ems, own + ',{"entity":[1]}', 0),
        (ems + ',{"entity":[2]}', own + ',{"entity":[1]},{"feature":5}', 1), (ems + ',{"entity":[3]}', own, 2),
        (ems, own + ',{"entity":[0]}', 2),
    ):
        for what, item in (("Subscription", "subscription"), ("Binding", "binding")):
            box = Box()
            assert box.relate(what) == 0 and box.relate(what, source=((2,), 1), to=((1,), 6)) == 0
            if left == 1 and "[2]" in client:
                assert box.relate(what, source=((2,), 1), delete=True, to=((1,), 6)) == 0
            error = box.ask("call", body % (what, item, client, server), ack=True, **NODE)
            relations = box.peer.bindings if what == "Binding" else box.peer.subscriptions
            assert error == 0 and len(relations) == left, (client, server)


def test_relation_calls_of_every_kind():
    box = Box()
    call = '[[{"nodeManagementSubscriptionRequestCall":[{"subscriptionRequest":[%s]}]}]]'
    client = '{"clientAddress":[{"entity":[1]},{"feature":%d}]}'
    server = ',{"serverAddress":[{"entity":[1]},{"feature":5}]}'
    for body, error in (
        (client % 1 + server, 0),  # devices left out: from the header
        (client % 2 + server + ',{"serverFeatureType":"LoadControl"}', 0),
        (client % 3 + server + ',{"serverFeatureType":"Measurement"}', 7),
        (client % 4, 7),
        ('{"clientAddress":[{"entity":[1]}]}' + server, 7),
        (client.replace("[{", '[{"device":"d:_n:SOMEONE"},{') % 1 + server, 7),
        (client % 1 + server.replace("[{", '[{"device":"d:_n:SOMEONE"},{'), 7),
        ('{"clientAddress":[{"entity":[77]},{"feature":1234567}]}' + server, 0),  # TC_SPINE_RTS: any client feature
    ):  # fmt: skip
        assert box.ask("call", call % body, ack=True, **NODE) == error, body
    assert len(box.peer.subscriptions) == 3
    assert box.ask("call", call % (client % 1 + server), ack=True, to=((1,), 5)) == 6
    for number in range(60):
        error = box.ask("call", call % (client % (100 + number) + server), ack=True, **NODE)
    assert error == 3 and len(box.peer.subscriptions) == 48


def test_an_entity_that_comes_and_goes_is_told_to_subscribers():
    box = Box()
    box.ask("read", DISCOVERY, **NODE)
    box.device.add(CAR)
    assert box.hear() is None  # no subscription, no notify
    assert box.relate("Subscription", to=((0,), 0), source=((0,), 0)) == 0
    classifier, header, name, data, cmd = box.hear()  # what the discovery of before did not say
    assert classifier == "notify" and cmd["function"] == name and cmd["filter"] == [{"cmdControl": {"partial": []}}]
    assert header["addressDestination"] == {"device": "d:_n:EMS", "entity": [0], "feature": 0}
    assert "msgCounterReference" not in header
    assert data["deviceInformation"] == {"description": {"deviceAddress": {"device": "d:_n:BOX"}}}
    assert data["entityInformation"] == [{"description": {
        "entityAddress": {"device": "d:_n:BOX", "entity": [1, 1]}, "entityType": "EV", "lastStateChange": "added"}}]
    assert [each["description"]["featureAddress"]["feature"] for each in data["featureInformation"]] == [3, 1001]
    assert box.hear() is None
    box.device.remove(entity(1, 1))
    data = box.hear()[3]
    assert data["entityInformation"][0]["description"]["lastStateChange"] == "removed"
    assert "featureInformation" not in data
    assert box.hear()[2] == "nodeManagementUseCaseData"
    assert box.hear() is None
    assert box.ask("read", '[[{"identificationListData":[]}]]', to=((1, 1), 3)) == 4
    box.device.add(CAR)
    box.device.remove(entity(1, 1))
    box.device.add(CAR)
    box.now += 1000
    assert box.hear()[3]["entityInformation"][0]["description"]["lastStateChange"] == "added"
    assert box.hear()[2] == "nodeManagementUseCaseData"
    assert box.hear() is None
    box.device.remove(entity(1, 1))
    box.device.add(CAR)  # another car between two looks
    changes = [box.hear()[3]["entityInformation"][0]["description"]["lastStateChange"] for _ in range(2)]
    assert changes == ["removed", "added"]


def test_golden_removal_is_understood_by_our_reader():
    box = Box(client=True)
    assert box.ask("notify", EV_REMOVED, to=((0,), 0), source=((0,), 0), ack=True) == 0


def test_relations_of_a_removed_entity_end():
    box = Box()
    box.device.add(CAR)
    assert box.relate(to=((1, 1), 3)) == 0 and box.relate("Subscription", to=((1, 1), 3)) == 0
    box.device.remove(entity(1, 1))
    assert not box.peer.bindings and not box.peer.subscriptions
    assert box.heard[-1][:2] == ("unbound", entity(1))


def test_one_feature_on_two_entities():
    box = Box()
    box.device.add((entity(1, 1), EV, None, 5 << 8 | LOAD_CONTROL | SERVER, box.load))
    for to in ((1,), (1, 1)):
        assert box.relate(to=(to, 5)) == 0 and box.relate("Subscription", to=(to, 5)) == 0
    assert len(box.peer.bindings) == len(box.peer.subscriptions) == 2
    assert box.ask("write", LIMIT_WRITE, to=((1, 1), 5), ack=True) == 0
    assert [box.hear()[1]["addressSource"]["entity"] for _ in range(2)] == [[1], [1, 1]]
    box.device.remove(entity(1, 1))
    assert [each[1] for each in box.peer.bindings + box.peer.subscriptions] == [entity(1)] * 2


def test_a_reply_whose_entity_went_meanwhile_is_a_result():
    box = Box()
    box.device.add((entity(1, 1), EV, None, 3 << 8 | LOAD_CONTROL | SERVER, ((LIMITS, ()),)))
    box.tell("read", '[[{"loadControlLimitListData":[]}]]', to=((1, 1), 3))
    box.device.remove(entity(1, 1))
    assert box.hear()[3] == {"errorNumber": 4}
