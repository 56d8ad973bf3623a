"""Pairing and identity of the whole firmware, with an unmodified EMS on eebus-go (SHIP 12; pitfalls 13, 14)."""

import json
import os
import socket
import subprocess
import sys
import time

import pytest
import runtimes
from control import ControlError

from host_tests.interop import firmware_ship
from host_tests.interop.firmware_ship import DATA, HELLO, Box, ems
from host_tests.peers import ship_peer as ship

identities = firmware_ship.identities

ADDRESS, OTHER = "127.0.0.41", "127.0.0.42"


@pytest.fixture(scope="module")
def shared():
    with Box(ADDRESS) as box:
        yield box


@pytest.fixture
def box(shared):
    """Nobody is trusted, nobody is connected, no window is open."""
    yield shared
    shared.control.call("accept_any", s=0)
    for ski in shared.ship()["trusted"]:
        shared.control.call("untrust", ski=ski)
    shared.wait_sessions()
    shared.survived()


def test_a_stranger_waits_is_shown_and_goes_on_at_once_when_accepted(box, identities):
    with ems(box, identities["one"]) as peer:
        ship_state = box.wait_ship(lambda ship: ship["askers"][-1:] == [peer.ski])
        assert [(each["ski"], each["state"]) for each in ship_state["sessions"]] == [(peer.ski, HELLO)]
        time.sleep(1)
        peer.until(lambda: peer.call("state")["pairing"] == "in progress")
        assert not peer.call("state")["connected"]
        before = box.ship()["counts"]
        typed = " ".join(peer.ski.upper()[at : at + 4] for at in range(0, 40, 4))  # as a display shows it
        assert box.control.call("trust", ski=typed) == {"ok": True}
        peer.wait_connected()
        peer.wait_ready()
        state = box.ship()
        assert state["trusted"] == [peer.ski] and peer.ski not in state["askers"]
        assert state["counts"] == before, "it went on, and did not come anew"
        assert [each["state"] for each in state["sessions"]] == [DATA]


def test_one_who_is_not_accepted_may_wait_for_minutes(box, identities, tmp_path):
    """Our hello says 60 s; a peer that grants 2 s at a time is asked for more and stays (SHIP 13.4.4.1.3)."""
    stranger = ship.Identity(tmp_path, "stranger")
    with ship.websocket(stranger, box.port, host=ADDRESS) as peer:
        peer.send(ship.INIT)
        ship.receive(peer, ship.INIT)
        ship.receive(peer, ship.PENDING)
        begin = time.monotonic()
        for _ in range(4):
            peer.send(ship.READY.replace(b"60000", b"2000"))
            ship.receive(peer, ship.PROLONG)
        assert time.monotonic() - begin > 3
        assert box.ship()["askers"][-1] == stranger.ski
        box.control.call("trust", ski=stranger.ski)
        ship.receive(peer, ship.READY)


def test_a_remote_abort_deletes_no_trust(box, identities, tmp_path):
    friend = ship.Identity(tmp_path, "friend")
    box.control.call("trust", ski=friend.ski)
    for last in (ship.ABORTED, b"\x01nonsense"):
        with ship.websocket(friend, box.port, host=ADDRESS) as peer:
            ship.handshake(peer, until="cmi")
            peer.send(last)
            with pytest.raises(Exception):
                while True:
                    peer.recv(20)
        box.wait_sessions()
    with ship.websocket(friend, box.port, host=ADDRESS) as peer:
        ship.handshake(peer, until="cmi")
        ship.receive(peer, ship.READY)
        peer.close(4452, "Node rejected by application")
    assert box.ship()["trusted"] == [friend.ski]
    with ship.websocket(friend, box.port, host=ADDRESS) as peer:
        ship.handshake(peer)
        box.wait_sessions(DATA)


def test_window_of_the_console_ends_by_itself(box, identities):
    with ems(box, identities["one"]) as first:
        first.call("disconnect")  # it is there, and only has to dial
        box.wait_sessions()
        box.control.call("accept_any", s=3)
        assert box.ship()["window"]
        first.call("reconnect")
        first.wait_connected()
        box.wait_ship(lambda ship: not ship["window"])
        assert first.call("state")["connected"]
        with ems(box, identities["two"]) as late:
            box.wait_ship(lambda ship: ship["askers"][-1:] == [late.ski])
            assert not late.call("state")["connected"]
    assert box.ship()["trusted"] == [identities["one"].ski]


def test_one_who_waits_gets_in_when_a_window_opens(box, identities):
    with ems(box, identities["one"]) as peer:
        box.wait_ship(lambda ship: ship["askers"][-1:] == [peer.ski])
        box.control.call("accept_any")
        peer.wait_connected()


@pytest.mark.parametrize("ms, opens", [(200, False), (1000, True), (5600, False)])
def test_button(box, ms, opens):
    # until then a long press is a factory reset
    box.control.wait(lambda state: ms < 5000 or state["uptime_ms"] > 10500, 30)
    box.control.call("button", ms=ms)
    if opens:
        box.wait_ship(lambda ship: ship["window"])
    else:
        time.sleep(ms / 1000 + 0.5)
        assert not box.ship()["window"]


def test_untrust_closes_with_the_reason_and_keeps_out(box, identities, tmp_path):
    friend = ship.Identity(tmp_path, "friend")
    box.control.call("trust", ski=friend.ski)
    with ship.websocket(friend, box.port, host=ADDRESS) as peer:
        ship.handshake(peer)
        box.wait_sessions(DATA)
        box.control.call("untrust", ski=friend.ski)
        while True:
            message = peer.recv(20)
            if message[0] == 3:
                break
        assert json.loads(message[1:]) == {"connectionClose": [
            {"phase": "announce"}, {"maxTime": 500}, {"reason": "removedConnection"}]}
    box.control.call("trust", ski=identities["one"].ski)
    with ems(box, identities["one"]) as peer:
        peer.wait_connected()
        box.control.call("untrust", ski=peer.ski)
        peer.wait_disconnected()
        connections = peer.count("connected")
        time.sleep(3)
        assert peer.count("connected") == connections and not peer.call("state")["connected"]
        assert box.ship()["trusted"] == []


@pytest.mark.parametrize("op", ["trust", "untrust"])
@pytest.mark.parametrize("ski", ["", "0123", "g" * 40, "0" * 41, "\u00e9" * 40, None, 7, ["a" * 40]])
def test_malformed_ski_is_refused_with_a_sentence(box, op, ski):
    with pytest.raises(ControlError) as error:
        box.control.call(op, ski=ski)
    assert "SKI" in str(error.value)
    assert box.ship()["trusted"] == []


@pytest.mark.parametrize("s", ["soon", None, -1, [1], 10 ** 12])
def test_malformed_window_is_refused_with_a_sentence(box, s):
    with pytest.raises(ControlError, match="s must be"):
        box.control.call("accept_any", s=s)
    assert not box.ship()["window"]


def test_the_list_has_an_end(box):
    skis = ["%040x" % number for number in range(9)]
    for ski in skis[:8]:
        box.control.call("trust", ski=ski)
    with pytest.raises(ControlError, match="list is full"):
        box.control.call("trust", ski=skis[8])
    assert sorted(box.ship()["trusted"]) == skis[:8]
    box.control.call("untrust", ski=skis[0])
    box.control.call("trust", ski=skis[8])


def test_trust_survives_a_restart_and_a_power_cut_right_after_the_answer(box, identities):
    skis = [identities[name].ski for name in ("one", "two")] + ["%040x" % 7]
    expected = set()
    for ski, how in zip(skis, ("restart", "powercut", "powercut")):
        assert box.control.call("trust", ski=ski) == {"ok": True}
        box.control.call(how)
        expected.add(ski)
        assert set(box.ship()["trusted"]) == expected
    box.control.call("untrust", ski=skis[0])
    box.control.call("powercut", ms=0)
    assert set(box.ship()["trusted"]) == expected - {skis[0]}
    with ems(box, identities["two"]) as peer:
        peer.wait_ready()


def test_a_power_cut_at_any_moment_loses_no_older_trust(box):
    """The cut comes while changes follow each other; what had been answered before the last change is there."""
    keeper = "%040x" % 1
    box.control.call("trust", ski=keeper)
    for number in range(3):
        with box.connect() as other:
            answered = 0
            end = time.monotonic() + 0.1 + 0.07 * number
            while time.monotonic() < end:
                other.call("trust" if answered % 2 == 0 else "untrust", ski="%040x" % 2)
                answered += 1
            other._file.write(b'{"op":"trust","ski":"%040x"}\n' % 3)
            other._file.flush()  # on its way when the power goes
        box.control.call("powercut", ms=100)
        trusted = box.ship()["trusted"]
        assert keeper in trusted and ("%040x" % 2 in trusted) == (answered % 2 == 1)
        assert set(trusted) <= {"%040x" % each for each in (1, 2, 3)}
        box.control.call("untrust", ski="%040x" % 2)
        box.control.call("untrust", ski="%040x" % 3)


def test_trusted_from_the_start_and_removed_for_good(identities, tmp_path):
    one, two = identities["one"].ski, identities["two"].ski
    with Box(OTHER, "--trust", one, "--trust", two.upper()) as box:
        assert set(box.ship()["trusted"]) == {one, two}
        with ems(box, identities["one"]) as peer:
            peer.wait_ready()
        box.control.call("untrust", ski=one)
        box.control.call("restart")
        assert box.ship()["trusted"] == [two], "who was removed does not return from the settings"


def test_accept_any_from_the_start(identities):
    with Box(OTHER, "--accept-any") as box:
        with ems(box, identities["one"]) as peer:
            peer.wait_ready()
        assert box.ship()["trusted"] == [identities["one"].ski]


def provision(*arguments):
    return subprocess.run([sys.executable, os.path.join(runtimes.ROOT, "tools", "provision.py"), *arguments],
                          capture_output=True, text=True, timeout=60)


def test_identity_is_made_once_and_stays(tmp_path, identities):
    skis = []
    for _ in range(2):
        with Box(OTHER, state=str(tmp_path)) as box:
            skis.append(box.ski)
            again = box.control.call("restart")["ready"]
            assert "ski=%s " % box.ski in again
            assert box.ship()["ski"] == box.ski
            context = ship.client_context(ship.Identity(tmp_path, "stranger"))
            with socket.create_connection((OTHER, box.port), 10) as raw, context.wrap_socket(raw) as tls:
                der = tls.getpeercert(True)
    assert skis[0] == skis[1] and len(skis[0]) == 40
    with open(os.path.join(str(tmp_path), "identity", "cert.der"), "rb") as file:
        assert file.read() == der
    assert provision(str(tmp_path), "--show").stdout.splitlines()[0].replace(" ", "") == "SKI" + skis[0]


def test_a_key_made_elsewhere_is_used_and_never_told(tmp_path, identities):
    made = ship.Identity(tmp_path, "made")
    state = tmp_path / "state"
    state.mkdir()
    done = provision(str(state), "--key", made.key_pem, "--serial", "4711")
    assert done.returncode == 0, done.stderr
    with Box(OTHER, "--trust", identities["one"].ski, state=str(state)) as box:
        assert box.ski == made.ski
        with ems(box, identities["one"]) as peer:
            peer.wait_ready()
            assert "4711" in peer.call("state")["peer_ship_id"]
        with open(made.key_der, "rb") as file:
            secret = file.read()[7:39]  # the number itself, in SEC1
        told = json.dumps(box.control.state()) + "\n".join(box.lines)
        for word in ("export", "settings", "get", "identity", "key", "config", "help"):
            told += json.dumps(box.control.ask({"op": word, "name": "key"}))
        for text in (secret.hex(), secret.hex().upper(), "PRIVATE KEY"):
            assert text not in told
    assert oct(os.stat(str(state / "identity" / "key.der")).st_mode & 0o77) == "0o0"
