"""The network goes and comes back, the firmware restarts, the power is cut: with a car charging under a limit.

Charging goes on or resumes without a fault, never above the limit, and the node announces itself again.
"""

import time

import pytest

import runtimes
from host_tests.conftest import missing_peer
from host_tests.interop.namespaces import Network, Unavailable
from host_tests.peers.echonet_box import Box, Raw
from host_tests.peers.echonet_controller import Controller
from host_tests.peers.until import until

BOX, OWN = "127.0.68.2", "127.0.68.3"
CHARGER, PROFILE = "02a101", "0ef001"
QUICK = ("--set", "rise_ma_per_5s=80000", "--set", "resume_hold_s=0")


@pytest.fixture(scope="module")
def box():
    with Box(*QUICK, bind=BOX) as running:
        yield running


@pytest.fixture(scope="module")
def socket_one(box):
    with Raw(OWN, BOX) as one:
        yield one


@pytest.fixture
def ems(box, socket_one):
    """A controller that has bound the charging car to 10 A."""
    assert socket_one.set("ed", "0064")
    if not box.state()["ev"]:
        box.plug(ready=True)
    box.settled(10000)
    socket_one.drain()
    return socket_one


def kept(box):
    """What was set is kept within a second; in many settings one after the other it takes longer."""
    box.lived(2000)


def own_tids(ems):
    """TIDs of everything the node announces until it is quiet; D5 must be among it."""
    tids, lists = [], 0
    while True:
        frame = ems.hear(ems.group, 0.2 if lists else 20)
        if frame is None:
            assert lists, "the instance list was not announced"
            return tids
        if frame[20:22] == "73":
            tids.append(int(frame[4:8], 16))
            lists += frame[8:28] == "0ef0010ef0017301d504"


def bounded(box, reached):
    """Wait for `reached`; the current is never above the limit meanwhile."""
    end = time.monotonic() + 40
    while True:
        state = box.state()
        assert max(state["current_ma"]) <= 10000 and state["pilot"]["duty_permille"] in (0, 1000, 166), state
        if state["firmware"] == "ok" and reached(state):
            return state
        assert time.monotonic() < end, state
        time.sleep(0.05)


def charging(state):
    return state["current_ma"][0] == 9960


@pytest.mark.parametrize("op, more", [("restart", {}), ("powercut", {"ms": 700})])
def test_a_restart_with_a_charging_car_resumes_under_the_same_limit(box, ems, op, more):
    kept(box)
    ems.drain()
    operations = box.state()["contactor"]["operations"]
    box.control.call(op, **more)
    state = bounded(box, lambda state: charging(state) and state["contactor"]["operations"] >= operations + 2)
    assert not state["faults"] and state["binding"] == "charging current"
    assert min(own_tids(ems)) >= 0x8000
    assert ems.get("ed") == "0064" and ems.get("88") == "42" and ems.get("c7") == "41"


def test_mode_and_service_survive_a_power_cut(box, ems):
    assert ems.set("da", "44") and ems.set("80", "31")
    box.settled(0)
    kept(box)
    box.restart("powercut", ms=300)
    assert ems.get("da") == "44" and ems.get("80") == "31"
    time.sleep(3)
    assert box.settled(0)["binding"] in ("operation mode", "out of service")
    assert ems.set("da", "42") and ems.set("80", "30")
    box.settled(10000)


def test_the_network_went_and_came_back(box, ems):
    box.control.call("network", up=False)
    time.sleep(0.5)
    assert charging(box.state()), "a limit without heartbeat stays"
    ems.drain()
    box.control.call("network", up=True)
    assert min(own_tids(ems)) >= 0x8000
    assert charging(box.state()) and ems.get("da") == "42"


def test_announcements_come_on_change_only(box, ems):
    ems.drain()
    assert ems.set("ed", "0064") and ems.set("da", "42") and ems.set("99", "fffd")
    first = []
    for _ in range(2):
        frame = ems.hear(ems.group, 1.0)
        if frame is not None:
            first.append(frame)
    assert all("eb" != frame[24:26] for frame in first)
    assert ems.hear(ems.group, 1.5) is None, "charging alone changes nothing that is announced"


def test_a_pulled_cable_and_back():
    try:
        with Network(("dev", "ctl")) as network, Box(*QUICK, network=network) as box, Controller(
                "uecho", network.address("ctl"), network.address("dev"),
                lambda command: network.command("ctl", command)) as peer:
            assert peer.discover() == [CHARGER]
            assert peer.set(CHARGER, "ed", "0064") is True
            box.plug(ready=True)
            box.settled(10000)
            peer.told()
            network.link("dev", False)
            time.sleep(1)
            assert charging(box.state()), "a limit without heartbeat stays"
            box.control.call("unplug")  # cannot be announced now
            box.wait(lambda state: state["pilot"]["state"] == "A" and state["echonet"]["errors"] >= 2)
            network.link("dev", True)
            told = [[PROFILE, "d5", "01" + CHARGER], [CHARGER, "c7", "30"]]
            heard = []
            until(lambda: heard.extend(peer.told()) or all(each in heard for each in told), lambda: heard)
            assert peer.discover() == [CHARGER], "by multicast: still a member of the group"
            assert peer.get(CHARGER, "ed") == "0064"
            box.plug(ready=True)
            state = box.settled(10000)
            assert state["echonet"]["failure"] is None and not state["faults"]
    except (Unavailable, runtimes.Missing) as why:
        missing_peer("uecho in a namespace", str(why))


def test_an_address_that_comes_late_is_taken():
    try:
        with Network(("dev", "ctl")) as network:
            network.link("dev", False)
            with Box(*QUICK, network=network, wait=False) as box, Controller(
                    "uecho", network.address("ctl"), network.address("dev"),
                    lambda command: network.command("ctl", command)) as peer:
                box.wait(lambda state: state["firmware"] == "ok" and state["echonet"]["errors"])
                network.link("dev", True)
                box.wait(lambda state: state["echonet"]["sent"])
                assert peer.discover() == [CHARGER]
    except (Unavailable, runtimes.Missing) as why:
        missing_peer("uecho in a namespace", str(why))
