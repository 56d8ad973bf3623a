"""The SHIP client role: finding, dialling, backing off, and double connections (SHIP 12.2.2; pitfalls 1, 13, 16).

The peer here is a server of `websockets` + `ssl`, whose reactions are chosen by each test.
"""

import contextlib
import queue
import ssl
import threading
import time

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from host_tests.peers import ship_peer as ship
from host_tests.peers.ship_demo import DATA, Demo, free_port, meet


@pytest.fixture(scope="module")
def identities(tmp_path_factory):
    """Two identities, by the size of their SKI, and one more."""
    folder = tmp_path_factory.mktemp("ship")
    pair = sorted((ship.Identity(folder, name) for name in ("a", "b")), key=lambda each: each.ski)
    return {"small": pair[0], "big": pair[1], "other": ship.Identity(folder, "other")}


class Peer:
    """A SHIP server; every connection that got as far as the websocket waits in `arrived`."""

    def __init__(self, identity, box, port=None, tls12=True):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity.cert_pem, identity.key_pem)
        context.load_verify_locations(box.cert_pem)
        context.verify_mode = ssl.CERT_REQUIRED
        if tls12:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers("ECDHE-ECDSA-AES128-SHA256")
        self.arrived = queue.Queue()
        self.open = []
        self.port = port or free_port()
        self.server = serve(
            self._handle,
            "127.0.0.1",
            self.port,
            ssl=context,
            subprotocols=["ship"],
            compression=None,
            close_timeout=1,
        )
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _handle(self, socket):
        done = threading.Event()
        self.open.append(done)
        self.arrived.put((socket, done))
        done.wait(60)

    @contextlib.contextmanager
    def next(self, timeout=40):
        socket, done = self.arrived.get(timeout=timeout)
        try:
            yield socket
        finally:
            done.set()

    def end(self):
        for done in self.open:
            done.set()
        self.server.shutdown()


def greet(socket, until="data"):
    """The server's part of the handshake with a client that trusts it."""
    ship.receive(socket, ship.INIT)
    socket.send(ship.INIT)
    ship.receive(socket, ship.READY)
    if until == "hello":
        return
    socket.send(ship.READY)
    ship.receive(socket, ship.ANNOUNCE)
    socket.send(ship.SELECT)
    ship.receive(socket, ship.SELECT)
    ship.receive(socket, ship.NO_PIN)
    socket.send(ship.NO_PIN)
    ship.receive(socket, ship.ASK)
    socket.send(ship.access_methods("server"))
    socket.send(ship.ASK)
    assert ship.receive(socket).startswith(b'\x01{"accessMethods"')


def alive(socket, size=0):
    socket.send(ship.data("x" * size))
    assert b'"%d bytes' % (85 + size) in ship.receive(socket)


@pytest.fixture(params=("small", "big"))
def pair(request, identities):
    """A box with the smaller or the bigger SKI, its peer, and the peer's identity."""
    box = identities[request.param]
    ems = identities["big" if request.param == "small" else "small"]
    node = Demo(box, [ems.ski], hurry=4)
    peer = Peer(ems, box)
    yield node, peer, ems
    peer.end()
    node.end()


def find(node, peer, ski):
    node.order("seen", ski=ski, host="127.0.0.1", port=peer.port)


@pytest.mark.parametrize("tls12", (True, False), ids=("tls1.2", "tls1.3"))
def test_a_trusted_peer_is_dialled_and_data_flows(identities, tls12):
    node, peer = (
        Demo(identities["small"], [identities["big"].ski], hurry=4),
        Peer(identities["big"], identities["small"], tls12=tls12),
    )
    try:
        find(node, peer, identities["big"].ski)
        with peer.next() as socket:
            greet(socket)
            for size in (0, 100, 5000):
                alive(socket, size)
            node.order("send", size=9000)
            assert ship.receive(socket).count(b"x") == 9001
            socket.send(ship.LEAVE)
            ship.receive(socket, ship.CONFIRM)
        with peer.next() as socket:  # and again
            greet(socket)
    finally:
        peer.end()
        node.end()


def test_an_untrusted_peer_is_not_dialled(identities):
    node, peer = Demo(identities["small"], [], hurry=20), Peer(identities["big"], identities["small"])
    try:
        find(node, peer, identities["big"].ski)
        time.sleep(1)
        assert peer.arrived.empty() and not node.state()["sessions"]
    finally:
        peer.end()
        node.end()


def test_another_identity_at_the_address_is_left_alone(identities):
    node, peer = (
        Demo(identities["small"], [identities["other"].ski], hurry=20),
        Peer(identities["big"], identities["small"]),
    )
    try:
        find(node, peer, identities["other"].ski)
        node.until(lambda state: state["counts"].get("certificate", 0) >= 2)
    finally:
        peer.end()
        node.end()


def test_a_dead_address_is_tried_ever_less_often(identities):
    node = Demo(identities["small"], [identities["big"].ski], hurry=20)
    try:
        node.order("seen", ski=identities["big"].ski, host="127.0.0.1", port=free_port())
        time.sleep(4)  # 80 s of its time: at about 1.5, 8, 23, 63 s
        state = node.idle()
        assert 2 <= sum(state["counts"].values()) <= 5, state
        assert state["pool"] == 2
        sockets = node.sockets()
        time.sleep(1)
        assert node.sockets() <= sockets
    finally:
        node.end()


def test_rejected_with_4452_trust_stays_pitfall_13(pair):
    node, peer, ems = pair
    find(node, peer, ems.ski)
    with peer.next() as socket:
        greet(socket, until="hello")
        socket.send(ship.PENDING)
        socket.close(4452, "Node rejected by application")
    state = node.idle()
    assert state["counts"]["rejected"] == 1 and state["known"] == [ems.ski]
    meet(node, ems)  # the peer may come itself


def test_the_peer_dies_and_returns(pair):
    node, peer, ems = pair
    find(node, peer, ems.ski)
    with peer.next() as socket:
        greet(socket)
        alive(socket)
        socket.socket.close()
    with peer.next() as socket:
        greet(socket)
        alive(socket)


def test_the_peer_restarts_and_dials_while_our_old_connection_is_half_open(pair):
    node, peer, ems = pair
    find(node, peer, ems.ski)
    with peer.next() as old:
        greet(old)
        with ship.websocket(ems, node.port) as new:
            ship.handshake(new)
            alive(new)
            state = node.until(lambda state: len(state["sessions"]) == 1)
            assert state["sessions"][0][1:3] == [DATA, True]
            with pytest.raises(ConnectionClosed):
                old.recv(30)
            node.order("distrust", ski=ems.ski)  # so that nobody is dialled any more
    assert node.idle()["pool"] == 2


def test_both_dial_at_once_pitfall_16(pair):
    """Ours is bigger: we keep what we dialled. Theirs is bigger: both stay until the peer, by the old rule (what the
    bigger SKI dialled) or the new one (the most recent), has closed one."""
    node, peer, ems = pair
    we_decide = node.identity.ski > ems.ski
    find(node, peer, ems.ski)
    with peer.next() as ours:
        ship.receive(ours, ship.INIT)  # our box waits for the answer of this one
        if we_decide:
            with pytest.raises((ConnectionClosed, OSError, EOFError, ship.InvalidMessage)):
                with ship.websocket(ems, node.port) as theirs:
                    theirs.send(ship.INIT)
                    theirs.recv(30)
            survivor = ours
        else:
            theirs = stack = ship.websocket(ems, node.port)
            theirs = stack.__enter__()
            node.until(lambda state: len(state["sessions"]) == 2)
            ours.close()
            survivor = theirs
        if we_decide:
            ours.send(ship.INIT)
            ship.receive(ours, ship.READY)
            ours.send(ship.READY)
            ship.receive(ours, ship.ANNOUNCE)
        else:
            ship.handshake(survivor)
            alive(survivor)
        state = node.until(lambda state: len(state["sessions"]) == 1)
        assert state["sessions"][0][2] == (not we_decide)
        if not we_decide:
            stack.__exit__(None, None, None)


def test_both_carry_data_the_latest_stays(pair):
    node, peer, ems = pair
    find(node, peer, ems.ski)
    with peer.next() as ours:
        greet(ours)
        with ship.websocket(ems, node.port) as theirs:
            ship.handshake(theirs)
            alive(theirs)
            with pytest.raises(ConnectionClosed):
                ours.recv(30)
            node.until(lambda state: len(state["sessions"]) == 1)
