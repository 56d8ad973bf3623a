"""The whole firmware in a network of its own: found by mDNS, finding trusted EMSs, both dialling (SHIP 7.3, 12.2.2)."""

import os
import queue
import sys
import time

import pytest

from host_tests.conftest import missing_peer
from host_tests.interop import firmware_ship
from host_tests.interop.firmware_ship import DATA, obeys
from host_tests.interop.namespaces import Network, Unavailable
from host_tests.interop.test_dnssd import Talker
from host_tests.peers.echonet_box import Box
from host_tests.peers.ems import Ems, Identity

identities = firmware_ship.identities

PORT = 4712
_ZEROCONF = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dnssd_zeroconf.py")
_LISTENER = """
import socket, sys, time
sock = socket.create_server(("0.0.0.0", int(sys.argv[1])))
print("listening", flush=True)
while True:
    peer = sock.accept()[0]
    print(time.monotonic(), flush=True)
    peer.close()
"""


@pytest.fixture(scope="module")
def network():
    try:
        made = Network(("dev", "ctl"))
    except Unavailable as why:
        missing_peer("network namespaces", str(why))
    with made:
        yield made


class Station:
    """The box on the host "dev"."""

    def __init__(self, network, *arguments):
        address = network.address("dev")
        self._box = Box("--heap", "208K", "--bind", address, "--multicast-if", address, "--ship-port", str(PORT),
                        *arguments, network=network)
        self.control = self._box.control
        self.close = self._box.close
        self.ski = self.ship()["ski"]

    def ship(self):
        return self.wait_ship(lambda ship: True)

    def wait_ship(self, predicate, timeout_s=40):
        return self.control.wait(lambda state: "ship" in state and predicate(state["ship"]), timeout_s)["ship"]

    def wait_one(self):
        """Wait for exactly one session, in its data phase; returns it."""
        return self.wait_ship(lambda ship: [each["state"] for each in ship["sessions"]] == [DATA])["sessions"][0]


@pytest.fixture(scope="module")
def shared(network):
    station = Station(network)
    yield station
    station.close()


@pytest.fixture
def box(shared):
    shared.wait_ship(lambda ship: ship["dnssd"] == "announced")
    yield shared
    shared.control.call("accept_any", s=0)
    for ski in shared.ship()["trusted"]:
        shared.control.call("untrust", ski=ski)
    shared.wait_ship(lambda ship: not ship["sessions"])


def by_mdns(network, identity, ski=None, port=4815):
    """An EMS on the host "ctl" that announces itself, and looks for `ski` where given."""
    return Ems(ski, host=None, identity=identity, own_port=port, prefix=network.command("ctl", []),
               interfaces="eth0", retry="0")


def zeroconf(network):
    peer = Talker(network.command("ctl", [sys.executable, _ZEROCONF, network.address("ctl")]))
    peer.event("up")
    return peer


@pytest.fixture
def browser(network):
    peer = zeroconf(network)
    yield peer
    peer.end()


def test_zeroconf_sees_every_key_and_the_window_of_the_button(box, browser, network):
    browser.tell("browse")
    found = browser.event("resolved")
    fields = found["fields"]
    assert (found["port"], found["addresses"]) == (PORT, [network.address("dev")])
    assert found["host"].startswith("wallbox") and found["host"].endswith(".local.")
    assert set(fields) == {"txtvers", "id", "path", "ski", "register", "brand", "type", "model", "serial", "cat"}
    assert (fields["txtvers"], fields["path"], fields["ski"], fields["cat"]) == ("1", "/ship/", box.ski, "3")
    assert fields["register"] == "false" and bytes.fromhex(found["text"]).startswith(b"\x09txtvers=1")
    assert found["name"] == fields["id"] + "._ship._tcp.local." and fields["serial"] in fields["id"]
    box.control.call("button", ms=1000)
    assert browser.event("resolved")["fields"]["register"] == "true"
    box.control.call("accept_any", s=1)  # takes the place of the button's two minutes
    box.wait_ship(lambda ship: not ship["window"])
    time.sleep(2.5)  # said twice
    late = zeroconf(network)  # the other has the old record in its cache yet, and does not tell that it is back
    late.tell("browse")
    assert late.event("resolved")["fields"]["register"] == "false"
    late.end()
    settled(browser)


def settled(peer):
    """Announcements cease; the one that opened the browser's eyes may have been the first of two."""
    end = time.monotonic() + 20
    while not peer.quiet("heard", 1.5):
        assert time.monotonic() < end, "it announces itself for ever"


def test_the_box_announces_itself_again_when_the_network_returns(box, browser, network):
    browser.tell("browse")
    browser.event("heard")
    settled(browser)
    box.control.call("network", up=False)
    network.link("dev", False)
    assert box.wait_ship(lambda ship: ship["dnssd"] == "no network")
    network.link("dev", True)
    box.control.call("network", up=True)
    browser.event("heard")
    box.wait_ship(lambda ship: ship["dnssd"] == "announced")


def test_goodbye_is_not_promised_but_a_restart_is_announced(box, browser):
    browser.tell("browse")
    browser.event("heard")
    settled(browser)
    box.control.call("restart")
    browser.event("heard")


def test_an_ems_finds_the_box_by_mdns_and_pairs(box, network, identities):
    box.control.call("accept_any", s=60)
    with by_mdns(network, identities["one"], box.ski) as ems:
        ems.wait_ready()
        assert ems.wait_event("visible", lambda event: event["ski"] == box.ski, after=0)["type"] == "Wallbox"
        assert box.ship()["trusted"] == [ems.ski]
        assert box.wait_one()["ski"] == ems.ski


def test_the_cable_is_pulled_for_a_while_and_the_connection_goes_on_or_returns(box, network, identities):
    box.control.call("trust", ski=identities["one"].ski)
    with by_mdns(network, identities["one"], box.ski) as ems:
        ems.wait_ready()
        box.control.call("network", up=False)
        network.link("dev", False)
        time.sleep(2)
        network.link("dev", True)
        box.control.call("network", up=True)
        obeys(ems, 6000)
        box.wait_one()


def waits_to_be_dialled(network, box, identity, **more):
    """An EMS that trusts the box and announces itself, but never dials."""
    ems = by_mdns(network, identity, **more)
    ems.call("disconnect")  # holds its dialler
    ems.call("trust", ski=box.ski)
    return ems


def test_the_box_dials_a_trusted_ems_and_does_so_again(box, network, identities):
    box.control.call("trust", ski=identities["two"].ski)
    for _ in range(2):
        with waits_to_be_dialled(network, box, identities["two"]) as ems:
            ems.wait_ready()
            session = box.wait_one()
            assert (session["ski"], session["server"]) == (ems.ski, False)
            obeys(ems, 5000)
            ems.kill()
        box.wait_ship(lambda ship: not ship["sessions"])


def test_an_ems_that_is_not_trusted_is_not_dialled(box, network, identities):
    with waits_to_be_dialled(network, box, identities["three"]) as ems:
        time.sleep(4)  # a trusted one is dialled within 3 s
        assert not box.ship()["sessions"] and ems.count("connected") == 0
        box.control.call("trust", ski=ems.ski)
        ems.wait_connected()
        assert not box.wait_one()["server"]


def test_dials_that_fail_come_ever_later(box, browser, network):
    ski = "c" * 40
    peer = Talker(network.command("ctl", [sys.executable, "-c", _LISTENER, "4816"]))
    try:
        assert peer.line() == "listening"
        browser.tell("register", "Silent", "4816", ski)
        box.control.call("trust", ski=ski)
        first = float(peer.line(40))
        with pytest.raises(queue.Empty):  # the next comes 3 s later or more
            peer.line(max(first + 2.9 - time.monotonic(), 0.1))
        assert not box.ship()["sessions"]
    finally:
        peer.end()


def identity_that(folder, holds):
    """One whose SKI is as wanted."""
    for number in range(40):
        identity = Identity(os.path.join(str(folder), str(number)))
        if holds(identity.ski):
            return identity
    raise AssertionError("bad luck")


@pytest.mark.parametrize("bigger", ["box", "ems"])
def test_both_dial_and_one_connection_is_left(box, network, tmp_path, bigger):
    identity = identity_that(tmp_path, lambda ski: (ski < box.ski) == (bigger == "box"))
    box.control.call("trust", ski=identity.ski)
    with by_mdns(network, identity, box.ski) as ems:
        ems.wait_ready()
        before = len(ems.events)
        ems.call("disconnect", how="drop")  # the box dials again now; so will the EMS
        ems.call("reconnect")
        ems.wait_event("disconnected", after=before, timeout=30)
        ems.wait_connected()
        time.sleep(3)  # whoever was second has had its turn
        session = box.wait_one()
        assert session["ski"] == ems.ski
        ems.wait_usecase("eg-lpc")
        obeys(ems, 5000)
        time.sleep(2)
        assert box.wait_one() == session, "the connection stays"
