"""What a careless or hostile peer may do to the SHIP server; afterwards everything is as before (issue list, T1-T6)."""

import contextlib
import socket
import ssl
import struct
import time

import pytest
from websockets.exceptions import ConnectionClosed

from host_tests.peers import ship_peer as ship
from host_tests.peers.ship_demo import DATA, Demo, meet, unharmed, visitor

MESSAGES = (ship.INIT, ship.READY, ship.ANNOUNCE, ship.SELECT, ship.NO_PIN, ship.access_methods("peer"))


@pytest.fixture(scope="module")
def identities(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ship")
    found = {name: ship.Identity(folder, name) for name in ("box", "ems", "other")}
    found["wrong"] = ship.Identity(folder, "wrong", "wrong")
    found["without"] = ship.Identity(folder, "without", None)
    # The trusted key itself does not help a certificate that lies about it.
    found["lying"] = ship.Identity(folder, "lying", "wrong", found["ems"].key)
    return found


@pytest.fixture(scope="module")
def node(identities):
    node = Demo(identities["box"], [identities["ems"].ski])
    yield node
    node.end()


@pytest.fixture(scope="module")
def quick(identities):
    """Its time runs 10 times faster: deadlines of 5 s take half a second."""
    node = Demo(identities["box"], [identities["ems"].ski], hurry=10)
    yield node
    node.end()


@pytest.fixture(autouse=True)
def forgiven(request):
    """All tests come from one address: let the rate limit forget it."""
    yield
    for name in ("node", "quick"):
        if name in request.fixturenames:
            request.getfixturevalue(name).order("debts")


def refused(node, identity, **options):
    """The server ends the connection before or during the upgrade."""
    with pytest.raises((OSError, EOFError, TimeoutError, ConnectionClosed, ship.InvalidMessage)):
        with ship.websocket(identity, node.port, **options) as peer:
            peer.recv(30)


@pytest.mark.parametrize("tls12", (True, False), ids=("tls1.2", "tls1.3"))
@pytest.mark.parametrize("name", ("wrong", "without", "lying", None))
def test_certificates_that_prove_nothing_tc_ship_sec_001_002_pitfall_14(node, identities, name, tls12):
    with unharmed(node, identities["ems"]):
        before = node.count("certificate")
        for _ in range(3):
            refused(node, identities.get(name), tls12=tls12)
        assert node.idle()["counts"]["certificate"] == before + 3


def test_tls_garbage(node, identities):
    with unharmed(node, identities["ems"]):
        for garbage in (
            b"GET / HTTP/1.1\r\n\r\n",
            b"\0" * 100,
            b"\xff" * 5000,
            b"\x16\x03\x01\x40\x00" + b"x" * 3000,
            b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
        ):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", node.port), 10) as raw:
                raw.sendall(garbage)
                raw.shutdown(socket.SHUT_WR)
                while raw.recv(1000):
                    pass
            node.order("debts")


def test_a_tls_version_or_suite_we_do_not_speak(node, identities):
    with unharmed(node, identities["ems"]):
        context = ship.client_context(identities["ems"])
        context.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
        with (
            pytest.raises((OSError, EOFError)),
            socket.create_connection(("127.0.0.1", node.port), 10) as raw,
        ):
            context.wrap_socket(raw)


def test_connections_that_say_nothing(quick, identities):
    def be_silent():
        silent = [socket.create_connection(("127.0.0.1", quick.port)) for _ in range(12)]
        begin = time.time()
        meet(quick, identities["ems"])  # they do not even delay the others
        assert time.time() - begin < 2
        quick.idle()
        for raw in silent:
            raw.close()

    be_silent()  # lists and tables grow to the size they need, once
    with unharmed(quick, identities["ems"]):
        be_silent()
    assert quick.count("slow") + quick.count("crowd") >= 12


def test_slow_loris_in_the_tls_handshake(quick, identities):
    with unharmed(quick, identities["ems"]):
        before = quick.count("slow")
        raw = socket.create_connection(("127.0.0.1", quick.port))
        raw.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01")
        end = time.time() + 30
        with contextlib.suppress(OSError):
            while time.time() < end:
                raw.sendall(b"\0")
                time.sleep(0.05)
        assert time.time() < end
        assert quick.idle()["counts"]["slow"] == before + 1


def tls_socket(node, identity):
    raw = socket.create_connection(("127.0.0.1", node.port), 10)
    return ship.client_context(identity).wrap_socket(raw)


def test_slow_loris_in_the_upgrade(quick, identities):
    with unharmed(quick, identities["ems"]):
        for head in (b"", b"GET /ship/ HTTP/1.1\r\nX: "):
            before = quick.count("slow")
            with quick.patient():
                sock = tls_socket(quick, identities["ems"])
            sock.sendall(head)
            with contextlib.suppress(OSError):
                for _ in range(200):
                    if head:
                        sock.sendall(b"a")
                    time.sleep(0.05)
                    if not quick.state()["sessions"]:
                        break
            assert quick.idle()["counts"]["slow"] == before + 1
            sock.close()


def test_an_endless_head(node, identities):
    with unharmed(node, identities["ems"]):
        sock = tls_socket(node, identities["ems"])
        with contextlib.suppress(OSError):
            sock.sendall(b"GET /ship/ HTTP/1.1\r\nX: " + b"a" * 100000)
            sock.recv(1000)
        sock.close()


@pytest.mark.parametrize("phase", range(len(MESSAGES)))
def test_silence_in_every_phase(quick, identities, phase):
    with unharmed(quick, identities["ems"]):
        with visitor(quick, identities["ems"]) as peer:
            for message in MESSAGES[:phase]:
                peer.send(message)
            quick.until(lambda state: not state["sessions"] or state["sessions"][0][1] == DATA)
            if phase == len(MESSAGES) - 1:  # no answer to the request for access methods: data all the same
                peer.send(ship.data(""))
                assert quick.state()["sessions"]


@pytest.mark.parametrize("phase", range(len(MESSAGES)))
def test_half_a_frame_and_no_more_in_every_phase(quick, identities, phase):
    with unharmed(quick, identities["ems"]):
        with visitor(quick, identities["ems"], ping_interval=None) as peer:
            for message in MESSAGES[:phase]:
                peer.send(message)
                time.sleep(0.02)
            with contextlib.suppress(OSError):
                peer.socket.sendall(b"\x82\xff\0\0")
            peer.protocol.receive_data = lambda data: None
            quick.idle()


@pytest.mark.parametrize("phase", range(len(MESSAGES)))
def test_the_connection_is_cut_in_every_phase(node, identities, phase):
    """By an RST, in the middle of a message, and with an orderly end."""
    with unharmed(node, identities["ems"]):
        for how in ("reset", "middle", "end"):
            with (
                contextlib.suppress(OSError, ConnectionClosed),
                ship.websocket(identities["ems"], node.port) as peer,
            ):
                for message in MESSAGES[:phase]:
                    peer.send(message)
                if how == "reset":
                    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                elif how == "middle":
                    peer.socket.sendall(b"\x82\xfe\x01\x00abcd" + b"x" * 100)
                peer.socket.close()


def test_every_truncation_of_every_message(node, identities):
    """Pure tests know the right answer to each; here the connection must end or go on, and nothing stay behind."""
    with unharmed(node, identities["ems"]):
        for phase in range(1, len(MESSAGES)):
            whole = MESSAGES[phase]
            for size in range(1, len(whole), 7):
                with ship.websocket(identities["ems"], node.port) as peer:
                    for message in MESSAGES[:phase]:
                        peer.send(message)
                    peer.send(whole[:size])
                    if phase < len(MESSAGES) - 1:
                        with pytest.raises(ConnectionClosed):
                            while True:
                                peer.recv(30)


def test_oversize_and_deep_messages(node, identities):
    with unharmed(node, identities["ems"]):
        for size in (2000, 20000):
            for body in (
                b"[" * size,
                b'{"connectionHello":[{"phase":"' + b"x" * size + b'"}]}',
                b'{"a":' * size,
            ):
                with ship.websocket(identities["ems"], node.port) as peer:
                    peer.send(ship.INIT)
                    peer.send(b"\x01" + body)
                    ship.receive(peer, ship.INIT)
                    ship.receive(peer, ship.READY)
                    ship.receive(peer, ship.ABORTED)
                with ship.websocket(identities["ems"], node.port) as peer:
                    ship.handshake(peer)
                    peer.send(b"\x01" + body)
                    peer.send(ship.data(""))
                    assert b"85 bytes" in ship.receive(peer)


def test_a_message_without_end(node, identities):
    with unharmed(node, identities["ems"]), ship.websocket(identities["ems"], node.port) as peer:
        ship.handshake(peer)
        with pytest.raises(ConnectionClosed) as closed:
            peer.send(iter([ship.data("")] + [b"x" * 4096] * 200))
            peer.recv(30)
        assert closed.value.rcvd.code == 1009


def test_a_peer_that_reads_nothing(quick, identities):
    with unharmed(quick, identities["ems"]):
        with visitor(quick, identities["ems"], ping_interval=None) as peer:
            ship.handshake(peer)
            peer.protocol.receive_data = lambda data: None
            for _ in range(2000):
                with contextlib.suppress(OSError, ConnectionClosed):
                    peer.send(ship.data("x" * 100))
                    continue
                break
            quick.idle()


def test_a_client_without_certificate_that_waits_is_not_waited_for(quick, identities):
    """The handshake of TLS 1.3 ends with nothing more to read, and MicroPython cannot tell that it ended."""
    with unharmed(quick, identities["ems"]):
        context = ship.client_context(None, tls12=False)
        with socket.create_connection(("127.0.0.1", quick.port), 30) as raw, context.wrap_socket(raw) as sock:
            begin = time.time()
            with contextlib.suppress(OSError):
                assert sock.recv(1) == b""
            assert time.time() - begin < 2


def test_a_stranger_is_limited_and_others_are_not(node, identities):
    with unharmed(node, identities["ems"]):
        before = node.count("limit")
        for _ in range(12):
            with contextlib.suppress(OSError, EOFError, TimeoutError, ship.InvalidMessage, ConnectionClosed):
                with ship.websocket(identities["other"], node.port) as peer:
                    peer.recv(0.05)
        assert node.idle()["counts"]["limit"] >= before + 4
        sock = socket.create_connection(("127.0.0.1", node.port), 30, ("127.0.0.2", 0))
        with ship.websocket(identities["ems"], node.port, sock=sock) as peer:
            ship.handshake(peer)
        node.order("debts")


def test_waiting_strangers_make_room_for_the_trusted(node, identities, tmp_path):
    with unharmed(node, identities["ems"]):
        with contextlib.ExitStack() as stack:
            for i in range(2):
                peer = stack.enter_context(ship.websocket(ship.Identity(tmp_path, "s%d" % i), node.port))
                peer.send(ship.INIT)
                ship.receive(peer, ship.INIT)
                ship.receive(peer, ship.PENDING)
                peer.send(ship.READY)
            meet(node, identities["ems"])
            assert len(node.state()["sessions"]) >= 1
            stack.pop_all().close()


def test_client_renegotiation_and_half_closes(node, identities):
    with unharmed(node, identities["ems"]):
        sock = tls_socket(node, identities["ems"])
        with contextlib.suppress(OSError, ssl.SSLError):
            sock.unwrap()
        sock.close()
        with socket.create_connection(("127.0.0.1", node.port)) as raw:
            raw.shutdown(socket.SHUT_WR)
            raw.settimeout(30)
            assert raw.recv(10) == b""
