# heap: 256K
"""Damaged datagrams on every runtime: never an exception, bounded memory (more: properties/, `make fuzz`)."""

from host_tests.pure import spine_box
from host_tests.pure.damage import growth, many, owed
from host_tests.pure.spine_box import DATAGRAM, Box

NODE = ("[0]", 0, "[0]", 0)
LOAD = ("[1]", 1, "[1]", 5)
SERIES = ("[1]", 1, "[1]", 8)
WATCH = ("[1]", 4, "[1]", 7)
CALL = (
    '[[{"nodeManagement%sCall":[{"%s":[{"clientAddress":[{"device":"d:_n:EMS"},{"entity":[1]},{"feature":1}]},'
    '{"serverAddress":[{"device":"d:_n:BOX"},{"entity":[1]},{"feature":5}]}]}]}]]'
)
MESSAGES = (
    LOAD + (1, "write", spine_box.ACK, spine_box.LIMIT_WRITE),
    LOAD + (2, "write", "", spine_box.LIMIT_WITHOUT_DURATION),
    SERIES + (3, "write", spine_box.ACK, spine_box.CURVE_WRITE),
    SERIES + (4, "write", spine_box.ACK, spine_box.INCENTIVE_WRITE),
    WATCH + (5, "notify", "", spine_box.HEARTBEAT_DATA),
    NODE + (6, "notify", "", spine_box.EV_REMOVED),
    NODE + (7, "reply", ',{"msgCounterReference":1}', spine_box.EMS_DISCOVERY),
    NODE + (8, "read", "", '[[{"nodeManagementDetailedDiscoveryData":[]}]]'),
    NODE + (9, "call", spine_box.ACK, CALL % ("SubscriptionRequest", "subscriptionRequest")),
    NODE + (10, "call", spine_box.ACK, CALL % ("BindingDelete", "bindingDelete")),
    LOAD + (11, "result", ',{"msgCounterReference":1}', '[[{"resultData":[{"errorNumber":7},{"description":"x"}]}]]'),
)
TEXTS = [(DATAGRAM % message).encode() for message in MESSAGES]


def ready_box(before=None):
    """A box whose features the EMS has bound and subscribed."""
    box = Box(client=True)
    box.hear()  # it reads the discovery
    box.relate()
    box.relate(to=((1,), 8))
    box.relate("Subscription")
    return box


def survive(box, text, step):
    """Take one message; what is owed then."""
    box.now += 300
    box.take(text, step)
    found = owed(box, 40)
    del box.staged[:]
    del box.writes[:]
    del box.heard[:]
    return found


def fuzz(seed, cases):
    """So many damaged messages; how many answers there were."""
    return many(seed, cases, TEXTS, survive, ready_box, 200, (13, 5000))


def test_damaged_datagrams():
    assert fuzz(63380, 1000) > 200


def test_memory_does_not_grow_with_damage():
    assert growth(ready_box(), 600, TEXTS, survive, 200) < 4000


def test_undamaged_datagrams():
    box = ready_box()
    assert [len(survive(box, text, 5000)) for text in TEXTS] == [2, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0]
