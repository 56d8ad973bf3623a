"""The SHIP server under MicroPython, 32-bit, against clients of `websockets` + `ssl` and against openssl."""

import contextlib
import shutil
import socket
import subprocess
import threading
import time

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from host_tests.conftest import missing_peer
from host_tests.peers import ship_peer as ship
from host_tests.peers.ship_demo import DATA, Demo, meet, unharmed, visitor


@pytest.fixture(scope="module")
def identities(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ship")
    return {name: ship.Identity(folder, name) for name in ("box", "ems", "other")}


@pytest.fixture(scope="module", params=("mpy32",))
def node(request, identities):
    node = Demo(identities["box"], [identities["ems"].ski], request.param)
    yield node
    node.end()


@pytest.fixture
def quick(identities):
    """A node whose time runs 20 times faster, and who trusts nobody yet."""
    node = Demo(identities["box"], [], hurry=20)
    yield node
    node.end()


@pytest.mark.parametrize("tls12", (True, False), ids=("tls1.2", "tls1.3"))
def test_handshake_and_data_both_ways(node, identities, tls12):
    with ship.websocket(identities["ems"], node.port, tls12=tls12) as peer:
        assert ship.handshake(peer, "the-ems").startswith("demo-")
        assert peer.subprotocol == "ship"
        for size in (0, 1, 1000, 20000):
            peer.send(ship.data("x" * size))
            assert b'"%d bytes' % (85 + size) in ship.receive(peer)
        node.until(lambda state: state["sessions"][0][1] == DATA)
        for size in list(range(920, 950)) + [9000, 40000]:
            node.order("send", size=size)
            message = ship.receive(peer)
            assert message[0] == 2 and message.count(b"x") == size + 1 and message.endswith(b"]}}]}")
        assert node.state()["ids"] == ["the-ems"]
        peer.send(ship.LEAVE)
        ship.receive(peer, ship.CONFIRM)
        with pytest.raises(ConnectionClosed) as closed:
            peer.recv(30)
        assert closed.value.rcvd.code == 4001
    assert "disconnected left" in node.idle()["events"]


def test_64_bit_runtime_too(identities):
    node = Demo(identities["box"], [identities["ems"].ski], "mpy64")
    try:
        with unharmed(node, identities["ems"]):
            for tls12 in (True, False):
                meet(node, identities["ems"], tls12=tls12)
    finally:
        node.end()


@pytest.mark.parametrize("suite", ("ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"))
def test_each_cipher_suite_of_ship_9_1(node, identities, suite):
    context = ship.client_context(identities["ems"])
    context.set_ciphers(suite)
    with ship.connect(
        "wss://127.0.0.1:%d/ship/" % node.port, ssl=context, subprotocols=["ship"], compression=None
    ) as peer:
        ship.handshake(peer)
        assert peer.socket.cipher()[0] == suite
    node.idle()


def test_fragments_of_one_byte_pitfall_30(node, identities):
    with ship.websocket(identities["ems"], node.port) as peer:
        for message, answer in (
            (ship.INIT, ship.INIT),
            (ship.READY, ship.READY),
            (ship.ANNOUNCE, ship.SELECT),
        ):
            peer.send([message[i : i + 1] for i in range(len(message))])
            ship.receive(peer, answer)
        peer.send(ship.SELECT)
        ship.receive(peer, ship.NO_PIN)
        peer.send(ship.NO_PIN)
        ship.receive(peer, ship.ASK)
        peer.send(ship.access_methods("peer"))
        message = ship.data("x" * 300)
        peer.send([message[i : i + 1] for i in range(len(message))])
        assert b'"385 bytes' in ship.receive(peer)
    node.idle()


def test_ping_is_answered_and_the_box_pings_too(identities):
    node = Demo(identities["box"], [identities["ems"].ski], hurry=20)
    try:
        with visitor(node, identities["ems"], ping_interval=None) as peer:
            ship.handshake(peer)
            assert peer.ping(b"payload").wait(30)
            time.sleep(6)  # two minutes of its time; our library answers its pings
            peer.send(ship.data("still here"))
            assert b"bytes" in ship.receive(peer)
    finally:
        node.end()


def test_requests_back_to_back_are_all_answered(node, identities):
    with ship.websocket(identities["ems"], node.port) as peer:
        ship.handshake(peer)
        for i in range(40):
            peer.send(ship.data("x" * i))
        for i in range(40):
            assert b'"%d bytes' % (85 + i) in ship.receive(peer)
    node.idle()


def test_a_message_and_a_handshake_answer_do_not_mix(node, identities):
    with ship.websocket(identities["ems"], node.port) as peer:
        ship.handshake(peer)
        for _ in range(10):
            peer.send(ship.data("x" * 3000))
            peer.send(ship.ASK)
        answers = [ship.receive(peer) for _ in range(20)]
        assert sum(b'"3085 bytes' in answer for answer in answers) == 10
        assert sum(answer.startswith(b'\x01{"accessMethods"') for answer in answers) == 10
    node.idle()


def test_two_messages_at_once_to_a_slow_reader_stay_apart(node, identities):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", node.port))
    with ship.websocket(identities["ems"], node.port, sock=sock, max_queue=1, max_size=None) as peer:
        ship.handshake(peer)
        peer.send(ship.data(""))
        assert b'"85 bytes' in ship.receive(peer)
        orders = [threading.Thread(target=node.order_apart, args=("send", 500000)) for _ in range(2)]
        for order in orders:
            order.start()
        time.sleep(1)
        peer.send(ship.ASK)
        time.sleep(1)
        found = sorted(len(ship.receive(peer, timeout=60)) for _ in range(3))
        assert found[0] < 100 and found[1:] == [500086, 500086]
        for order in orders:
            order.join(60)
    node.idle()


def test_100_reconnects_pitfall_2(node, identities):
    with unharmed(node, identities["ems"]):
        for i in range(100):
            with ship.websocket(identities["ems"], node.port) as peer:
                ship.handshake(peer, until="data" if i % 2 else "hello")
        node.idle()
    assert node.count("limit") == 0


def test_the_same_ski_returns_while_its_old_socket_is_half_open_pitfall_1(node, identities):
    ems = identities["ems"]
    with unharmed(node, ems):
        with contextlib.ExitStack() as stack:
            old = stack.enter_context(ship.websocket(ems, node.port))
            ship.handshake(old)
            new = stack.enter_context(ship.websocket(ems, node.port))
            ship.handshake(new)
            state = node.until(lambda state: len(state["sessions"]) == 1)
            assert state["sessions"][0][1] == DATA
            new.send(ship.data(""))
            assert b"bytes" in ship.receive(new)
            with pytest.raises(ConnectionClosed):
                old.recv(30)
            for _ in range(5):
                new = stack.enter_context(ship.websocket(ems, node.port))
                ship.handshake(new)
            node.until(lambda state: len(state["sessions"]) == 1)


def test_two_ems_at_once_and_a_third_that_waits(identities, tmp_path):
    ids = [ship.Identity(tmp_path, "ems%d" % i) for i in range(3)]
    node = Demo(identities["box"], [i.ski for i in ids])
    try:
        with ship.websocket(ids[0], node.port) as one, ship.websocket(ids[1], node.port) as two:
            ship.handshake(one)
            ship.handshake(two)
            with pytest.raises((OSError, TimeoutError, EOFError, ConnectionClosed)):
                with ship.websocket(ids[2], node.port, open_timeout=3):
                    pass
            for peer in one, two:
                peer.send(ship.data(""))
                assert b"bytes" in ship.receive(peer)
        node.idle()
        meet(node, ids[2])
    finally:
        node.end()


def test_a_silent_ems_makes_room_for_a_living_one(identities, tmp_path):
    ids = [ship.Identity(tmp_path, "ems%d" % i) for i in range(2)]
    node = Demo(identities["box"], [i.ski for i in ids], sessions=1)
    try:
        with ship.websocket(ids[0], node.port) as silent:
            ship.handshake(silent)
            _stop_reading(silent)
            with ship.websocket(ids[1], node.port) as living:
                ship.handshake(living)
    finally:
        node.end()


def _stop_reading(peer):
    """From now on `peer` reads nothing from its socket and so answers no ping."""
    peer.protocol.receive_data = lambda data: None


def test_no_handshake_before_the_charging_side_is_ready(node, identities):
    """DESIGN rule 6: before_handshake() may take its time, and is called for one peer at a time."""
    done = []

    def meet_it(identity):
        with ship.websocket(identity, node.port):
            done.append(identity)

    node.order("debts")
    node.order("hold", on=True)
    peers = [threading.Thread(target=meet_it, args=(identities[name],)) for name in ("ems", "other")]
    for peer in peers:
        peer.start()
    node.until(lambda state: len(state["sessions"]) == 2)
    time.sleep(0.3)
    assert node.state()["handshakes"] == 1 and not done
    node.order("hold", on=False)
    for peer in peers:
        peer.join(60)
    assert len(done) == 2 and node.idle()["handshakes"] == 0


def test_an_unknown_ems_waits_for_minutes_and_is_accepted_pitfall_13(quick, identities):
    stranger = identities["other"]
    with visitor(quick, stranger) as peer:
        peer.send(ship.INIT)
        ship.receive(peer, ship.INIT)
        ship.receive(peer, ship.PENDING)
        peer.send(ship.READY)
        for _ in range(4):  # three minutes of its time
            ship.receive(peer, ship.PROLONG)
            peer.send(ship.READY)
        assert quick.state()["askers"] == [stranger.ski]
        quick.order("trust", ski=stranger.ski)
        ship.receive(peer, ship.READY)
        peer.send(ship.ANNOUNCE)
        ship.receive(peer, ship.SELECT)
    quick.idle()
    meet(quick, stranger)


def test_pairing_window_accepts_who_waits_and_who_comes(quick, identities):
    with visitor(quick, identities["other"]) as peer:
        peer.send(ship.INIT)
        ship.receive(peer, ship.INIT)
        ship.receive(peer, ship.PENDING)
        quick.order("window", ms=10000)
        ship.receive(peer, ship.READY)
    meet(quick, identities["ems"])
    assert sorted(quick.state()["known"]) == sorted([identities["other"].ski, identities["ems"].ski])


def test_an_unknown_ems_that_gives_no_more_time_is_let_go(quick, identities):
    with visitor(quick, identities["other"]) as peer:
        peer.send(ship.INIT + b"")
        ship.receive(peer, ship.INIT)
        ship.receive(peer, ship.PENDING)
        peer.send(ship.READY)
        ship.receive(peer, ship.PROLONG)
        ship.receive(peer, ship.ABORTED)
    assert quick.idle()["counts"]["pending"] == 1


def test_unpairing_says_so_and_the_peers_abort_forgets_nothing(node, identities):
    with ship.websocket(identities["ems"], node.port) as peer:
        ship.handshake(peer)
        node.until(lambda state: state["sessions"][0][1] == DATA)
        node.order("distrust", ski=identities["ems"].ski)
        assert b'"removedConnection"' in ship.receive(peer)
        peer.send(ship.CONFIRM)
    node.order("trust", ski=identities["ems"].ski)
    node.idle()
    with ship.websocket(identities["ems"], node.port) as peer:
        ship.handshake(peer, until="cmi")
        peer.send(ship.ABORTED)
    node.idle()
    meet(node, identities["ems"])


def test_unpaired_during_the_handshake_is_unpaired(node, identities):
    with ship.websocket(identities["ems"], node.port) as peer:
        ship.handshake(peer, until="pin")
        node.order("distrust", ski=identities["ems"].ski)
        peer.send(ship.access_methods("peer"))
        assert b'"removedConnection"' in ship.receive(peer)
        assert node.state()["known"] == []
    node.order("trust", ski=identities["ems"].ski)
    node.idle()


def test_upgrades_that_are_none(node, identities):
    with unharmed(node, identities["ems"]):
        for options, status in (
            ({"path": "/wrong/"}, 404),
            ({"subprotocols": None}, 400),
            ({"subprotocols": ["chat"]}, 400),
        ):
            node.order("debts")
            with (
                pytest.raises(InvalidStatus) as refused,
                ship.websocket(identities["ems"], node.port, **options),
            ):
                pass
            assert refused.value.response.status_code == status
        node.order("debts")
        with ship.websocket(identities["ems"], node.port, path="/") as peer:
            ship.handshake(peer)


def test_openssl_s_client(node, identities):
    openssl = shutil.which("openssl")
    if not openssl:
        missing_peer("openssl", "no openssl command on this machine")
    ems = identities["ems"]
    for more, suite in (
        (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"], "ECDHE-ECDSA-AES128-SHA256"),
        (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], "ECDHE-ECDSA-AES128-GCM-SHA256"),
        ([], "TLS_AES_128_GCM_SHA256"),
    ):
        node.order("debts")
        ran = subprocess.run(
            [
                openssl,
                "s_client",
                "-connect",
                "127.0.0.1:%d" % node.port,
                "-cert",
                ems.cert_pem,
                "-key",
                ems.key_pem,
            ]
            + more,
            input=b"GET / HTTP/1.1\r\n\r\n",
            capture_output=True,
            timeout=60,
        )
        assert suite.encode() in ran.stdout, ran
        assert b"HTTP/1.1 4" in ran.stdout or b"read:errno" in ran.stdout + ran.stderr or ran.returncode == 0
    node.idle()
