"""The library's node on MicroPython, 32 bits and 48 KB of heap, against four controllers written by others."""

import subprocess
import threading
import time

import pytest

import runtimes
from host_tests.conftest import missing_peer
from host_tests.interop.echonet_node_fixture_process import NodeProcess
from host_tests.interop.namespaces import Network, Unavailable
from host_tests.peers.echonet_controller import PROGRAMS, Controller

GET = "80 81 82 83 88 8a 93 99 9d 9e 9f c5 c7 c8 cc d3 d4 d8 da e0 e2 e4 e6 e7 eb ed f0 f1 f2".split()
SET = "80 81 93 99 cd d9 da e0 e7 eb ed f1".split()
INF = "80 81 88 99 c7 da eb ed f2".split()
VALUES = {
    "80": "30", "81": "00", "82": "00005202", "88": "42", "93": "41", "99": "2af8", "c5": "00002af8", "c7": "30",
    "c8": "0000057800002af8", "cc": "11", "d3": "00000000", "d4": "0000", "d8": "0001e240", "da": "42",
    "e0": "00000000", "e2": None, "e4": None, "e6": "00", "e7": "00000000", "eb": "00002af8", "ed": "00a0",
}


@pytest.fixture(scope="module")
def network():
    try:
        with Network(("dev", "ctl", "ctl2")) as made:
            yield made
    except Unavailable as why:
        missing_peer("network namespaces", str(why))


@pytest.fixture
def node(network):
    with NodeProcess("mpy32", "0.0.0.0", prefix=lambda command: network.command("dev", command)) as process:
        yield process


def controller(network, name, host="ctl", node=None):
    try:
        return Controller(name, network.address(host), node or network.address("dev"),
                          lambda command: network.command(host, command))
    except runtimes.Missing as why:
        missing_peer(name, str(why))


def wait_for(told, ems):
    heard = []
    for _ in range(400):
        heard += ems.told()
        if all(each in heard for each in told):
            return heard
        time.sleep(0.1)
    raise AssertionError("told only %r" % heard)


@pytest.mark.parametrize("name", list(PROGRAMS))
def test_discovery_maps_reading_setting_and_notification(network, node, name):
    with controller(network, name) as ems:
        assert ems.discover() == ["02a101", "02a102"]
        assert ems.maps("02a101") == {"get": GET, "set": SET, "inf": INF}
        values = ems.read("02a101")
        assert sorted(values) == [epc for epc in GET if epc not in ("9d", "9e", "9f")]
        for epc, edt in VALUES.items():
            assert values[epc] == edt, epc
        free = int(ems.get("02a101", "f0"), 16)
        assert ems.set("02a101", "eb", "00000e60") is True
        assert ems.set("02a101", "da", "43") is False
        assert ems.set("02a101", "da", "44") is True
        assert ems.get("02a101", "eb") == "00000e60"
        assert ems.get("02a102", "da") == "42"
        assert ems.get("02a101", "e4") is None
        told = wait_for([["02a101", "eb", "00000e60"], ["02a101", "da", "44"]], ems)
        assert not any(epc == "c7" for _, epc, _ in told)
        assert int(ems.get("02a101", "f0"), 16) > free - 1500


def test_two_controllers_at_once_with_equal_numbers(network, node):
    # Both count their frames from 1, and one of them matches replies by that number alone.
    with controller(network, "pychonet") as one, controller(network, "uecho", "ctl2") as two:
        assert one.discover() == two.discover() == ["02a101", "02a102"]
        for turn in range(5):
            assert one.set("02a101", "eb", "%08x" % (1000 + turn)) is True
            assert two.set("02a102", "eb", "%08x" % (2000 + turn)) is True
            assert two.get("02a101", "eb") == "%08x" % (1000 + turn)
            assert one.get("02a102", "eb") == "%08x" % (2000 + turn)
        told = [["02a101", "eb", "%08x" % 1004], ["02a102", "eb", "%08x" % 2004]]
        wait_for(told, one)
        wait_for(told, two)


def test_what_changed_while_the_link_was_lost_is_announced_when_it_is_back(network):
    # Nobody tells the node that the link is back: an announcement fails, so it tries again.
    with NodeProcess("mpy32", "0.0.0.0", repeat_ms=600000, prefix=lambda command: network.command("dev", command)):
        with controller(network, "uecho") as ems:
            assert ems.discover()
            ems.told()
            assert ems.set("02a101", "f1", "00000003") is True
            network.link("dev", False)
            time.sleep(4)
            network.link("dev", True)
            heard = wait_for([["0ef001", "d5", "0202a10102a102"], ["02a101", "c7", "41"]], ems)
            assert not any(eoj == "02a102" for eoj, _, _ in heard)
            assert ems.discover() == ["02a101", "02a102"]  # by multicast: still a member of the group


def test_an_address_that_comes_late_is_waited_for(network):
    # The link is up, the address not yet there: the node's own socket cannot be bound at first.
    late = "10.63.80.99"
    started = []

    def start():
        started.append(NodeProcess("mpy32", late, late, prefix=lambda command: network.command("dev", command)))

    thread = threading.Thread(target=start)
    thread.start()
    time.sleep(1)
    assert not started
    subprocess.run(network.command("dev", ["ip", "addr", "add", late + "/24", "dev", "eth0"]), check=True)
    thread.join(60)
    with started[0], controller(network, "uecho", node=late) as ems:
        assert ems.discover() == ["02a101", "02a102"]
        assert ems.get("02a101", "da") == "42"
